//! Labelled frames for the trainer, and as pictures for people: what `ernscope render` does.
//!
//! The stream: one line of JSON, `{"frames":N,"edge":E,"seed":S,"stride":K,"labels":[…]}`, then N records of four bytes
//! and a picture. The bytes are the label's position in `labels`, the card's height and its hidden part in percent (both
//! 0 without a card), and the [`Decoy`](super::Decoy)'s number; the picture is E · E · 3 bytes of RGB, rows from top to
//! bottom, made by the very [`Preprocessor`] that feeds networks.
//!
//! Record i is frame i · K of the film. [`DECORRELATED`] is longer than any shot and has no factor in common with the
//! film's rhythm, so that with it every record comes from another shot while labels and ranges stay as they are in the
//! film; K = 1 gives the film itself.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::shown::{HEIGHT, Shown, WIDTH};
use super::{DemoRenderer, labels};
use crate::frame::InputImage;
use crate::preprocess::{PreprocessError, Preprocessor};

/// A stride that takes every frame from another shot.
pub(crate) const DECORRELATED: u64 = 61;

/// Which frames to render.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames {
    /// How many frames.
    pub count: u64,
    /// Frames of the film from one to the next.
    pub stride: u64,
}

/// Threads that a frame is resampled with.
const THREADS: usize = 2;

/// Writes labelled inputs of `edge` × `edge` pixels to `out`, in the format above.
///
/// # Errors
/// What `out` reports, and an `edge` of 0.
pub(crate) fn write_records(
    film: &mut DemoRenderer,
    frames: Frames,
    edge: usize,
    mut out: impl Write,
) -> io::Result<()> {
    let header = json!({
        "frames": frames.count, "edge": edge, "seed": film.seed, "stride": frames.stride, "labels": labels(),
    });
    writeln!(out, "{header}")?;
    let mut preprocessor = Preprocessor::new(THREADS);
    let mut input = InputImage::black(edge);
    for_each(film, frames, |_, shown, rgb| {
        preprocessor.run(rgb, WIDTH, HEIGHT, &mut input).map_err(invalid)?;
        let percent = |part: f32| (part * 100.0).round() as u8;
        out.write_all(&[shown.label as u8, percent(shown.size), percent(shown.occlusion), shown.decoy as u8])?;
        out.write_all(input.rgb())
    })?;
    out.flush()
}

/// Writes the frames as PNG files into the folder `into` (made where missing), and `truth.csv` beside them.
///
/// # Errors
/// What the file system reports.
pub(crate) fn write_pictures(film: &mut DemoRenderer, frames: Frames, into: &Path) -> io::Result<()> {
    std::fs::create_dir_all(into)?;
    let mut table = io::BufWriter::new(std::fs::File::create(into.join("truth.csv"))?);
    writeln!(table, "file,frame,label,size,roll_degrees,occlusion,decoy")?;
    for_each(film, frames, |index, shown, rgb| {
        let name = format!("{index:08}.png");
        image::save_buffer(into.join(&name), rgb, WIDTH, HEIGHT, image::ColorType::Rgb8).map_err(io::Error::other)?;
        let Shown { label, size, roll, occlusion, decoy } = shown;
        writeln!(table, "{name},{index},{},{size:.3},{roll:.1},{occlusion:.3},{decoy:?}", labels()[label])
    })?;
    table.flush()
}

/// Renders frame after frame and hands each on: its number in the film, what it shows, its pixels.
fn for_each(
    film: &mut DemoRenderer,
    frames: Frames,
    mut take: impl FnMut(u64, Shown, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut rgb = vec![0; WIDTH as usize * HEIGHT as usize * 3];
    for record in 0..frames.count {
        let index = record.wrapping_mul(frames.stride);
        let shown = film.render_shown(index, &mut rgb);
        take(index, shown, &rgb)?;
    }
    Ok(())
}

fn invalid(error: PreprocessError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
