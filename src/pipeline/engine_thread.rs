//! The engine thread: takes the newest frame, predicts it, publishes a report; obeys commands in between.

#[cfg(test)]
mod tests;

use super::channel_watch::ChannelWatch;
use super::check::{Check, CheckSetup};
use super::comparison::{Times, Twins, recent};
use super::depths::{Depths, Sampled};
use super::outbox::{About, EngineState, Outbox};
use super::predictor::{PredictError, Predictor};
use super::recording::LiveRecording;
use super::report::{Counts, FrameTiming, LayerDetail, Prediction, Rates, Report};
use super::settings::{EngineCommand, Settings};
use crate::board::BoardState;
use crate::engine::Probe;
use crate::engines::EngineChoice;
use crate::flight::FlightSeen;
use crate::frame::Frame;
use crate::host::{ROUNDS_APART, Steps};
use crate::inspect::LayerSample;
use crate::inspect::probe_list::ProbeList;
use crate::inspect::timing::milliseconds;
use crate::inspect::{Recent, Sampler};
use crate::network::{Knowing, Network};
use crate::source::{SourceStatus, Supervisor};
use crossbeam_channel::{Receiver, Select, TryRecvError, never};
use std::sync::Arc;
use web_time::{Duration, Instant};

/// At most one frame in this time is looked at layer by layer: 15 a second.
const SAMPLE_EVERY: Duration = Duration::from_millis(66);
/// And no more than one of so many times that looking took, where it takes long: a board's line is slow.
const SAMPLE_SHARE: u32 = 4;
/// Time constant of the smoothed probabilities.
const SMOOTHING: Duration = Duration::from_millis(250);
/// A picture that was named is named until it is so much less known than the limit asks for: names do not flicker.
const HYSTERESIS: f32 = 0.1;

/// Everything the engine thread owns.
pub(super) struct EngineThread {
    settings: Settings,
    shared: Arc<Outbox>,
    source: Arc<Supervisor>,
    commands: Receiver<EngineCommand>,
    frames: Receiver<Frame>,
    predictor: Predictor,
    /// The twin's network, read but once: `Some(None)` where there is none.
    twin: Option<Option<Arc<Network>>>,
    /// While they are not compared, the twin is kept as it is.
    twins: Option<Twins>,
    sampler: Sampler,
    channels: ChannelWatch,
    /// The engine that is to check.
    checking_with: Option<EngineChoice>,
    check: Option<Check>,
    /// Whether a person was told that the check found a difference, and that it ended.
    check_told: [bool; 2],
    comparing: bool,
    /// From how many percent on a picture is named, where a person chose that for this network.
    limit: Option<u8>,
    layers: Arc<[LayerSample]>,
    detail: Arc<LayerDetail>,
    samples: u64,
    sampled: Option<Instant>,
    sampling_took: Duration,
    /// Whether a board ran the frame that was sampled.
    sample_on_board: bool,
    last_frame: Option<Frame>,
    board: Option<BoardState>,
    /// Whether a person was told that there is no board, and not yet that there is one.
    board_missed: bool,
    history: RunningFigures,
    depths: Depths,
    recording: LiveRecording,
    sequence: u64,
    /// Whether there is work left that may be done while nothing else is to be.
    is_busy: bool,
}

/// What is forgotten when the source or a setting changes.
struct RunningFigures {
    /// Frames of the source that were captured, and those of them that were dropped, before counting began.
    before: [u64; 2],
    counts: Counts,
    /// Frames a second of the source, as long as its status told of it.
    captured_per_s: f32,
    smoothed: Vec<f32>,
    knowing: Knowing,
    last: Option<Instant>,
    infer_ms: Recent,
    link_ms: Recent,
    latency_ms: Recent,
    on_board: bool,
}

impl Default for RunningFigures {
    fn default() -> Self {
        Self {
            before: [0; 2],
            counts: Counts::default(),
            captured_per_s: 0.0,
            smoothed: Vec::new(),
            knowing: Knowing::default(),
            last: None,
            infer_ms: recent(),
            link_ms: recent(),
            latency_ms: recent(),
            on_board: false,
        }
    }
}

/// Whether a frame comes for the first time or is looked at again after a command.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    First,
    Again,
}

/// Whether a network's file is read for a command, or what was read before will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Before,
    Anew,
}

/// The network that is known already, where it is the one that was read: what was made for it fits then.
fn same_or_new(known: Option<&Arc<Network>>, read: Network) -> Arc<Network> {
    known.filter(|known| ***known == read).cloned().unwrap_or_else(|| Arc::new(read))
}

/// Until the commands' sender is gone.
impl Steps for EngineThread {
    fn step(&mut self) -> bool {
        let goes_on = self.poll();
        self.is_busy = goes_on && self.work_aside();
        goes_on
    }

    fn wait(&mut self) {
        if self.is_busy {
            return;
        }
        let mut either = Select::new();
        either.recv(&self.commands);
        either.recv(&self.frames);
        either.ready();
    }
}

impl EngineThread {
    pub(super) fn new(
        settings: Settings,
        commands: Receiver<EngineCommand>,
        shared: Arc<Outbox>,
        source: Arc<Supervisor>,
        predictor: Predictor,
    ) -> Self {
        let mut new = Self {
            sampler: Sampler::new(predictor.network(), 0),
            channels: ChannelWatch::new(&predictor, 0),
            checking_with: None,
            check: None,
            check_told: [false; 2],
            twin: None,
            twins: None,
            comparing: true,
            limit: None,
            layers: Arc::new([]),
            detail: Arc::default(),
            samples: 0,
            sampled: None,
            sampling_took: Duration::ZERO,
            sample_on_board: false,
            last_frame: None,
            board: None,
            board_missed: false,
            history: RunningFigures::default(),
            depths: Depths::default(),
            recording: LiveRecording::default(),
            sequence: 0,
            is_busy: false,
            settings,
            commands,
            frames: source.frames().clone(),
            shared,
            source,
            predictor,
        };
        new.open_twin();
        new
    }

    /// A step: obeys a command, or else predicts the newest frame, if there is any. Waits for neither. Whether more may come.
    fn poll(&mut self) -> bool {
        match self.commands.try_recv() {
            Ok(command) => self.obey(command),
            Err(TryRecvError::Disconnected) => return false,
            Err(TryRecvError::Empty) => match self.frames.try_recv() {
                Ok(frame) => self.take(frame),
                Err(TryRecvError::Disconnected) => self.frames = never(),
                Err(TryRecvError::Empty) => {}
            },
        }
        true
    }

    /// A step of what may be done while nothing else is to be: no more than a run of the engine, so that no frame waits for long.
    /// Whether there may be more.
    fn work_aside(&mut self) -> bool {
        if !self.depths.has_work() {
            return false;
        }
        if self.depths.work(self.predictor.engine_mut()) {
            self.shared.answer(|answers| answers.occlusion = self.depths.covered());
        }
        true
    }

    fn obey(&mut self, command: EngineCommand) {
        let mut wanted = self.settings.clone();
        match command {
            EngineCommand::Model(model) => return self.reopen(Settings { model, edge: None, ..wanted }, Read::Anew),
            EngineCommand::Taught(network) => return self.run_taught(network),
            EngineCommand::Engine(engine) => wanted.engine = engine,
            EngineCommand::Threads(threads) => wanted.threads = threads,
            EngineCommand::Edge(edge) => wanted.edge = edge,
            EngineCommand::Watch(layer) => {
                self.sampler.watch(layer);
                return self.look_again();
            }
            EngineCommand::Limit(percent) => {
                self.limit = Some(percent.min(100));
                return self.look_again();
            }
            EngineCommand::Ask(questions) => {
                self.depths.ask(questions);
                return self.look_again();
            }
            EngineCommand::Hold(held) => {
                self.depths.hold(held);
                return self.look_again();
            }
            EngineCommand::Zoom(percent) => return self.zoom(percent),
            EngineCommand::Record(megabytes) => {
                self.recording.switch(megabytes, &self.shared);
                return self.choose_rounding();
            }
            EngineCommand::SaveRecord(path) => {
                return self.recording.save(path, &self.source.status(), &self.shared);
            }
            EngineCommand::Compare(comparing) => {
                self.comparing = comparing;
                if comparing {
                    self.open_twin();
                }
                return self.look_again();
            }
            EngineCommand::Check(engine) => {
                self.checking_with = engine;
                return self.open_check();
            }
        }
        self.reopen(wanted, Read::Before);
    }

    /// Has another part of the picture seen: what was counted and measured was about another one.
    fn zoom(&mut self, percent: u16) {
        self.predictor.set_zoom(percent);
        self.forget();
        if let Some(twins) = &mut self.twins {
            twins.forget(self.predictor.network());
        }
        self.look_again();
    }

    /// Counts and smooths anew from the next frame on.
    fn forget(&mut self) {
        let before = self.last_frame.as_ref().map_or([0; 2], |last| [last.index + 1, last.dropped]);
        self.history = RunningFigures { before, ..RunningFigures::default() };
    }

    /// Runs what `wanted` names from now on; keeps what runs where that is refused.
    fn reopen(&mut self, wanted: Settings, read: Read) {
        self.shared.set_engine_state(EngineState::Loading(wanted.model.to_string()));
        if let Err(error) = self.change(wanted, read) {
            self.refuse(&format!("{error}; {} keeps running", self.settings.model));
        }
        self.shared.set_engine_state(EngineState::Running(self.settings.clone()));
        self.look_again();
    }

    fn change(&mut self, wanted: Settings, read: Read) -> Result<(), PredictError> {
        let running = Arc::clone(self.predictor.network());
        let network = match read {
            Read::Before => Arc::clone(&running),
            Read::Anew => same_or_new(Some(&running), wanted.model.load()?),
        };
        let twin = if read == Read::Anew { None } else { self.twin.clone() };
        self.run_network(wanted, network, twin)
    }

    /// Runs a network that is being taught. While its classes stay the same, what was counted and smoothed goes on.
    fn run_taught(&mut self, network: Arc<Network>) {
        let goes_on = network.labels() == self.predictor.network().labels();
        let (history, limit) = (std::mem::take(&mut self.history), self.limit);
        let wanted = Settings { edge: None, ..self.settings.clone() };
        if let Err(error) = self.run_network(wanted, network, Some(None)) {
            self.refuse(&format!("the taught network does not run: {error}"));
        }
        if goes_on {
            (self.history, self.limit) = (history, limit);
        }
        self.look_again();
    }

    fn run_network(
        &mut self,
        wanted: Settings,
        network: Arc<Network>,
        twin: Option<Option<Arc<Network>>>,
    ) -> Result<(), PredictError> {
        let running = Arc::clone(self.predictor.network());
        let ran = (self.settings.engine.clone(), self.predictor.engine().edge());
        self.predictor.change(&wanted, network)?;
        self.settings = wanted;
        self.twin = twin;
        if !Arc::ptr_eq(&running, self.predictor.network()) {
            let watched = self.sampler.watched().min(self.predictor.network().layers().len() - 1);
            self.sampler = Sampler::new(self.predictor.network(), watched);
            self.limit = None;
        }
        self.forget();
        if self.comparing {
            self.open_twin();
        } else {
            self.twins = None;
        }
        let is_same = Arc::ptr_eq(&running, self.predictor.network());
        if !is_same && self.recording.recorder().is_some() {
            self.refuse("the recording begins anew: it is of one network, and another one runs now");
        }
        if !is_same || ran != (self.settings.engine.clone(), self.predictor.engine().edge()) {
            self.open_check();
        }
        Ok(())
    }

    /// Has the engine that is to check do so, from the next frame on; what was counted before is forgotten.
    fn open_check(&mut self) {
        let before = self.check.take();
        if let Some(other) = self.checking_with.clone() {
            let setup = CheckSetup::new(&self.predictor, &self.settings.engine, other);
            match Check::start_later(&setup, before) {
                Ok(check) => self.check = Some(check),
                Err(error) => self.refuse(&error.to_string()),
            }
        }
        self.check_told = [false; 2];
        self.choose_rounding();
        self.shared.latest().check = self.check.as_ref().map(|check| Arc::clone(check.shared_state()));
    }

    /// What is compared with other engines, now or later, is computed as they do.
    fn choose_rounding(&mut self) {
        let is_compared = self.checking_with.is_some() || self.recording.recorder().is_some();
        self.predictor.engine_mut().round_apart(ROUNDS_APART && !is_compared);
    }

    /// Says so where a check found its first difference, or ended.
    fn watch_check(&mut self) {
        let Some(state) = self.check.as_ref().map(Check::state) else { return };
        let now = [state.first.is_some(), state.ended.is_some()];
        if now != self.check_told {
            self.check_told = now;
            self.refuse(&state.to_string());
        }
    }

    /// Has the twin run as the network does, from now on; what of it fits already stays.
    fn open_twin(&mut self) {
        let former = self.twins.take().map(Twins::into_other);
        match self.find_twin(former) {
            Ok(other) => self.twins = other.map(|other| Twins::new(self.predictor.network(), other)),
            Err(error) => self.refuse(&format!("the twin cannot be compared: {error}")),
        }
    }

    fn find_twin(&mut self, former: Option<Predictor>) -> Result<Option<Predictor>, PredictError> {
        if self.twin.is_none() {
            let known = former.as_ref().map(Predictor::network);
            let read = self.predictor.read_twin(&self.settings.model)?;
            self.twin = Some(read.map(|read| same_or_new(known, read)));
        }
        match self.twin.as_ref().and_then(Option::as_ref) {
            Some(network) => self.predictor.twin(&self.settings, network, former),
            None => Ok(None),
        }
    }

    fn take(&mut self, frame: Frame) {
        if self.last_frame.as_ref().is_some_and(|last| last.source != frame.source) {
            self.history = RunningFigures::default();
            self.sampled = None;
            if let Some(twins) = &mut self.twins {
                twins.forget(self.predictor.network());
            }
        }
        self.visit(&frame, Visit::First);
        self.last_frame = Some(frame);
    }

    /// Shows the last frame once more: a command changed what is to be seen of it.
    fn look_again(&mut self) {
        if let Some(frame) = self.last_frame.take() {
            self.sampled = None;
            self.visit(&frame, Visit::Again);
            self.last_frame = Some(frame);
        }
    }

    fn visit(&mut self, frame: &Frame, visit: Visit) {
        match self.predict(frame, visit) {
            Ok(timing) => self.publish(frame, timing, visit),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn predict(&mut self, frame: &Frame, visit: Visit) -> Result<FrameTiming, PredictError> {
        // Looked at again it waited for a person.
        let waited = if visit == Visit::First { frame.captured.elapsed() } else { Duration::ZERO };
        let preprocess = self.predictor.prepare(frame)?;
        let sample_every = SAMPLE_EVERY.max(SAMPLE_SHARE * self.sampling_took);
        let sampling = self.sampled.is_none_or(|last| last.elapsed() >= sample_every);
        let start = Instant::now();
        if sampling {
            self.sampler.begin();
            self.depths.begin(self.predictor.network(), self.predictor.engine().edge());
            self.channels.prepare(&mut self.sampler, &self.predictor, frame);
        }
        // Who comes second finds warmer caches: the twins take turns.
        let other_first = self.sequence % 2 == 1;
        let mut twins = self.twins.as_mut().filter(|_| self.comparing);
        if let Some(twins) = twins.as_mut().filter(|_| other_first) {
            twins.infer(&self.predictor, sampling)?;
        }
        let recorder = self.recording.recorder().filter(|_| visit == Visit::First && sampling);
        let mut check = self.check.as_mut().filter(|_| sampling);
        let mut record = check.as_mut().and_then(|check| check.record(&self.predictor));
        let mut probes = ProbeList(vec![&mut self.sampler]);
        probes.0.extend(self.depths.probes());
        probes.0.extend(recorder.map(|recorder| recorder.probe()));
        probes.0.extend(record.as_mut().map(|record| record as &mut dyn Probe));
        let infer = self.predictor.infer(sampling.then_some(&mut probes as &mut dyn Probe))?;
        if let (Some(check), Some(record)) = (check, record) {
            check.compare(record, &self.predictor, frame.index);
        };
        if let Some(twins) = twins.as_mut().filter(|_| !other_first) {
            twins.infer(&self.predictor, sampling)?;
        }
        if visit == Visit::First {
            self.record(frame, sampling.then(|| start.elapsed()));
        }
        if sampling {
            self.sampling_took = start.elapsed();
            self.sample_on_board = infer.board.is_some();
            self.keep_sample(frame);
        } else if self.sample_on_board != infer.board.is_some() {
            // A board came or went: what was seen on the one is not shown as the other's.
            self.layers = vec![LayerSample::default(); self.layers.len()].into();
            self.detail = Arc::default();
            self.sampled = None;
        }
        if let Some(twins) = self.twins.as_mut().filter(|_| self.comparing && visit == Visit::First) {
            let first_layers = &self.layers[..twins.own_first_layers()];
            let first_layer = sampling.then(|| first_layers.iter().map(|sample| sample.elapsed).sum());
            twins.count(&self.predictor, frame, Times { infer, first_layer });
        }
        Ok(FrameTiming {
            preprocess_ms: milliseconds(preprocess),
            infer_ms: milliseconds(infer.compute),
            latency_ms: milliseconds(waited + preprocess + infer.whole()),
            board: infer.board,
        })
    }

    /// Keeps the frame, while the recorder is on; `look` is what sampling it took, where it was sampled.
    fn record(&mut self, frame: &Frame, look: Option<Duration>) {
        if self.recording.recorder().is_some() {
            self.recording.note_source(&self.source.status(), frame, self.last_frame.as_ref());
        }
        let Some(recorder) = self.recording.recorder() else { return };
        recorder.record(&FlightSeen {
            number: self.sequence,
            network: self.predictor.network(),
            engine: &self.predictor.engine().info().name,
            input: self.predictor.input(),
            answer: self.predictor.answer(),
            look,
        });
        self.recording.publish(&self.shared);
    }

    fn refuse(&self, text: &str) {
        self.shared.notify(About::Refusal, text);
    }

    /// Says so where a board was lost or is back.
    fn watch_board(&mut self) {
        let now = self.predictor.engine().info().board;
        if now == self.board {
            return;
        }
        match &now {
            Some(state) if state.is_fault() => {
                self.shared.notify(About::BoardLost, &state.to_string());
                self.board_missed = true;
            }
            Some(state @ BoardState::Ready { .. }) if self.board_missed => {
                self.shared.notify(About::BoardBack, &state.to_string());
                self.board_missed = false;
            }
            Some(_) => {}
            None => self.board_missed = false,
        }
        self.board = now;
    }

    fn keep_sample(&mut self, frame: &Frame) {
        self.sampled = Some(Instant::now());
        self.layers = self.sampler.samples().into();
        let values = self.sampler.detail().clone();
        self.samples += 1;
        self.detail = Arc::new(LayerDetail { sample: self.samples, layer: self.sampler.watched(), values });
        self.channels.take(&self.sampler, &self.predictor, frame);
        self.shared.latest().channels = self.channels.report().map(Arc::new);
        let predictor = &self.predictor;
        let sampled = Sampled {
            frame,
            input: predictor.input(),
            class: predictor.class(),
            engine: predictor.engine(),
            sample: self.samples,
        };
        let answers = self.depths.answer(&sampled);
        self.shared.answer(|before| *before = answers);
    }

    fn publish(&mut self, frame: &Frame, timing: FrameTiming, visit: Visit) {
        if visit == Visit::First {
            self.history.count(timing, self.predictor.is_right(frame));
        }
        let limit = self.limit.map_or(self.predictor.network().limit(), |percent| f32::from(percent) / 100.0);
        self.history.smooth(&self.predictor, limit, visit);
        self.history.see(frame, &self.source.status());
        let prediction = Prediction {
            raw: self.predictor.probabilities().to_vec(),
            smoothed: self.history.smoothed.clone(),
            knowing: self.history.knowing,
            limit,
        };
        self.watch_board();
        self.watch_check();
        let engine = self.predictor.engine();
        let report = Report {
            sequence: self.sequence,
            frame: frame.clone(),
            crop: self.predictor.crop(),
            network: self.predictor.network().clone(),
            edge: engine.edge(),
            engine: engine.info(),
            prediction,
            timing,
            rates: self.history.rates(),
            counts: self.history.counts,
            layers: self.layers.clone(),
            detail: self.detail.clone(),
            comparison: self.twins.as_mut().filter(|_| self.comparing).map(Twins::figures),
        };
        self.sequence += 1;
        self.shared.publish(report);
    }
}

impl RunningFigures {
    /// What is known of the source when it gave `frame`. It may have changed since, and its status with it.
    fn see(&mut self, frame: &Frame, status: &SourceStatus) {
        let [captured, dropped] = self.before;
        self.counts.captured = frame.index + 1 - captured;
        self.counts.dropped = frame.dropped - dropped;
        if status.source == frame.source {
            self.captured_per_s = status.fps;
        }
    }

    fn count(&mut self, timing: FrameTiming, right: Option<bool>) {
        let now = Instant::now();
        // A board and the CPU that does its work meanwhile have no times in common.
        if self.on_board != timing.board.is_some() {
            self.on_board = timing.board.is_some();
            (self.infer_ms, self.link_ms, self.latency_ms) = (recent(), recent(), recent());
        }
        self.infer_ms.push(now, timing.infer_ms);
        if let Some(board) = timing.board {
            self.link_ms.push(now, milliseconds(board.link));
        }
        self.latency_ms.push(now, timing.latency_ms);
        self.counts.predicted += 1;
        self.counts.with_truth += u64::from(right.is_some());
        self.counts.right += u64::from(right == Some(true));
    }

    /// Exponential smoothing by the time that passed, so that it feels the same at any rate.
    fn smooth(&mut self, predictor: &Predictor, limit: f32, visit: Visit) {
        let now = Instant::now();
        let passed = self.last.map(|last| now.duration_since(last).as_secs_f32());
        let weight = passed.map_or(1.0, |passed| 1.0 - (-passed / SMOOTHING.as_secs_f32()).exp());
        if visit == Visit::First {
            self.last = Some(now);
        }
        let raw = predictor.probabilities();
        self.smoothed.resize(raw.len(), 0.0);
        self.smoothed.iter_mut().zip(raw).for_each(|(smooth, raw)| *smooth += weight * (raw - *smooth));
        let Knowing { known, sure } = &mut self.knowing;
        *known += weight * (predictor.knowing().known - *known);
        *sure = *known >= if *sure { limit - HYSTERESIS } else { limit };
    }

    fn rates(&mut self) -> Rates {
        let infer_ms = self.infer_ms.median();
        Rates {
            captured_per_s: self.captured_per_s,
            predicted_per_s: self.infer_ms.rate(),
            engine_per_s: if infer_ms > 0.0 { 1e3 / infer_ms } else { 0.0 },
            infer_ms,
            infer_p95_ms: self.infer_ms.quantile(0.95).unwrap_or(0.0),
            link_ms: self.link_ms.median(),
            latency_ms: self.latency_ms.median(),
        }
    }
}
