//! x86 with AVX-512: 64 output channels a vector, four input channels a `vpshufb`, with VBMI six a `vpermb`.

use super::super::packing::Packing;
use super::generic::{LookUp, Vector};
use super::tables::{self, QUADS};
use std::arch::x86_64::*;
use std::mem::offset_of;

/// 64 bytes and `vpshufb`.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512i);

/// 64 bytes and `vpermb`.
#[derive(Clone, Copy)]
pub(super) struct Avx512Vbmi(__m512i);

/// What all vectors of 64 bytes have in common.
///
/// A pair holds the odd channel's code `$odd` bits above the even one's.
macro_rules! common {
    ($odd:literal) => {
        type Floats = __m512;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_setzero_si512() })
        }

        #[inline(always)]
        unsafe fn load(from: *const u8) -> Self {
            // SAFETY: the caller promises the instruction set, and that `from` points at a vector.
            Self(unsafe { _mm512_loadu_si512(from.cast()) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut u8) {
            // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector.
            unsafe { _mm512_storeu_si512(to.cast(), self.0) }
        }

        #[inline(always)]
        unsafe fn add_bytes(self, other: Self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_add_epi8(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_add_epi16(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn subtract(self, other: Self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_sub_epi16(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn flip(self, mask: Self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_xor_si512(self.0, mask.0) })
        }

        #[inline(always)]
        unsafe fn raise(self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_slli_epi16::<8>(self.0) })
        }

        #[inline(always)]
        unsafe fn odds(self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_srli_epi16::<8>(self.0) })
        }

        #[inline(always)]
        unsafe fn pair(even: Self, odd: Self) -> Self {
            // SAFETY: the caller promises the instruction set.
            Self(unsafe { _mm512_or_si512(even.0, _mm512_slli_epi16::<$odd>(odd.0)) })
        }

        #[inline(always)]
        unsafe fn code_pairs(sums: [Self; 2], thresholds: [[Self; 3]; 2]) -> Self {
            // Every threshold that is reached adds one to its channel's code, where that lies.
            // SAFETY: the caller promises the instruction set.
            unsafe {
                let mut pairs = _mm512_setzero_si512();
                for half in 0..2 {
                    let one = _mm512_set1_epi16(if half == 0 { 1 } else { 1 << $odd });
                    for threshold in thresholds[half] {
                        let reached = _mm512_cmpge_epi16_mask(sums[half].0, threshold.0);
                        pairs = _mm512_mask_add_epi16(pairs, reached, pairs, one);
                    }
                }
                Self(pairs)
            }
        }

        #[inline(always)]
        unsafe fn load_pairs(codes: *const u8) -> Self {
            // SAFETY: the caller promises the instruction set, and that `codes` points at a block.
            unsafe {
                let half = |i: usize| Self(_mm512_cvtepu8_epi16(_mm256_loadu_si256(codes.add(32 * i).cast())));
                Self::pair(half(0), half(1))
            }
        }

        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            // SAFETY: the caller promises the instruction set.
            unsafe { _mm512_set1_ps(x) }
        }

        #[inline(always)]
        unsafe fn load_floats(from: *const f32) -> __m512 {
            // SAFETY: the caller promises the instruction set, and that `from` points at a vector of floats.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store_floats(floats: __m512, to: *mut f32) {
            // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector of floats.
            unsafe { _mm512_storeu_ps(to, floats) }
        }

        #[inline(always)]
        unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: the caller promises the instruction set.
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn float_codes([x, y]: [__m512; 2], thresholds: [[__m512; 2]; 3]) -> Self {
            // SAFETY: the caller promises the instruction set.
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

impl Vector for Avx512 {
    const PACKING: Packing = Packing { lanes: 64, group: 4, index_bytes: 1, tap: 1, together: 2, along: None };
    common!(2);

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // Two pairs lie in 32 bits; the second moves beside the first, then the low byte of each 32 bits is kept.
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a packed block.
        unsafe {
            let quads = _mm512_or_si512(self.0, _mm512_srli_epi32::<12>(self.0));
            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(quads));
        }
    }
}

impl LookUp for Avx512 {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `index` points at an index.
        Self(unsafe { _mm512_broadcast_i32x4(_mm_load_si128(tables.add(usize::from(*index) * 16).cast())) })
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm512_shuffle_epi8(table.0, positions.0) })
    }
}

impl Vector for Avx512Vbmi {
    const PACKING: Packing = Packing { lanes: 64, group: 6, index_bytes: 2, tap: 1, together: 2, along: None };
    common!(2);

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        /// The low bytes of three pairs, and an upper one, which is 0, in each of eleven lots of 32 bits; of the last lot, where
        /// the 64 channels end, two pairs.
        static THREES: Lanes = Lanes(threes());
        /// The bytes of those lots that hold a six.
        static SIXES: Lanes = Lanes(sixes());
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a packed block.
        unsafe {
            // The first pair and 16 times the second fill a byte, the third lies in the next but one.
            let threes = _mm512_permutexvar_epi8(_mm512_load_si512(THREES.0.as_ptr().cast()), self.0);
            let sixes = _mm512_maddubs_epi16(threes, _mm512_set1_epi32(0x0001_1001));
            let packed = _mm512_permutexvar_epi8(_mm512_load_si512(SIXES.0.as_ptr().cast()), sixes);
            _mm512_mask_storeu_epi8(to.cast(), (1 << 22) - 1, packed);
        }
    }
}

/// Bytes of a vector.
#[repr(align(64))]
struct Lanes([u8; 64]);

const fn threes() -> [u8; 64] {
    let mut bytes = [1; 64];
    let mut i = 0;
    while i < 32 {
        bytes[i / 3 * 4 + i % 3] = (2 * i) as u8;
        i += 1;
    }
    bytes
}

const fn sixes() -> [u8; 64] {
    let mut bytes = [0; 64];
    let mut i = 0;
    while i < 22 {
        bytes[i] = (2 * i) as u8;
        i += 1;
    }
    bytes
}

/// Two tables of 64 bytes for each index of six channels: one for its lower three channels, one for its upper three.
#[repr(C, align(64))]
struct Halves {
    lower: [[u8; 64]; 64],
    upper: [[u8; 64]; 64],
}

/// 8 KiB, and one addition: 4096 whole tables would take 256 KiB and wait for the second-level cache.
static HALVES: Halves = {
    let (mut lower, mut upper) = ([[0; 64]; 64], [[0; 64]; 64]);
    let mut index = 0;
    while index < 64 {
        let mut bits = 0;
        while bits < 64 {
            lower[index][bits] = tables::sum(index, bits & 7, 3);
            upper[index][bits] = tables::sum(index, bits >> 3, 3);
            bits += 1;
        }
        index += 1;
    }
    Halves { lower, upper }
};

impl LookUp for Avx512Vbmi {
    fn tables() -> *const u8 {
        (&raw const HALVES).cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `index` points at an index.
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
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm512_permutexvar_epi8(positions.0, table.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of them, against tables that are tested. A fourth channel's code 3 adds nothing where its bit is 0.
    #[test]
    fn every_half_is_a_table_of_three_channels() {
        for (codes, (lower, upper)) in HALVES.lower.iter().zip(&HALVES.upper).enumerate() {
            let of_four = &QUADS.0[codes | 3 << 6];
            for bits in 0..64 {
                assert_eq!(
                    [lower[bits], upper[bits]],
                    [of_four[bits & 7], of_four[bits >> 3]],
                    "codes {codes:#b}, bits {bits:#b}"
                );
            }
        }
    }
}
