//! What a network reads of a picture of a set.

use crate::frame::InputImage;
use crate::preprocess::{PreprocessError, Preprocessor};
use crate::source::picture::Picture;
use std::str::FromStr;
use thiserror::Error;

/// Most pixels of a side that pictures are resized to.
const MAX_SIDE: u32 = 4096;

/// What size pictures are resized to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resize {
    /// Their shorter side has so many pixels, the longer one as many as keep their form.
    Shorter(u32),
    /// Width and height, whatever their form was.
    To(u32, u32),
}

impl Resize {
    /// Pixels of the shorter side of what comes out.
    pub(crate) fn shorter(self) -> u32 {
        match self {
            Self::Shorter(shorter) => shorter,
            Self::To(width, height) => width.min(height),
        }
    }

    /// The size of a picture of `width` × `height`; a longer side is rounded down, as torchvision does.
    fn of(self, width: u32, height: u32) -> (u32, u32) {
        match self {
            Self::To(to_width, to_height) => (to_width, to_height),
            Self::Shorter(shorter) => {
                let longer =
                    |long: u32, short: u32| (u64::from(shorter) * u64::from(long) / u64::from(short.max(1))) as u32;
                if width <= height { (shorter, longer(height, width)) } else { (longer(width, height), shorter) }
            }
        }
    }
}

impl FromStr for Resize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let side = |text: &str| text.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
        let size = match text.split_once('x') {
            None => side(text).map(Self::Shorter),
            Some((width, height)) => side(width).zip(side(height)).map(|(width, height)| Self::To(width, height)),
        };
        size.ok_or_else(|| format!("N or WIDTHxHEIGHT is needed, of 1 to {MAX_SIDE} pixels"))
    }
}

/// How a picture becomes what a network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// As in the window: the centre square, resampled.
    CentreSquare,
    /// The input's size cut out of the picture, resampled first.
    Crop {
        /// `None` leaves the picture as it is.
        resize: Option<Resize>,
        /// Whether to cut ten times, corners and centre, as they are and mirrored; else the centre alone.
        ten: bool,
    },
}

/// Why a picture has no view.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ViewError {
    /// Smaller than what is to be cut out of it.
    #[error(
        "a picture of {width}×{height} pixels is too small to cut {edge}×{edge} out of it: name --resize {edge} or more"
    )]
    Small {
        /// Of the picture, resampled.
        width: u32,
        /// Of the picture, resampled.
        height: u32,
        /// Of the input.
        edge: usize,
    },
    /// The picture cannot be resampled.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
}

/// Makes the views of picture after picture.
pub(crate) struct Views {
    cut: Cut,
    preprocessor: Preprocessor,
    views: Vec<InputImage>,
}

impl Views {
    /// Views of `edge` × `edge` pixels, made with `threads` threads.
    pub(crate) fn new(cut: Cut, edge: usize, threads: usize) -> Self {
        let count = if matches!(cut, Cut::Crop { ten: true, .. }) { 10 } else { 1 };
        Self { cut, preprocessor: Preprocessor::new(threads), views: vec![InputImage::black(edge); count] }
    }

    /// The views of a picture: one, or ten.
    ///
    /// # Errors
    /// [`ViewError`], where the picture is too small or too large.
    pub(crate) fn of(&mut self, picture: &Picture) -> Result<&[InputImage], ViewError> {
        let Picture { width, height, rgb, .. } = picture;
        match self.cut {
            Cut::CentreSquare => {
                self.preprocessor.run(rgb, *width, *height, &mut self.views[0])?;
            }
            Cut::Crop { resize: None, .. } => cut_out(&mut self.views, rgb, *width, *height)?,
            Cut::Crop { resize: Some(resize), .. } => {
                let (to_width, to_height) = resize.of(*width, *height);
                let rgb = self.preprocessor.resize(rgb, [*width, *height], [to_width, to_height])?;
                cut_out(&mut self.views, &rgb, to_width, to_height)?;
            }
        }
        Ok(&self.views)
    }
}

/// The centre, or the centre and the corners, then the same mirrored.
fn cut_out(views: &mut [InputImage], rgb: &[u8], width: u32, height: u32) -> Result<(), ViewError> {
    let edge = views[0].edge();
    let room = |side: u32| (side as usize).checked_sub(edge).ok_or(ViewError::Small { width, height, edge });
    let (right, bottom) = (room(width)?, room(height)?);
    let centre = (half(right), half(bottom));
    let places = [centre, (0, 0), (right, 0), (0, bottom), (right, bottom)];
    for (i, view) in views.iter_mut().enumerate() {
        let (x, y) = places[i % places.len()];
        copy_square(view, rgb, width as usize, [x, y], i >= places.len());
    }
    Ok(())
}

/// Half of the room beside a centre crop, ties to the even number, as torchvision rounds.
fn half(room: usize) -> usize {
    (room as f64 / 2.0).round_ties_even() as usize
}

fn copy_square(view: &mut InputImage, rgb: &[u8], width: usize, [x, y]: [usize; 2], mirrored: bool) {
    let line = 3 * view.edge();
    for (row, out) in view.rgb_mut().chunks_exact_mut(line).enumerate() {
        let start = ((y + row) * width + x) * 3;
        out.copy_from_slice(&rgb[start..start + line]);
        if mirrored {
            out.as_chunks_mut::<3>().0.reverse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red is the column, green the row.
    fn picture(width: u32, height: u32) -> Picture {
        let rgb: Vec<u8> = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 7])).collect();
        Picture::new(width, height, rgb.into())
    }

    fn corner(view: &InputImage) -> [u8; 2] {
        [view.rgb()[0], view.rgb()[1]]
    }

    #[test]
    fn ten_crops_are_centre_corners_and_their_mirrors() {
        let mut views = Views::new(Cut::Crop { resize: None, ten: true }, 4, 1);
        let found = views.of(&picture(7, 5)).unwrap();
        let corners: Vec<[u8; 2]> = found.iter().map(corner).collect();
        assert_eq!(corners[..5], [[2, 0], [0, 0], [3, 0], [0, 1], [3, 1]]);
        assert_eq!(corners[5..], [[5, 0], [3, 0], [6, 0], [3, 1], [6, 1]]);
    }

    #[test]
    fn the_shorter_side_is_resized_and_the_centre_cut() {
        assert_eq!(Resize::Shorter(256).of(500, 375), (341, 256));
        assert_eq!(Resize::Shorter(256).of(375, 500), (256, 341));
        let mut views = Views::new(Cut::Crop { resize: Some(Resize::Shorter(8)), ten: false }, 8, 1);
        let view = &views.of(&picture(32, 16)).unwrap()[0];
        // 16 wide, of which the middle 8 start at column 4: bytes 8 and 9 of the original.
        assert!((8..=9).contains(&view.rgb()[0]), "{}", view.rgb()[0]);
    }

    #[test]
    fn a_size_may_change_the_form() {
        assert_eq!("20x10".parse(), Ok(Resize::To(20, 10)));
        assert_eq!(Resize::To(20, 10).of(500, 375), (20, 10));
        assert_eq!("256".parse(), Ok(Resize::Shorter(256)));
        for wrong in ["", "0", "4097", "x", "8x", "8x0", "-8", "8x8x8"] {
            assert!(wrong.parse::<Resize>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_picture_of_the_inputs_size_is_taken_byte_for_byte() {
        let given = picture(8, 8);
        for cut in [
            Cut::CentreSquare,
            Cut::Crop { resize: None, ten: false },
            Cut::Crop { resize: Some(Resize::Shorter(8)), ten: false },
        ] {
            assert_eq!(Views::new(cut, 8, 1).of(&given).unwrap()[0].rgb(), &given.rgb[..], "{cut:?}");
        }
    }

    #[test]
    fn small_pictures_are_refused() {
        let mut views = Views::new(Cut::Crop { resize: None, ten: false }, 8, 1);
        assert_eq!(views.of(&picture(9, 7)), Err(ViewError::Small { width: 9, height: 7, edge: 8 }));
    }
}
