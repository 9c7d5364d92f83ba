//! From a frame to what a network reads: the centre square, resampled.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use thiserror::Error;

use crate::frame::{Crop, InputImage};

/// Pictures above this many pixels are refused.
pub const MAX_PIXELS: u64 = 100_000_000;

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
    /// More pixels than [`MAX_PIXELS`].
    #[error("a picture of {width}×{height} pixels is too large: at most 100 megapixels; scale it down first")]
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
pub fn centre_crop(width: u32, height: u32) -> Crop {
    let edge = width.min(height);
    Crop { x: (width - edge) / 2, y: (height - edge) / 2, edge }
}

/// Crops and resamples; keeps its buffers, so that only the first frame of a size allocates.
pub struct Preprocessor {
    resizer: Resizer,
}

impl Default for Preprocessor {
    fn default() -> Self {
        Self::new()
    }
}

impl Preprocessor {
    /// A preprocessor without buffers yet.
    pub fn new() -> Self {
        Self { resizer: Resizer::new() }
    }

    /// Fills `input` with the centre square of a picture of `width` × `height` RGB pixels (`rgb`: HWC bytes) and says which
    /// part of the picture that is. A picture of the input's very size is copied byte for byte; any other is resampled
    /// with a filter wide enough for the reduction.
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
        self.resample(rgb, width, height, crop, input).map_err(PreprocessError::Resample)?;
        Ok(crop)
    }

    fn resample(
        &mut self,
        rgb: &[u8],
        width: u32,
        height: u32,
        crop: Crop,
        input: &mut InputImage,
    ) -> Result<(), String> {
        let edge = u32::try_from(input.edge()).map_err(|error| error.to_string())?;
        let from = ImageRef::new(width, height, rgb, PixelType::U8x3).map_err(|error| error.to_string())?;
        let mut to =
            Image::from_slice_u8(edge, edge, input.rgb_mut(), PixelType::U8x3).map_err(|error| error.to_string())?;
        let options = ResizeOptions::new()
            .crop(f64::from(crop.x), f64::from(crop.y), f64::from(crop.edge), f64::from(crop.edge))
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        self.resizer.resize(&from, &mut to, &options).map_err(|error| error.to_string())
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
