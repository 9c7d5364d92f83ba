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

/// The zoom in percent at which a network sees the whole square.
#[cfg(feature = "live")]
pub(crate) const WHOLE_SQUARE: u16 = 100;
/// The most that a network's square is zoomed, in percent.
#[cfg(feature = "live")]
pub(crate) const MOST_ZOOM: u16 = 400;

/// The largest square in the middle of a picture of `width` × `height` pixels.
pub(crate) fn centre_crop(width: u32, height: u32) -> Crop {
    centred(width, height, width.min(height))
}

/// What a zoom leaves of the largest square, in the middle of it: at 200 percent its edge is half as long. What is not between
/// [`WHOLE_SQUARE`] and [`MOST_ZOOM`] is taken as the nearer of them. Where the picture has as many pixels, the square has no fewer
/// than `least` a side: below a network's input edge there is nothing more to see.
#[cfg(feature = "live")]
pub(crate) fn zoomed_crop(width: u32, height: u32, percent: u16, least: usize) -> Crop {
    let whole = width.min(height);
    let percent = u64::from(percent.clamp(WHOLE_SQUARE, MOST_ZOOM));
    let edge = (u64::from(whole) * u64::from(WHOLE_SQUARE) + percent / 2) / percent;
    let least = u32::try_from(least).unwrap_or(u32::MAX).min(whole);
    // No longer than `whole`, so that it fits.
    centred(width, height, (edge as u32).max(least))
}

/// The square of this edge, which fits, in the middle of a picture.
fn centred(width: u32, height: u32, edge: u32) -> Crop {
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
    #[cfg(feature = "live")]
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
        check(rgb, width, height, input.edge())?;
        let crop = centre_crop(width, height);
        self.fill(rgb, [width, height], crop, input)?;
        Ok(crop)
    }

    /// The same with a square of the caller's, which a picture of that size has.
    ///
    /// # Errors
    /// As [`Preprocessor::run`], and where the picture has no such square.
    #[cfg(feature = "live")]
    pub(crate) fn run_crop(
        &mut self,
        rgb: &[u8],
        [width, height]: [u32; 2],
        crop: Crop,
        input: &mut InputImage,
    ) -> Result<(), PreprocessError> {
        check(rgb, width, height, input.edge())?;
        self.fill(rgb, [width, height], crop, input)
    }

    /// Fills `input` with a square of a picture that was checked.
    fn fill(&mut self, rgb: &[u8], from: [u32; 2], crop: Crop, input: &mut InputImage) -> Result<(), PreprocessError> {
        let edge = input.edge();
        if [from[0] as usize, from[1] as usize, crop.edge as usize] == [edge; 3] {
            input.rgb_mut().copy_from_slice(rgb);
            return Ok(());
        }
        let to = [edge as u32; 2];
        self.resample(rgb, from, Some(crop), input.rgb_mut(), to).map_err(PreprocessError::Resample)
    }

    /// A whole picture of `from` width and height resampled `to` others, with the filter of [`Preprocessor::run`].
    ///
    /// # Errors
    /// A side of 0, more than 100 megapixels, or a number of bytes that does not fit the size.
    #[cfg(feature = "live")]
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
                return f64::from(y) + f64::from(height);
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
        let rgb: Vec<u8> = (0..1280 * 720 * 3_u64).map(|i| (i * i % 241) as u8).collect();
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

/// The square that a zoom leaves, which only the program has.
#[cfg(all(test, feature = "live"))]
mod zoom_tests {
    use super::*;

    #[test]
    fn the_square_shrinks_around_the_middle_and_never_below_the_input() {
        assert_eq!(zoomed_crop(640, 480, 200, 64), Crop { x: 200, y: 120, edge: 240 });
        assert_eq!(zoomed_crop(1280, 720, 400, 64), Crop { x: 550, y: 270, edge: 180 });
        assert_eq!(zoomed_crop(480, 640, 400, 64), Crop { x: 180, y: 260, edge: 120 });
        // Rounded to whole pixels; half a pixel beside the middle where it cannot stand there.
        assert_eq!(zoomed_crop(641, 481, 200, 64), Crop { x: 200, y: 120, edge: 241 });
        assert_eq!(zoomed_crop(101, 77, 300, 8), Crop { x: 37, y: 25, edge: 26 });
        // The input's edge is the limit, and the picture's where it is smaller.
        assert_eq!(zoomed_crop(640, 480, 400, 256), Crop { x: 192, y: 112, edge: 256 });
        assert_eq!(zoomed_crop(640, 480, 400, 480), centre_crop(640, 480));
        assert_eq!(zoomed_crop(640, 480, 400, 2048), centre_crop(640, 480));
        assert_eq!(zoomed_crop(1, 1, 400, usize::MAX), Crop { x: 0, y: 0, edge: 1 });
        assert_eq!(zoomed_crop(u32::MAX, u32::MAX, 400, 64).edge, 1 << 30);
        // Senseless zooms are the nearest sensible ones.
        assert_eq!(zoomed_crop(640, 480, 0, 64), centre_crop(640, 480));
        assert_eq!(zoomed_crop(640, 480, u16::MAX, 64), zoomed_crop(640, 480, MOST_ZOOM, 64));
        for (width, height) in [(1, 1), (2, 3), (33, 32), (640, 480), (1280, 720), (1919, 1081), (7, 4096)] {
            assert_eq!(zoomed_crop(width, height, WHOLE_SQUARE, 64), centre_crop(width, height));
            for percent in WHOLE_SQUARE..=MOST_ZOOM {
                let Crop { x, y, edge } = zoomed_crop(width, height, percent, 32);
                assert!(edge >= 32.min(width.min(height)) && x + edge <= width && y + edge <= height);
                let beside = |side: u32, at: u32| (side - edge).abs_diff(2 * at) <= 1;
                assert!(beside(width, x) && beside(height, y), "{width}×{height} at {percent} %");
            }
        }
    }

    #[test]
    fn a_zoomed_square_is_all_that_arrives() {
        // Red in the middle quarter, blue around it.
        let (width, height) = (97, 63);
        let Crop { x, y, edge } = zoomed_crop(width, height, 200, 8);
        let inside = |at: u32, from: u32| (from..from + edge).contains(&at);
        let pixel = |at: u32| if inside(at % width, x) && inside(at / width, y) { [255, 0, 0] } else { [0, 0, 255] };
        let rgb: Vec<u8> = (0..width * height).flat_map(pixel).collect();
        let mut input = InputImage::black(8);
        Preprocessor::new(1).run_crop(&rgb, [width, height], Crop { x, y, edge }, &mut input).unwrap();
        for (i, pixel) in input.rgb().as_chunks::<3>().0.iter().enumerate() {
            let inner = (1..7).contains(&(i % 8)) && (1..7).contains(&(i / 8));
            assert!(if inner { *pixel == [255, 0, 0] } else { pixel[0] > 150 }, "pixel {i}: {pixel:?}");
        }
    }

    #[test]
    fn the_whole_square_is_the_same_by_either_way() {
        for (width, height, edge) in [(640, 480, 64), (1281, 721, 96), (32, 32, 32), (33, 32, 32), (5, 9, 16)] {
            let rgb: Vec<u8> = (0..width * height * 3).map(|i| (i * i % 241) as u8).collect();
            let [mut one, mut other] = [InputImage::black(edge), InputImage::black(edge)];
            let crop = Preprocessor::new(1).run(&rgb, width, height, &mut one).unwrap();
            assert_eq!(crop, zoomed_crop(width, height, WHOLE_SQUARE, edge));
            Preprocessor::new(1).run_crop(&rgb, [width, height], crop, &mut other).unwrap();
            assert_eq!(one, other);
        }
    }

    #[test]
    fn a_square_that_no_picture_has_is_refused() {
        let crop = Crop { x: 2, y: 0, edge: 4 };
        let refused = Preprocessor::new(1).run_crop(&[0; 48], [4, 4], crop, &mut InputImage::black(2));
        assert!(matches!(refused, Err(PreprocessError::Resample(_))), "{refused:?}");
    }
}
