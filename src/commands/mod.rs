//! One file a subcommand. Data goes to stdout, everything else to stderr.

pub(crate) mod bench;
pub(crate) mod classify;
mod compare;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod models;
pub(crate) mod render;
pub(crate) mod run;

use crate::{NetworkArgs, complain};
use anyhow::Result;
use ernscope::engine::{Engine, EngineChoice, OpenError};
use ernscope::engines;
use ernscope::frame::InputImage;
use ernscope::network::Network;
use ernscope::network::shipped::ModelChoice;
use ernscope::preprocess::Preprocessor;
use ernscope::source::picture::read_picture;
use std::path::Path;
use std::sync::Arc;

/// The network, and the input edge to run it at.
fn load(model: &ModelChoice, size: Option<usize>) -> Result<(Arc<Network>, usize)> {
    let network = Arc::new(model.load()?);
    let edge = size.unwrap_or(network.edge());
    network.check_edge(edge).map_err(OpenError::Size)?;
    Ok((network, edge))
}

/// All cores, or what was asked for.
fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// One network on one engine, for commands that look at pictures.
fn open(args: &NetworkArgs, choice: &EngineChoice, asked_threads: Option<usize>) -> Result<Box<dyn Engine>> {
    let (network, edge) = load(&args.model, args.size)?;
    Ok(engines::open(choice, network, edge, threads(asked_threads))?)
}

/// Reads pictures and brings them to an engine's size.
struct PictureReader {
    preprocessor: Preprocessor,
    input: InputImage,
}

impl PictureReader {
    fn new(edge: usize, threads: usize) -> Self {
        Self { preprocessor: Preprocessor::new(threads), input: InputImage::black(edge) }
    }

    fn read(&mut self, path: &Path) -> Result<&InputImage> {
        let picture = read_picture(path)?;
        self.preprocessor.run(&picture.rgb, picture.width, picture.height, &mut self.input)?;
        Ok(&self.input)
    }

    /// The picture; `None` where it cannot be read, which is said in a line on stderr.
    fn read_or_complain(&mut self, path: &Path) -> Option<&InputImage> {
        // Borrowed anew: what is lent in one arm would be lent in the other as well.
        match self.read(path).map(drop) {
            Ok(()) => Some(&self.input),
            Err(error) => {
                complain(&format!("{error:#}"), "");
                None
            }
        }
    }
}
