//! Why a class, of any engine: how much less likely it becomes where a patch of the picture is covered (Zeiler and Fergus, arXiv
//! 1311.2901, §4.2).
//!
//! Patches are squares. They start at rows and at columns 0, stride, 2 · stride and so on, as long as they end before the border; one more
//! ends at the border. So the i-th of n starts at min(i · stride, edge − patch), with n = ⌈(edge − patch) ÷ stride⌉ + 1, and where the
//! stride is no longer than the patch all of the picture is covered at some time. What lies under a patch becomes grey, or is taken from the blurred
//! picture; all else stays. A drop is p(whole) − p(covered), of the class that is the likeliest of the whole picture: below zero where it
//! becomes likelier.

use crate::engine::{Engine, EngineError, likeliest, softmax};
use crate::frame::InputImage;
use image::GrayImage;
use imageproc::filter::box_filter;
use thiserror::Error;

/// The byte of all three colours where a patch is grey.
const GREY: u8 = 128;
/// Most patches of one picture: a run of the engine each.
const MOST_PATCHES: usize = 1 << 16;

/// What is seen where a patch lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub(crate) enum Fill {
    /// Grey of 128.
    Grey,
    /// Of each colour the mean of the square around it that reaches half a patch, rounded down, to every side: first along the row, then
    /// along the column, each rounded down. Beyond its border the picture goes on as the border is.
    Blur,
}

/// Which patches cover a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patches {
    /// Height and width of each, in pixels.
    pub(crate) patch: usize,
    /// From the start of one to the start of the next, down and across, in pixels.
    pub(crate) stride: usize,
    /// What is seen in their place.
    pub(crate) fill: Fill,
}

/// Why patches do not cover a picture.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum PatchError {
    /// A patch without pixels, or patches that all lie at one place.
    #[error("a patch and a stride of 1 pixel and more are needed: choose them so")]
    Nothing,
    /// A patch larger than the picture.
    #[error("a patch of {patch}×{patch} pixels does not fit into the picture of {edge}×{edge}: choose a smaller patch")]
    TooLarge {
        /// The patch's edge.
        patch: usize,
        /// The picture's edge.
        edge: usize,
    },
    /// More than [`MOST_PATCHES`].
    #[error("{0} patches are more than {MOST_PATCHES}: choose a larger stride")]
    TooMany(usize),
}

impl Patches {
    /// The first rows (and as well columns) of the patches of a picture of `edge` pixels.
    fn starts(&self, edge: usize) -> Result<Vec<usize>, PatchError> {
        let Self { patch, stride, .. } = *self;
        if patch == 0 || stride == 0 {
            return Err(PatchError::Nothing);
        }
        let last = edge.checked_sub(patch).ok_or(PatchError::TooLarge { patch, edge })?;
        let count = last.div_ceil(stride) + 1;
        let patches = count.saturating_mul(count);
        if patches > MOST_PATCHES {
            return Err(PatchError::TooMany(patches));
        }
        Ok((0..count).map(|i| (i * stride).min(last)).collect())
    }
}

/// What covering comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OcclusionMap {
    /// The likeliest class of the whole picture.
    pub(crate) class: usize,
    /// Its probability there.
    pub(crate) p: f32,
    /// The first row of each row of patches, and as well the first column of each column.
    pub(crate) starts: Vec<usize>,
    /// How much less likely the class is, patch by patch, row by row; as many as were run by now.
    pub(crate) drops: Vec<f32>,
}

impl OcclusionMap {
    /// The mean drop of all patches (of `patch` pixels) that cover a pixel, for every pixel of a picture of `edge` pixels, row by row; 0
    /// where none does. All patches have run.
    pub(crate) fn over_pixels(&self, patch: usize, edge: usize) -> Vec<f32> {
        let across = self.starts.len();
        // [y][x]: the sum of the drops above and to the left.
        let mut sums = vec![0.0_f64; (across + 1) * (across + 1)];
        let place = |y: usize, x: usize| y * (across + 1) + x;
        for (at, &drop) in self.drops.iter().enumerate() {
            let (y, x) = (at / across, at % across);
            sums[place(y + 1, x + 1)] =
                f64::from(drop) + sums[place(y, x + 1)] + sums[place(y + 1, x)] - sums[place(y, x)];
        }
        // The patches that cover a row, and as well a column.
        let covering = |at: usize| {
            let begun = |end: usize| self.starts.partition_point(|start| start + end <= at);
            begun(patch)..begun(0)
        };
        let mean = |(y, x): (usize, usize)| {
            let (rows, columns) = (covering(y), covering(x));
            let sum = sums[place(rows.end, columns.end)] + sums[place(rows.start, columns.start)]
                - sums[place(rows.start, columns.end)]
                - sums[place(rows.end, columns.start)];
            (sum / (rows.len() * columns.len()).max(1) as f64) as f32
        };
        (0..edge * edge).map(|at| mean((at / edge, at % edge))).collect()
    }
}

/// Covers a picture patch by patch, a run of an engine each: as many at a time as there is time for.
#[derive(Clone, Debug)]
pub(crate) struct Occlusion {
    patches: Patches,
    picture: InputImage,
    /// What is seen where a patch lies.
    cover: InputImage,
    /// The picture again; covered in part while it runs.
    covered: InputImage,
    /// Whether the whole picture has run.
    begun: bool,
    map: OcclusionMap,
    probabilities: Vec<f32>,
}

impl Occlusion {
    /// Of `picture`, before any run.
    ///
    /// # Errors
    /// [`PatchError`].
    pub(crate) fn new(patches: Patches, picture: &InputImage) -> Result<Self, PatchError> {
        let starts = patches.starts(picture.edge())?;
        Ok(Self {
            patches,
            cover: cover(picture, patches),
            covered: picture.clone(),
            picture: picture.clone(),
            begun: false,
            map: OcclusionMap { starts, ..OcclusionMap::default() },
            probabilities: Vec::new(),
        })
    }

    /// Runs `engine` up to `runs` times, first on the whole picture; whether all patches have run by now. A later call goes on where this
    /// one ends, on the same network or the drops mean nothing.
    ///
    /// # Errors
    /// As [`Engine::run`]; what failed is run again with the next call.
    pub(crate) fn advance(&mut self, engine: &mut dyn Engine, runs: usize) -> Result<bool, EngineError> {
        for _ in 0..runs {
            if self.finished().is_some() {
                break;
            }
            self.step(engine)?;
        }
        Ok(self.finished().is_some())
    }

    /// What it came to, where all patches have run.
    pub(crate) fn finished(&self) -> Option<&OcclusionMap> {
        let across = self.map.starts.len();
        (self.begun && self.map.drops.len() == across * across).then_some(&self.map)
    }

    fn step(&mut self, engine: &mut dyn Engine) -> Result<(), EngineError> {
        if !self.begun {
            softmax(engine.run(&self.picture)?.logits, &mut self.probabilities);
            self.map.class = likeliest(&self.probabilities).unwrap_or(0);
            self.map.p = self.probabilities[self.map.class];
            self.begun = true;
            return Ok(());
        }
        let (at, across) = (self.map.drops.len(), self.map.starts.len());
        let [y, x] = [at / across, at % across].map(|place| self.map.starts[place]);
        copy_patch(&self.cover, &mut self.covered, self.patches.patch, [y, x]);
        let run = engine.run(&self.covered).map(|outcome| softmax(outcome.logits, &mut self.probabilities));
        copy_patch(&self.picture, &mut self.covered, self.patches.patch, [y, x]);
        run?;
        self.map.drops.push(self.map.p - self.probabilities[self.map.class]);
        Ok(())
    }
}

/// What a picture looks like where patches lie.
fn cover(picture: &InputImage, Patches { patch, fill, .. }: Patches) -> InputImage {
    let edge = picture.edge();
    let mut cover = InputImage::black(edge);
    if fill == Fill::Grey {
        cover.rgb_mut().fill(GREY);
        return cover;
    }
    let reach = patch as u32 / 2;
    for colour in 0..3 {
        let plane = GrayImage::from_fn(edge as u32, edge as u32, |x, y| {
            image::Luma([picture.rgb()[(y as usize * edge + x as usize) * 3 + colour]])
        });
        let blurred = box_filter(&plane, reach, reach);
        cover.rgb_mut().iter_mut().skip(colour).step_by(3).zip(blurred.as_raw()).for_each(|(to, from)| *to = *from);
    }
    cover
}

/// Copies a square of `patch` pixels that starts at the row `y` and the column `x`.
fn copy_patch(from: &InputImage, to: &mut InputImage, patch: usize, [y, x]: [usize; 2]) {
    let edge = to.edge();
    for row in y..y + patch {
        let bytes = (row * edge + x) * 3..(row * edge + x + patch) * 3;
        to.rgb_mut()[bytes.clone()].copy_from_slice(&from.rgb()[bytes]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::network::shipped::Shipped;
    use std::sync::Arc;

    fn engine(name: &str) -> CpuEngine {
        let network = Arc::new(Shipped::named(name).expect("shipped").load().expect("sound"));
        CpuEngine::new(network.clone(), network.edge(), Level::best(), 1).unwrap()
    }

    fn picture(edge: usize) -> InputImage {
        let at = |i: usize| (i / 3 % edge * 5 + i / 3 / edge * 3 + i % 3 * 40 + i * i % 31) as u8;
        InputImage::from_rgb(edge, (0..edge * edge * 3).map(at).collect()).unwrap()
    }

    /// All of it at once, covered in another way.
    fn brute_force(engine: &mut dyn Engine, picture: &InputImage, patches: Patches) -> OcclusionMap {
        let Patches { patch, stride, fill } = patches;
        let edge = picture.edge();
        let mut p = |picture: &InputImage| {
            let mut probabilities = Vec::new();
            softmax(engine.run(picture).unwrap().logits, &mut probabilities);
            probabilities
        };
        let whole = p(picture);
        let class = likeliest(&whole).unwrap();
        let mut starts: Vec<usize> = (0..).map(|i| i * stride).take_while(|start| start + patch <= edge).collect();
        if starts.last().unwrap() + patch < edge {
            starts.push(edge - patch);
        }
        let byte = |i: usize| i64::from(picture.rgb()[i]);
        let near = |at: i64| at.clamp(0, edge as i64 - 1) as usize;
        let reach = patch as i64 / 2;
        let along = |y: usize, x: i64, colour: usize| {
            (x - reach..=x + reach).map(|x| byte((y * edge + near(x)) * 3 + colour)).sum::<i64>() / (2 * reach + 1)
        };
        let blurred = |y: usize, x: usize, colour: usize| {
            let rows = y as i64 - reach..=y as i64 + reach;
            rows.map(|y| along(near(y), x as i64, colour)).sum::<i64>() / (2 * reach + 1)
        };
        let mut drops = Vec::new();
        for &top in &starts {
            for &left in &starts {
                let mut covered = picture.clone();
                for (i, to) in covered.rgb_mut().iter_mut().enumerate() {
                    let (y, x) = (i / 3 / edge, i / 3 % edge);
                    if (top..top + patch).contains(&y) && (left..left + patch).contains(&x) {
                        *to = if fill == Fill::Grey { 128 } else { blurred(y, x, i % 3) as u8 };
                    }
                }
                drops.push(whole[class] - p(&covered)[class]);
            }
        }
        OcclusionMap { class, p: whole[class], starts, drops }
    }

    #[test]
    fn bit_by_bit_it_is_what_all_at_once_is() {
        let mut engine = engine("cards");
        let picture = picture(engine.edge());
        for (patch, stride, fill, across) in
            [(16, 8, Fill::Grey, 7), (24, 8, Fill::Blur, 6), (11, 9, Fill::Blur, 7), (64, 3, Fill::Grey, 1)]
        {
            let patches = Patches { patch, stride, fill };
            let expected = brute_force(&mut engine, &picture, patches);
            assert_eq!(expected.drops.len(), across * across);
            let mut occlusion = Occlusion::new(patches, &picture).unwrap();
            let mut calls = 1;
            while !occlusion.advance(&mut engine, 5).unwrap() {
                assert_eq!(occlusion.finished(), None);
                calls += 1;
            }
            assert_eq!(calls, (1 + across * across).div_ceil(5));
            assert_eq!(occlusion.finished(), Some(&expected), "{patches:?}");
            assert!(across == 1 || expected.drops.iter().any(|drop| *drop != expected.drops[0]));
        }
    }

    #[test]
    fn a_run_that_fails_is_run_again() {
        let (mut small, mut other) = (engine("cifar100"), engine("cards"));
        assert_ne!(small.edge(), other.edge());
        let patches = Patches { patch: 8, stride: 8, fill: Fill::Grey };
        let picture = picture(other.edge());
        let mut occlusion = Occlusion::new(patches, &picture).unwrap();
        assert!(occlusion.advance(&mut small, 1).is_err());
        assert!(!occlusion.advance(&mut other, 3).unwrap());
        assert!(occlusion.advance(&mut small, 1).is_err());
        assert!(occlusion.advance(&mut other, usize::MAX).unwrap());
        assert_eq!(occlusion.finished(), Some(&brute_force(&mut other, &picture, patches)));
    }

    #[test]
    fn pixels_have_the_mean_of_what_covers_them() {
        let drops = vec![0.5, 0.25, 0.0, -1.0, 0.0, 2.0, 0.0, 0.0, 1.0];
        let map = OcclusionMap { class: 0, p: 1.0, starts: vec![0, 2, 5], drops };
        let pixels = map.over_pixels(3, 8);
        let at = |y: usize, x: usize| pixels[y * 8 + x];
        assert_eq!([at(0, 0), at(1, 2), at(0, 4), at(2, 2), at(2, 6), at(7, 7)], [0.5, 0.375, 0.25, -0.0625, 1.0, 1.0]);
        assert_eq!(map.over_pixels(1, 8)[8 + 1], 0.0, "nothing covers it");
    }

    #[test]
    fn patches_that_cover_nothing_or_too_much_are_refused() {
        let starts = |patch, stride, edge| Patches { patch, stride, fill: Fill::Grey }.starts(edge);
        assert_eq!(starts(16, 8, 64), Ok(vec![0, 8, 16, 24, 32, 40, 48]));
        assert_eq!(starts(10, 30, 64), Ok(vec![0, 30, 54]));
        assert_eq!(starts(64, 1, 64), Ok(vec![0]));
        assert_eq!(starts(0, 8, 64), Err(PatchError::Nothing));
        assert_eq!(starts(8, 0, 64), Err(PatchError::Nothing));
        assert_eq!(starts(65, 8, 64), Err(PatchError::TooLarge { patch: 65, edge: 64 }));
        assert_eq!(starts(1, 1, 256).map(|starts| starts.len()), Ok(256));
        assert_eq!(starts(1, 1, 257), Err(PatchError::TooMany(257 * 257)));
        assert_eq!(starts(1, 1, usize::MAX), Err(PatchError::TooMany(usize::MAX)));
    }
}
