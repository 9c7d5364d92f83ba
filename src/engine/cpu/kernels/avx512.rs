//! x86 with AVX-512: 64 output channels a vector, four input channels a `vpshufb`, with VBMI six a `vpermb`.

use super::super::layout::Packing;
use super::generic::{LookUp, Vector};
use super::tables::{HALVES, Halves, QUADS};
use std::arch::x86_64::*;
use std::mem::offset_of;

/// 64 bytes and `vpshufb`.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512i);

/// 64 bytes and `vpermb`.
#[derive(Clone, Copy)]
pub(super) struct Avx512Vbmi(__m512i);

/// What all vectors of 64 bytes have in common.
macro_rules! common {
    () => {
        type Floats = __m512;

        #[inline(always)]
        unsafe fn zero() -> Self {
            Self(unsafe { _mm512_setzero_si512() })
        }

        #[inline(always)]
        unsafe fn load(from: *const u8) -> Self {
            Self(unsafe { _mm512_loadu_si512(from.cast()) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut u8) {
            unsafe { _mm512_storeu_si512(to.cast(), self.0) }
        }

        #[inline(always)]
        unsafe fn add_bytes(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_epi8(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            Self(unsafe { _mm512_add_epi16(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn subtract(self, other: Self) -> Self {
            Self(unsafe { _mm512_sub_epi16(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn flip(self, mask: Self) -> Self {
            Self(unsafe { _mm512_xor_si512(self.0, mask.0) })
        }

        #[inline(always)]
        unsafe fn raise(self) -> Self {
            Self(unsafe { _mm512_slli_epi16::<8>(self.0) })
        }

        #[inline(always)]
        unsafe fn odds(self) -> Self {
            Self(unsafe { _mm512_srli_epi16::<8>(self.0) })
        }

        #[inline(always)]
        unsafe fn codes(self, [a, b, c]: [Self; 3]) -> Self {
            // Thresholds are in order: whoever reaches the second has reached the first.
            unsafe {
                let reached = |t: Self| _mm512_cmpge_epi16_mask(self.0, t.0);
                let one = _mm512_maskz_set1_epi16(reached(a), 1);
                let two = _mm512_mask_mov_epi16(one, reached(b), _mm512_set1_epi16(2));
                Self(_mm512_mask_mov_epi16(two, reached(c), _mm512_set1_epi16(3)))
            }
        }

        #[inline(always)]
        unsafe fn pair(even: Self, odd: Self) -> Self {
            Self(unsafe { _mm512_or_si512(even.0, _mm512_slli_epi16::<2>(odd.0)) })
        }

        #[inline(always)]
        unsafe fn load_pairs(codes: *const u8) -> Self {
            unsafe {
                let half = |i: usize| Self(_mm512_cvtepu8_epi16(_mm256_loadu_si256(codes.add(32 * i).cast())));
                Self::pair(half(0), half(1))
            }
        }

        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            unsafe { _mm512_set1_ps(x) }
        }

        #[inline(always)]
        unsafe fn load_floats(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store_floats(floats: __m512, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, floats) }
        }

        #[inline(always)]
        unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn flip_floats(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_xor_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn float_codes([x, y]: [__m512; 2], thresholds: [[__m512; 2]; 3]) -> Self {
            unsafe {
                let mut reached = [0; 3];
                for (reached, [a, b]) in reached.iter_mut().zip(thresholds) {
                    let first = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, a);
                    *reached = _mm512_kunpackw(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(y, b).into(), first.into());
                }
                // Thresholds are in order, as in `codes`.
                let one = _mm512_maskz_set1_epi16(reached[0], 1);
                let two = _mm512_mask_mov_epi16(one, reached[1], _mm512_set1_epi16(2));
                Self(_mm512_mask_mov_epi16(two, reached[2], _mm512_set1_epi16(3)))
            }
        }
    };
}
pub(super) use common;

// SAFETY of every block below: the caller promises AVX-512 F, BW, VL, DQ, and that pointers point at what is read or written.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx512 {
    const PACKING: Packing = Packing { lanes: 64, group: 4, index_bytes: 1, tap: 1 };
    common!();

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // Two pairs lie in 32 bits; the second moves beside the first, then the low byte of each 32 bits is kept.
        unsafe {
            let quads = _mm512_or_si512(self.0, _mm512_srli_epi32::<12>(self.0));
            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(quads));
        }
    }
}

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl LookUp for Avx512 {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        Self(unsafe { _mm512_broadcast_i32x4(_mm_load_si128(tables.add(usize::from(*index) * 16).cast())) })
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        Self(unsafe { _mm512_shuffle_epi8(table.0, positions.0) })
    }
}

// SAFETY of every block below: as above, and AVX-512 VBMI.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Vector for Avx512Vbmi {
    const PACKING: Packing = Packing { lanes: 64, group: 6, index_bytes: 2, tap: 1 };
    common!();

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        /// Every third pair, eleven of them; the 64 channels end with the 32nd pair.
        static THIRDS: [i16; 32] =
            [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        unsafe {
            let thirds = _mm512_loadu_si512(THIRDS.as_ptr().cast());
            let next = _mm512_add_epi16(thirds, _mm512_set1_epi16(1));
            let last = _mm512_add_epi16(thirds, _mm512_set1_epi16(2));
            let first = _mm512_permutexvar_epi16(thirds, self.0);
            let second = _mm512_slli_epi16::<4>(_mm512_permutexvar_epi16(next, self.0));
            let third = _mm512_slli_epi16::<8>(_mm512_maskz_permutexvar_epi16(0x3ff, last, self.0));
            let sixes = _mm512_or_si512(_mm512_or_si512(first, second), third);
            _mm512_mask_storeu_epi16(to.cast(), 0x7ff, sixes);
        }
    }
}

// SAFETY of every block below: as above.
#[allow(clippy::undocumented_unsafe_blocks)]
impl LookUp for Avx512Vbmi {
    fn tables() -> *const u8 {
        (&raw const HALVES).cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        unsafe {
            // 64 bytes a table: the upper half's number needs no shift.
            let index = usize::from(index.cast::<u16>().read_unaligned());
            let lower = _mm512_load_si512(tables.add((index & 63) * 64).cast());
            let upper = _mm512_load_si512(tables.add(offset_of!(Halves, upper) + (index & (63 * 64))).cast());
            Self(_mm512_add_epi8(lower, upper))
        }
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        Self(unsafe { _mm512_permutexvar_epi8(positions.0, table.0) })
    }
}
