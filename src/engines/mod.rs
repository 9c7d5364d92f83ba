//! From the choice of an engine to the engine: the one place that knows all of them.

mod choice;
mod error;

pub use choice::EngineChoice;
pub use error::OpenError;

use crate::engine::Engine;
use crate::engine::cpu::{CpuEngine, Level};
use crate::engine::isolated::IsolatesLayers;
use crate::engine::reference::ReferenceEngine;
use crate::fpga::{AttachedBoard, BoardChoice, LiveBoard};
use crate::network::Network;
use std::sync::Arc;

/// What a board that is not there is to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoardPolicy {
    /// An error.
    Strict,
    /// An error at the start; should it be lost later, the CPU does its work until it is back.
    Lasting,
    /// The CPU does its work until it is there.
    Live,
}

/// How an engine is made.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The input edge in pixels.
    pub edge: usize,
    /// Threads that compute, at least 1; the reference always has one, a board none.
    pub threads: usize,
    /// What a board that is not there is.
    pub(crate) policy: BoardPolicy,
    /// The engine in whose place it comes, of which it keeps what it can.
    pub before: Option<&'a dyn Engine>,
}

impl Setup<'_> {
    /// For a command that answers once.
    pub fn new(edge: usize, threads: usize) -> Self {
        Self { edge, threads, policy: BoardPolicy::Strict, before: None }
    }
}

/// Makes an engine for `network`.
///
/// # Errors
/// [`OpenError`], where the size or the level does not fit, or a board is not to be had that must be there.
pub fn open(choice: &EngineChoice, network: Arc<Network>, setup: Setup<'_>) -> Result<Box<dyn Engine>, OpenError> {
    network.check_edge(setup.edge)?;
    Ok(match choice {
        EngineChoice::Reference => Box::new(ReferenceEngine::new(network, setup.edge)?),
        EngineChoice::Cpu(level) => Box::new(open_cpu(*level, network, setup)?),
        EngineChoice::Fpga(board) => open_board(board, network, setup)?,
    })
}

/// Makes an engine whose layers can be run by themselves.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_isolating(
    choice: &EngineChoice,
    network: Arc<Network>,
    setup: Setup<'_>,
) -> Result<Box<dyn IsolatesLayers>, OpenError> {
    network.check_edge(setup.edge)?;
    Ok(match choice {
        EngineChoice::Reference => Box::new(ReferenceEngine::new(network, setup.edge)?),
        EngineChoice::Cpu(level) => Box::new(open_cpu(*level, network, setup)?),
        EngineChoice::Fpga(board) => Box::new(connect(board, &network, setup.edge)?),
    })
}

fn open_cpu(level: Option<Level>, network: Arc<Network>, setup: Setup<'_>) -> Result<CpuEngine, OpenError> {
    let macs = || network.shapes(setup.edge).iter().map(|shape| shape.macs).sum();
    let level = level.unwrap_or_else(|| Level::best_for(macs()));
    let before = setup.before.and_then(Engine::shareable).and_then(|engine| engine.downcast_ref());
    Ok(CpuEngine::after(before, network, setup.edge, level, setup.threads)?)
}

fn open_board(choice: &BoardChoice, network: Arc<Network>, setup: Setup<'_>) -> Result<Box<dyn Engine>, OpenError> {
    let stand_in = || open_cpu(None, Arc::clone(&network), setup).map(Box::new);
    Ok(match setup.policy {
        BoardPolicy::Strict => Box::new(connect(choice, &network, setup.edge)?),
        BoardPolicy::Lasting => {
            let board = connect(choice, &network, setup.edge)?;
            Box::new(LiveBoard::with_board(choice.clone(), board, stand_in()?).map_err(OpenError::Thread)?)
        }
        BoardPolicy::Live => Box::new(LiveBoard::start(choice.clone(), stand_in()?).map_err(OpenError::Thread)?),
    })
}

fn connect(choice: &BoardChoice, network: &Arc<Network>, edge: usize) -> Result<AttachedBoard, OpenError> {
    let board = AttachedBoard::connect(choice, network, edge, &mut |_| ());
    let simulated = *choice == BoardChoice::Simulated;
    board.map_err(|error| OpenError::Board { remedy: error.remedy(simulated), why: Box::new(error) })
}
