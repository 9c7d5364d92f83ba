//! From the choice of an engine to the engine: the one place that knows all of them.

use crate::engine::cpu::{self, CpuEngine};
use crate::engine::reference::ReferenceEngine;
use crate::engine::{BoardChoice, Engine, EngineChoice, OpenError};
use crate::fpga::attached::{AttachedBoard, LiveBoard};
use crate::network::Network;
use std::sync::Arc;

/// Makes an engine for `network` at `edge` pixels with `threads` threads (at least 1; the reference always has one, a board none).
///
/// # Errors
/// [`OpenError`], where the size or the level does not fit, or the board is not to be had.
pub fn open(
    choice: &EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
) -> Result<Box<dyn Engine>, OpenError> {
    open_after(None, choice, network, edge, threads)
}

/// The same in the place of an engine `before`, of which it keeps what it can.
fn open_after(
    before: Option<&dyn Engine>,
    choice: &EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
) -> Result<Box<dyn Engine>, OpenError> {
    network.check_edge(edge).map_err(OpenError::Size)?;
    Ok(match choice {
        EngineChoice::Reference => Box::new(ReferenceEngine::new(network, edge)),
        EngineChoice::Cpu(level) => {
            let macs = || network.shapes(edge).iter().map(|shape| shape.macs).sum();
            let level = level.unwrap_or_else(|| cpu::Level::best_for(macs()));
            if !level.is_available() {
                return Err(OpenError::Unavailable(level));
            }
            Box::new(CpuEngine::after(before.and_then(Engine::cpu), network, edge, level, threads)?)
        }
        EngineChoice::Fpga(board) => Box::new(connect(board, &network, edge)?),
    })
}

fn connect(choice: &BoardChoice, network: &Arc<Network>, edge: usize) -> Result<AttachedBoard, OpenError> {
    let board = AttachedBoard::connect(choice, network, edge, &mut |_| ());
    let simulated = *choice == BoardChoice::Simulated;
    board.map_err(|error| OpenError::Board { remedy: error.remedy(simulated), why: Box::new(error) })
}

/// The same for a run that goes on: a board must be there at the start; should it be lost, the CPU does its work until it is back.
///
/// # Errors
/// As [`open`].
pub fn open_lasting(
    choice: &EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
) -> Result<Box<dyn Engine>, OpenError> {
    beside_cpu(None, choice, network, edge, threads, |board, network, stand_in| {
        let attached = connect(board, network, edge)?;
        LiveBoard::with_board(board.clone(), attached, stand_in).map_err(OpenError::Thread)
    })
}

/// The same for a window: where there is no board, or it is lost, the CPU does its work until the board is back. What can be kept of
/// the engine that ran `before` is not made again.
///
/// # Errors
/// [`OpenError`], where the size or the level does not fit.
pub fn open_live(
    before: Option<&dyn Engine>,
    choice: &EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
) -> Result<Box<dyn Engine>, OpenError> {
    beside_cpu(before, choice, network, edge, threads, |board, _, stand_in| {
        LiveBoard::start(board.clone(), stand_in).map_err(OpenError::Thread)
    })
}

/// A board that `start` makes live beside the CPU's engine for the same network; any other engine as [`open`] makes it.
fn beside_cpu(
    before: Option<&dyn Engine>,
    choice: &EngineChoice,
    network: Arc<Network>,
    edge: usize,
    threads: usize,
    start: impl FnOnce(&BoardChoice, &Arc<Network>, Box<dyn Engine>) -> Result<LiveBoard, OpenError>,
) -> Result<Box<dyn Engine>, OpenError> {
    let EngineChoice::Fpga(board) = choice else {
        return open_after(before, choice, network, edge, threads);
    };
    let stand_in = open_after(before, &EngineChoice::Cpu(None), Arc::clone(&network), edge, threads)?;
    Ok(Box::new(start(board, &network, stand_in)?))
}
