//! `ernscope render`: labelled frames of the demo.

use super::output;
use crate::source::demo::stream::{self, Frames};
use crate::source::demo::{DemoRenderer, Photographs};
use anyhow::{Result, anyhow};
use std::io::BufWriter;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct RenderArgs {
    /// Which film
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many frames
    #[arg(long, default_value_t = 100)]
    frames: u64,
    /// Width and height of a record's picture in pixels
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    edge: u16,
    /// Frames of the film from one record to the next; the default takes each from another shot
    #[arg(long, default_value_t = stream::DECORRELATED)]
    stride: u64,
    /// Render a wider film than the demo's: cards from afar and at any turn, in grey and pale, our frame around other pictures,
    /// and the photographs of this folder behind the cards and in the frames
    #[arg(long, value_name = "DIR")]
    wide: Option<PathBuf>,
    /// Write whole frames as PNG files into this folder instead of records to stdout
    #[arg(long, value_name = "DIR")]
    png: Option<PathBuf>,
}

pub(crate) fn run(args: &RenderArgs) -> Result<()> {
    let frames = Frames { count: args.frames, stride: args.stride };
    let mut film = match &args.wide {
        Some(folder) => DemoRenderer::wide(args.seed, Photographs::read(folder)?),
        None => DemoRenderer::new(args.seed),
    };
    match &args.png {
        Some(folder) => stream::write_pictures(&mut film, frames, folder).map_err(|why| {
            let folder = folder.display();
            anyhow!("cannot write into {folder} ({why}): name a folder that may be written to, where there is room")
        }),
        None => Ok(stream::write_records(&mut film, frames, args.edge.into(), BufWriter::new(output::stdout()))?),
    }
}
