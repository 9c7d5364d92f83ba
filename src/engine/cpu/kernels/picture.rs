//! The picture under a first layer: what its bytes stand for is looked up for a few columns of the rows under the kernel, so that it
//! never leaves the first cache.

use std::ops::Range;

/// Positions of a row that are looked up at a time.
const STRIP: usize = 64;
/// Bytes of one row of the picture under a strip: the kernel has an edge of at most 3, the stride is at most 2.
const MOST_BYTES: usize = 3 * (2 * (STRIP - 1) + 3);

/// Some rows of a first layer, and how they lie over the picture.
pub(in super::super) struct PictureRows {
    /// The picture's edge.
    pub(in super::super) edge: usize,
    /// 1 or 3.
    pub(in super::super) kernel: usize,
    /// 1 or 2.
    pub(in super::super) stride: usize,
    /// Positions a row of the output.
    pub(in super::super) width: usize,
    /// The rows of the output.
    pub(in super::super) rows: Range<usize>,
    /// Blocks of output channels.
    pub(in super::super) blocks: usize,
}

impl PictureRows {
    /// Whether all [`PictureRows::taps`] are inside a picture of `values` values.
    pub(super) fn is_inside(&self, values: usize) -> bool {
        matches!((self.kernel, self.stride), (1 | 3, 1 | 2))
            && self.rows.end <= self.width
            && self.width * self.stride == self.edge
            && values == self.edge * self.edge * 3
    }

    /// The strips of columns of the output whose picture is looked up at a time.
    pub(super) fn strips(&self) -> impl Iterator<Item = Range<usize>> {
        let width = self.width;
        (0..width).step_by(STRIP).map(move |start| start..width.min(start + STRIP))
    }
}

/// What the bytes under a strip of one row of the output stand for, row y of the picture, its border counted, in place y % `K`.
pub(super) struct PictureWindow<T, const K: usize> {
    rows: [[T; MOST_BYTES]; K],
    /// The first row that is not there yet.
    known: usize,
    /// What stands outside the picture.
    outside: T,
}

impl<T: Copy, const K: usize> PictureWindow<T, K> {
    /// `outside` stands for what is outside the picture.
    pub(super) fn new(outside: T) -> Self {
        Self { rows: [[outside; MOST_BYTES]; K], known: 0, outside }
    }

    /// The rows under the output row `y`, from the first of the columns `strip` on, `[column][colour]`; `y` never falls.
    pub(super) fn under(
        &mut self,
        over: &PictureRows,
        (rgb, values): (&[u8], &[[T; 256]; 3]),
        y: usize,
        strip: &Range<usize>,
    ) -> [*const T; K] {
        let top = y * over.stride;
        for row in self.known.max(top)..top + K {
            self.look_up(over, (rgb, values), row, strip);
        }
        self.known = top + K;
        let mut rows = [self.rows[0].as_ptr(); K];
        for (ky, row) in rows.iter_mut().enumerate() {
            *row = self.rows[(top + ky) % K].as_ptr();
        }
        rows
    }

    /// Row `y` under a strip, counted in a picture with a border of `K` / 2.
    fn look_up(&mut self, over: &PictureRows, (rgb, values): (&[u8], &[[T; 256]; 3]), y: usize, strip: &Range<usize>) {
        let (edge, x) = (over.edge, strip.start * over.stride);
        let columns = over.stride * (strip.len() - 1) + K;
        let row = &mut self.rows[y % K][..3 * columns];
        row.fill(self.outside);
        let Some(y) = y.checked_sub(K / 2).filter(|&y| y < edge) else { return };
        let first = x.saturating_sub(K / 2);
        let behind = edge.min(x + columns - K / 2);
        let bytes = &rgb[3 * (y * edge + first)..3 * (y * edge + behind)];
        let inside = &mut row[3 * (first + K / 2 - x)..];
        for (to, bytes) in inside.as_chunks_mut::<3>().0.iter_mut().zip(bytes.as_chunks::<3>().0) {
            for (colour, to) in to.iter_mut().enumerate() {
                *to = values[colour][usize::from(bytes[colour])];
            }
        }
    }
}
