//! A board that is attached to this machine: found, connected, given its program; and what becomes of it when it is lost.
//!
//! [`AttachedBoard`] is an engine for commands: a fault that a new session can cure is cured, any other is an error.
//! [`LiveBoard`] is an engine for the window: while there is no board another engine does its work, a thread looks for the board,
//! and its state says so.

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
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use web_time::{Duration, Instant};

/// How often a board that is lost is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often for another one, where the network does not fit the one that is there.
const LOOK_FOR_LARGER_EVERY: Duration = Duration::from_secs(10);

/// A board, and the network that it runs.
pub struct AttachedBoard {
    engine: BoardEngine<AnyLink>,
    simulated: bool,
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
    fn outcome(&self) -> Outcome<'_> {
        let outcome = self.engine.outcome();
        Outcome { board: outcome.board.map(|frame| BoardFrame { simulated: self.simulated, ..frame }), ..outcome }
    }

    /// Runs a frame, whatever may happen to the board meanwhile.
    fn run_once(&mut self, input: &InputImage, probe: Option<&mut (dyn Probe + '_)>) -> Result<(), EngineError> {
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

fn board_error(error: &EngineError) -> Option<&BoardError> {
    let EngineError::Board(error) = error else { return None };
    error.downcast_ref()
}

fn is_passing(error: &EngineError) -> bool {
    matches!(board_error(error), Some(BoardError::Link(error)) if error.is_passing())
}

/// A board where there is one, another engine where there is none.
pub struct LiveBoard {
    stand_in: Box<dyn Engine>,
    board: Option<AttachedBoard>,
    state: Arc<Mutex<BoardState>>,
    /// Whether the thread was ever asked: not before the first frame, when an engine that this one replaces has let go of the port.
    is_asked: bool,
    /// Asks the thread for a board; it ends with this.
    wanted: Sender<()>,
    found: Receiver<AttachedBoard>,
}

impl LiveBoard {
    /// Looks for the board from the first frame on; until it is there, `stand_in` runs.
    ///
    /// # Errors
    /// The system's, where it gives no thread.
    pub fn start(choice: BoardChoice, stand_in: Box<dyn Engine>) -> io::Result<Self> {
        Self::new(choice, stand_in, None)
    }

    /// Goes on with a board that is there; should it be lost, `stand_in` runs until it is back.
    ///
    /// # Errors
    /// As [`LiveBoard::start`].
    #[cfg(feature = "live")]
    pub(crate) fn with_board(choice: BoardChoice, board: AttachedBoard, stand_in: Box<dyn Engine>) -> io::Result<Self> {
        Self::new(choice, stand_in, Some(board))
    }

    fn new(choice: BoardChoice, stand_in: Box<dyn Engine>, board: Option<AttachedBoard>) -> io::Result<Self> {
        let name = choice.to_string();
        let state =
            if board.is_some() { BoardState::Ready { board: name } } else { BoardState::Connecting { board: name } };
        let state = Arc::new(Mutex::new(state));
        let (wanted, asked) = bounded(1);
        let (give, found) = bounded(1);
        let search = Search {
            choice,
            network: Arc::clone(stand_in.network()),
            edge: stand_in.edge(),
            state: Arc::clone(&state),
            asked,
            found: give,
        };
        std::thread::Builder::new().name("board".into()).spawn(move || search.run())?;
        let is_asked = board.is_some();
        Ok(Self { stand_in, board, state, is_asked, wanted, found })
    }

    /// Lets the thread look for the board, if it does not already.
    fn look(&mut self) {
        self.is_asked = true;
        // Full: it is asked already. It ends only after this sender is gone.
        let _ = self.wanted.try_send(());
    }

    fn lose(&mut self, error: &EngineError) {
        let simulated = self.board.take().is_some_and(|board| board.simulated);
        let remedy = board_error(error).map_or("look at the board", |error| error.remedy(simulated)).to_owned();
        set(&self.state, BoardState::Lost { why: error.to_string(), remedy });
        self.look();
    }

    /// Runs a frame on the board, where there is one; else says what it lost with the board.
    fn run_on_board(
        &mut self,
        input: &InputImage,
        probe: Option<&mut (dyn Probe + '_)>,
    ) -> Result<Option<Duration>, EngineError> {
        if !self.is_asked {
            self.look();
        }
        if let Ok(board) = self.found.try_recv() {
            self.board = Some(board);
        }
        let Some(board) = &mut self.board else { return Ok(Some(Duration::ZERO)) };
        let begun = Instant::now();
        match board.run_once(input, probe) {
            Ok(()) => Ok(None),
            Err(error @ EngineError::Board(_)) => {
                let waited_in_vain = begun.elapsed();
                self.lose(&error);
                Ok(Some(waited_in_vain))
            }
            Err(error) => Err(error),
        }
    }

    /// Runs a frame on the board, or else on the engine beside it.
    fn run_somewhere<'p>(
        &mut self,
        input: &InputImage,
        mut probe: Option<&mut (dyn Probe + 'p)>,
    ) -> Result<Outcome<'_>, EngineError> {
        let on_board = probe.as_mut().map(|probe| &mut **probe as &mut (dyn Probe + 'p));
        let waited_in_vain = self.run_on_board(input, on_board)?;
        match (waited_in_vain, &self.board, probe) {
            (None, Some(board), _) => Ok(board.outcome()),
            (waited, _, probe) => {
                let outcome = match probe {
                    Some(probe) => self.stand_in.run_probed(input, probe),
                    None => self.stand_in.run(input),
                }?;
                Ok(Outcome { waited_in_vain: waited.unwrap_or_default(), ..outcome })
            }
        }
    }
}

impl Engine for LiveBoard {
    fn info(&self) -> EngineInfo {
        let info = self.board.as_ref().map_or_else(|| self.stand_in.info(), Engine::info);
        EngineInfo { board: Some(self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()), ..info }
    }

    fn network(&self) -> &Arc<Network> {
        self.stand_in.network()
    }

    fn edge(&self) -> usize {
        self.stand_in.edge()
    }

    fn planned_bytes(&self) -> usize {
        self.stand_in.planned_bytes()
    }

    fn shareable(&self) -> Option<&dyn Any> {
        self.stand_in.shareable()
    }

    fn set_threads(&mut self, threads: usize) {
        self.stand_in.set_threads(threads);
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        self.run_somewhere(input, None)
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        self.run_somewhere(input, Some(probe))
    }
}

/// The thread that looks for a board.
struct Search {
    choice: BoardChoice,
    network: Arc<Network>,
    edge: usize,
    state: Arc<Mutex<BoardState>>,
    asked: Receiver<()>,
    found: Sender<AttachedBoard>,
}

impl Search {
    /// Until nobody can ask any longer.
    fn run(self) {
        while self.asked.recv().is_ok() {
            while let Err(error) = self.attempt() {
                self.refused(&error);
                let pause = if matches!(error, BoardError::Compile(_)) { LOOK_FOR_LARGER_EVERY } else { LOOK_EVERY };
                if self.asked.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        }
    }

    fn attempt(&self) -> Result<(), BoardError> {
        let mut tell = |state: BoardState| {
            // Why there was none stands until there is one.
            let mut now = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !now.is_fault() || matches!(state, BoardState::Ready { .. }) {
                *now = state;
            }
        };
        let board = AttachedBoard::connect(&self.choice, &self.network, self.edge, &mut tell)?;
        // Nobody wants it any longer: it is let go.
        let _ = self.found.send(board);
        Ok(())
    }

    fn refused(&self, error: &BoardError) {
        let mut now = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let simulated = self.choice == BoardChoice::Simulated;
        let (why, remedy) = (error.to_string(), error.remedy(simulated).to_owned());
        *now = match &*now {
            BoardState::Lost { .. } => BoardState::Lost { why, remedy },
            _ => BoardState::Absent { why, remedy },
        };
    }
}

fn set(state: &Mutex<BoardState>, to: BoardState) {
    *state.lock().unwrap_or_else(PoisonError::into_inner) = to;
}
