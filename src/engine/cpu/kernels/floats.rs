//! The float first layer: what the comparison runs in place of pixel embedding.
//!
//! The picture stays bytes, until they are under the kernel. What lies outside the picture is the float 0, which adds nothing.

use super::super::packing::{LaneThresholds, Packing};
use super::generic::{CodeRows, FLOATS, Vector, in_parts};
use super::picture::{PictureRows, PictureWindow};
use std::ops::Range;

/// Some rows of the float first layer.
pub(in super::super) struct FloatRows<'a> {
    /// Which.
    pub(in super::super) over: PictureRows,
    /// The picture, HWC.
    pub(in super::super) rgb: &'a [u8],
    /// What each byte of each colour stands for.
    pub(in super::super) values: &'a [[f32; 256]; 3],
    /// `[block][ky][kx][3][lane]`.
    pub(in super::super) weights: &'a [f32],
}

impl FloatRows<'_> {
    /// Whether every access of [`convolve_floats`] to picture and weights is inside them.
    pub(super) fn is_inside(&self, packing: Packing) -> bool {
        let taps = self.over.kernel * self.over.kernel;
        self.over.is_inside(self.rgb.len()) && self.weights.len() == self.over.blocks * taps * 3 * packing.lanes
    }
}

/// Where the float sums of one block at one position go.
pub(super) trait FloatSink<V: Vector> {
    /// `y` counts from the first of the rows.
    ///
    /// # Safety
    /// The processor has the instruction set, and what the sink points at has this position and block.
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, sums: [V::Floats; FLOATS]);
}

/// Runs the float first layer, `P` positions at a time. The sums run over ky, kx, colour: their order is part of what the
/// layer means. So is that products and sums are rounded once; `APART` they are not, see [`Vector::multiply_then_add`].
///
/// # Safety
/// The processor has the instruction set, the job is inside its slices, and the sink takes all of its positions and blocks.
#[inline(always)]
pub(super) unsafe fn convolve_floats<V: Vector, S: FloatSink<V>, const P: usize, const APART: bool>(
    job: &FloatRows<'_>,
    sink: &mut S,
) {
    for strip in job.over.strips() {
        // SAFETY: the caller's promises, passed on.
        unsafe {
            match job.over.kernel {
                1 => convolve_strip::<V, S, P, 1, APART>(job, &strip, sink),
                _ => convolve_strip::<V, S, P, 3, APART>(job, &strip, sink),
            }
        }
    }
}

/// All rows of some columns.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[inline(always)]
unsafe fn convolve_strip<V: Vector, S: FloatSink<V>, const P: usize, const K: usize, const APART: bool>(
    job: &FloatRows<'_>,
    strip: &Range<usize>,
    sink: &mut S,
) {
    let over = &job.over;
    let mut window = PictureWindow::<f32, K>::new(0.0);
    for (at, y) in over.rows.clone().enumerate() {
        let rows = window.under(over, (job.rgb, job.values), y, strip);
        for block in 0..over.blocks {
            let mut done = 0;
            while done < strip.len() {
                // The last tile starts where it still fits.
                let first = if strip.len() < P { done } else { done.min(strip.len() - P) };
                let rows = rows.map(|row| row.wrapping_add(3 * over.stride * first));
                let place = (at, strip.start + first, block);
                // SAFETY: the rows hold the floats under all positions; the weights hold every block by
                // `FloatRows::is_inside`, which the caller has checked.
                done = first
                    + unsafe {
                        if strip.len() < P {
                            tile::<V, S, 1, K, APART>(job, rows, place, sink)
                        } else {
                            in_parts!(V, tile::<V, S, P, K, APART>(job, rows, place, sink))
                        }
                    };
            }
        }
    }
}

/// `P` positions side by side, the first of them at `place` (y, x, block) over the floats `rows`; returns `P`. Loops count so
/// that they unroll and the sums stay in registers.
///
/// # Safety
/// The processor has the instruction set, and positions, blocks and taps are those of the job, which is inside its slices.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
unsafe fn tile<V: Vector, S: FloatSink<V>, const P: usize, const K: usize, const APART: bool>(
    job: &FloatRows<'_>,
    rows: [*const f32; K],
    (y, x, block): (usize, usize, usize),
    sink: &mut S,
) -> usize {
    let lanes = V::PACKING.lanes;
    // SAFETY: see `strip`.
    unsafe {
        let mut weights = job.weights.as_ptr().add(block * K * K * 3 * lanes);
        let mut sums = [[V::splat(0.0); FLOATS]; P];
        // As many as 3 · K, which the compiler is not to know: it would unroll them, and run one position after the other, each
        // with too few sums for the latency of their additions.
        let taps = 3 * job.over.kernel;
        for row in rows {
            for tap in 0..taps {
                let mut values = [V::splat(0.0); P];
                for p in 0..P {
                    values[p] = V::splat(*row.add(3 * job.over.stride * p + tap));
                }
                for i in 0..FLOATS {
                    let weight = V::load_floats(weights.add(i * lanes / FLOATS));
                    for p in 0..P {
                        sums[p][i] = if APART {
                            V::multiply_then_add(weight, values[p], sums[p][i])
                        } else {
                            V::multiply_add(weight, values[p], sums[p][i])
                        };
                    }
                }
                weights = weights.add(lanes);
            }
        }
        for (p, &sums) in sums.iter().enumerate() {
            sink.put(y, x + p, block, sums);
        }
    }
    P
}

/// Float sums → thresholds → packed codes.
pub(super) struct FloatsToCodes {
    /// The thresholds.
    pub(super) thresholds: *const LaneThresholds<f32>,
    /// Where the codes go.
    pub(super) rows: CodeRows,
}

impl<V: Vector> FloatSink<V> for FloatsToCodes {
    #[inline(always)]
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, sums: [V::Floats; FLOATS]) {
        // SAFETY: thresholds and rows live and hold every block: the caller's promise.
        unsafe {
            let thresholds = &*self.thresholds;
            let even = half_codes::<V>([sums[0], sums[1]], thresholds, block * V::PACKING.lanes);
            let odd = half_codes::<V>([sums[2], sums[3]], thresholds, block * V::PACKING.lanes + V::PACKING.lanes / 2);
            V::pair(even, odd).store_pairs(self.rows.at::<V>(y, x, block));
        }
    }
}

/// The codes of half a block, from `lane` on.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn half_codes<V: Vector>(sums: [V::Floats; 2], thresholds: &LaneThresholds<f32>, lane: usize) -> V {
    let next = lane + V::PACKING.lanes / FLOATS;
    let [a, b, c] = thresholds.rows.each_ref().map(|row| row.as_ptr());
    // SAFETY: the thresholds hold every block: the caller's promise.
    unsafe {
        let a = [V::load_floats(a.add(lane)), V::load_floats(a.add(next))];
        let b = [V::load_floats(b.add(lane)), V::load_floats(b.add(next))];
        let c = [V::load_floats(c.add(lane)), V::load_floats(c.add(next))];
        V::float_codes(sums, [a, b, c])
    }
}

/// Float sums → memory, `[y][x][block][lane]`.
pub(super) struct FloatsToSums {
    /// The first row.
    pub(super) sums: *mut f32,
    /// Positions a row.
    pub(super) width: usize,
    /// Blocks a position.
    pub(super) blocks: usize,
}

impl<V: Vector> FloatSink<V> for FloatsToSums {
    #[inline(always)]
    unsafe fn put(&mut self, y: usize, x: usize, block: usize, sums: [V::Floats; FLOATS]) {
        let lanes = V::PACKING.lanes;
        // SAFETY: the rows hold every block of every position: the caller's promise.
        unsafe {
            let to = self.sums.add(((y * self.width + x) * self.blocks + block) * lanes);
            for (i, sums) in sums.into_iter().enumerate() {
                V::store_floats(sums, to.add(i * lanes / FLOATS));
            }
        }
    }
}
