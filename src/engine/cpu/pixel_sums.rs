//! Pixel embedding and the first convolution in one: what a tap of the convolution adds depends on one byte of the picture
//! alone, so that a table holds it, ready summed over the embedding's codes, for every output channel.

use super::packing::{Lines, Packing};
use crate::network::{BinaryConv, CodeTable};
use std::collections::HashMap;

/// How many addends a byte holds before it is flushed to 16 bits.
pub(super) const PART: usize = 4;
/// Half a line of the cache, in bytes: rows start at one.
const HALF_LINE: usize = 32;
/// The largest table that is worth it, in bytes: more would leave the processor's second cache.
const LARGEST: usize = 1 << 20;
/// How often a frame must use a row of the table on average: at the pace of a camera the caches forget the table from frame to
/// frame, and a small frame would spend its time on fetching it.
const LEAST_USES: usize = 8;

/// The first convolution behind pixel embedding for the kernels.
pub(super) struct PackedPixelConv {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) width: usize,
    pub(super) blocks: usize,
    /// Which bytes share a row.
    pub(super) rows: SumRows,
    /// As `kernels::PixelRows::sums`.
    pub(super) sums: Lines<u8>,
    /// What the kernel's sums have too much, lane by lane.
    pub(super) offsets: Lines<i16>,
    /// As `PackedConv::turned`.
    pub(super) turned: Vec<bool>,
}

/// The rows of a table: one for what lies outside the picture, which is the code 0, and one for all bytes of a colour that are
/// embedded alike. Fewer rows than bytes: the caches hold more of them.
pub(super) struct SumRows {
    /// Where a byte's row starts, `[colour][byte]`.
    starts: Box<[[u32; 256]; 3]>,
    /// Bytes a row.
    row: usize,
    /// The most rows that a colour has.
    count: usize,
}

impl SumRows {
    /// Where the row of what lies outside the picture starts.
    pub(super) const OUTSIDE: u32 = 0;

    /// `row` bytes each.
    fn new(embedding: &CodeTable, row: usize) -> Self {
        let mut starts = Box::new([[0; 256]; 3]);
        let mut count = 0;
        for (colour, starts) in starts.iter_mut().enumerate() {
            let mut known = HashMap::new();
            for byte in 0..=u8::MAX {
                // At most 257 rows of at most 8192 channels.
                let next = ((1 + known.len()) * row) as u32;
                starts[usize::from(byte)] = *known.entry(embedding.row(colour, byte)).or_insert(next);
            }
            count = count.max(1 + known.len());
        }
        Self { starts, row, count }
    }

    /// Bytes a row.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// Bytes of all rows: every row starts, and ends, inside them.
    pub(super) fn table(&self) -> usize {
        self.count * self.row
    }

    /// Where a byte's row starts, `[colour][byte]`.
    pub(super) fn starts(&self) -> &[[u32; 256]; 3] {
        &self.starts
    }

    /// Where the row of a byte of a colour starts.
    fn of(&self, colour: usize, byte: u8) -> usize {
        self.starts[colour][usize::from(byte)] as usize
    }
}

impl PackedPixelConv {
    /// For an output `width` positions wide; `None` where the codes themselves are the better way.
    pub(super) fn new(
        embedding: &CodeTable,
        conv: &BinaryConv,
        turned: Vec<bool>,
        width: usize,
        packing: Packing,
    ) -> Option<Self> {
        let g = conv.geometry();
        let raise = raise(embedding)?;
        let (addends, blocks) = (3 * g.kernel * g.kernel, packing.blocks(g.out_channels));
        // Lanes behind the last channel read the next row: their thresholds are out of reach.
        let rows = SumRows::new(embedding, g.out_channels.next_multiple_of(HALF_LINE));
        if addends * rows.table() > LARGEST || width * width < LEAST_USES * rows.count {
            return None;
        }
        let mut sums = Lines::new(raise, addends * rows.table() + packing.lanes);
        for (i, table) in sums.chunks_exact_mut(rows.table()).take(addends).enumerate() {
            let (tap, colour) = (i / 3, i % 3);
            for (out, &turned) in turned.iter().enumerate() {
                let bits = conv.tap(out, tap / g.kernel, tap % g.kernel);
                for byte in 0..=u8::MAX {
                    let sum = signed_sum(bits, colour * embedding.depth(), embedding.row(colour, byte));
                    // Within ±raise, see `raise`.
                    table[rows.of(colour, byte) + out] = (i16::from(raise) + if turned { -sum } else { sum }) as u8;
                }
            }
        }
        let offsets = Lines::new(addends as i16 * i16::from(raise), blocks * packing.lanes);
        Some(Self { kernel: g.kernel, stride: g.stride, width, blocks, rows, sums, offsets, turned })
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> usize {
        self.sums.len() + size_of_val(&*self.rows.starts) + size_of_val(&*self.offsets)
    }
}

/// What is added to every entry so that none is negative: the largest sum of a colour's codes. `None` where a byte cannot
/// hold as many as it must.
fn raise(embedding: &CodeTable) -> Option<u8> {
    let largest = 3 * embedding.depth();
    (2 * largest * PART <= usize::from(u8::MAX)).then_some(largest as u8)
}

/// Σ ±code of the input channels from `first` on.
fn signed_sum(bits: &[u8], first: usize, codes: &[u8]) -> i16 {
    let signed = |(channel, &code): (usize, &u8)| {
        let code = i16::from(code);
        if bits[channel / 8] >> (channel % 8) & 1 == 1 { code } else { -code }
    };
    (first..).zip(codes).map(signed).sum()
}
