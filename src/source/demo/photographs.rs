//! Photographs in the pictures of a wide film.

use super::dice::Rng;
use super::drawing::Canvas;
use crate::source::SourceError;
use crate::source::picture::{Picture, pictures_in, read_picture};
use std::path::Path;

/// Photographs to hold cards before, and to put into frames like ours.
pub(crate) struct Photographs(Vec<Picture>);

impl Photographs {
    /// Reads all pictures of a folder, in the order of their names.
    ///
    /// # Errors
    /// Where the folder or a picture in it cannot be read, or there is none.
    pub(crate) fn read(folder: &Path) -> Result<Self, SourceError> {
        Ok(Self(pictures_in(folder)?.iter().map(|path| read_picture(path)).collect::<Result<_, _>>()?))
    }

    /// A part of one of the photographs, `width` × `height` pixels, mirrored or not: from half of it, blurred as it is enlarged,
    /// to more than all of it, as sharp as it is, going on in its mirror image.
    pub(super) fn cut(&self, rng: &mut Rng, width: usize, height: usize) -> Canvas {
        let picture = &self.0[rng.below(self.0.len())];
        let (across, down) = (picture.width as f32, picture.height as f32);
        // Of the largest part that has these proportions.
        let fit = (across / width as f32).min(down / height as f32) * rng.range(0.5, 2.2);
        let [left, top] =
            [across - fit * width as f32, down - fit * height as f32].map(|rest| rng.unit() * rest.max(0.0));
        let mirrored = rng.chance(0.5);
        let mut canvas = Canvas::new(width, height);
        for (y, row) in canvas.rgb.chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let x = if mirrored { width - 1 - x } else { x };
                let at = [left + (x as f32 + 0.5) * fit - 0.5, top + (y as f32 + 0.5) * fit - 0.5];
                *pixel = between_pixels(picture, at);
            }
        }
        canvas
    }
}

/// The colour at a place, linear between the four pixels around it; beyond the picture, of its mirror image there.
fn between_pixels(picture: &Picture, [x, y]: [f32; 2]) -> [u8; 3] {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let around = |value: f32, length: usize| {
        let last = (length - 1) as f32;
        // There and back again, over twice the picture's length.
        let gone = if last > 0.0 { value.abs() % (2.0 * last) } else { 0.0 };
        let value = last - (gone - last).abs();
        (value as usize, (value as usize + 1).min(length - 1), value - value.floor())
    };
    let ((left, right, across), (above, below, down)) = (around(x, width), around(y, height));
    let pixel = |x: usize, y: usize| &picture.rgb[(y * width + x) * 3..][..3];
    let corners = [pixel(left, above), pixel(right, above), pixel(left, below), pixel(right, below)];
    std::array::from_fn(|c| {
        let [a, b, d, e] = corners.map(|corner| f32::from(corner[c]));
        let (top, bottom) = (a + (b - a) * across, d + (e - d) * across);
        (top + (bottom - top) * down + 0.5) as u8
    })
}
