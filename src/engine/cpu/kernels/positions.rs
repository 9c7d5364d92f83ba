//! Binary convolution by tables along positions: the second algorithm, for layers with many output channels to a map that fills
//! its tiles.
//!
//! The tables of [`super::generic`] hold what a group of input channels adds for every combination of weight bits, at one
//! position; a shuffle picks for a vector of output channels. Here a table's entry is a vector itself, a byte a position of a
//! *tile*: the weights of an output channel pick the entry, and adding it takes one operation that loads it. It costs no
//! shuffle, and no register, so that a group may have five channels; but tables are built anew for every tile, which pays where
//! many output channels use them.
//!
//! A tile is two vectors of positions: some rows of the input. It adds to output rows above and below as
//! well: what a row of the kernel gives is added up in registers for all its columns, whose sums move a place as a whole, and
//! then to *sums in memory*, a row further up or down. Rows that no tile adds to any more go to the sink, positions made the
//! outer order again. What lies outside the map adds nothing here, so that a constant a channel and kind of border is
//! added in the end: [`Along::borders`].

use super::super::packing::{AlongPositions, Tiling};
use super::generic::{self, Along, Conv, LookUp, Sink, Vector, even_part};
use std::mem::MaybeUninit;
use std::ops::Range;

/// What an instruction set supplies.
pub(super) trait PositionVector: Vector {
    /// Whether look-ups gain by being unrolled.
    const IS_UNROLLED: bool;

    /// The next two bytes of a word come last.
    fn next_two(word: u64) -> u64 {
        word >> 16
    }
    /// The first and the last byte.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn ends(self) -> [u8; 2];
    /// One byte in all lanes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn splat_byte(byte: u8) -> Self;
    /// Subtracts bytes.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn subtract_bytes(self, other: Self) -> Self;
    /// The four two-bit fields of each byte, the lowest first.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn fields(self) -> [Self; 4];
    /// Each byte of rows of `PITCH` bytes one place on; 0 comes in.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn one_on<const PITCH: usize>(pair: [Self; 2]) -> [Self; 2];
    /// Each byte of rows of `PITCH` bytes one place back; 0 comes in.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn one_back<const PITCH: usize>(pair: [Self; 2]) -> [Self; 2];
    /// Turns a vector of pieces of [`PIECE`] bytes round: byte i of all of them goes to `to`, `pitch` bytes further for each i.
    ///
    /// # Safety
    /// The processor has the instruction set, `pieces` points at as many pieces as a vector has bytes, and `to` at room for
    /// [`PIECE`] vectors.
    unsafe fn turn_bytes(pieces: *const *const u8, to: *mut u8, pitch: usize);
    /// Turns a square of 16-bit numbers round, as many a side as a vector has; its rows lie `pitch` bytes apart, and those of
    /// `to` follow each other.
    ///
    /// # Safety
    /// The processor has the instruction set, `from` points at the square, and `to` at room for one.
    unsafe fn turn(from: *const u8, pitch: usize, to: *mut u8);
}

/// Bytes of packed codes that are turned round at once: the indices of [`AlongPositions::BLOCK`] channels.
pub(super) const PIECE: usize = AlongPositions::BLOCK / 4;
/// The kind of position, of [`AlongPositions::BORDERS`], with nothing outside.
const INSIDE: usize = 4;
/// Vectors of a tile.
const PAIR: usize = 2;
/// Entries of a table.
const ENTRIES: usize = 1 << AlongPositions::GROUP;
/// Tables of a pass.
const TABLES: usize = AlongPositions::BLOCK.div_ceil(AlongPositions::GROUP);
/// Bytes of the longest vector that convolves so.
const MOST_LANES: usize = Tiling::TILE / PAIR;
/// Positions of a tile of such vectors.
const MOST_TILE: usize = Tiling::TILE;
/// Sums of 16 bits that wait in memory: they stay in the second cache.
const MOST_SUMS: usize = 48 * 1024;
/// Tiles of rows at most before the sums that still wait move to the front.
const MOST_SLACK: usize = 8;

/// Room that starts at a line of the cache.
#[repr(C, align(64))]
struct Room<T, const N: usize>([MaybeUninit<T>; N]);

impl<T: Copy, const N: usize> Room<T, N> {
    const fn new() -> Self {
        Self([MaybeUninit::uninit(); N])
    }

    fn start(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

/// Where the sums of a chunk of output channels wait: for each the sums of all bytes as [`generic::ByteSums`] has them, then those of the
/// odd ones, `[row][pair of positions]` each.
#[derive(Clone, Copy)]
struct WaitingSums {
    start: *mut i16,
    /// Rows that wait, and those that the next tiles will add to.
    rows: usize,
    /// Sums of a row.
    row: usize,
}

impl WaitingSums {
    /// Sums of an output channel.
    fn channel(self) -> usize {
        self.rows * self.row
    }

    /// Where the sums of the even positions' pairs of a channel start, from position `x` of row `row` on; the odd ones' lie
    /// [`WaitingSums::odd`] further.
    fn at(self, channel: usize, row: usize, x: usize) -> *mut i16 {
        self.start.wrapping_add(channel * self.channel() + (row * self.row + x) / 2)
    }

    fn odd(self) -> usize {
        self.channel() / 2
    }
}

/// Runs `conv`, by tables along positions where its weights are meant for them, else by [`generic::convolve`].
///
/// # Safety
/// The processor has the instruction set, the job is inside its slices ([`Conv::is_inside`]), and the sink takes all of its
/// positions and blocks.
#[inline(always)]
pub(super) unsafe fn convolve<V: PositionVector + LookUp, S: Sink<V>>(conv: &Conv<'_>, sink: &mut S) {
    let Some(along) = conv.along else {
        // SAFETY: the caller's promises, passed on.
        return unsafe { generic::convolve::<V, S>(conv, sink) };
    };
    if conv.rows.is_empty() || conv.blocks.is_empty() {
        return;
    }
    let tiling = Tiling::new(conv.width);
    // SAFETY: the caller's promises, passed on.
    unsafe {
        match tiling.pitch {
            8 => chunks::<V, S, 8>(conv, along, tiling, sink),
            16 => chunks::<V, S, 16>(conv, along, tiling, sink),
            32 => chunks::<V, S, 32>(conv, along, tiling, sink),
            _ => chunks::<V, S, 64>(conv, along, tiling, sink),
        }
    }
}

/// The whole of `conv`, a chunk of output channels at a time.
///
/// # Safety
/// As [`convolve`].
#[inline(always)]
unsafe fn chunks<V: PositionVector, S: Sink<V>, const PITCH: usize>(
    conv: &Conv<'_>,
    along: Along<'_>,
    tiling: Tiling,
    sink: &mut S,
) {
    let lanes = V::PACKING.lanes;
    let mut room = Room::<i16, { MOST_SUMS + MOST_TILE }>::new();
    let mut tables = Room::<u8, { TABLES * ENTRIES * MOST_TILE }>::new();
    let (tile, halo) = (tiling.rows * tiling.row(), 2 * tiling.row());
    // As few chunks as can be, and then as many rows as fit.
    let most_blocks = (MOST_SUMS / ((tile + halo) * lanes)).max(1);
    let a_chunk = even_part(conv.blocks.len(), most_blocks);
    let slack = ((MOST_SUMS / (a_chunk * lanes) - halo) / tile).clamp(1, MOST_SLACK);
    let waiting = WaitingSums { start: room.start(), rows: slack * tiling.rows + 2, row: tiling.row() };
    for first in conv.blocks.clone().step_by(a_chunk) {
        let blocks = first..conv.blocks.end.min(first + a_chunk);
        let job = Chunk { conv, along, tiling, waiting, blocks, slack, tables: tables.start() };
        // SAFETY: the caller's promises, and the sums of the chunk fit their room.
        unsafe {
            waiting.start.write_bytes(0, job.blocks.len() * lanes * waiting.channel() + MOST_TILE);
            job.run::<V, S, PITCH>(sink);
        }
    }
}

/// Some output channels at all positions.
struct Chunk<'a> {
    conv: &'a Conv<'a>,
    along: Along<'a>,
    tiling: Tiling,
    waiting: WaitingSums,
    blocks: Range<usize>,
    /// Tiles of rows that wait.
    slack: usize,
    tables: *mut u8,
}

impl Chunk<'_> {
    /// # Safety
    /// As [`convolve`]; sums and tables have room.
    #[inline(always)]
    unsafe fn run<V: PositionVector, S: Sink<V>, const PITCH: usize>(&self, sink: &mut S) {
        let Self { conv, tiling, slack, .. } = *self;
        let (edge, rows) = (conv.map.edge, conv.rows.clone());
        let first = rows.start.saturating_sub(1);
        let tiles = (edge.min(rows.end + 1) - first).div_ceil(tiling.rows);
        let has_bottom = first + tiles * tiling.rows > edge;
        for tile in 0..tiles {
            let from = tile % slack * tiling.rows;
            let y = first + tile * tiling.rows;
            // SAFETY: the caller's promises, passed on.
            unsafe {
                if from == 0 && tile > 0 {
                    self.move_to_front::<V>();
                }
                if tiling.columns > 1 {
                    self.clear_row::<V>(from + 2);
                }
                for column in 0..tiling.columns {
                    self.add_tile::<V, PITCH>((y, column * PITCH), from);
                }
                let ready = if tile + 1 == tiles { tiling.rows + 2 } else { tiling.rows };
                // The first row that waits is a row above the tile's first one.
                let above = Ready { y: y as isize - 1, rows: from..from + ready, has_bottom };
                generic::in_parts!(V, self.emit::<V, S>(&above, sink));
            }
        }
    }

    /// Moves the rows that later tiles still add to.
    ///
    /// # Safety
    /// As [`Chunk::run`].
    #[inline(always)]
    unsafe fn move_to_front<V: Vector>(&self) {
        let waiting = self.waiting;
        for channel in 0..self.blocks.len() * V::PACKING.lanes {
            for half in [0, waiting.odd()] {
                let to = waiting.at(channel, 0, 0).wrapping_add(half);
                let from = waiting.at(channel, self.slack * self.tiling.rows, 0).wrapping_add(half);
                // SAFETY: both lie among the channel's sums.
                unsafe { std::ptr::copy(from, to, waiting.row) };
            }
        }
    }

    /// Zeroes a row of sums: where several tiles make a row, each adds to those beside it.
    ///
    /// # Safety
    /// As [`Chunk::run`].
    #[inline(always)]
    unsafe fn clear_row<V: Vector>(&self, row: usize) {
        let waiting = self.waiting;
        for channel in 0..self.blocks.len() * V::PACKING.lanes {
            for half in [0, waiting.odd()] {
                // SAFETY: the row lies among the channel's sums.
                unsafe { waiting.at(channel, row, 0).wrapping_add(half).write_bytes(0, waiting.row / 2) };
            }
        }
    }

    /// Adds what the tile of input positions from (`y`, `left`) on gives, to rows of sums from `row` on.
    ///
    /// # Safety
    /// As [`Chunk::run`].
    #[inline(always)]
    unsafe fn add_tile<V: PositionVector, const PITCH: usize>(&self, (y, left): (usize, usize), row: usize) {
        let Self { conv, tiling, waiting, .. } = *self;
        let lanes = V::PACKING.lanes;
        let tile = PAIR * lanes;
        let mut places = [std::ptr::null(); MOST_TILE];
        for (lane, place) in places[..tile].iter_mut().enumerate() {
            // Behind the last column and row lies the border, which is read for all positions further on.
            let (y, x) = (y + lane / PITCH, left + lane % PITCH);
            *place = conv.input.as_ptr().wrapping_add(conv.map.at(y.min(conv.map.edge), x.min(conv.map.edge)));
        }
        let channels = self.along.channels;
        // Whether there are tiles of the same row on the left and on the right.
        let beside = [left > 0, left + PITCH < tiling.row()];
        let mut before = 0;
        for (pass, start) in (0..channels).step_by(AlongPositions::BLOCK).enumerate() {
            let count = AlongPositions::BLOCK.min(channels - start);
            let groups = count.div_ceil(AlongPositions::GROUP);
            // SAFETY: the places are inside the map, and so is a piece behind each; the weights hold all of it.
            unsafe {
                generic::in_parts!(V, build::<V>(&places, pass * PIECE, count, self.tables));
                for ky in 0..3 {
                    // The output row that the first of the tile's rows adds to under this row of the kernel.
                    let from = y as isize + 1 - ky;
                    if from >= conv.rows.end as isize || from + tiling.rows as isize <= conv.rows.start as isize {
                        continue;
                    }
                    let is_new = pass == 0 && ky == 0 && tiling.columns == 1;
                    let ky = ky as usize;
                    let first = (ky * conv.all_blocks + self.blocks.start) * lanes;
                    let weights = conv.weights.as_ptr().add(before + first * 3 * groups);
                    let job = LookUps {
                        tables: self.tables,
                        weights,
                        groups,
                        channels: self.blocks.len() * lanes,
                        to: waiting.at(0, row + 2 - ky, left),
                        channel: waiting.channel(),
                        is_new,
                        beside,
                    };
                    generic::in_parts!(V, job.run::<V, PITCH>());
                }
            }
            before += conv.all_blocks * lanes * 9 * groups;
        }
    }

    /// Gives rows that are complete to the sink.
    ///
    /// # Safety
    /// As [`Chunk::run`].
    #[inline(always)]
    unsafe fn emit<V: PositionVector, S: Sink<V>>(&self, ready: &Ready, sink: &mut S) {
        let Self { conv, waiting, .. } = *self;
        let lanes = V::PACKING.lanes;
        // Positions that are turned round at once, and how many of them lie in one row.
        let most = lanes;
        let side = most.min(waiting.row);
        let mut turned = Room::<u8, { 4 * MOST_LANES / 2 * MOST_LANES }>::new();
        let squares: [*mut u8; 4] = {
            let start = turned.start();
            std::array::from_fn(|i| start.wrapping_add(i * lanes / 2 * lanes))
        };
        for (index, block) in self.blocks.clone().enumerate() {
            let (mut row, mut x) = (0, 0);
            while row < ready.rows.len() {
                // SAFETY: the sums of a channel, or of the one behind it, or the spare ones at the end, hold a square.
                unsafe {
                    for (i, square) in squares.into_iter().enumerate() {
                        let from = waiting.at(index * lanes + i % 2, ready.rows.start + row, x);
                        let from = from.wrapping_add(i / 2 * waiting.odd());
                        V::turn(from.cast(), 2 * 2 * waiting.channel(), square);
                    }
                    for first in (0..most).step_by(side) {
                        let y = ready.y + row as isize;
                        if row < ready.rows.len() && (conv.rows.start as isize..conv.rows.end as isize).contains(&y) {
                            self.put_row::<V, S>(ready, (y as usize, x, block), (&squares, first, side), sink);
                        }
                        x += side;
                        if x == waiting.row {
                            (row, x) = (row + 1, 0);
                        }
                    }
                }
            }
        }
    }

    /// Gives `side` positions from `place` (y, x, block) on to the sink, the first of which is number `first` of what has been turned
    /// round.
    ///
    /// # Safety
    /// As [`Chunk::run`].
    #[inline(always)]
    unsafe fn put_row<V: PositionVector, S: Sink<V>>(
        &self,
        ready: &Ready,
        (y, x, block): (usize, usize, usize),
        (squares, first, side): (&[*mut u8; 4], usize, usize),
        sink: &mut S,
    ) {
        let Self { conv, along, .. } = *self;
        let lanes = V::PACKING.lanes;
        let last = conv.width - 1;
        // Where a tile reaches over the map's end, its border was in it.
        let last_column = if conv.width == self.tiling.row() { last } else { usize::MAX };
        let row_kind = if y == 0 { 0 } else { 1 + usize::from(y == last && !ready.has_bottom) };
        for place in 0..side.min(conv.width.saturating_sub(x)) {
            let x = x + place;
            let at = (first + place) / 2 * lanes;
            let kind = 3 * row_kind + if x == 0 { 0 } else { 1 + usize::from(x == last_column) };
            // SAFETY: the squares hold the positions, the borders all blocks; the sink takes them.
            unsafe {
                let mut sums = [V::load(squares[2].add(at)), V::load(squares[3].add(at))];
                if place % 2 == 0 {
                    sums[0] = V::load(squares[0].add(at)).subtract(sums[0].raise());
                    sums[1] = V::load(squares[1].add(at)).subtract(sums[1].raise());
                }
                if kind != INSIDE {
                    let from = along.borders.as_ptr().add((kind * conv.all_blocks + block) * lanes);
                    sums[0] = sums[0].add(V::load(from.cast()));
                    sums[1] = sums[1].add(V::load(from.add(lanes / 2).cast()));
                }
                sink.put(y - conv.rows.start, x, block, sums[0], sums[1]);
            }
        }
    }
}

/// Rows that are complete.
struct Ready {
    /// The first one, in the output; may lie outside.
    y: isize,
    /// Where they wait.
    rows: Range<usize>,
    /// Whether the border below the map was in a tile.
    has_bottom: bool,
}

/// Makes the tables of up to [`AlongPositions::BLOCK`] channels: for a group of them and every combination of their weight bits,
/// what they add at the positions of a tile, `[group][bits][position]`. The codes start `offset` bytes behind `places`.
///
/// # Safety
/// The processor has the instruction set; a piece lies at every place; `tables` has room.
#[inline(always)]
unsafe fn build<V: PositionVector>(places: &[*const u8; MOST_TILE], offset: usize, channels: usize, tables: *mut u8) {
    let lanes = V::PACKING.lanes;
    let tile = PAIR * lanes;
    let groups = channels.div_ceil(AlongPositions::GROUP);
    let mut bytes = Room::<u8, { PIECE * MOST_TILE }>::new();
    let mut codes = Room::<u8, { TABLES * AlongPositions::GROUP * MOST_TILE }>::new();
    let (bytes, codes) = (bytes.start(), codes.start());
    // SAFETY: the caller's promises; bytes and codes have room for all channels of the tile.
    unsafe {
        for half in 0..PAIR {
            let mut pieces = [std::ptr::null(); MOST_LANES];
            for (piece, place) in pieces.iter_mut().zip(&places[half * lanes..][..lanes]) {
                *piece = place.wrapping_add(offset);
            }
            V::turn_bytes(pieces.as_ptr(), bytes.add(half * lanes), tile);
        }
        for byte in 0..channels.div_ceil(4) {
            for half in (0..tile).step_by(lanes) {
                let fields = V::load(bytes.add(byte * tile + half)).fields();
                let to = codes.add(4 * byte * tile + half);
                fields[0].store(to);
                fields[1].store(to.add(tile));
                fields[2].store(to.add(2 * tile));
                fields[3].store(to.add(3 * tile));
            }
        }
        // A code of 3 adds nothing where the bit is 0.
        for channel in channels..groups * AlongPositions::GROUP {
            for half in (0..tile).step_by(lanes) {
                V::splat_byte(3).store(codes.add(channel * tile + half));
            }
        }
        for group in 0..groups {
            for half in (0..tile).step_by(lanes) {
                let from = codes.add(group * AlongPositions::GROUP * tile + half);
                fill::<V>(from, tile, tables.add(group * ENTRIES * tile + half));
            }
        }
    }
}

/// The entries of one table, `pitch` bytes apart, from five channels' codes: a code where the bit is 1, 3 less it where it is 0.
///
/// # Safety
/// The processor has the instruction set; `codes` and `table` hold their vectors.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn fill<V: PositionVector>(codes: *const u8, pitch: usize, table: *mut u8) {
    // SAFETY: the caller's promises.
    unsafe {
        let three = V::splat_byte(3);
        let mut none = V::zero();
        let mut steps = [V::zero(); AlongPositions::GROUP];
        for i in 0..AlongPositions::GROUP {
            let code = V::load(codes.add(i * pitch));
            let complement = three.subtract_bytes(code);
            steps[i] = code.subtract_bytes(complement);
            none = none.add_bytes(complement);
        }
        let mut low = [none; 8];
        for i in 0..3 {
            for bits in 0..1 << i {
                low[bits | 1 << i] = low[bits].add_bytes(steps[i]);
            }
        }
        let high = [V::zero(), steps[3], steps[4], steps[3].add_bytes(steps[4])];
        for i in 0..4 {
            for bits in 0..8 {
                low[bits].add_bytes(high[i]).store(table.add((8 * i + bits) * pitch));
            }
        }
    }
}

/// What some groups of channels give output channels, for a row of the kernel.
#[derive(Clone, Copy)]
struct LookUps {
    tables: *const u8,
    weights: *const u8,
    groups: usize,
    /// Output channels.
    channels: usize,
    /// Where the sums of the first one go, and how far those of the next one lie.
    to: *mut i16,
    channel: usize,
    /// Whether the sums are new, in place of what is there.
    is_new: bool,
    /// Whether there are tiles on the left and on the right: what goes beyond the ends is added to their sums.
    beside: [bool; 2],
}

impl LookUps {
    /// # Safety
    /// The processor has the instruction set; tables, weights and sums hold all of it.
    #[inline(always)]
    unsafe fn run<V: PositionVector, const PITCH: usize>(self) {
        let Self { mut weights, mut to, .. } = self;
        for _ in 0..self.channels {
            // SAFETY: the caller's promises.
            unsafe {
                look_up::<V, PITCH>(
                    self.tables,
                    weights,
                    self.groups,
                    (to, self.channel / 2),
                    (self.is_new, self.beside),
                );
                weights = weights.add(3 * self.groups);
            }
            to = to.wrapping_add(self.channel);
        }
    }
}

/// Adds what `groups` groups of channels give one output channel to sums of 16 bits at `to`, and `odd` further, as [`LookUps`] says.
///
/// # Safety
/// As [`LookUps::run`].
#[inline(always)]
unsafe fn look_up<V: PositionVector, const PITCH: usize>(
    mut tables: *const u8,
    mut weights: *const u8,
    groups: usize,
    (to, odd): (*mut i16, usize),
    (is_new, beside): (bool, [bool; 2]),
) {
    // SAFETY: the processor has V's instruction set.
    let mut sums = PositionSums([[unsafe { V::zero() }; 2]; PAIR]);
    let mut left = groups;
    /// Parts of `$groups` groups, while there are as many.
    macro_rules! parts {
        ($($groups:literal)*) => { $(
            while left >= $groups {
                sums.add_part::<PITCH, $groups>(tables, weights);
                tables = tables.add($groups * ENTRIES * PAIR * V::PACKING.lanes);
                weights = weights.add(3 * $groups);
                left -= $groups;
            }
        )* };
    }
    // SAFETY: the caller's promises.
    unsafe {
        if V::IS_UNROLLED {
            // A byte holds 17 look-ups.
            parts!(5 3 2 1);
        } else {
            sums.add_groups::<PITCH>(tables, weights, groups, (to, odd), beside);
        }
        for half in 0..PAIR {
            for (i, place) in [0, odd].into_iter().enumerate() {
                let to = to.add(half * V::PACKING.lanes / 2 + place).cast::<u8>();
                let sum = sums.0[half][i];
                let sum = if is_new { sum } else { sum.add(V::load(to)) };
                sum.store(to);
            }
        }
    }
}

/// The sums of a tile for one output channel: of each vector those of all bytes, and of the odd ones.
struct PositionSums<V>([[V; 2]; PAIR]);

impl<V: PositionVector> PositionSums<V> {
    /// Adds all groups of channels of a pass, in loops that are small enough for a compiler that has few registers and no plan for
    /// them: a column of the kernel after the other, two groups at a time.
    ///
    /// # Safety
    /// The processor has the instruction set; tables and weights hold as many; see [`look_up`] for what is beside.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn add_groups<const PITCH: usize>(
        &mut self,
        tables: *const u8,
        weights: *const u8,
        groups: usize,
        (to, odd): (*mut i16, usize),
        beside: [bool; 2],
    ) {
        // A byte holds a column.
        const { assert!(TABLES * AlongPositions::GROUP * 3 <= 255) };
        let lanes = V::PACKING.lanes;
        let bytes = ENTRIES * PAIR * lanes;
        // SAFETY: the caller's promises.
        unsafe {
            for kx in 0..3 {
                let mut column = [V::zero(); PAIR];
                let (mut table, mut place) = (tables, weights.add(kx));
                for _ in 0..groups / 2 {
                    let first = table.add(usize::from(*place) * AlongPositions::UNIT);
                    let second = table.add(bytes + usize::from(*place.add(3)) * AlongPositions::UNIT);
                    for half in 0..PAIR {
                        let both = V::load(first.add(half * lanes)).add_bytes(V::load(second.add(half * lanes)));
                        column[half] = column[half].add_bytes(both);
                    }
                    table = table.add(2 * bytes);
                    place = place.add(6);
                }
                if groups % 2 == 1 {
                    let entry = table.add(usize::from(*place) * AlongPositions::UNIT);
                    for half in 0..PAIR {
                        column[half] = column[half].add_bytes(V::load(entry.add(half * lanes)));
                    }
                }
                // Even positions of other tiles have sums of their own, odd ones count 256-fold in those of both.
                if kx == 0 && beside[1] {
                    let next = to.add(PITCH / 2);
                    *next = (*next).wrapping_add(i16::from(column[PAIR - 1].ends()[1]));
                }
                if kx == 2 && beside[0] {
                    let (before, byte) = (to.sub(1), i16::from(column[0].ends()[0]));
                    *before = (*before).wrapping_add(byte << 8);
                    *before.add(odd) = (*before.add(odd)).wrapping_add(byte);
                }
                let column = match kx {
                    0 => V::one_on::<PITCH>(column),
                    1 => column,
                    _ => V::one_back::<PITCH>(column),
                };
                for half in 0..PAIR {
                    let [both, odd] = self.0[half];
                    self.0[half] = [both.add(column[half]), odd.add(column[half].odds())];
                }
            }
        }
    }

    /// Adds `N` groups of channels.
    ///
    /// # Safety
    /// The processor has the instruction set; tables and weights hold as many.
    #[allow(clippy::needless_range_loop)]
    #[inline(always)]
    unsafe fn add_part<const PITCH: usize, const N: usize>(&mut self, tables: *const u8, weights: *const u8) {
        let lanes = V::PACKING.lanes;
        // SAFETY: the caller's promises; a word of weights may reach behind them, where `Conv::is_inside` has asked for room.
        unsafe {
            let mut bytes = [[V::zero(); PAIR]; 3];
            let mut word = 0;
            /// More look-ups than the compiler would unroll by itself; eight places are read at once, as loads are what a
            /// processor has too few of.
            macro_rules! look_up {
                ($($i:literal)*) => { $(
                    if $i < 3 * N {
                        if $i % 8 == 0 {
                            word = weights.add($i).cast::<u64>().read_unaligned();
                        }
                        let place = if $i % 2 == 0 { word & 255 } else { word >> 8 & 255 };
                        if $i % 2 == 1 {
                            word = V::next_two(word);
                        }
                        let entry = tables.add($i / 3 * ENTRIES * PAIR * lanes + place as usize * AlongPositions::UNIT);
                        for half in 0..PAIR {
                            bytes[$i % 3][half] = bytes[$i % 3][half].add_bytes(V::load(entry.add(half * lanes)));
                        }
                    }
                )* }
            }
            look_up!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14);
            let _ = word;
            let (on, back) = (V::one_on::<PITCH>(bytes[0]), V::one_back::<PITCH>(bytes[2]));
            for half in 0..PAIR {
                let all = bytes[1][half].add_bytes(on[half]).add_bytes(back[half]);
                let [both, odd] = self.0[half];
                self.0[half] = [both.add(all), odd.add(all.odds())];
            }
        }
    }
}
