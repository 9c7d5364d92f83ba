//! Any processor: a vector of 16 bytes in plain Rust, which the compiler turns into what the target has.

use super::super::packing::Packing;
use super::generic::{LookUp, Vector};
use super::tables::QUADS;

/// 16 bytes or eight 16-bit lanes.
#[derive(Clone, Copy)]
pub(super) struct Scalar([u8; 16]);

impl Scalar {
    #[inline(always)]
    fn words(self) -> [u16; 8] {
        std::array::from_fn(|i| u16::from_ne_bytes([self.0[2 * i], self.0[2 * i + 1]]))
    }

    #[inline(always)]
    fn from_words(words: [u16; 8]) -> Self {
        Self(std::array::from_fn(|i| words[i / 2].to_ne_bytes()[i % 2]))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(u16, u16) -> u16) -> Self {
        let (a, b) = (self.words(), other.words());
        Self::from_words(std::array::from_fn(|i| f(a[i], b[i])))
    }

    /// [`Vector::pair`].
    #[inline(always)]
    fn beside(self, odd: Self) -> Self {
        self.zip(odd, |even, odd| even | odd << 2)
    }

    /// How many of three thresholds each 16-bit lane reaches.
    #[inline(always)]
    fn codes(self, thresholds: [Self; 3]) -> Self {
        let reached = thresholds.map(|t| self.zip(t, |n, t| u16::from(n.cast_signed() >= t.cast_signed())).words());
        Self::from_words(std::array::from_fn(|i| reached[0][i] + reached[1][i] + reached[2][i]))
    }
}

impl Vector for Scalar {
    const PACKING: Packing = Packing { lanes: 16, group: 4, index_bytes: 1, tap: 1, together: 2, along: None };
    type Floats = [f32; 4];

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0; 16])
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller points at 16 bytes.
        Self(unsafe { from.cast::<[u8; 16]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller points at 16 bytes.
        unsafe { to.cast::<[u8; 16]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn add_bytes(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i].wrapping_add(other.0[i])))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, u16::wrapping_add)
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        self.zip(other, u16::wrapping_sub)
    }

    #[inline(always)]
    unsafe fn flip(self, mask: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] ^ mask.0[i]))
    }

    #[inline(always)]
    unsafe fn raise(self) -> Self {
        Self::from_words(self.words().map(|word| word << 8))
    }

    #[inline(always)]
    unsafe fn odds(self) -> Self {
        Self::from_words(std::array::from_fn(|i| u16::from(self.0[2 * i + 1])))
    }

    #[inline(always)]
    unsafe fn pair(even: Self, odd: Self) -> Self {
        even.beside(odd)
    }

    #[inline(always)]
    unsafe fn code_pairs([even, odd]: [Self; 2], [below, above]: [[Self; 3]; 2]) -> Self {
        even.codes(below).beside(odd.codes(above))
    }

    #[inline(always)]
    unsafe fn load_pairs(codes: *const u8) -> Self {
        // SAFETY: the caller points at 16 bytes.
        let Self(codes) = unsafe { Self::load(codes) };
        Self::from_words(std::array::from_fn(|i| u16::from(codes[i]) | u16::from(codes[i + 8]) << 2))
    }

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        let pairs = self.words();
        let quads: [u8; 4] = std::array::from_fn(|i| (pairs[2 * i] | pairs[2 * i + 1] << 4) as u8);
        // SAFETY: the caller points at 4 bytes.
        unsafe { to.cast::<[u8; 4]>().write_unaligned(quads) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    unsafe fn load_floats(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller points at 4 floats.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store_floats(floats: [f32; 4], to: *mut f32) {
        // SAFETY: the caller points at 4 floats.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(floats) }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }

    #[inline(always)]
    unsafe fn float_codes(floats: [[f32; 4]; 2], thresholds: [[[f32; 4]; 2]; 3]) -> Self {
        let reached = |i: usize| thresholds.iter().filter(|row| floats[i / 4][i % 4] >= row[i / 4][i % 4]).count();
        Self::from_words(std::array::from_fn(|i| reached(i) as u16))
    }
}

impl LookUp for Scalar {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: there is a table for every byte.
        unsafe { Self::load(tables.add(usize::from(*index) * 16)) }
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        Self(positions.0.map(|position| table.0[usize::from(position & 15)]))
    }
}
