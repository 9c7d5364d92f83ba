//! The command line.

use std::io::{BufWriter, stdout};
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use ernscope::source::demo::stream::{self, Frames};

/// See a fully binary network think, live.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Renders labelled frames of the demo for a trainer, or as pictures.
    Render {
        /// Which film.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many frames.
        #[arg(long, default_value_t = 100)]
        frames: u64,
        /// Width and height of a record's picture.
        #[arg(long, default_value_t = 64)]
        edge: usize,
        /// Frames of the film from one record to the next; the default takes each from another shot.
        #[arg(long, default_value_t = stream::DECORRELATED)]
        stride: u64,
        /// Writes whole frames as PNG files into this folder instead.
        #[arg(long)]
        png: Option<PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    let Command::Render { seed, frames, edge, stride, png } = Arguments::parse().command;
    let frames = Frames { seed, count: frames, stride };
    match png {
        Some(folder) => stream::write_pictures(frames, &folder)?,
        None => stream::write_records(frames, edge, BufWriter::new(stdout().lock()))?,
    }
    Ok(())
}
