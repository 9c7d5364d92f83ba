//! Picture files of what is laid over a picture.

use crate::frame::InputImage;
use crate::inspect::overlay::paint;
use anyhow::{Result, anyhow};
use image::ImageFormat;
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Writes `values`, one a pixel, over `picture` as PNG to the file `path`: the largest in full colour, if it is `least` or more; a line
/// every `cell` pixels, where that is said.
pub(super) fn write(
    picture: &InputImage,
    mut values: Vec<f32>,
    least: f32,
    cell: Option<usize>,
    path: &Path,
) -> Result<()> {
    let full = values.iter().fold(least, |largest, value| largest.max(value.abs()));
    values.iter_mut().for_each(|value| *value /= full);
    let mut file = Cursor::new(Vec::new());
    paint(picture, &values, cell).write_to(&mut file, ImageFormat::Png)?;
    fs::write(path, file.into_inner()).map_err(|why| {
        let path = path.display();
        anyhow!("cannot write {path} ({why}): name a file that may be written, where there is room for it")
    })
}
