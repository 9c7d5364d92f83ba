//! Which network on which engine: the arguments that commands share, and what is made of them.

use crate::engine::Engine;
use crate::engines::{self, Setup};
use crate::engines::{EngineChoice, OpenError};
use crate::network::ModelChoice;
use crate::network::Network;
use crate::pipeline::MOST_THREADS;
use anyhow::Result;
use std::sync::Arc;

/// Which network on which engine, for every command that runs one.
#[derive(clap::Args, Clone)]
pub(crate) struct NetworkArgs {
    /// Network: one of `ernscope models`, random:SHAPE[:SEED], or a model file
    #[arg(long, value_name = "NAME|FILE", default_value_t)]
    pub(super) model: ModelChoice,
    /// Input edge in pixels, a multiple of the network's stride [default: the network's own]
    #[arg(long, value_name = "EDGE")]
    pub(super) size: Option<usize>,
}

#[derive(clap::Args, Clone)]
pub(crate) struct EngineArgs {
    /// Engine: reference, cpu, cpu:LEVEL, fpga (the first board found), fpga:PORT, or fpga:sim (a simulated board)
    #[arg(long, default_value = "cpu")]
    pub(super) engine: EngineChoice,
    /// Threads that compute [default: all cores; all but one with a window]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    pub(super) threads: Option<usize>,
}

pub(super) fn thread_count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MOST_THREADS).contains(count));
    count.ok_or_else(|| format!("a number of threads from 1 to {MOST_THREADS} is needed"))
}

/// The network, and the input edge to run it at.
pub(super) fn load(model: &ModelChoice, size: Option<usize>) -> Result<(Arc<Network>, usize)> {
    let network = Arc::new(model.load()?);
    let edge = size.unwrap_or(network.edge());
    network.check_edge(edge).map_err(OpenError::Size)?;
    Ok((network, edge))
}

/// All cores, or what was asked for.
pub(super) fn threads(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// One network on one engine, for commands that look at pictures.
pub(super) fn open(args: &NetworkArgs, choice: &EngineChoice, asked_threads: Option<usize>) -> Result<Box<dyn Engine>> {
    let (network, edge) = load(&args.model, args.size)?;
    Ok(engines::open(choice, network, Setup::new(edge, threads(asked_threads)))?)
}
