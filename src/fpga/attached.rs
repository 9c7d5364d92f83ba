//! A board that is attached to this machine: found, connected, given its program. An engine for commands: a fault that a new session
//! can cure is cured, any other is an error.

use super::board::{BoardEngine, BoardError};
use super::choice::BoardChoice;
use super::link::LinkError;
use super::link::packets::{Patience, TRIES};
use super::link::port::AnyLink;
use super::link::ports::{serial, simulated};
use crate::board::{BoardFrame, BoardState};
#[cfg(feature = "live")]
use crate::engine::isolated::{InputsRead, IsolatesLayers, LayerInputs};
use crate::engine::{Engine, EngineError, EngineInfo, Outcome, Probe, Wants};
use crate::frame::InputImage;
use crate::network::Network;
use std::sync::Arc;

/// A board, and the network that it runs.
pub struct AttachedBoard {
    engine: BoardEngine<AnyLink>,
    pub(super) simulated: bool,
}

impl AttachedBoard {
    /// Finds the board, and gives it the program of `network` at `edge`. `tell` hears of every state on the way.
    ///
    /// # Errors
    /// [`BoardError`].
    pub fn connect(
        choice: &BoardChoice,
        network: &Arc<Network>,
        edge: usize,
        tell: &mut dyn FnMut(BoardState),
    ) -> Result<Self, BoardError> {
        let board = choice.to_string();
        tell(BoardState::Connecting { board: board.clone() });
        let link = open(choice)?;
        tell(BoardState::Uploading { board: board.clone() });
        let engine = BoardEngine::new(link, &board, Arc::clone(network), edge)?;
        tell(BoardState::Ready { board });
        Ok(Self { engine, simulated: *choice == BoardChoice::Simulated })
    }

    /// What the last frame came to.
    pub(super) fn outcome(&self) -> Outcome<'_> {
        let outcome = self.engine.outcome();
        Outcome { board: outcome.board.map(|frame| BoardFrame { simulated: self.simulated, ..frame }), ..outcome }
    }

    /// Runs a frame, whatever may happen to the board meanwhile.
    pub(super) fn run_once(
        &mut self,
        input: &InputImage,
        probe: Option<&mut (dyn Probe + '_)>,
    ) -> Result<(), EngineError> {
        match probe {
            Some(probe) => self.engine.run_probed(input, probe).map(drop),
            None => self.engine.run(input).map(drop),
        }
    }

    /// Runs a frame; where the board was reset or stands still, it gets its program again and the frame is run again.
    fn run_again(&mut self, input: &InputImage, mut probe: Option<&mut dyn Probe>) -> Result<Outcome<'_>, EngineError> {
        let mut tries = TRIES;
        loop {
            let probe = probe.as_mut().map(|probe| &mut **probe as &mut dyn Probe);
            match self.run_once(input, probe) {
                Err(error) if tries > 1 && is_passing(&error) => {
                    tries -= 1;
                    self.engine.restart()?;
                }
                Err(error) => return Err(error),
                Ok(()) => return Ok(self.outcome()),
            }
        }
    }
}

impl Engine for AttachedBoard {
    fn info(&self) -> EngineInfo {
        self.engine.info()
    }

    fn network(&self) -> &Arc<Network> {
        self.engine.network()
    }

    fn edge(&self) -> usize {
        self.engine.edge()
    }

    fn planned_bytes(&self) -> usize {
        self.engine.planned_bytes()
    }

    fn shows(&self, layer: usize) -> Wants {
        self.engine.shows(layer)
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        self.run_again(input, None)
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        self.run_again(input, Some(probe))
    }
}

#[cfg(feature = "live")]
impl IsolatesLayers for AttachedBoard {
    /// Where the board was reset or stands still, it gets its program again and the layer is run again.
    fn run_layer(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError> {
        let mut tries = TRIES;
        loop {
            match self.engine.run_layer(layer, inputs, probe) {
                Err(error) if tries > 1 && is_passing(&error) => {
                    tries -= 1;
                    self.engine.restart()?;
                }
                done => return done,
            }
        }
    }
}

fn open(choice: &BoardChoice) -> Result<AnyLink, LinkError> {
    match choice {
        BoardChoice::Simulated => simulated::connect(),
        BoardChoice::Port(port) => serial::connect(port, Patience::BOARD),
        BoardChoice::First => {
            let mut why = LinkError::NoBoard;
            for port in serial::ports().into_iter().filter(|port| port.is_board) {
                match serial::connect(&port.path, Patience::BOARD) {
                    Ok(link) => return Ok(link),
                    Err(error) => why = error,
                }
            }
            Err(why)
        }
    }
}

pub(super) fn board_error(error: &EngineError) -> Option<&BoardError> {
    let EngineError::Board(error) = error else { return None };
    error.downcast_ref()
}

fn is_passing(error: &EngineError) -> bool {
    matches!(board_error(error), Some(BoardError::Link(error)) if error.is_passing())
}
