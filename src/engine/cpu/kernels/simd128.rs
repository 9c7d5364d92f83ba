//! WebAssembly with 128-bit SIMD, none of it relaxed: 32 output channels in two vectors, four input channels a pair of
//! `i8x16.swizzle`; or 32 positions, five channels a pair of `i8x16.add`.
//!
//! Engines compile a swizzle to two instructions at least, as indices that are too large must give 0, and have no load that adds;
//! yet for a load and an addition they need two altogether, so that tables along positions pay for far more layers than elsewhere.

use super::super::packing::{Packing, PaysAlong, Tiling};
use super::generic::{LookUp, Vector};
use super::positions::PositionVector;
use super::tables::QUADS;
use std::arch::wasm32::*;

/// Twice 16 bytes.
#[derive(Clone, Copy)]
pub(super) struct Simd128(v128, v128);

impl Simd128 {
    #[inline(always)]
    fn each(self, map: impl Fn(v128) -> v128) -> Self {
        Self(map(self.0), map(self.1))
    }

    #[inline(always)]
    fn with(self, other: Self, map: impl Fn(v128, v128) -> v128) -> Self {
        Self(map(self.0, other.0), map(self.1, other.1))
    }

    /// How many of three thresholds each 16-bit lane reaches, less three.
    #[inline(always)]
    fn codes_less_3(self, [a, b, c]: [Self; 3]) -> Self {
        // A comparison is −1 where the threshold is not reached: `>` is one instruction on x86, `≥` two.
        let missed = |t: Self| t.with(self, |a, b| i16x8_gt(a, b));
        missed(a).with(missed(b), |a, b| i16x8_add(a, b)).with(missed(c), |a, b| i16x8_add(a, b))
    }

    /// The last bytes of `before`, then the first ones of `bytes`.
    #[inline(always)]
    fn behind(before: v128, bytes: v128) -> v128 {
        i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(before, bytes)
    }

    /// The bytes but the first one, then the first one of `next`.
    #[inline(always)]
    fn before(bytes: v128, next: v128) -> v128 {
        i8x16_shuffle::<1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>(bytes, next)
    }
}

impl Vector for Simd128 {
    const PACKING: Packing = Packing {
        lanes: 32,
        group: 4,
        index_bytes: 1,
        tap: 1,
        together: 1,
        along: Some(PaysAlong { out_channels: 32, width: Tiling::WIDEST }),
    };
    const IN_PARTS: bool = true;
    const MULTIPLIES_APART: bool = true;
    /// Eight.
    type Floats = (v128, v128);

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(u8x16_splat(0), u8x16_splat(0))
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller promises that `from` points at a vector.
        unsafe { Self(v128_load(from.cast()), v128_load(from.add(16).cast())) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller promises that `to` points at room for a vector.
        unsafe {
            v128_store(to.cast(), self.0);
            v128_store(to.add(16).cast(), self.1);
        }
    }

    #[inline(always)]
    unsafe fn add_bytes(self, other: Self) -> Self {
        self.with(other, |a, b| u8x16_add(a, b))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.with(other, |a, b| u16x8_add(a, b))
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        self.with(other, |a, b| u16x8_sub(a, b))
    }

    #[inline(always)]
    unsafe fn flip(self, mask: Self) -> Self {
        self.with(mask, |a, b| v128_xor(a, b))
    }

    #[inline(always)]
    unsafe fn raise(self) -> Self {
        self.each(|v| u16x8_shl(v, 8))
    }

    #[inline(always)]
    unsafe fn odds(self) -> Self {
        self.each(|v| u16x8_shr(v, 8))
    }

    #[inline(always)]
    unsafe fn pair(even: Self, odd: Self) -> Self {
        even.with(odd, |even, odd| v128_or(even, u16x8_shl(odd, 2)))
    }

    #[inline(always)]
    unsafe fn code_pairs([even, odd]: [Self; 2], [below, above]: [[Self; 3]; 2]) -> Self {
        let pair = |even, odd| u16x8_add(u16x8_add(even, u16x8_shl(odd, 2)), u16x8_splat(3 + 4 * 3));
        even.codes_less_3(below).with(odd.codes_less_3(above), pair)
    }

    #[inline(always)]
    unsafe fn load_pairs(codes: *const u8) -> Self {
        // SAFETY: the caller promises that `codes` points at a block.
        unsafe {
            let eight = |at: usize| u16x8_load_extend_u8x8(codes.add(at));
            Self::pair(Self(eight(0), eight(8)), Self(eight(16), eight(24)))
        }
    }

    #[inline(always)]
    unsafe fn store_pairs(self, to: *mut u8) {
        // Two pairs of four bits lie in 32 bits; 1 and 16 times them are a byte.
        let quads = self.each(|pairs| i32x4_dot_i16x8(pairs, u32x4_splat(0x10_0001)));
        let words = i16x8_narrow_i32x4(quads.0, quads.1);
        // SAFETY: the caller promises that `to` points at room for a packed block.
        unsafe { v128_store64_lane::<0>(u8x16_narrow_i16x8(words, words), to.cast()) };
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> (v128, v128) {
        (f32x4_splat(x), f32x4_splat(x))
    }

    #[inline(always)]
    unsafe fn load_floats(from: *const f32) -> (v128, v128) {
        // SAFETY: the caller promises that `from` points at a vector of floats.
        unsafe { (v128_load(from.cast()), v128_load(from.add(4).cast())) }
    }

    #[inline(always)]
    unsafe fn store_floats(floats: (v128, v128), to: *mut f32) {
        // SAFETY: the caller promises that `to` points at room for a vector of floats.
        unsafe {
            v128_store(to.cast(), floats.0);
            v128_store(to.add(4).cast(), floats.1);
        }
    }

    #[inline(always)]
    unsafe fn multiply_add(a: (v128, v128), b: (v128, v128), c: (v128, v128)) -> (v128, v128) {
        (fused::multiply_add(a.0, b.0, c.0), fused::multiply_add(a.1, b.1, c.1))
    }

    #[inline(always)]
    unsafe fn multiply_then_add(a: (v128, v128), b: (v128, v128), c: (v128, v128)) -> (v128, v128) {
        let one = |a, b, c| f32x4_add(f32x4_mul(a, b), c);
        (one(a.0, b.0, c.0), one(a.1, b.1, c.1))
    }

    #[inline(always)]
    unsafe fn float_codes([x, y]: [(v128, v128); 2], thresholds: [[(v128, v128); 2]; 3]) -> Self {
        // A comparison is −1 where the threshold is reached; packing keeps that.
        let reached = |x: (v128, v128), t: (v128, v128)| i16x8_narrow_i32x4(f32x4_ge(x.0, t.0), f32x4_ge(x.1, t.1));
        let mut sum = Self(i16x8_splat(0), i16x8_splat(0));
        for [a, b] in thresholds {
            sum = sum.with(Self(reached(x, a), reached(y, b)), |a, b| i16x8_sub(a, b));
        }
        sum
    }
}

/// a · b + c rounded once, of numbers that can only be multiplied and added apart.
mod fused {
    use std::arch::wasm32::*;

    /// What rounds on to a float at its 25th digit: halfway between two.
    const LAST: i64 = (1 << 29) - 1;
    const HALFWAY: i64 = 1 << 28;

    /// Of four floats. The product of two is exact as a double, and its sum with the third one, rounded to a double, rounds on to the
    /// right float, unless it then lies halfway between two. The smallest floats have fewer digits, so that any may be halfway.
    #[inline(always)]
    pub(super) fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
        let upper = |v: v128| f64x2_promote_low_f32x4(i64x2_shuffle::<1, 1>(v, v));
        let low = f64x2_promote_low_f32x4;
        let sum = |a, b, c| f64x2_add(f64x2_mul(a, b), c);
        let sums = [sum(low(a), low(b), low(c)), sum(upper(a), upper(b), upper(c))];
        let may_err = |sum: v128| {
            let halfway = i64x2_eq(v128_and(sum, i64x2_splat(LAST)), i64x2_splat(HALFWAY));
            v128_or(halfway, f64x2_lt(f64x2_abs(sum), f64x2_splat(f64::from(f32::MIN_POSITIVE))))
        };
        if v128_any_true(v128_or(may_err(sums[0]), may_err(sums[1]))) {
            return by_odd(a, b, c);
        }
        i32x4_shuffle::<0, 1, 4, 5>(f32x4_demote_f64x2_zero(sums[0]), f32x4_demote_f64x2_zero(sums[1]))
    }

    /// The same, for all sums.
    #[cold]
    #[inline(never)]
    fn by_odd(a: v128, b: v128, c: v128) -> v128 {
        let upper = |v: v128| f64x2_promote_low_f32x4(i64x2_shuffle::<1, 1>(v, v));
        let low = to_odd(f64x2_promote_low_f32x4(a), f64x2_promote_low_f32x4(b), f64x2_promote_low_f32x4(c));
        let high = to_odd(upper(a), upper(b), upper(c));
        i32x4_shuffle::<0, 1, 4, 5>(f32x4_demote_f64x2_zero(low), f32x4_demote_f64x2_zero(high))
    }

    /// a · b + c as doubles, rounded to odd: where the sum is not exact, its last bit is set. 53 digits are two more than twice 24
    /// and one, so that rounding on to a float is rounding once (Boldo and Melquiond, 2008).
    #[inline(always)]
    fn to_odd(a: v128, b: v128, c: v128) -> v128 {
        let product = f64x2_mul(a, b);
        let sum = f64x2_add(product, c);
        // Knuth's TwoSum: what rounding took away.
        let of_c = f64x2_sub(sum, product);
        let of_product = f64x2_sub(sum, of_c);
        let lost = f64x2_add(f64x2_sub(product, of_product), f64x2_sub(c, of_c));
        // Of an infinity that is no number, neither more nor less than 0.
        let inexact = v128_or(f64x2_gt(lost, f64x2_splat(0.0)), f64x2_lt(lost, f64x2_splat(0.0)));
        let even = i64x2_eq(v128_and(sum, i64x2_splat(1)), i64x2_splat(0));
        // One step towards what was lost: away from zero where that has the sum's sign.
        let step = v128_or(i64x2_shr(v128_xor(sum, lost), 63), i64x2_splat(1));
        i64x2_add(sum, v128_and(step, v128_and(inexact, even)))
    }
}

impl LookUp for Simd128 {
    fn tables() -> *const u8 {
        QUADS.0.as_ptr().cast()
    }

    #[inline(always)]
    unsafe fn table(tables: *const u8, index: *const u8) -> Self {
        // SAFETY: the caller promises that `index` points at an index.
        let table = unsafe { v128_load(tables.add(usize::from(*index) * 16).cast()) };
        Self(table, table)
    }

    #[inline(always)]
    unsafe fn look_up(table: Self, positions: Self) -> Self {
        // Both are the same, which a compiler does not know of those that waited in memory.
        positions.each(|positions| u8x16_swizzle(table.0, positions))
    }
}

impl PositionVector for Simd128 {
    const IS_UNROLLED: bool = false;

    #[inline(always)]
    unsafe fn ends(self) -> [u8; 2] {
        [u8x16_extract_lane::<0>(self.0), u8x16_extract_lane::<15>(self.1)]
    }

    #[inline(always)]
    unsafe fn splat_byte(byte: u8) -> Self {
        Self(u8x16_splat(byte), u8x16_splat(byte))
    }

    #[inline(always)]
    unsafe fn subtract_bytes(self, other: Self) -> Self {
        self.with(other, |a, b| u8x16_sub(a, b))
    }

    #[inline(always)]
    unsafe fn fields(self) -> [Self; 4] {
        [0, 2, 4, 6].map(|shift| self.each(|v| v128_and(u16x8_shr(v, shift), u8x16_splat(3))))
    }

    #[inline(always)]
    unsafe fn one_on<const PITCH: usize>([Self(a, b), Self(c, d)]: [Self; 2]) -> [Self; 2] {
        let none = u8x16_splat(0);
        let before = match PITCH {
            8 => return [Self(a, b), Self(c, d)].map(|v| v.each(|v| u64x2_shl(v, 8))),
            16 => [none; 4],
            32 => [none, a, none, c],
            _ => [none, a, b, c],
        };
        [
            Self(Self::behind(before[0], a), Self::behind(before[1], b)),
            Self(Self::behind(before[2], c), Self::behind(before[3], d)),
        ]
    }

    #[inline(always)]
    unsafe fn one_back<const PITCH: usize>([Self(a, b), Self(c, d)]: [Self; 2]) -> [Self; 2] {
        let none = u8x16_splat(0);
        let next = match PITCH {
            8 => return [Self(a, b), Self(c, d)].map(|v| v.each(|v| u64x2_shr(v, 8))),
            16 => [none; 4],
            32 => [b, none, d, none],
            _ => [b, c, d, none],
        };
        [
            Self(Self::before(a, next[0]), Self::before(b, next[1])),
            Self(Self::before(c, next[2]), Self::before(d, next[3])),
        ]
    }

    #[inline(always)]
    unsafe fn turn_bytes(pieces: *const *const u8, to: *mut u8, pitch: usize) {
        // Interleaving rows i and i + 8 of 16 rotates the bits of a byte's number, row and column together, by one; after four
        // times rows are columns.
        for half in 0..2 {
            // SAFETY: the caller promises the pieces and the room.
            unsafe {
                let mut rows = [u8x16_splat(0); 16];
                for (i, row) in rows.iter_mut().enumerate() {
                    *row = v128_load((*pieces.add(16 * half + i)).cast());
                }
                for _ in 0..4 {
                    let before = rows;
                    for i in 0..8 {
                        let (a, b) = (before[i], before[i + 8]);
                        rows[2 * i] = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b);
                        rows[2 * i + 1] =
                            i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b);
                    }
                }
                for (i, row) in rows.into_iter().enumerate() {
                    v128_store(to.add(i * pitch + 16 * half).cast(), row);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn turn(from: *const u8, pitch: usize, to: *mut u8) {
        // As above, a quarter of eight rows and columns at a time.
        for (down, across) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            // SAFETY: the caller promises the square and the room.
            unsafe {
                let mut rows = [u8x16_splat(0); 8];
                for (i, row) in rows.iter_mut().enumerate() {
                    *row = v128_load(from.add((8 * down + i) * pitch + 16 * across).cast());
                }
                for _ in 0..3 {
                    let before = rows;
                    for i in 0..4 {
                        let (a, b) = (before[i], before[i + 4]);
                        rows[2 * i] = i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b);
                        rows[2 * i + 1] = i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b);
                    }
                }
                for (i, row) in rows.into_iter().enumerate() {
                    v128_store(to.add((8 * across + i) * 32 + 16 * down).cast(), row);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fused::multiply_add;
    use proptest::prelude::*;
    use std::arch::wasm32::*;

    fn check(a: [f32; 4], b: [f32; 4], c: [f32; 4]) {
        let of = |[w, x, y, z]: [f32; 4]| f32x4(w, x, y, z);
        let sums = multiply_add(of(a), of(b), of(c));
        let sums = [
            f32x4_extract_lane::<0>(sums),
            f32x4_extract_lane::<1>(sums),
            f32x4_extract_lane::<2>(sums),
            f32x4_extract_lane::<3>(sums),
        ];
        for i in 0..4 {
            let expected = a[i].mul_add(b[i], c[i]);
            let same = sums[i].to_bits() == expected.to_bits() || sums[i].is_nan() && expected.is_nan();
            assert!(same, "{:e} · {:e} + {:e} is {expected:e}, not {:e}", a[i], b[i], c[i], sums[i]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// All bits, so the smallest and the largest numbers, infinities and what is no number.
        #[test]
        fn any_floats_are_rounded_once(bits in prop::array::uniform12(any::<u32>())) {
            let floats = |from: usize| std::array::from_fn(|i| f32::from_bits(bits[from + i]));
            check(floats(0), floats(4), floats(8));
        }

        /// Half the last digit of c, and so little more or less that a double forgets it.
        #[test]
        fn sums_about_halfway_are_rounded_once(bits in any::<u32>(), exponent in 1_i32..254, little in 10_i32..23) {
            let c = f32::from_bits(bits & 0x807f_ffff | (exponent as u32) << 23);
            let half = 2.0_f64.powi(exponent - 127 - 24) as f32;
            let epsilon = 2.0_f32.powi(-little);
            let a = [1.0 + epsilon, 1.0 + epsilon, 1.0, -1.0 - epsilon];
            check(a, [half * (1.0 - epsilon), half * (1.0 + epsilon), half, half * (1.0 - epsilon)], [c; 4]);
        }
    }
}
