//! Values laid over the picture that they are of: one colour for the class, another against it.

use super::evidence::EvidenceMap;
use super::occlusion::OcclusionMap;
use crate::frame::InputImage;
use crate::host::files;
use image::{ImageError, ImageFormat, Rgb, RgbImage};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A picture is enlarged by a whole number, to about as many pixels a side.
const EDGE: usize = 512;
/// Most that a pixel is enlarged.
const MOST_TIMES: usize = 16;
/// What speaks for the class: light, so that it is told from the other without colours too.
const FOR: [f32; 3] = [255.0, 190.0, 60.0];
/// What speaks against it: dark.
const AGAINST: [f32; 3] = [0.0, 30.0, 150.0];
/// The picture itself is shown in greys between these.
const GREYS: [f32; 2] = [80.0, 150.0];
/// How much of a colour is seen where a value is 1 or −1.
const OPACITY: f32 = 0.75;
/// How much of a pixel is left where a line between two cells goes.
const LINE: f32 = 0.6;

/// A smaller drop is not shown in full colour, though it be the largest: it is next to none.
pub(crate) const FULL_COLOUR: f32 = 0.05;

/// Why there is no picture file.
#[derive(Debug, Error)]
pub(crate) enum OverlayError {
    /// The file system says no.
    #[error("cannot write {} ({why}): name a file that may be written, where there is room for it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// The picture cannot be encoded.
    #[error(transparent)]
    Encode(#[from] ImageError),
}

/// Writes a class's map over the picture that it is of, as PNG.
///
/// # Errors
/// [`OverlayError`].
pub(crate) fn write_evidence(picture: &InputImage, map: &EvidenceMap, path: &Path) -> Result<(), OverlayError> {
    let (edge, shares) = (picture.edge(), map.shares().collect::<Vec<f32>>());
    let cell = edge / map.edge;
    let values = (0..edge * edge).map(|at| shares[at / edge / cell * map.edge + at % edge / cell]).collect();
    write(picture, values, f32::MIN_POSITIVE, Some(cell), path)
}

/// Writes what covering with patches of `patch` pixels came to over the picture that it is of, as PNG.
///
/// # Errors
/// [`OverlayError`].
pub(crate) fn write_occlusion(
    picture: &InputImage,
    map: &OcclusionMap,
    patch: usize,
    path: &Path,
) -> Result<(), OverlayError> {
    write(picture, map.over_pixels(patch, picture.edge()), FULL_COLOUR, None, path)
}

/// Writes `values`, one a pixel, over `picture` as PNG to the file `path`: the largest in full colour, if it is `least` or more; a line
/// every `cell` pixels, where that is said.
fn write(
    picture: &InputImage,
    mut values: Vec<f32>,
    least: f32,
    cell: Option<usize>,
    path: &Path,
) -> Result<(), OverlayError> {
    let full = values.iter().fold(least, |largest, value| largest.max(value.abs()));
    values.iter_mut().for_each(|value| *value /= full);
    let mut file = Cursor::new(Vec::new());
    paint(picture, &values, cell).write_to(&mut file, ImageFormat::Png)?;
    files::write(path, file.into_inner()).map_err(|why| OverlayError::File { path: path.to_owned(), why })
}

/// `picture` in grey and enlarged, and over it `values` from −1 to 1, one a pixel, row by row: for where they are above zero, against
/// where they are below. Every `cell` pixels of the picture a thin line is drawn, where that is said.
fn paint(picture: &InputImage, values: &[f32], cell: Option<usize>) -> RgbImage {
    let edge = picture.edge();
    let times = (EDGE / edge).clamp(1, MOST_TIMES);
    let side = (edge * times) as u32;
    RgbImage::from_fn(side, side, |x, y| {
        let [x, y] = [x as usize, y as usize];
        let at = y / times * edge + x / times;
        let part = values.get(at).map_or(0.0, |value| value.clamp(-1.0, 1.0));
        let colour = if part > 0.0 { FOR } else { AGAINST };
        let grey = grey(&picture.rgb()[at * 3..at * 3 + 3]);
        let is_line = |place: usize| cell.is_some_and(|cell| place > 0 && place.is_multiple_of(cell * times));
        let light = if is_line(x) || is_line(y) { LINE } else { 1.0 };
        let opacity = part.abs() * OPACITY;
        Rgb(colour.map(|byte| ((grey + (byte - grey) * opacity) * light).round() as u8))
    })
}

/// How light a pixel is (ITU-R BT.601), between [`GREYS`].
fn grey(rgb: &[u8]) -> f32 {
    let light: f32 = rgb.iter().zip([0.299, 0.587, 0.114]).map(|(&byte, part)| f32::from(byte) * part).sum();
    GREYS[0] + (GREYS[1] - GREYS[0]) * light / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_and_against_are_told_apart_in_colour_and_in_grey() {
        for shade in [0, 255] {
            let picture = InputImage::from_rgb(32, vec![shade; 32 * 32 * 3]).unwrap();
            let values: Vec<f32> = (0..32 * 32).map(|at| [1.0, -1.0, 0.0, 0.5][at % 32 / 8]).collect();
            let image = paint(&picture, &values, Some(8));
            assert_eq!(image.dimensions(), (512, 512));
            let [strong, against, nothing, weak] = [64, 192, 320, 448].map(|x| *image.get_pixel(x, 100));
            assert!(strong[0] > strong[2] && weak[0] > weak[2] && against[2] > against[0]);
            assert!(nothing[0] == nothing[1] && nothing[1] == nothing[2]);
            let light = |pixel: Rgb<u8>| super::grey(&pixel.0);
            assert!(light(strong) > light(weak) && light(nothing) > light(against), "on {shade}");
            assert!(light(*image.get_pixel(128, 100)) < light(against), "a line between two cells");
        }
        let nothing = paint(&InputImage::black(32), &[0.0; 32 * 32], None);
        assert!(nothing.pixels().all(|pixel| pixel.0 == [80; 3]));
    }
}
