//! How values lie in memory: codes packed a few channels together, maps with a border, lanes of sums.

use crate::network::Geometry;
use std::ops::{Deref, DerefMut, Range};

/// How the kernels of one level pack channels.
///
/// Codes: `group` channels share one *index*, two bits a channel, the first channel lowest; a block of 64 channels has
/// ⌈64 / group⌉ indices, so that no index spans two blocks. Sums: `lanes` output channels make a *block*, what one vector
/// holds; in memory a block has its even channels first, then its odd ones (see [`Packing::lane`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packing {
    /// Output channels a vector.
    pub(super) lanes: usize,
    /// Input channels an index.
    pub(super) group: usize,
    /// Bytes an index.
    pub(super) index_bytes: usize,
    /// Indices that a convolution takes at once: one to look up, several to multiply.
    pub(super) tap: usize,
    /// Blocks whose weights lie together, as a convolution takes them at once: one or two.
    pub(super) together: usize,
    /// Where tables along positions pay, see [`AlongPositions`]; `None` where there are no such kernels.
    pub(super) along: Option<PaysAlong>,
}

/// For which layers tables along positions pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaysAlong {
    /// So many output channels at least.
    pub(super) out_channels: usize,
    /// Rows of so many positions at most, of [`Tiling::WIDEST`].
    pub(super) width: usize,
}

/// Weights to look up with in tables along positions. They are numbers of a table's entries, a byte each:
/// `[block of input channels][ky][output channel][group][kx]`; a group never spans two blocks.
pub(super) struct AlongPositions;

impl AlongPositions {
    /// Input channels that share a table.
    pub(super) const GROUP: usize = 5;
    /// Input channels whose tables are made at once: they fit the first cache.
    pub(super) const BLOCK: usize = INDEX_BLOCK;
    /// Bytes behind a map of codes, and behind weights, that kernels may read.
    pub(super) const SPARE: usize = 16;
    /// Bytes of a table that a weight counts: the number of an entry of 64 bytes comes eightfold.
    pub(super) const UNIT: usize = 8;
    /// Kinds of positions by what lies outside the map there: three rows of three.
    pub(super) const BORDERS: usize = 9;
    /// Positions from which on a part of a layer is worth the rows beside it that are read as well.
    pub(super) const LEAST_PART: usize = 16 * Tiling::TILE;

    /// Whether a convolution gains by them: it has enough output channels for what tables cost, and a map that fills its tiles.
    pub(super) fn pays(g: Geometry, width: usize, packing: Packing) -> bool {
        let pays = |pays: PaysAlong| g.out_channels >= pays.out_channels && width <= pays.width;
        (g.kernel, g.stride) == (3, 1)
            && packing.along.is_some_and(pays)
            && g.in_channels >= 32
            && Tiling::new(width).is_filled(width)
    }

    /// Bytes of the weights of `lanes` output channels, spare ones included.
    pub(super) fn bytes(channels: usize, lanes: usize) -> usize {
        9 * Self::groups(channels) * lanes + Self::SPARE
    }

    fn groups(channels: usize) -> usize {
        groups_of(channels, Self::GROUP)
    }

    /// Where the weight of output channel `out`, one of `lanes`, for an input channel lies, and what is added there for a bit of 1.
    pub(super) fn place(
        g: Geometry,
        lanes: usize,
        out: usize,
        (ky, kx): (usize, usize),
        channel: usize,
    ) -> (usize, u8) {
        let (block, within) = (channel / Self::BLOCK, channel % Self::BLOCK);
        let groups = (g.in_channels - block * Self::BLOCK).min(Self::BLOCK).div_ceil(Self::GROUP);
        let before = Self::groups(block * Self::BLOCK) * 9 * lanes;
        let group = ((ky * lanes + out) * groups + within / Self::GROUP) * 3 + kx;
        (before + group, (Self::UNIT << (within % Self::GROUP)) as u8)
    }
}

/// Channels after which the indices start anew.
const INDEX_BLOCK: usize = 64;

/// Groups of `channels` channels, `group` in each but the last of a block.
fn groups_of(channels: usize, group: usize) -> usize {
    channels / INDEX_BLOCK * INDEX_BLOCK.div_ceil(group) + (channels % INDEX_BLOCK).div_ceil(group)
}

impl Packing {
    /// Indices of `channels` channels.
    pub(super) fn groups(self, channels: usize) -> usize {
        groups_of(channels, self.group)
    }

    /// Which of the pieces of input that a convolution takes at once hold `channels`.
    pub(super) fn tap_groups(self, channels: &Range<usize>) -> Range<usize> {
        if self.multiplies() {
            channels.start / self.tap..channels.end.div_ceil(self.tap)
        } else {
            self.groups(channels.start)..self.groups(channels.end)
        }
    }

    /// The index that holds a channel, and the channel's place among its two-bit fields.
    pub(super) fn place(self, channel: usize) -> (usize, usize) {
        let within = channel % INDEX_BLOCK;
        let first = channel / INDEX_BLOCK * INDEX_BLOCK.div_ceil(self.group);
        (first + within / self.group, within % self.group)
    }

    /// Bytes of input that a convolution takes at once.
    pub(super) fn tap_bytes(self) -> usize {
        self.tap * self.index_bytes
    }

    /// Bytes of a lane's weights for a tap: a position in a table, or a bit an index.
    pub(super) fn weight_bytes(self) -> usize {
        self.tap.div_ceil(8)
    }

    /// Whether weights are signs to multiply with, not positions in tables.
    pub(super) fn multiplies(self) -> bool {
        self.tap > 1
    }

    /// Where the sign of `lane` for input channel `channel` of tap number `tap` lies among those of a block: halves of 32 lanes, in
    /// each all `taps`, a tap two tiles `[channel / 4][column][channel % 4]`. Narrowing sums to 16 bits takes four columns of the
    /// one tile, then four of the other.
    pub(super) fn place_of_sign(self, taps: usize, tap: usize, lane: usize, channel: usize) -> usize {
        const COLUMNS: usize = 16;
        let (half, within) = (lane / 32, lane % 32);
        let (tile, column) = (within % 8 / 4, within / 8 * 4 + within % 4);
        let tile = (half * taps + tap) * 2 + tile;
        tile * self.tap * COLUMNS + channel / 4 * 4 * COLUMNS + column * 4 + channel % 4
    }

    /// Blocks of sums that hold `channels` channels.
    pub(super) fn blocks(self, channels: usize) -> usize {
        channels.div_ceil(self.lanes)
    }

    /// Bytes of packed codes that a kernel writes for one block.
    pub(super) fn block_bytes(self) -> usize {
        self.lanes.div_ceil(self.group) * self.index_bytes
    }

    /// Where a channel's sum lies among the lanes of all blocks.
    pub(super) fn lane(self, channel: usize) -> usize {
        let within = channel % self.lanes;
        channel - within + within / 2 + within % 2 * (self.lanes / 2)
    }
}

/// How the rows of a map lie in tiles of positions: several rows in a tile, or a row in several tiles.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    /// Positions of a tile that a row takes, a power of two.
    pub(super) pitch: usize,
    /// Rows of a tile.
    pub(super) rows: usize,
    /// Tiles of a row.
    pub(super) columns: usize,
}

impl Tiling {
    /// Positions of a tile: two vectors of bytes.
    pub(super) const TILE: usize = 64;

    /// Positions of a row at most.
    pub(super) const WIDEST: usize = 4 * Self::TILE;

    /// For rows of `width` positions.
    pub(super) fn new(width: usize) -> Self {
        let pitch = width.next_power_of_two().clamp(8, Self::TILE);
        Self { pitch, rows: Self::TILE / pitch, columns: width.div_ceil(pitch) }
    }

    /// Positions of a row of all its tiles.
    pub(super) fn row(self) -> usize {
        self.columns * self.pitch
    }

    /// Whether four fifths of the tiles of a map are positions.
    fn is_filled(self, width: usize) -> bool {
        let rows = width.next_multiple_of(self.rows);
        5 * width * width >= 4 * rows * self.row()
    }
}

/// A square map of packed codes with a border of one position of zeros on every side, so that kernels read their padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CodeMap {
    /// Positions a side, without the border.
    pub(super) edge: usize,
    /// Bytes a position.
    pub(super) pixel: usize,
}

impl CodeMap {
    /// Bytes a row, its border included.
    pub(super) fn row(self) -> usize {
        (self.edge + 2) * self.pixel
    }

    /// Bytes of the map, its border included.
    pub(super) fn bytes(self) -> usize {
        (self.edge + 2) * self.row()
    }

    /// Where position (`y`, `x`) starts; (0, 0) is the first one inside the border.
    pub(super) fn at(self, y: usize, x: usize) -> usize {
        (y + 1) * self.row() + (x + 1) * self.pixel
    }

    /// Zeroes the rows above and below.
    pub(super) fn clear_ends(self, map: &mut [u8]) {
        map[..self.row()].fill(0);
        map[(self.edge + 1) * self.row()..self.bytes()].fill(0);
    }

    /// Zeroes the border of whole rows.
    pub(super) fn clear_sides(self, rows: &mut [u8]) {
        for row in rows.chunks_exact_mut(self.row()) {
            row[..self.pixel].fill(0);
            row[(self.edge + 1) * self.pixel..].fill(0);
        }
    }

    /// The rows inside the border, borders left and right included.
    pub(super) fn inner(self, map: &mut [u8]) -> &mut [u8] {
        &mut map[self.row()..(self.edge + 1) * self.row()]
    }
}

/// Bytes of a line of the cache; no vector is larger.
const LINE: usize = 64;

/// Values that start at a line of the cache: vectors of them do not lie across two.
#[derive(Default)]
pub(super) struct Lines<T> {
    room: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Copy> Lines<T> {
    /// `len` times `value`.
    pub(super) fn new(value: T, len: usize) -> Self {
        let spare = LINE / size_of::<T>();
        let room = vec![value; len + spare];
        let start = room.as_ptr().align_offset(LINE).min(spare);
        Self { room, start, len }
    }
}

impl<T> Deref for Lines<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.room[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Lines<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[self.start..self.start + self.len]
    }
}

/// Thresholds that sums are compared with, lane by lane: the code is how many of three `rows` the sum, flipped by `flips`,
/// reaches. A falling channel is flipped, so that n ≤ T becomes a ≥.
pub(super) struct LaneThresholds<N> {
    /// Masks for [`Quantity::flip`].
    pub(super) flips: Lines<N>,
    /// Thresholds.
    pub(super) rows: [Lines<N>; 3],
}

/// What thresholds compare: 16 or 32 bit sums or floats.
pub(super) trait Quantity: Copy + PartialOrd + Default + Send + Sync {
    /// More than any sum.
    const NEVER: Self;
    /// The mask that turns the order round.
    const TURN: Self;

    /// With mask `TURN` the order turns round, with 0 nothing happens.
    fn flip(self, mask: Self) -> Self;
}

impl Quantity for i16 {
    const NEVER: Self = Self::MAX;
    const TURN: Self = -1;

    #[inline(always)]
    fn flip(self, mask: Self) -> Self {
        self ^ mask
    }
}

impl Quantity for i32 {
    const NEVER: Self = Self::MAX;
    const TURN: Self = -1;

    #[inline(always)]
    fn flip(self, mask: Self) -> Self {
        self ^ mask
    }
}

impl Quantity for f32 {
    const NEVER: Self = Self::INFINITY;
    const TURN: Self = -0.0;

    #[inline(always)]
    fn flip(self, mask: Self) -> Self {
        Self::from_bits(self.to_bits() ^ mask.to_bits())
    }
}

impl<N: Quantity> LaneThresholds<N> {
    /// From a row and a direction a channel; the lanes behind the last channel always give code 0.
    pub(super) fn new(packing: Packing, rows: impl ExactSizeIterator<Item = ([N; 3], bool)>) -> Self {
        let lanes = packing.blocks(rows.len()) * packing.lanes;
        let never = || Lines::new(N::NEVER, lanes);
        let mut made = Self { flips: Lines::new(N::default(), lanes), rows: [never(), never(), never()] };
        for (channel, (row, falling)) in rows.enumerate() {
            let lane = packing.lane(channel);
            let flip = if falling { N::TURN } else { N::default() };
            made.flips[lane] = flip;
            made.rows.iter_mut().zip(row).for_each(|(lanes, threshold)| lanes[lane] = threshold.flip(flip));
        }
        made
    }

    /// Bytes of all lanes.
    pub(super) fn bytes(&self) -> usize {
        4 * size_of_val(&*self.flips)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXES: Packing = Packing { lanes: 64, group: 6, index_bytes: 2, tap: 1, together: 2, along: None };
    const QUADS: Packing = Packing { lanes: 16, group: 4, index_bytes: 1, tap: 1, together: 2, along: None };

    #[test]
    fn indices_start_anew_every_64_channels() {
        assert_eq!([30, 64, 65, 128, 130].map(|c| SIXES.groups(c)), [5, 11, 12, 22, 23]);
        assert_eq!([SIXES.place(63), SIXES.place(64), SIXES.place(71)], [(10, 3), (11, 0), (12, 1)]);
        assert_eq!([QUADS.groups(30), QUADS.groups(64), QUADS.place(70).0], [8, 16, 17]);
    }

    #[test]
    fn lanes_are_a_permutation() {
        let mut lanes: Vec<usize> = (0..64).map(|c| QUADS.lane(c)).collect();
        assert_eq!(&lanes[16..20], [16, 24, 17, 25]);
        lanes.sort_unstable();
        assert!(lanes.into_iter().eq(0..64));
    }

    #[test]
    fn falling_thresholds_are_turned_round() {
        let rows = [([-3, 0, 5], false), ([5, 0, -3], true)];
        let made = LaneThresholds::<i16>::new(QUADS, rows.into_iter());
        for n in -7..=7 {
            for (channel, (row, falling)) in rows.into_iter().enumerate() {
                let lane = QUADS.lane(channel);
                let code = made.rows.iter().filter(|t| i16::flip(n, made.flips[lane]) >= t[lane]).count();
                let expected = row.into_iter().filter(|&t| if falling { n <= t } else { n >= t }).count();
                assert_eq!(code, expected, "{n} in channel {channel}");
            }
        }
    }
}
