//! A check: another engine computes some of the frames again, on a thread of its own, and everything is compared.

use super::predictor::Predictor;
use crate::engine::Engine;
use crate::engines::{self, EngineChoice, OpenError, Setup};
use crate::frame::InputImage;
use crate::host::Steps;
use crate::host::threads::{Task, drive};
use crate::inspect::check::KeptRun;
use crate::inspect::diff::{DiffError, Difference};
use crate::network::Network;
use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use thiserror::Error;

/// Why a check does not begin.
#[derive(Debug, Error)]
pub(crate) enum CheckError {
    /// It would compare an engine with itself.
    #[error("the frames are computed by {0} already, which is no check of it: name another engine, such as {1}")]
    Same(String, &'static str),
    /// The engine is not to be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The system refuses a thread.
    #[error("the system gives no thread for the check ({0}): close other programs and try again")]
    Thread(io::Error),
}

impl CheckError {
    /// Of an engine of this name that was chosen twice.
    pub(crate) fn same(chosen: &EngineChoice, name: String) -> Self {
        Self::Same(name, if *chosen == EngineChoice::Reference { "cpu" } else { "reference" })
    }
}

/// Where two engines differed first.
#[derive(Clone, Debug)]
pub(crate) struct FrameDifference {
    /// The frame's number in its source.
    pub(crate) frame: u64,
    /// Where in the network; the value on the left is of the engine that runs.
    pub(crate) difference: Difference,
    /// What the network saw.
    #[cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]
    pub(crate) input: Arc<InputImage>,
}

/// How a check stands.
#[derive(Clone, Debug)]
pub(crate) struct CheckState {
    /// The engine that checks, as it was chosen.
    pub(crate) engine: EngineChoice,
    /// Frames that were compared.
    pub(crate) frames: u64,
    /// Those of them that differ.
    pub(crate) differ: u64,
    /// The first one.
    pub(crate) first: Option<Arc<FrameDifference>>,
    /// Why no more frames are compared, where none are: cause and remedy.
    pub(crate) ended: Option<String>,
}

impl fmt::Display for CheckState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, frames, differ, first, ended } = self;
        let frames_word = if *frames == 1 { "frame" } else { "frames" };
        match first.as_deref() {
            None if *frames == 0 => write!(f, "no frame was checked with {engine}")?,
            None => write!(f, "{frames} {frames_word} checked with {engine}: none differs")?,
            Some(FrameDifference { frame, difference, .. }) => {
                write!(
                    f,
                    "{differ} of {frames} {frames_word} checked with {engine} differ, first frame {frame}, {difference}"
                )?;
            }
        }
        match ended {
            Some(why) if *frames == 0 => write!(f, ": {why}"),
            Some(why) => write!(f, "; no more are checked: {why}"),
            None => Ok(()),
        }
    }
}

/// A frame for the checking thread.
struct RecordedRun {
    record: KeptRun,
    logits: Vec<f32>,
    input: InputImage,
    frame: u64,
}

/// A running check. Dropping it ends it, after the frame that is being compared; nobody waits for that.
pub(crate) struct Check {
    state: Arc<Mutex<CheckState>>,
    /// Whether the thread waits for a frame.
    is_idle: Arc<AtomicBool>,
    runs: Option<Sender<RecordedRun>>,
    task: Option<Task>,
    /// What of the network comes next, where one frame is not all of it.
    first_layer: usize,
    with_trunk: bool,
}

/// What is checked, and by what.
#[derive(Clone)]
pub(super) struct CheckSetup {
    main: EngineChoice,
    main_name: String,
    other: EngineChoice,
    network: Arc<Network>,
    edge: usize,
}

impl CheckSetup {
    /// Of the frames of `predictor`, whose engine was chosen as `main`.
    pub(super) fn new(predictor: &Predictor, main: &EngineChoice, other: EngineChoice) -> Self {
        let engine = predictor.engine();
        Self {
            main: main.clone(),
            main_name: engine.info().name,
            other,
            network: Arc::clone(engine.network()),
            edge: engine.edge(),
        }
    }

    /// Makes the engine that checks. It computes on one thread, so that it leaves the others alone.
    fn open(&self) -> Result<Box<dyn Engine>, CheckError> {
        let same = || CheckError::same(&self.main, self.main_name.clone());
        if self.main == self.other {
            return Err(same());
        }
        let engine = engines::open(&self.other, Arc::clone(&self.network), Setup::new(self.edge, 1))?;
        // While a board is not there, what does its work is named.
        let on_board = matches!(self.main, EngineChoice::Fpga(_));
        if !on_board && engine.info().name == self.main_name { Err(same()) } else { Ok(engine) }
    }

    /// Whether trunks are compared too: a board's line would take too long over them.
    fn with_trunk(&self) -> bool {
        ![&self.main, &self.other].iter().any(|choice| matches!(choice, EngineChoice::Fpga(_)))
    }
}

impl Check {
    /// Of the frames of `predictor`, whose engine was chosen as `main`, by the engine `other`.
    ///
    /// # Errors
    /// [`CheckError`].
    pub(crate) fn start(predictor: &Predictor, main: &EngineChoice, other: EngineChoice) -> Result<Self, CheckError> {
        let setup = CheckSetup::new(predictor, main, other);
        let engine = setup.open()?;
        let check = Self::spawn(&setup, None, move |_| Ok(engine))?;
        // So that even of a short run the first frame is checked.
        check.is_idle.store(true, Ordering::Release);
        Ok(check)
    }

    /// The same with an engine that is made on the checking thread, after `before` has ended: why there is none is in the
    /// state.
    ///
    /// # Errors
    /// [`CheckError::Thread`].
    pub(super) fn start_later(setup: &CheckSetup, before: Option<Self>) -> Result<Self, CheckError> {
        Self::spawn(setup, before, CheckSetup::open)
    }

    fn spawn(
        setup: &CheckSetup,
        before: Option<Self>,
        open: impl FnOnce(&CheckSetup) -> Result<Box<dyn Engine>, CheckError> + Send + 'static,
    ) -> Result<Self, CheckError> {
        let engine = setup.other.clone();
        let state = Arc::new(Mutex::new(CheckState { engine, frames: 0, differ: 0, first: None, ended: None }));
        let is_idle = Arc::new(AtomicBool::new(false));
        let (runs, received) = bounded(1);
        let with_trunk = setup.with_trunk();
        let setup = setup.clone();
        let open = move || {
            // A board that it had is free then.
            before.map(Check::finish);
            open(&setup)
        };
        let checker = CheckingThread {
            state: Arc::clone(&state),
            is_idle: Arc::clone(&is_idle),
            received,
            open: Some(Box::new(open)),
            engine: None,
            next: None,
        };
        let task = drive("check", checker).map_err(CheckError::Thread)?;
        Ok(Self { state, is_idle, runs: Some(runs), task: Some(task), first_layer: 0, with_trunk })
    }

    /// What is to see the next run, where there is time to compare it; then [`Check::compare`] it.
    pub(crate) fn record(&mut self, predictor: &Predictor) -> Option<KeptRun> {
        if !self.is_idle.load(Ordering::Acquire) {
            return None;
        }
        let (record, next) =
            KeptRun::new(predictor.network(), predictor.engine().edge(), self.first_layer, self.with_trunk);
        self.first_layer = next;
        Some(record)
    }

    /// Has the run that `record` saw compared: the last one of `predictor`, of frame number `frame`.
    pub(crate) fn compare(&mut self, record: KeptRun, predictor: &Predictor, frame: u64) {
        self.is_idle.store(false, Ordering::Release);
        let run = RecordedRun { record, logits: predictor.logits().to_vec(), input: predictor.input().clone(), frame };
        if let Some(runs) = &self.runs {
            // There is room, or the thread has ended.
            let _ = runs.try_send(run);
        }
    }

    /// How it stands.
    pub(crate) fn state(&self) -> CheckState {
        self.shared_state().lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, for others to look at.
    pub(super) fn shared_state(&self) -> &Arc<Mutex<CheckState>> {
        &self.state
    }

    /// Ends it when the frames that it was given are compared.
    pub(crate) fn finish(mut self) -> CheckState {
        self.runs = None;
        if let Some(task) = self.task.take() {
            task.join();
        }
        self.state()
    }
}

/// Makes the engine that checks, on the checking thread.
type OpenChecking = Box<dyn FnOnce() -> Result<Box<dyn Engine>, CheckError> + Send>;

/// The checking thread.
struct CheckingThread {
    state: Arc<Mutex<CheckState>>,
    is_idle: Arc<AtomicBool>,
    received: Receiver<RecordedRun>,
    /// Makes the engine, once.
    open: Option<OpenChecking>,
    engine: Option<Box<dyn Engine>>,
    /// A run that was waited for.
    next: Option<RecordedRun>,
}

/// Until nobody gives frames any longer, or the engine fails.
impl Steps for CheckingThread {
    fn step(&mut self) -> bool {
        let outcome = match self.open.take() {
            Some(open) => open().map(|engine| self.engine = Some(engine)).map_err(|error| error.to_string()),
            None => match self.next.take().map_or_else(|| self.received.try_recv(), Ok) {
                Ok(run) => self.compare(run).map_err(|error| error.to_string()),
                Err(nothing) => return nothing == TryRecvError::Empty,
            },
        };
        self.is_idle.store(outcome.is_ok(), Ordering::Release);
        let goes_on = outcome.is_ok();
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended = outcome.err();
        goes_on
    }

    fn wait(&mut self) {
        self.next = self.received.recv().ok();
    }
}

impl CheckingThread {
    fn compare(&mut self, run: RecordedRun) -> Result<(), DiffError> {
        let RecordedRun { record, logits, input, frame } = run;
        let Some(engine) = &mut self.engine else { return Ok(()) };
        let difference = record.compare(&logits, &mut **engine, &input)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.frames += 1;
        if let Some(difference) = difference {
            state.differ += 1;
            let kept = || Arc::new(FrameDifference { frame, difference, input: Arc::new(input) });
            state.first.get_or_insert_with(kept);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::reference::ReferenceEngine;
    use crate::engines::BoardPolicy;
    use crate::frame::Frame;
    use crate::pipeline::Settings;
    use web_time::{Duration, Instant};

    /// A network of this seed, small, on the CPU.
    fn predictor(seed: u64) -> Predictor {
        let Ok(model) = format!("random:erns18-0.75x:{seed}").parse();
        let settings = Settings { model, engine: EngineChoice::Cpu(None), edge: Some(32), threads: 1 };
        Predictor::open(&settings, BoardPolicy::Strict).expect("it runs")
    }

    fn frame(index: u64) -> Frame {
        let rgb: Vec<u8> = (0..40 * 36 * 3).map(|i| ((i + 7 * index) % 251) as u8).collect();
        let (captured, took) = (Instant::now(), Duration::ZERO);
        Frame { source: 1, index, dropped: 0, width: 40, height: 36, rgb: rgb.into(), captured, took, truth: None }
    }

    /// Runs until so many frames were compared, or the check has ended.
    fn run(check: &mut Check, predictor: &mut Predictor, frames: u64) {
        let start = Instant::now();
        for index in 0.. {
            let state = check.state();
            if state.frames >= frames || state.ended.is_some() {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{state}");
            predictor.prepare(&frame(index)).expect("a good frame");
            let plain = predictor.infer(None).map(|_| predictor.logits().to_vec()).expect("it runs");
            match check.record(predictor) {
                None => std::thread::sleep(Duration::from_millis(1)),
                Some(mut record) => {
                    predictor.infer(Some(&mut record)).expect("it runs");
                    assert_eq!(predictor.logits(), plain);
                    check.compare(record, predictor, index);
                }
            }
        }
    }

    fn setup(predictor: &Predictor) -> CheckSetup {
        CheckSetup::new(predictor, &EngineChoice::Cpu(None), EngineChoice::Reference)
    }

    #[test]
    fn the_same_network_never_differs_and_others_do_from_the_first_frame_on() {
        let mut own = predictor(1);
        let mut check = Check::start(&own, &EngineChoice::Cpu(None), EngineChoice::Reference).expect("it opens");
        run(&mut check, &mut own, 5);
        let state = check.finish();
        assert!(state.differ == 0 && state.first.is_none() && state.frames >= 5, "{state}");
        assert!(state.to_string().ends_with("frames checked with reference: none differs"), "{state}");

        let other = predictor(2);
        let network = Arc::clone(other.network());
        let engine = ReferenceEngine::new(network, 32).expect("a size of it");
        let mut check = Check::spawn(&setup(&own), None, move |_| Ok(Box::new(engine))).expect("a thread");
        run(&mut check, &mut own, 3);
        let state = check.finish();
        assert!(state.differ == state.frames && state.ended.is_none(), "{state}");
        let first = state.first.as_ref().expect("a difference");
        assert_eq!((first.difference.layer.as_str(), first.difference.what), ("backbone.act1", "code"));
        // The frame is kept: what is told can be seen again.
        own.prepare(&frame(first.frame)).expect("a good frame");
        assert_eq!(*first.input, *own.input());
        let place = first.difference.position;
        let mut sampler = crate::inspect::Sampler::new(own.network(), 1);
        own.infer(Some(&mut sampler)).expect("it runs");
        let edge = own.network().shapes(32)[1].edge;
        let code = sampler.detail().codes[(place[0] * edge + place[1]) * edge + place[2]];
        assert_eq!(f64::from(code), first.difference.left);
        assert!(
            state.to_string().contains(&format!("differ, first frame {}, backbone.act1: code", first.frame)),
            "{state}"
        );
    }

    #[test]
    fn a_check_that_fails_ends_and_the_run_goes_on() {
        let mut own = predictor(1);
        let network = Arc::clone(own.network());
        let engine = ReferenceEngine::new(network, 64).expect("a size of it");
        let mut check = Check::spawn(&setup(&own), None, move |_| Ok(Box::new(engine))).expect("a thread");
        run(&mut check, &mut own, 1);
        let state = check.state();
        assert!(state.frames == 0 && state.ended.is_some(), "{state}");
        assert!(state.to_string().starts_with("no frame was checked with reference: "), "{state}");
        own.prepare(&frame(1)).expect("a good frame");
        assert!(check.record(&own).is_none() && own.infer(None).is_ok());
    }

    #[test]
    fn an_engine_does_not_check_itself() {
        let own = predictor(1);
        let name = own.engine().info().name;
        for twice in [EngineChoice::Cpu(None), name.parse().expect("a level")] {
            let refused = Check::start(&own, &EngineChoice::Cpu(None), twice.clone()).err().expect("the same");
            assert!(refused.to_string().ends_with("name another engine, such as reference"), "{refused}");
            let setup = CheckSetup::new(&own, &EngineChoice::Cpu(None), twice);
            let state = Check::start_later(&setup, None).expect("a thread").finish();
            assert_eq!(state.ended, Some(refused.to_string()));
        }
    }
}
