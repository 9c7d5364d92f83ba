//! ARM with Advanced SIMD: 16 output channels a vector, four input channels a `tbl`.

use super::super::packing::Packing;
use super::generic::{LookUp, Vector};
use super::tables::QUADS;
use std::arch::aarch64::*;

/// 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Neon(uint8x16_t);

impl Neon {
    #[inline(always)]
    fn words(self) -> uint16x8_t {
        // SAFETY: the same 16 bytes.
        unsafe { vreinterpretq_u16_u8(self.0) }
    }

    #[inline(always)]
    fn from_words(words: uint16x8_t) -> Self {
        // SAFETY: the same 16 bytes.
        Self(unsafe { vreinterpretq_u8_u16(words) })
    }
}

impl Neon {
    /// How many of three thresholds each 16-bit lane reaches.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn codes(self, [a, b, c]: [Self; 3]) -> Self {
        // A comparison is −1 where the threshold is reached.
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let signed = |v: Self| vreinterpretq_s16_u8(v.0);
            let reached = |t: Self| vcgeq_s16(signed(self), signed(t));
            let sum = vaddq_u16(vaddq_u16(reached(a), reached(b)), reached(c));
            Self::from_words(vsubq_u16(vdupq_n_u16(0), sum))
        }
    }
}

impl Vector for Neon {
    const PACKING: Packing = Packing { lanes: 16, group: 4, index_bytes: 1, tap: 1, together: 2, along: None };
    type Floats = float32x4_t;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { vdupq_n_u8(0) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `from` points at a vector.
        Self(unsafe { vld1q_u8(from) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector.
        unsafe { vst1q_u8(to, self.0) }
    }

    #[inline(always)]
    unsafe fn add_bytes(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { vaddq_u8(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self::from_words(unsafe { vaddq_u16(self.words(), other.words()) })
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self::from_words(unsafe { vsubq_u16(self.words(), other.words()) })
    }

    #[inline(always)]
    unsafe fn flip(self, mask: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { veorq_u8(self.0, mask.0) })
    }

    #[inline(always)]
    unsafe fn raise(self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self::from_words(unsafe { vshlq_n_u16::<8>(self.words()) })
    }

    #[inline(always)]
    unsafe fn odds(self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self::from_words(unsafe { vshrq_n_u16::<8>(self.words()) })
    }

    #[inline(always)]
    unsafe fn pair(even: Self, odd: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self::from_words(unsafe { vorrq_u16(even.words(), vshlq_n_u16::<2>(odd.words())) })
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
            let half = |i: usize| Self::from_words(vmovl_u8(vld1_u8(codes.add(8 * i))));
            Self::pair(half(0), half(1))
        }
    }

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // Two pairs lie in 32 bits; the second moves beside the first, then the low byte of each 32 bits is kept.
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a packed block.
        unsafe {
            let pairs = vreinterpretq_u32_u8(self.0);
            let quads = vmovn_u32(vorrq_u32(pairs, vshrq_n_u32::<12>(pairs)));
            let bytes = vmovn_u16(vcombine_u16(quads, quads));
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)));
        }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> float32x4_t {
        // SAFETY: the caller promises the instruction set.
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    unsafe fn load_floats(from: *const f32) -> float32x4_t {
        // SAFETY: the caller promises the instruction set, and that `from` points at a vector of floats.
        unsafe { vld1q_f32(from) }
    }

    #[inline(always)]
    unsafe fn store_floats(floats: float32x4_t, to: *mut f32) {
        // SAFETY: the caller promises the instruction set, and that `to` points at room for a vector of floats.
        unsafe { vst1q_f32(to, floats) }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: the caller promises the instruction set.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    unsafe fn float_codes([x, y]: [float32x4_t; 2], thresholds: [[float32x4_t; 2]; 3]) -> Self {
        // A comparison is −1 where the threshold is reached.
        // SAFETY: the caller promises the instruction set.
        unsafe {
            let mut sum = vdupq_n_u16(0);
            for [a, b] in thresholds {
                sum = vsubq_u16(sum, vcombine_u16(vmovn_u32(vcgeq_f32(x, a)), vmovn_u32(vcgeq_f32(y, b))));
            }
            Self::from_words(sum)
        }
    }
}

impl LookUp for Neon {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: the caller promises the instruction set, and that `index` points at an index.
        unsafe { Self::load(tables.add(usize::from(*index) * 16)) }
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        // SAFETY: the caller promises the instruction set.
        Self(unsafe { vqtbl1q_u8(table.0, positions.0) })
    }
}
