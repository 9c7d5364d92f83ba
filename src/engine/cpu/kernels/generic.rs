//! The algorithms, written once over a small [`Vector`] trait; an instruction set supplies the vector.
//!
//! **Binary convolution by table look-up.** Take the code c under a weight bit w as c where w = 1 and as 3 − c where w = 0.
//! Summed over the receptive field this is Σ ±c + 3·(number of 0 bits): the constant depends on the output channel alone
//! and folds into its thresholds, and the padding's code 0 needs no case of its own. For the few input channels that share
//! one packed *index*, a table gives that sum for every combination of weight bits; the packed weights *are* the positions
//! in that table, one byte an output channel. So one shuffle adds a group of input channels to a whole vector of output
//! channels. ByteSums are bytes first, flushed to 16 bits before they can overflow.
//!
//! Every function here is inlined into one that enables the instruction set; see `functions!` in the parent module.

use super::super::packing::{AlongPositions, CodeMap, LaneThresholds, Packing, Quantity, Tiling};
use std::ops::Range;

/// Vectors of floats that make a block of lanes: on every instruction set a byte vector has as many lanes as four of them.
pub(super) const FLOATS: usize = 4;
/// No vector has more bytes.
pub(super) const MAX_LANES: usize = 64;

/// What an instruction set supplies: a vector of bytes or of 16-bit lanes.
///
/// Pointers need not be aligned.
pub(super) trait Vector: Copy {
    /// How codes and sums lie in memory.
    const PACKING: Packing;
    /// Whether the compiler behind ours finds registers for small functions alone.
    const IN_PARTS: bool = false;
    /// Whether rounding a · b + c once takes far longer than rounding twice.
    const MULTIPLIES_APART: bool = false;
    /// A quarter of the lanes as floats.
    type Floats: Copy;

    /// All lanes 0.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn zero() -> Self;
    /// Loads one vector.
    ///
    /// # Safety
    /// The processor has the instruction set, and `from` points at a vector of bytes.
    unsafe fn load(from: *const u8) -> Self;
    /// Stores one vector.
    ///
    /// # Safety
    /// The processor has the instruction set, and `to` points at room for a vector of bytes.
    unsafe fn store(self, to: *mut u8);
    /// Adds bytes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add_bytes(self, other: Self) -> Self;
    /// Adds 16-bit lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn add(self, other: Self) -> Self;
    /// Subtracts 16-bit lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn subtract(self, other: Self) -> Self;
    /// The odd bytes as 16-bit lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn odds(self) -> Self;
    /// Each bit with its mask's turned round.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn flip(self, mask: Self) -> Self;
    /// 16-bit lanes times 256.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn raise(self) -> Self;
    /// The codes of two neighbouring channels in each 16-bit lane, as [`Vector::store_pairs`] takes them.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn pair(even: Self, odd: Self) -> Self;
    /// [`Vector::pair`] of how many of three thresholds the 16-bit lanes reach, the even channels' and the odd ones'.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn code_pairs(sums: [Self; 2], thresholds: [[Self; 3]; 2]) -> Self;
    /// [`Vector::pair`] of a block of codes, one a byte, the even channels first.
    ///
    /// # Safety
    /// The processor has the instruction set, and `codes` points at a block of codes.
    unsafe fn load_pairs(codes: *const u8) -> Self;
    /// Writes a block of pairs as packed codes: `PACKING.block_bytes()` bytes.
    ///
    /// # Safety
    /// The processor has the instruction set, and `to` points at room for a packed block.
    unsafe fn store_pairs(self, to: *mut u8);
    /// One number in all float lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn splat(x: f32) -> Self::Floats;
    /// Loads floats.
    ///
    /// # Safety
    /// The processor has the instruction set, and `from` points at as many floats as the vector has lanes.
    unsafe fn load_floats(from: *const f32) -> Self::Floats;
    /// Stores floats.
    ///
    /// # Safety
    /// The processor has the instruction set, and `to` points at room for as many floats as the vector has lanes.
    unsafe fn store_floats(floats: Self::Floats, to: *mut f32);
    /// a · b + c, rounded once.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn multiply_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// The same, rounded twice where [`Vector::MULTIPLIES_APART`].
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn multiply_then_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats {
        // SAFETY: the caller's promise.
        unsafe { Self::multiply_add(a, b, c) }
    }
    /// How many of three thresholds each float reaches, of half a block: a 16-bit lane each.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn float_codes(floats: [Self::Floats; 2], thresholds: [[Self::Floats; 2]; 3]) -> Self;
}

/// What an instruction set supplies to convolve by table look-up.
pub(super) trait LookUp: Vector {
    /// Where [`LookUp::table`] finds its tables.
    fn tables() -> *const u8;
    /// The table of the index at `index`, any value of which is allowed.
    ///
    /// # Safety
    /// The processor has the instruction set, and `tables` is what [`LookUp::tables`] gives, `index` points at an index of
    /// [`Vector::PACKING`].
    unsafe fn table(tables: *const u8, index: *const u8) -> Self;
    /// Byte i of the result is the table's byte number `positions[i]`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn look_up(table: Self, positions: Self) -> Self;
}

/// Evaluates an expression, in a function of its own where [`Vector::IN_PARTS`].
macro_rules! in_parts {
    ($vector:ident, $work:expr) => {
        // Not a closure elsewhere: it would be compiled by itself, without the instruction set.
        if $vector::IN_PARTS { $crate::engine::cpu::kernels::generic::apart(|| $work) } else { $work }
    };
}
pub(super) use in_parts;

/// Does `work`, in a function of its own.
#[inline(never)]
pub(super) fn apart<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// How often a byte can grow by one look-up.
const fn look_ups_a_byte(packing: Packing) -> usize {
    255 / (3 * packing.group)
}

/// Some rows and output channels of a binary convolution.
#[derive(Clone)]
pub(in super::super) struct Conv<'a> {
    /// The input map, its border included.
    pub(in super::super) input: &'a [u8],
    /// How the input lies.
    pub(in super::super) map: CodeMap,
    /// 1 or 3.
    pub(in super::super) kernel: usize,
    /// 1 or 2.
    pub(in super::super) stride: usize,
    /// Positions a row of the output.
    pub(in super::super) width: usize,
    /// The rows of the output.
    pub(in super::super) rows: Range<usize>,
    /// Where the taps lie that one output position reads, an index or several each, in bytes from the first one:
    /// `[ky][group][kx]`.
    pub(in super::super) taps: &'a [u32],
    /// Blocks of output channels that are there.
    pub(in super::super) all_blocks: usize,
    /// Those to convolve to: an even number of them starts before.
    pub(in super::super) blocks: Range<usize>,
    /// Positions in the tables: blocks that lie together, see [`Packing::together`], then what is left of them;
    /// `[tap][block of those][lane]`. Or signs, a bit each,
    /// block after block, as [`Packing::place_of_sign`] places them. Or [`AlongPositions`].
    pub(in super::super) weights: &'a [u8],
    /// Where weights are [`AlongPositions`], what is there beside them.
    pub(in super::super) along: Option<Along<'a>>,
}

/// What looking up in tables along positions reads beside the weights.
#[derive(Clone, Copy)]
pub(in super::super) struct Along<'a> {
    /// Input channels.
    pub(in super::super) channels: usize,
    /// What is added to sums at the border for taps outside the map, `[kind of position][lane]`; see
    /// [`AlongPositions::BORDERS`].
    pub(in super::super) borders: &'a [i16],
}

impl Conv<'_> {
    /// Where the first tap of an output position lies in the input.
    #[inline(always)]
    pub(super) fn first_tap(&self, y: usize, x: usize) -> usize {
        // The border makes (−1, −1) the map's byte 0; a 1×1 kernel starts one further.
        let inset = 1 - self.kernel / 2;
        (y * self.stride + inset) * self.map.row() + (x * self.stride + inset) * self.map.pixel
    }

    /// Whether every access of [`convolve`] to input and weights is inside them.
    pub(super) fn is_inside(&self, packing: Packing) -> bool {
        let Some(last) = self.rows.end.checked_sub(1).zip(self.width.checked_sub(1)) else { return true };
        let is_part = self.blocks.end <= self.all_blocks && self.blocks.start.is_multiple_of(2);
        if let Some(along) = self.along {
            return is_part && self.is_inside_along(along, packing);
        }
        let Some(&reach) = self.taps.iter().max() else { return false };
        is_part
            && matches!((self.kernel, self.stride), (1 | 3, 1 | 2))
            && self.first_tap(last.0, last.1) + reach as usize + packing.tap_bytes() <= self.input.len()
            && self.weights.len() == self.taps.len() * self.all_blocks * packing.lanes * packing.weight_bytes()
    }

    /// The same for tables along positions, which read whole maps, border and spare bytes included.
    fn is_inside_along(&self, along: Along<'_>, packing: Packing) -> bool {
        let lanes = self.all_blocks * packing.lanes;
        (self.kernel, self.stride) == (3, 1)
            && packing.along.is_some_and(|pays| self.width <= pays.width.min(Tiling::WIDEST))
            && (self.width, self.rows.end.max(self.width)) == (self.map.edge, self.map.edge)
            && self.width >= 2
            && along.channels.div_ceil(4) <= self.map.pixel
            && self.input.len() >= self.map.bytes() + AlongPositions::SPARE
            && self.weights.len() == AlongPositions::bytes(along.channels, lanes)
            && along.borders.len() == AlongPositions::BORDERS * lanes
    }

    /// Part number `part` of `count` that share no position and block. Rows are cut, where a part has many, as every part reads some of its neighbours'; else blocks.
    pub(super) fn part(&self, part: usize, count: usize) -> Self {
        let Range { start, end } = self.rows;
        let cut = |from: usize, len: usize, unit: usize| {
            let units = len.div_ceil(unit);
            let at = |part: usize| from + (units * part / count * unit).min(len);
            at(part)..at(part + 1)
        };
        let mut made = self.clone();
        let rows = end - start;
        if self.along.is_some()
            && rows * self.width < count * AlongPositions::LEAST_PART
            && self.blocks.len() >= 2 * count
        {
            made.blocks = cut(self.blocks.start, self.blocks.len(), 2);
        } else {
            made.rows = cut(start, rows, 1);
        }
        made
    }
}

/// Where the sums of one block at one position go.
pub(super) trait Sink<V: Vector> {
    /// `y` counts from the first of the rows; `even` and `odd` are 16-bit lanes.
    ///
    /// # Safety
    /// The processor has the instruction set, and what the sink points at has this position and block.
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, even: V, odd: V);
}

/// ByteSums of bytes in 16-bit lanes, one of each byte of a vector.
#[derive(Clone, Copy)]
pub(super) struct ByteSums<V> {
    /// The even bytes' sums, plus 256 times the odd ones': bytes are added as they lie, and what overflows was the odd ones'.
    both: V,
    /// The odd bytes' sums.
    odd: V,
}

impl<V: Vector> ByteSums<V> {
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(super) unsafe fn zero() -> Self {
        // SAFETY: the processor has V's instruction set: the caller's promise, here and below.
        unsafe { Self { both: V::zero(), odd: V::zero() } }
    }

    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(super) unsafe fn add(self, bytes: V) -> Self {
        // SAFETY: as above.
        unsafe { Self { both: self.both.add(bytes), odd: self.odd.add(bytes.odds()) } }
    }

    /// The sums of the even and of the odd bytes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    pub(super) unsafe fn halves(self) -> [V; 2] {
        // SAFETY: as above.
        unsafe { [self.both.subtract(self.odd.raise()), self.odd] }
    }
}

/// Runs `conv`, a tile of positions and blocks at a time.
///
/// # Safety
/// The processor has the instruction set, the job is inside its slices ([`Conv::is_inside`]), and the sink takes all of its
/// positions and blocks.
#[inline(always)]
pub(super) unsafe fn convolve<V: LookUp, S: Sink<V>>(conv: &Conv<'_>, sink: &mut S) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        if V::PACKING.together == 2 {
            convolve_together::<V, S, 4, 2>(conv, sink);
            if conv.blocks.end % 2 == 1 {
                convolve_blocks::<V, S, 8, 1>(conv, conv.blocks.end - 1, sink);
            }
        } else {
            convolve_together::<V, S, 4, 1>(conv, sink);
        }
    }
}

/// As many times `B` blocks as there are, `P` positions at a time.
///
/// # Safety
/// As [`convolve`].
#[inline(always)]
unsafe fn convolve_together<V: LookUp, S: Sink<V>, const P: usize, const B: usize>(conv: &Conv<'_>, sink: &mut S) {
    let chunks = conv.blocks.start / B..conv.blocks.end / B;
    // SAFETY: the caller's promises, passed on.
    unsafe {
        if conv.kernel == 1 && conv.width >= READY && chunks.len() > 1 && conv.taps.len() <= MOST_READY {
            ready::<V, S, READY, B>(conv, sink);
        } else {
            for chunk in chunks {
                convolve_blocks::<V, S, P, B>(conv, B * chunk, sink);
            }
        }
    }
}

/// Positions whose tables wait ready.
const READY: usize = 4;
/// Tables of a position that wait ready: those of all positions fit the first-level cache.
const MOST_READY: usize = 88;

/// All blocks of a kernel of 1×1, `B` together, `P` neighbours at a time: their tables are made once for all blocks.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn ready<V: LookUp, S: Sink<V>, const P: usize, const B: usize>(conv: &Conv<'_>, sink: &mut S) {
    let weights = conv.weights.as_ptr();
    let chunk_bytes = B * conv.taps.len() * V::PACKING.lanes;
    let tables = V::tables();
    // SAFETY: the processor has V's instruction set: the caller's promise.
    let mut waiting = unsafe { [[V::zero(); P]; MOST_READY] };
    for y in 0..conv.rows.len() {
        let mut done = 0;
        while done < conv.width {
            let x = done.min(conv.width - P);
            // SAFETY: the positions are inside the rows, so by `Conv::is_inside`, which the caller has checked, are all their
            // taps and weights.
            unsafe {
                let first = conv.input.as_ptr().add(conv.first_tap(conv.rows.start + y, x));
                for (tables_of_tap, &tap) in waiting.iter_mut().zip(conv.taps) {
                    for p in 0..P {
                        let index = first.wrapping_add(tap as usize + p * conv.stride * conv.map.pixel);
                        tables_of_tap[p] = V::table(tables, index);
                    }
                }
                for chunk in conv.blocks.start / B..conv.blocks.end / B {
                    let weights = weights.add(chunk * chunk_bytes);
                    let sums = in_parts!(V, tile::<V, P, B>(conv.taps.len(), weights, |tap, p| waiting[tap][p]));
                    for p in 0..P {
                        for b in 0..B {
                            if x + p >= done {
                                let [even, odd] = sums[p][b].halves();
                                sink.put(y, x + p, B * chunk + b, even, odd);
                            }
                        }
                    }
                }
            }
            done = x + P;
        }
    }
}

/// `B` blocks from `block` on, at all positions, `P` at a time.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[inline(always)]
unsafe fn convolve_blocks<V: LookUp, S: Sink<V>, const P: usize, const B: usize>(
    conv: &Conv<'_>,
    block: usize,
    sink: &mut S,
) {
    // SAFETY: the caller's promises, passed on.
    unsafe {
        match (conv.width >= P, conv.kernel, conv.stride) {
            (true, 1, 1) => neighbours::<V, S, P, B, 1, 1>(conv, block, sink),
            (true, 1, _) => neighbours::<V, S, P, B, 1, 2>(conv, block, sink),
            (true, _, 1) => neighbours::<V, S, P, B, 3, 1>(conv, block, sink),
            (true, _, _) => neighbours::<V, S, P, B, 3, 2>(conv, block, sink),
            _ => scattered::<V, S, P, B>(conv, block, sink),
        }
    }
}

/// Row by row, `P` neighbours at a time. The last tile of a row starts where it still fits, and gives what is new of it.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn neighbours<
    V: LookUp,
    S: Sink<V>,
    const P: usize,
    const B: usize,
    const KERNEL: usize,
    const STRIDE: usize,
>(
    conv: &Conv<'_>,
    block: usize,
    sink: &mut S,
) {
    let weights = conv.weights[block * conv.taps.len() * V::PACKING.lanes..].as_ptr();
    for y in 0..conv.rows.len() {
        let mut done = 0;
        while done < conv.width {
            let x = done.min(conv.width - P);
            // SAFETY: the positions are inside the rows, so by `Conv::is_inside`, which the caller has checked, are all their
            // taps and weights.
            unsafe {
                let first = conv.input.as_ptr().add(conv.first_tap(conv.rows.start + y, x));
                let sums = in_parts!(V, row_tile::<V, P, B, KERNEL, STRIDE>(conv, first, weights));
                for p in 0..P {
                    for b in 0..B {
                        if x + p >= done {
                            let [even, odd] = sums[p][b].halves();
                            sink.put(y, x + p, block + b, even, odd);
                        }
                    }
                }
            }
            done = x + P;
        }
    }
}

/// Any `P` positions at a time, in order.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[inline(always)]
unsafe fn scattered<V: LookUp, S: Sink<V>, const P: usize, const B: usize>(
    conv: &Conv<'_>,
    block: usize,
    sink: &mut S,
) {
    let weights = conv.weights[block * conv.taps.len() * V::PACKING.lanes..].as_ptr();
    let tables = V::tables();
    let positions = conv.rows.len() * conv.width;
    let (mut y, mut x) = (0, 0);
    for done in (0..positions).step_by(P) {
        let count = P.min(positions - done);
        let mut at = [(y, x); P];
        for place in &mut at[..count] {
            *place = (y, x);
            x += 1;
            if x == conv.width {
                (y, x) = (y + 1, 0);
            }
        }
        // SAFETY: as in `neighbours`; the positions behind `count` repeat the first one.
        unsafe {
            let first = |(y, x): (usize, usize)| conv.input.as_ptr().add(conv.first_tap(conv.rows.start + y, x));
            let first = at.map(first);
            let table = |tap: usize, p: usize| V::table(tables, first[p].wrapping_add(conv.taps[tap] as usize));
            let sums = in_parts!(V, tile::<V, P, B>(conv.taps.len(), weights, table));
            for (&(y, x), sums) in at.iter().zip(&sums).take(count) {
                for (b, sums) in sums.iter().enumerate() {
                    let [even, odd] = sums.halves();
                    sink.put(y, x, block + b, even, odd);
                }
            }
        }
    }
}

/// The sums of `P` positions × `B` blocks over `taps` taps; `table` gives a tap's table at a position. Loops count so that they
/// unroll and everything stays in registers.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn tile<V: LookUp, const P: usize, const B: usize>(
    taps: usize,
    mut weights: *const u8,
    table: impl Fn(usize, usize) -> V,
) -> [[ByteSums<V>; B]; P] {
    let lanes = V::PACKING.lanes;
    let part = even_part(taps, look_ups_a_byte(V::PACKING));
    // SAFETY: the processor has V's instruction set, and the weights are inside their slice: the caller's promises.
    unsafe {
        let mut sums = [[ByteSums::zero(); B]; P];
        for start in (0..taps).step_by(part) {
            let mut bytes = [[V::zero(); B]; P];
            for tap in start..taps.min(start + part) {
                let mut positions = [V::zero(); B];
                for b in 0..B {
                    positions[b] = V::load(weights.add(b * lanes));
                }
                weights = weights.add(B * lanes);
                for p in 0..P {
                    let table = table(tap, p);
                    for b in 0..B {
                        bytes[p][b] = bytes[p][b].add_bytes(V::look_up(table, positions[b]));
                    }
                }
            }
            for p in 0..P {
                for b in 0..B {
                    sums[p][b] = sums[p][b].add(bytes[p][b]);
                }
            }
        }
        sums
    }
}

/// The same for `P` positions side by side. Under a kernel of 3×3 neighbours share two of their three tables a row, with
/// stride 2 one.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn row_tile<V: LookUp, const P: usize, const B: usize, const KERNEL: usize, const STRIDE: usize>(
    conv: &Conv<'_>,
    first: *const u8,
    mut weights: *const u8,
) -> [[ByteSums<V>; B]; P] {
    let lanes = V::PACKING.lanes;
    let tables = V::tables();
    let (rows, _) = conv.taps.as_chunks::<KERNEL>();
    let part = even_part(rows.len(), look_ups_a_byte(V::PACKING) / KERNEL);
    // SAFETY: as in `tile`; the last position's last tap is the last one read.
    unsafe {
        let mut sums = [[ByteSums::zero(); B]; P];
        for rows in rows.chunks(part) {
            let mut bytes = [[V::zero(); B]; P];
            for taps in rows {
                let mut positions = [[V::zero(); B]; KERNEL];
                for kx in 0..KERNEL {
                    for b in 0..B {
                        positions[kx][b] = V::load(weights.add((kx * B + b) * lanes));
                    }
                }
                weights = weights.add(KERNEL * B * lanes);
                let mut index = first.add(taps[0] as usize);
                /// More columns than the compiler would unroll by itself.
                macro_rules! columns {
                    ($($column:literal)*) => { $(
                        if $column % STRIDE < KERNEL && $column < STRIDE * (P - 1) + KERNEL {
                            let table = V::table(tables, index);
                            for kx in 0..KERNEL {
                                let from = usize::wrapping_sub($column, kx);
                                if from.is_multiple_of(STRIDE) && from / STRIDE < P {
                                    for b in 0..B {
                                        let to = &mut bytes[from / STRIDE][b];
                                        *to = to.add_bytes(V::look_up(table, positions[kx][b]));
                                    }
                                }
                            }
                        }
                        index = index.wrapping_add(conv.map.pixel);
                    )* }
                }
                columns!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
            }
            for p in 0..P {
                for b in 0..B {
                    sums[p][b] = sums[p][b].add(bytes[p][b]);
                }
            }
        }
        sums
    }
}

/// The length of the fewest parts of `count` that are about even and no longer than `most`.
#[inline(always)]
pub(super) fn even_part(count: usize, most: usize) -> usize {
    count.div_ceil(count.div_ceil(most))
}

/// SumRows of packed codes to write.
#[derive(Clone, Copy)]
pub(super) struct CodeRows {
    /// The position (0, 0) of the rows.
    pub(super) start: *mut u8,
    /// How the rows lie.
    pub(super) map: CodeMap,
}

impl CodeRows {
    /// Those from row `y` on.
    pub(super) fn below(self, y: usize) -> Self {
        Self { start: self.start.wrapping_add(y * self.map.row()), ..self }
    }

    /// # Safety
    /// The processor has the instruction set, and the rows have this position and block.
    #[inline(always)]
    pub(super) unsafe fn at<V: Vector>(self, y: usize, x: usize, block: usize) -> *mut u8 {
        // SAFETY: the caller stays inside the rows.
        unsafe { self.start.add(y * self.map.row() + x * self.map.pixel + block * V::PACKING.block_bytes()) }
    }
}

/// ByteSums → thresholds → packed codes.
pub(super) struct ToCodes {
    /// `[block][even lanes, odd lanes][3]`, each half a block of 16-bit lanes.
    pub(super) thresholds: *const i16,
    /// Where the codes go.
    pub(super) rows: CodeRows,
}

impl<V: Vector> Sink<V> for ToCodes {
    #[inline(always)]
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, even: V, odd: V) {
        let half = V::PACKING.lanes / 2;
        // SAFETY: thresholds and rows hold every block of every position: the caller's promise.
        unsafe {
            let row = |i: usize| V::load(self.thresholds.add((block * 6 + i) * half).cast());
            let thresholds = [[row(0), row(1), row(2)], [row(3), row(4), row(5)]];
            V::code_pairs([even, odd], thresholds).store_pairs(self.rows.at::<V>(y, x, block));
        }
    }
}

/// ByteSums, less their offsets, → a trunk of 16 bits; on from there → packed codes, where they are wanted.
pub(super) struct ToNarrow {
    /// What to take off, a lane of a block each.
    pub(super) offsets: *const i16,
    /// The trunk's rows, `[y][x][block][lane]`.
    pub(super) trunk: *mut i16,
    /// Positions a row.
    pub(super) width: usize,
    /// Blocks a position.
    pub(super) blocks: usize,
    /// Whether to add.
    pub(super) add: bool,
    /// The codes of what the trunk holds then.
    pub(super) codes: Option<TrunkCodes>,
}

/// How a trunk becomes codes.
pub(super) struct TrunkCodes {
    /// As [`LaneThresholds::flips`].
    pub(super) flips: *const i16,
    /// As [`LaneThresholds::rows`].
    pub(super) thresholds: [*const i16; 3],
    /// Where the codes go.
    pub(super) rows: CodeRows,
}

impl ToNarrow {
    /// Half a block into the trunk, the even lanes or the odd ones; returns what is there then.
    ///
    /// # Safety
    /// The processor has the instruction set, and the trunk has this position and lane.
    #[inline(always)]
    unsafe fn put_half<V: Vector>(&self, y: usize, x: usize, lane: usize, sums: V) -> V {
        let lanes = self.blocks * V::PACKING.lanes;
        // SAFETY: offsets and trunk hold every block of every position: the caller's promise.
        unsafe {
            let to = self.trunk.add((y * self.width + x) * lanes + lane).cast::<u8>();
            let sums = sums.subtract(V::load(self.offsets.add(lane).cast()));
            let sums = if self.add { sums.add(V::load(to)) } else { sums };
            sums.store(to);
            sums
        }
    }
}

impl TrunkCodes {
    /// Half a block of sums, turned round where channels fall, and its thresholds.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn half<V: Vector>(&self, lane: usize, sums: V) -> (V, [V; 3]) {
        let [a, b, c] = self.thresholds;
        // SAFETY: masks and thresholds hold every lane: the caller's promise.
        unsafe {
            let flipped = sums.flip(V::load(self.flips.add(lane).cast()));
            (flipped, [V::load(a.add(lane).cast()), V::load(b.add(lane).cast()), V::load(c.add(lane).cast())])
        }
    }
}

impl<V: Vector> Sink<V> for ToNarrow {
    #[inline(always)]
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, even: V, odd: V) {
        let first = block * V::PACKING.lanes;
        let second = first + V::PACKING.lanes / 2;
        // SAFETY: trunk and rows hold every block of every position: the caller's promise.
        unsafe {
            let even = self.put_half(y, x, first, even);
            let odd = self.put_half(y, x, second, odd);
            if let Some(codes) = &self.codes {
                let ((even, below), (odd, above)) = (codes.half(first, even), codes.half(second, odd));
                V::code_pairs([even, odd], [below, above]).store_pairs(codes.rows.at::<V>(y, x, block));
            }
        }
    }
}

/// ByteSums, less their offsets, → a trunk of 32 bits.
pub(super) struct ToWide {
    /// As [`ToNarrow::offsets`].
    pub(super) offsets: *const i16,
    /// As [`ToNarrow::trunk`].
    pub(super) trunk: *mut i32,
    /// Positions a row.
    pub(super) width: usize,
    /// Blocks a position.
    pub(super) blocks: usize,
    /// Whether to add.
    pub(super) add: bool,
}

impl<V: Vector> Sink<V> for ToWide {
    #[inline(always)]
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, even: V, odd: V) {
        let lanes = V::PACKING.lanes;
        let mut sums = [0_i16; MAX_LANES];
        // SAFETY: offsets and trunk hold every block of every position: the caller's promise; `sums` holds a block.
        unsafe {
            even.store(sums.as_mut_ptr().cast());
            odd.store(sums.as_mut_ptr().add(lanes / 2).cast());
            let trunk = self.trunk.add(((y * self.width + x) * self.blocks + block) * lanes);
            let offsets = std::slice::from_raw_parts(self.offsets.add(block * lanes), lanes);
            put_wide(std::slice::from_raw_parts_mut(trunk, lanes), &sums[..lanes], offsets, self.add);
        }
    }
}

/// A block into a trunk of 32 bits. By itself, as it would be compiled for every kernel, and trunks that wide are rare.
#[inline(never)]
fn put_wide(trunk: &mut [i32], sums: &[i16], offsets: &[i16], add: bool) {
    for ((to, &sum), &offset) in trunk.iter_mut().zip(sums).zip(offsets) {
        let before = if add { *to } else { 0 };
        *to = before + i32::from(sum) - i32::from(offset);
    }
}

/// ByteSums → thresholds → packed codes, for the whole rows of a trunk `[y][x][block][lane]`.
///
/// # Safety
/// The processor has the instruction set, and thresholds and rows hold every block of the sums.
#[inline(always)]
pub(super) unsafe fn quantize<V: Vector, N: Quantity>(sums: &[N], thresholds: &LaneThresholds<N>, rows: CodeRows) {
    let position = thresholds.flips.len();
    for (i, sums) in sums.chunks_exact(position).enumerate() {
        let (y, x) = (i / rows.map.edge, i % rows.map.edge);
        for (block, sums) in sums.chunks_exact(V::PACKING.lanes).enumerate() {
            // SAFETY: the rows hold every block of every position: the caller's promise.
            unsafe { put_codes::<V, N>(sums, thresholds, block, rows.at::<V>(y, x, block)) };
        }
    }
}

/// One block of sums → packed codes.
///
/// # Safety
/// The processor has the instruction set, and thresholds hold the block, and `to` points at room for it.
#[inline(always)]
unsafe fn put_codes<V: Vector, N: Quantity>(sums: &[N], thresholds: &LaneThresholds<N>, block: usize, to: *mut u8) {
    let lanes = V::PACKING.lanes;
    let block = block * lanes..(block + 1) * lanes;
    let flips = &thresholds.flips[block.clone()];
    let [a, b, c] = thresholds.rows.each_ref().map(|row| &row[block.clone()]);
    let mut codes = [0_u8; MAX_LANES];
    for lane in 0..lanes {
        let sum = sums[lane].flip(flips[lane]);
        codes[lane] = u8::from(sum >= a[lane]) + u8::from(sum >= b[lane]) + u8::from(sum >= c[lane]);
    }
    // SAFETY: `codes` holds a block, and `to` has room for one: the caller's promise.
    unsafe { V::load_pairs(codes.as_ptr()).store_pairs(to) };
}
