//! x86 with AVX2: 32 output channels a vector, four input channels a `vpshufb`; or 32 positions, five channels a `vpaddb`.

use super::super::packing::{Packing, PaysAlong, Tiling};
use super::generic::{LookUp, Vector};
use super::positions::PositionVector;
use super::tables::QUADS;
use std::arch::asm;
use std::arch::x86_64::*;

/// 32 bytes.
#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256i);

impl Avx2 {
    /// How many of three thresholds each 16-bit lane reaches.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn codes(self, [a, b, c]: [Self; 3]) -> Self {
        // A comparison is −1 where the threshold is not reached.
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let missed = |t: Self| _mm256_cmpgt_epi16(t.0, self.0);
            let sum = _mm256_add_epi16(_mm256_add_epi16(missed(a), missed(b)), missed(c));
            Self(_mm256_add_epi16(sum, _mm256_set1_epi16(3)))
        }
    }
}

impl Vector for Avx2 {
    const PACKING: Packing = Packing {
        lanes: 32,
        group: 4,
        index_bytes: 1,
        tap: 1,
        together: 2,
        along: Some(PaysAlong { out_channels: 256, width: Tiling::TILE }),
    };
    type Floats = __m256;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_setzero_si256() })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `from` points at a vector.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    unsafe fn add_bytes(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_add_epi8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_add_epi16(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_sub_epi16(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn flip(self, mask: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_xor_si256(self.0, mask.0) })
    }

    #[inline(always)]
    unsafe fn raise(self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_slli_epi16::<8>(self.0) })
    }

    #[inline(always)]
    unsafe fn odds(self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_srli_epi16::<8>(self.0) })
    }

    #[inline(always)]
    unsafe fn pair(even: Self, odd: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_or_si256(even.0, _mm256_slli_epi16::<2>(odd.0)) })
    }

    #[inline(always)]
    unsafe fn code_pairs([even, odd]: [Self; 2], [below, above]: [[Self; 3]; 2]) -> Self {
        // SAFETY: the caller promises the instruction set.
        unsafe { Self::pair(even.codes(below), odd.codes(above)) }
    }

    #[inline(always)]
    unsafe fn load_pairs(codes: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `codes` points at a block.
        unsafe {
            let half = |i: usize| Self(_mm256_cvtepu8_epi16(_mm_loadu_si128(codes.add(16 * i).cast())));
            Self::pair(half(0), half(1))
        }
    }

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // Two pairs lie in 32 bits; the second moves beside the first, then the low byte of each 32 bits is kept.
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a packed block.
        unsafe {
            let quads = _mm256_or_si256(self.0, _mm256_srli_epi32::<12>(self.0));
            let low_bytes = _mm256_set1_epi64x(0x0c08_0400);
            let packed = _mm256_shuffle_epi8(quads, low_bytes);
            let halves = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 0, 4, 0, 4, 0, 4));
            _mm_storel_epi64(to.cast(), _mm256_castsi256_si128(halves));
        }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        // SAFETY: the caller promises the instruction set.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load_floats(from: *const f32) -> __m256 {
        // SAFETY: the caller promises the instruction set, and that `from` points at a vector of floats.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store_floats(floats: __m256, to: *mut f32) {
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector of floats.
        unsafe { _mm256_storeu_ps(to, floats) }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the caller promises the instruction set.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn float_codes([x, y]: [__m256; 2], thresholds: [[__m256; 2]; 3]) -> Self {
        // A comparison is −1 where the threshold is reached; packing works within halves, so that quarters lie crosswise.
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let mut reached = [_mm256_set1_epi32(0); 2];
            for [a, b] in thresholds {
                reached[0] = _mm256_sub_epi32(reached[0], _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GE_OQ>(x, a)));
                reached[1] = _mm256_sub_epi32(reached[1], _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GE_OQ>(y, b)));
            }
            let [x, y] = reached;
            Self(_mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(x, y)))
        }
    }
}

impl LookUp for Avx2 {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `index` points at an index.
        Self(unsafe { _mm256_broadcastsi128_si256(_mm_load_si128(tables.add(usize::from(*index) * 16).cast())) })
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_shuffle_epi8(table.0, positions.0) })
    }
}

impl PositionVector for Avx2 {
    const IS_UNROLLED: bool = true;

    #[inline(always)]
    unsafe fn ends(self) -> [u8; 2] {
        // SAFETY: the caller promises the instruction set.
        unsafe { [_mm256_extract_epi8::<0>(self.0) as u8, _mm256_extract_epi8::<31>(self.0) as u8] }
    }

    /// The compiler is not to see through it: it would take every byte with three operations, not one and a half.
    #[inline(always)]
    fn next_two(word: u64) -> u64 {
        let mut next = word >> 16;
        // SAFETY: there is no instruction in it.
        unsafe {
            asm!("/* {0} */", inout(reg) next, options(pure, nomem, nostack, preserves_flags));
        }
        next
    }

    #[inline(always)]
    unsafe fn splat_byte(byte: u8) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_set1_epi8(byte.cast_signed()) })
    }

    #[inline(always)]
    unsafe fn subtract_bytes(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { _mm256_sub_epi8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn fields(self) -> [Self; 4] {
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let field = _mm256_set1_epi8(3);
            [
                Self(_mm256_and_si256(self.0, field)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<2>(self.0), field)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<4>(self.0), field)),
                Self(_mm256_and_si256(_mm256_srli_epi16::<6>(self.0), field)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn one_on<const PITCH: usize>([Self(a), Self(b)]: [Self; 2]) -> [Self; 2] {
        // SAFETY: the caller promises the instruction set.
        unsafe {
            match PITCH {
                8 => [Self(_mm256_slli_epi64::<8>(a)), Self(_mm256_slli_epi64::<8>(b))],
                16 => [Self(_mm256_slli_si256::<1>(a)), Self(_mm256_slli_si256::<1>(b))],
                _ => {
                    // The 16 bytes before each half.
                    let before_a = _mm256_permute2x128_si256::<0x08>(a, a);
                    let before_b = if PITCH == 32 {
                        _mm256_permute2x128_si256::<0x08>(b, b)
                    } else {
                        _mm256_permute2x128_si256::<0x21>(a, b)
                    };
                    [Self(_mm256_alignr_epi8::<15>(a, before_a)), Self(_mm256_alignr_epi8::<15>(b, before_b))]
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn one_back<const PITCH: usize>([Self(a), Self(b)]: [Self; 2]) -> [Self; 2] {
        // SAFETY: the caller promises the instruction set.
        unsafe {
            match PITCH {
                8 => [Self(_mm256_srli_epi64::<8>(a)), Self(_mm256_srli_epi64::<8>(b))],
                16 => [Self(_mm256_srli_si256::<1>(a)), Self(_mm256_srli_si256::<1>(b))],
                _ => {
                    // The 16 bytes behind each half.
                    let behind_a = if PITCH == 32 {
                        _mm256_permute2x128_si256::<0x81>(a, a)
                    } else {
                        _mm256_permute2x128_si256::<0x21>(a, b)
                    };
                    let behind_b = _mm256_permute2x128_si256::<0x81>(b, b);
                    [Self(_mm256_alignr_epi8::<1>(behind_a, a)), Self(_mm256_alignr_epi8::<1>(behind_b, b))]
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn turn_bytes(pieces: *const *const u8, to: *mut u8, pitch: usize) {
        // Rows i and i + 16 share a register. Interleaving rows i and i + 8 of 16 rotates the bits of a byte's number, row and
        // column together, by one; after four times rows are columns.
        // SAFETY: the caller promises the instruction set, the pieces and the room.
        unsafe {
            let mut rows = [_mm256_setzero_si256(); 16];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = _mm256_loadu2_m128i((*pieces.add(i + 16)).cast(), (*pieces.add(i)).cast());
            }
            for _ in 0..4 {
                let before = rows;
                for i in 0..8 {
                    rows[2 * i] = _mm256_unpacklo_epi8(before[i], before[i + 8]);
                    rows[2 * i + 1] = _mm256_unpackhi_epi8(before[i], before[i + 8]);
                }
            }
            for (i, row) in rows.into_iter().enumerate() {
                _mm256_storeu_si256(to.add(i * pitch).cast(), row);
            }
        }
    }

    #[inline(always)]
    unsafe fn turn(from: *const u8, pitch: usize, to: *mut u8) {
        // As above, with rows i and i + 8 of half the columns in a register.
        // SAFETY: the caller promises the instruction set, the square and the room.
        unsafe {
            for half in 0..2 {
                let mut rows = [_mm256_setzero_si256(); 8];
                for (i, row) in rows.iter_mut().enumerate() {
                    let at = from.add(i * pitch + half * 16);
                    *row = _mm256_loadu2_m128i(at.add(8 * pitch).cast(), at.cast());
                }
                for _ in 0..3 {
                    let before = rows;
                    for i in 0..4 {
                        rows[2 * i] = _mm256_unpacklo_epi16(before[i], before[i + 4]);
                        rows[2 * i + 1] = _mm256_unpackhi_epi16(before[i], before[i + 4]);
                    }
                }
                for (i, row) in rows.into_iter().enumerate() {
                    _mm256_storeu_si256(to.add((half * 8 + i) * 32).cast(), row);
                }
            }
        }
    }
}
