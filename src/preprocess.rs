//! From a frame to what a network reads: the centre square, resampled.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use std::ops::Range;
use thiserror::Error;

use crate::frame::{Crop, InputImage};

/// Pictures above this many pixels are refused.
pub(crate) const MAX_PIXELS: u64 = 100_000_000;

/// Why a picture cannot be made an input.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PreprocessError {
    /// Width, height or the input's edge is 0.
    #[error("a picture of {width}×{height} pixels for an input of edge {edge}: none of them may be 0")]
    Empty {
        /// Of the picture.
        width: u32,
        /// Of the picture.
        height: u32,
        /// Of the input.
        edge: usize,
    },
    /// More pixels than 100 megapixels.
    #[error("a picture of {width}×{height} pixels is too large: at most {} megapixels; scale it down first", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Of the picture.
        width: u32,
        /// Of the picture.
        height: u32,
    },
    /// The bytes are not width · height · 3.
    #[error("a picture of {width}×{height} RGB pixels cannot have {bytes} bytes")]
    WrongLength {
        /// Of the picture.
        width: u32,
        /// Of the picture.
        height: u32,
        /// What was given.
        bytes: usize,
    },
    /// The resampler refused.
    #[error("the picture cannot be resampled: {0}")]
    Resample(String),
}

/// The largest square in the middle of a picture of `width` × `height` pixels.
pub(crate) fn centre_crop(width: u32, height: u32) -> Crop {
    let edge = width.min(height);
    Crop { x: (width - edge) / 2, y: (height - edge) / 2, edge }
}

/// Pictures of fewer pixels are resampled sooner than another thread wakes.
const PIXELS_FOR_TWO: u64 = 200_000;

/// Crops and resamples, on two threads where it may; keeps its buffers, so that only the first frame of a size allocates them.
pub struct Preprocessor {
    /// One for the upper half of what comes out, one for the lower half.
    resizers: [Resizer; 2],
    threads: usize,
}

impl Preprocessor {
    /// A preprocessor without buffers yet. Of `threads` threads it uses the caller's alone, or two.
    pub fn new(threads: usize) -> Self {
        Self { resizers: [Resizer::new(), Resizer::new()], threads }
    }

    /// May use so many threads from now on.
    #[cfg(feature = "cli")]
    pub(crate) fn set_threads(&mut self, threads: usize) {
        self.threads = threads;
    }

    /// How many threads a large picture is shared among.
    pub(crate) fn threads(&self) -> usize {
        self.threads.clamp(1, 2)
    }

    /// Fills `input` with the centre square of a picture of `width` × `height` RGB pixels (`rgb`: HWC bytes) and says which
    /// part of the picture that is. A picture of the input's very size is copied byte for byte; any other is resampled
    /// with a filter wide enough for the reduction, which reaches half an input pixel beyond the square.
    ///
    /// # Errors
    /// A side of 0, more than 100 megapixels, or a number of bytes that does not fit the size.
    pub fn run(
        &mut self,
        rgb: &[u8],
        width: u32,
        height: u32,
        input: &mut InputImage,
    ) -> Result<Crop, PreprocessError> {
        let edge = input.edge();
        check(rgb, width, height, edge)?;
        let crop = centre_crop(width, height);
        if (width as usize, height as usize) == (edge, edge) {
            input.rgb_mut().copy_from_slice(rgb);
            return Ok(crop);
        }
        let to = [edge as u32; 2];
        self.resample(rgb, [width, height], Some(crop), input.rgb_mut(), to).map_err(PreprocessError::Resample)?;
        Ok(crop)
    }

    /// A whole picture of `from` width and height resampled `to` others, with the filter of [`Preprocessor::run`].
    ///
    /// # Errors
    /// A side of 0, more than 100 megapixels, or a number of bytes that does not fit the size.
    #[cfg(feature = "cli")]
    pub(crate) fn resize(&mut self, rgb: &[u8], from: [u32; 2], to: [u32; 2]) -> Result<Vec<u8>, PreprocessError> {
        let [[width, height], [to_width, to_height]] = [from, to];
        check(rgb, width, height, to_width.min(to_height) as usize)?;
        if u64::from(to_width) * u64::from(to_height) > MAX_PIXELS {
            return Err(PreprocessError::TooLarge { width: to_width, height: to_height });
        }
        if from == to {
            return Ok(rgb.to_vec());
        }
        let mut out = vec![0; to_width as usize * to_height as usize * 3];
        self.resample(rgb, from, None, &mut out, to).map_err(PreprocessError::Resample)?;
        Ok(out)
    }

    /// Resamples a part of a picture, or all of it.
    fn resample(
        &mut self,
        rgb: &[u8],
        from: [u32; 2],
        part: Option<Crop>,
        out: &mut [u8],
        to: [u32; 2],
    ) -> Result<(), String> {
        let job = Resampling { rgb, from, part, to };
        let alone = self.threads() == 1;
        let [first, second] = &mut self.resizers;
        let half = to[1].div_ceil(2);
        let large = u64::from(from[0]) * u64::from(from[1]) >= PIXELS_FOR_TWO;
        if alone || !large || half == to[1] {
            return job.rows(first, 0..to[1], out);
        }
        let (upper, lower) = out.split_at_mut(half as usize * to[0] as usize * 3);
        let (one, other) = rayon::join(|| job.rows(first, 0..half, upper), || job.rows(second, half..to[1], lower));
        one.and(other)
    }
}

/// What to resample, and to how many columns and rows.
struct Resampling<'a> {
    rgb: &'a [u8],
    from: [u32; 2],
    part: Option<Crop>,
    to: [u32; 2],
}

impl Resampling<'_> {
    /// Some rows of what comes out. Views that know their kind of pixel: untyped ones would compile the resampler for all of them.
    fn rows(&self, resizer: &mut Resizer, rows: Range<u32>, out: &mut [u8]) -> Result<(), String> {
        let [width, height] = self.from;
        let from = TypedImageRef::<U8x3>::from_buffer(width, height, self.rgb).map_err(|error| error.to_string())?;
        let count = rows.end - rows.start;
        let mut to = TypedImage::<U8x3>::from_buffer(self.to[0], count, out).map_err(|error| error.to_string())?;
        let (x, y, width, height) = self.part.map_or((0, 0, width, height), |Crop { x, y, edge }| (x, y, edge, edge));
        // The last row's end is the part's very end: a rounding error further, the resampler would refuse.
        let end_of = |row: u32| {
            if row == self.to[1] {
                return f64::from(y + height);
            }
            f64::from(y) + f64::from(height) / f64::from(self.to[1]) * f64::from(row)
        };
        let (top, bottom) = (end_of(rows.start), end_of(rows.end));
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear)).crop(
            f64::from(x),
            top,
            f64::from(width),
            bottom - top,
        );
        resizer.resize_typed(&from, &mut to, &options).map_err(|error| error.to_string())
    }
}

fn check(rgb: &[u8], width: u32, height: u32, edge: usize) -> Result<(), PreprocessError> {
    if width == 0 || height == 0 || edge == 0 {
        return Err(PreprocessError::Empty { width, height, edge });
    }
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(PreprocessError::TooLarge { width, height });
    }
    if rgb.len() as u64 != pixels * 3 {
        return Err(PreprocessError::WrongLength { width, height, bytes: rgb.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_inputs_size_is_copied() {
        let rgb: Vec<u8> = (0..16 * 16 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let mut input = InputImage::black(16);
        let crop = Preprocessor::new(1).run(&rgb, 16, 16, &mut input);
        assert_eq!(crop, Ok(Crop { x: 0, y: 0, edge: 16 }));
        assert_eq!(input.rgb(), rgb);
    }

    #[test]
    fn the_centre_square_is_what_the_network_sees() {
        assert_eq!(centre_crop(640, 480), Crop { x: 80, y: 0, edge: 480 });
        assert_eq!(centre_crop(3, 8), Crop { x: 0, y: 2, edge: 3 });
        // Red in the centre square, blue to its left and right: nothing of the blue may arrive.
        let (width, height) = (96, 32);
        let row = (0..width).flat_map(|x| if (32..64).contains(&x) { [255, 0, 0] } else { [0, 0, 255] });
        let rgb: Vec<u8> = row.collect::<Vec<u8>>().repeat(height);
        let mut input = InputImage::black(8);
        Preprocessor::new(1).run(&rgb, width, height as u32, &mut input).unwrap();
        for (i, pixel) in input.rgb().as_chunks::<3>().0.iter().enumerate() {
            // The filter reaches half an input pixel beyond the square, so that the outermost columns get a little blue.
            let inner = (1..7).contains(&(i % 8));
            assert!(if inner { *pixel == [255, 0, 0] } else { pixel[0] > 200 }, "pixel {i}: {pixel:?}");
        }
    }

    #[test]
    fn reduction_averages_and_enlargement_keeps_colours() {
        let checks: Vec<u8> = (0..64 * 64).flat_map(|i| [if (i + i / 64) % 2 == 0 { 0 } else { 255 }; 3]).collect();
        let mut input = InputImage::black(8);
        Preprocessor::new(1).run(&checks, 64, 64, &mut input).unwrap();
        assert!(input.rgb().iter().all(|byte| (120..=135).contains(byte)), "{:?}", &input.rgb()[..12]);
        let mut input = InputImage::black(64);
        Preprocessor::new(1).run(&[9, 99, 199], 1, 1, &mut input).unwrap();
        assert!(input.rgb().as_chunks::<3>().0.iter().all(|pixel| *pixel == [9, 99, 199]));
    }

    #[test]
    fn two_halves_are_what_one_would_be() {
        let mut resizer = Resizer::new();
        for (i, (from, to)) in [
            ([1280, 720], [256, 256]),
            ([1280, 720], [64, 64]),
            ([640, 480], [224, 224]),
            ([1000, 701], [33, 33]),
            ([801, 601], [1000, 999]),
            ([1920, 1080], [96, 97]),
        ]
        .into_iter()
        .enumerate()
        {
            let rgb: Vec<u8> =
                (0..from[0] as usize * from[1] as usize * 3).map(|j| (j * j % (241 + i)) as u8).collect();
            let part = (i % 3 != 2).then(|| centre_crop(from[0], from[1]));
            let job = Resampling { rgb: &rgb, from, part, to };
            let (mut whole, row) = (vec![0; to[0] as usize * to[1] as usize * 3], to[0] as usize * 3);
            job.rows(&mut resizer, 0..to[1], &mut whole).unwrap();
            let half = to[1].div_ceil(2);
            let mut halves = vec![0; whole.len()];
            let (upper, lower) = halves.split_at_mut(half as usize * row);
            job.rows(&mut resizer, 0..half, upper).unwrap();
            job.rows(&mut resizer, half..to[1], lower).unwrap();
            assert!(whole == halves, "{from:?} to {to:?}");
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same() {
        let rgb: Vec<u8> = (0..1280 * 720 * 3).map(|i| (i * i % 241) as u8).collect();
        let inputs = [1, 2, 16].map(|threads| {
            let mut input = InputImage::black(96);
            Preprocessor::new(threads).run(&rgb, 1280, 720, &mut input).unwrap();
            input
        });
        assert!(inputs.iter().all(|input| *input == inputs[0]));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let run = |bytes: usize, width, height, edge| {
            Preprocessor::new(1).run(&vec![0; bytes], width, height, &mut InputImage::black(edge))
        };
        assert_eq!(run(0, 0, 5, 8), Err(PreprocessError::Empty { width: 0, height: 5, edge: 8 }));
        assert_eq!(run(12, 2, 2, 0), Err(PreprocessError::Empty { width: 2, height: 2, edge: 0 }));
        assert_eq!(run(11, 2, 2, 8), Err(PreprocessError::WrongLength { width: 2, height: 2, bytes: 11 }));
        assert_eq!(run(0, 30_000, 30_000, 8), Err(PreprocessError::TooLarge { width: 30_000, height: 30_000 }));
        assert_eq!(run(0, u32::MAX, u32::MAX, 8), Err(PreprocessError::TooLarge { width: u32::MAX, height: u32::MAX }));
    }
}
