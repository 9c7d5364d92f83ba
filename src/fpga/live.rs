//! A board for the window: while there is none another engine does its work, the board is looked for beside it, and its state says so.

use super::attached::{AttachedBoard, board_error};
use super::board::BoardError;
use super::choice::BoardChoice;
use crate::board::BoardState;
use crate::engine::{Engine, EngineError, EngineInfo, Outcome, Probe};
use crate::frame::InputImage;
use crate::host::Steps;
use crate::host::threads::drive;
use crate::network::Network;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use std::any::Any;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use web_time::{Duration, Instant};

/// How often a board that is lost is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often for another one, where the network does not fit the one that is there.
const LOOK_FOR_LARGER_EVERY: Duration = Duration::from_secs(10);

/// A board where there is one, another engine where there is none.
pub struct LiveBoard {
    stand_in: Box<dyn Engine>,
    board: Option<AttachedBoard>,
    state: Arc<Mutex<BoardState>>,
    /// Whether a board was ever asked for: not before the first frame, when an engine that this one replaces has let go of the port.
    is_asked: bool,
    /// Asks for a board; the search ends with this.
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
            next: NextLook::WhenAsked,
            found: give,
        };
        drive("board", search)?;
        let is_asked = board.is_some();
        Ok(Self { stand_in, board, state, is_asked, wanted, found })
    }

    /// Has the board looked for, if it is not already.
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

/// When a board is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NextLook {
    WhenAsked,
    At(Instant),
    /// Nobody can ask any longer.
    Never,
}

/// Looks for a board.
struct Search {
    choice: BoardChoice,
    network: Arc<Network>,
    edge: usize,
    state: Arc<Mutex<BoardState>>,
    asked: Receiver<()>,
    next: NextLook,
    found: Sender<AttachedBoard>,
}

impl Steps for Search {
    fn step(&mut self) -> bool {
        match self.asked.try_recv() {
            Ok(()) => self.next = NextLook::At(Instant::now()),
            Err(TryRecvError::Disconnected) => self.next = NextLook::Never,
            Err(TryRecvError::Empty) => {}
        }
        if matches!(self.next, NextLook::At(when) if when <= Instant::now()) {
            self.next = match self.attempt() {
                Ok(()) => NextLook::WhenAsked,
                Err(error) => {
                    self.refused(&error);
                    let larger = matches!(error, BoardError::Compile(_));
                    NextLook::At(Instant::now() + if larger { LOOK_FOR_LARGER_EVERY } else { LOOK_EVERY })
                }
            };
        }
        self.next != NextLook::Never
    }

    fn wait(&mut self) {
        let asked = match self.next {
            NextLook::At(when) => self.asked.recv_timeout(when.saturating_duration_since(Instant::now())),
            _ => self.asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match asked {
            Ok(()) => self.next = NextLook::At(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => self.next = NextLook::Never,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

impl Search {
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
