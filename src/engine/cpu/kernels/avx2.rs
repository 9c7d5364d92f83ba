//! x86 with AVX2: 32 output channels a vector, four input channels a `vpshufb`.

use super::super::packing::Packing;
use super::generic::{LookUp, Vector};
use super::tables::QUADS;
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
    const PACKING: Packing = Packing { lanes: 32, group: 4, index_bytes: 1, tap: 1 };
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
    unsafe fn flip_floats(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller promises the instruction set.
        unsafe { _mm256_xor_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn float_codes([x, y]: [__m256; 2], thresholds: [[__m256; 2]; 3]) -> Self {
        // A comparison is −1 where the threshold is reached; packing works within halves, so that quarters lie crosswise.
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let mut sum = _mm256_setzero_si256();
            for [a, b] in thresholds {
                let first = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GE_OQ>(x, a));
                let second = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_GE_OQ>(y, b));
                sum = _mm256_sub_epi16(sum, _mm256_packs_epi32(first, second));
            }
            Self(_mm256_permute4x64_epi64::<0b11_01_10_00>(sum))
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
