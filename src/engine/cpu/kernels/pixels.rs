//! The first convolution behind pixel embedding: a row of a table for every byte under the kernel, added up.

use super::super::packing::Packing;
use super::super::pixel_sums::{self, SumRows};
use super::generic::{ByteSums, Sink, Vector};
use super::picture::{PictureRows, PictureWindow};

/// Some rows of the first convolution behind pixel embedding.
pub(in super::super) struct PixelRows<'a> {
    /// Which.
    pub(in super::super) over: PictureRows,
    /// The picture, HWC.
    pub(in super::super) rgb: &'a [u8],
    /// Which bytes share a row of a table.
    pub(in super::super) rows: &'a SumRows,
    /// What a byte adds, raised so that none is negative: a table for every byte under the kernel, `[ky][kx][3]`, each
    /// `[row][channel]`. Behind them lies a vector more, to be read and not used.
    pub(in super::super) sums: &'a [u8],
}

impl PixelRows<'_> {
    /// Whether every access of [`add_up`] to picture and tables is inside them.
    pub(super) fn is_inside(&self, packing: Packing) -> bool {
        let tables = 3 * self.over.kernel * self.over.kernel * self.rows.table();
        let last = (self.over.blocks * packing.lanes).saturating_sub(self.rows.row());
        self.over.is_inside(self.rgb.len()) && self.sums.len() >= tables + last
    }
}

/// Runs `job`.
///
/// # Safety
/// The processor has the instruction set, the job is inside its slices, and the sink takes all of its positions and blocks.
#[inline(always)]
pub(super) unsafe fn add_up<V: Vector, S: Sink<V>>(job: &PixelRows<'_>, sink: &mut S) {
    match job.over.kernel {
        // SAFETY: the caller's promises, passed on.
        1 => unsafe { add_up_under::<V, S, 1>(job, sink) },
        // SAFETY: as above.
        _ => unsafe { add_up_under::<V, S, 3>(job, sink) },
    }
}

/// [`add_up`] under a kernel of `K` × `K`.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[inline(always)]
unsafe fn add_up_under<V: Vector, S: Sink<V>, const K: usize>(job: &PixelRows<'_>, sink: &mut S) {
    let over = &job.over;
    for strip in over.strips() {
        let mut window = PictureWindow::<u32, K>::new(SumRows::OUTSIDE);
        for (at, y) in over.rows.clone().enumerate() {
            let rows = window.under(over, (job.rgb, job.rows.starts()), y, &strip);
            for x in strip.clone() {
                let first = 3 * over.stride * (x - strip.start);
                let rows = rows.map(|row| row.wrapping_add(first));
                let mut block = 0;
                // SAFETY: the window holds what is under the strip's positions, and by `PixelRows::is_inside`, which the caller
                // has checked, tables hold all rows.
                unsafe {
                    while block + 2 <= over.blocks {
                        put::<V, S, K, 2>(job, rows, (at, x, block), sink);
                        block += 2;
                    }
                    if block < over.blocks {
                        put::<V, S, K, 1>(job, rows, (at, x, block), sink);
                    }
                }
            }
        }
    }
}

/// The sums of `B` blocks at `place` (y, x, block): of every table the row that starts where `rows` say, all added up.
///
/// # Safety
/// As [`add_up_under`].
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn put<V: Vector, S: Sink<V>, const K: usize, const B: usize>(
    job: &PixelRows<'_>,
    rows: [*const u32; K],
    (y, x, block): (usize, usize, usize),
    sink: &mut S,
) {
    let lanes = V::PACKING.lanes;
    // SAFETY: see `add_up_under`.
    unsafe {
        let mut table = job.sums.as_ptr().add(block * lanes);
        let mut sums = [ByteSums::zero(); B];
        for part in 0..(3 * K * K).div_ceil(pixel_sums::PART) {
            let mut bytes = [V::zero(); B];
            for i in pixel_sums::PART * part..(3 * K * K).min(pixel_sums::PART * (part + 1)) {
                let row = table.add(*rows[i / (3 * K)].add(i % (3 * K)) as usize);
                for b in 0..B {
                    bytes[b] = bytes[b].add_bytes(V::load(row.add(b * lanes)));
                }
                table = table.wrapping_add(job.rows.table());
            }
            for b in 0..B {
                sums[b] = sums[b].add(bytes[b]);
            }
        }
        for b in 0..B {
            let [even, odd] = sums[b].halves();
            sink.put(y, x, block + b, even, odd);
        }
    }
}
