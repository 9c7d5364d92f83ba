//! One network on one engine, from frames to probabilities.

use super::settings::Settings;
use crate::board::{BoardFrame, LayerCycles};
use crate::engine::{self, Engine, EngineError, Probe, likeliest, softmax};
use crate::engines::{self, BoardPolicy, EngineChoice, OpenError, Setup};
use crate::frame::{Crop, Frame, InputImage};
use crate::host::ROUNDS_APART;
use crate::network::{Knowing, LoadError, Logits, ModelChoice, Network};
use crate::preprocess::{PreprocessError, Preprocessor, WHOLE_SQUARE, zoomed_crop};
use crate::source::demo;
use std::sync::Arc;
use thiserror::Error;
use web_time::{Duration, Instant};

/// Why there is no prediction.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PredictError {
    /// The network could not be had.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The engine could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The frame could not be brought to the network's size.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
    /// A board has room for one of two twins.
    #[error("one board runs one network at a time")]
    OneBoard,
    /// The engine failed on a frame.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a run of the network took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inference {
    /// Computing it. Of a board: what it counted at its clock, and this machine's part, without the line.
    pub compute: Duration,
    /// All about the board that ran it, where one did.
    pub board: Option<BoardFrame>,
    /// Waiting for a board that was lost over this frame.
    pub in_vain: Duration,
}

impl Inference {
    /// Until the prediction was there; for a board with the line (a simulated one: with the simulation).
    pub(crate) fn whole(&self) -> Duration {
        self.compute + self.board.map_or(Duration::ZERO, |board| board.link) + self.in_vain
    }
}

/// Crops and resizes frames and runs the network on them. Allocates nothing after the first frame of a size.
pub(crate) struct Predictor {
    engine: Box<dyn Engine>,
    /// What `engine` was made for.
    choice: EngineChoice,
    policy: BoardPolicy,
    preprocessor: Preprocessor,
    input: InputImage,
    /// How much larger than the whole square is, in percent, the network sees what it sees.
    zoom: u16,
    /// What of the last frame it saw.
    crop: Crop,
    said: Said,
}

/// What the network said of the last frame.
#[derive(Default)]
struct Said {
    /// The logits: of the classes, and of the classifier's rows of no class.
    logits: Logits,
    /// One a class.
    probabilities: Vec<f32>,
    knowing: Knowing,
}

impl Predictor {
    /// Reads the network and makes the engine.
    ///
    /// # Errors
    /// [`PredictError`], where the network, its size or the engine is refused.
    pub(crate) fn open(settings: &Settings, policy: BoardPolicy) -> Result<Self, PredictError> {
        Self::for_network(None, settings, Arc::new(settings.model.load()?), policy)
    }

    /// Reads the twin of the network, which `model` names; `None` where it has none.
    ///
    /// # Errors
    /// [`PredictError::Load`].
    pub(super) fn read_twin(&self, model: &ModelChoice) -> Result<Option<Network>, PredictError> {
        let twin = model.twin().map(|twin| twin.load()).transpose()?;
        let own = self.network();
        Ok(twin.filter(|network| {
            network.family() == own.family()
                && network.labels() == own.labels()
                && network.has_pixel_embedding() != own.has_pixel_embedding()
        }))
    }

    /// The twin `network` on the same engine and input edge, made of `former` as far as that fits; `None` where it does not run
    /// at that edge.
    ///
    /// # Errors
    /// As [`Predictor::open`].
    pub(super) fn twin(
        &self,
        settings: &Settings,
        network: &Arc<Network>,
        former: Option<Self>,
    ) -> Result<Option<Self>, PredictError> {
        if network.check_edge(self.engine.edge()).is_err() {
            return Ok(None);
        }
        if !settings.engine.allows_two() {
            return Err(PredictError::OneBoard);
        }
        let settings = Settings { edge: Some(self.engine.edge()), ..settings.clone() };
        let Some(mut former) = former else {
            return Self::for_network(None, &settings, Arc::clone(network), self.policy).map(Some);
        };
        former.change(&settings, Arc::clone(network))?;
        Ok(Some(former))
    }

    /// Goes on with other settings; `network` is the one that they name. Only what is another one is made again: a number of
    /// threads leaves the engine as it is, and a board keeps its program. Where the settings are refused, all stays as it was.
    ///
    /// # Errors
    /// [`PredictError`], where the size or the engine is refused.
    pub(super) fn change(&mut self, wanted: &Settings, network: Arc<Network>) -> Result<(), PredictError> {
        let edge = wanted.edge.unwrap_or(network.edge());
        let is_same =
            Arc::ptr_eq(&network, self.network()) && edge == self.engine.edge() && wanted.engine == self.choice;
        if is_same {
            self.engine.set_threads(wanted.threads);
            self.preprocessor.set_threads(wanted.threads);
        } else {
            let zoom = self.zoom;
            *self = Self::for_network(Some(&*self.engine), wanted, network, self.policy)?;
            self.zoom = zoom;
        }
        Ok(())
    }

    /// In the place of `before`, of which what it can is kept.
    fn for_network(
        before: Option<&dyn Engine>,
        settings: &Settings,
        network: Arc<Network>,
        policy: BoardPolicy,
    ) -> Result<Self, PredictError> {
        let edge = settings.edge.unwrap_or(network.edge());
        let setup = Setup { edge, threads: settings.threads, policy, before };
        let mut engine = engines::open(&settings.engine, network, setup)?;
        engine.round_apart(ROUNDS_APART);
        Ok(Self::with(settings, engine, policy))
    }

    /// With an engine that was made for `settings`.
    fn with(settings: &Settings, engine: Box<dyn Engine>, policy: BoardPolicy) -> Self {
        Self {
            choice: settings.engine.clone(),
            policy,
            preprocessor: Preprocessor::new(settings.threads),
            input: InputImage::black(engine.edge()),
            zoom: WHOLE_SQUARE,
            crop: Crop::default(),
            said: Said::default(),
            engine,
        }
    }

    #[cfg(test)]
    pub(super) fn with_engine(settings: &Settings, engine: Box<dyn Engine>) -> Self {
        Self::with(settings, engine, BoardPolicy::Live)
    }

    /// Has the engine compute a recording again.
    #[cfg(test)]
    pub(super) fn replay(
        &mut self,
        recording: crate::flight::FlightReader<impl std::io::BufRead>,
    ) -> crate::flight::Replayed {
        crate::flight::replay(recording, &mut *self.engine).expect("a recording of ours")
    }

    /// The network.
    pub(crate) fn network(&self) -> &Arc<Network> {
        self.engine.network()
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// The engine, for runs on other pictures than frames.
    pub(super) fn engine_mut(&mut self) -> &mut dyn Engine {
        &mut *self.engine
    }

    /// Sees the middle of frames so many percent larger from now on, 100 being the whole square.
    pub(super) fn set_zoom(&mut self, percent: u16) {
        self.zoom = percent;
    }

    /// What of the last frame the network saw.
    pub(super) fn crop(&self) -> Crop {
        self.crop
    }

    /// The picture that the network last saw.
    pub(crate) fn input(&self) -> &InputImage {
        &self.input
    }

    /// The logits of the last frame, one a class.
    pub(crate) fn logits(&self) -> &[f32] {
        &self.said.logits.classes
    }

    /// The logits of the last frame: those of the classes, and those of the rows of no class.
    pub(crate) fn answer(&self) -> [&[f32]; 2] {
        [&self.said.logits.classes, &self.said.logits.others]
    }

    /// The probabilities of the last frame, one a class.
    pub(crate) fn probabilities(&self) -> &[f32] {
        &self.said.probabilities
    }

    /// Whether the network knows what the last frame shows.
    pub(crate) fn knowing(&self) -> Knowing {
        self.said.knowing
    }

    /// The likeliest class of the last frame; of equally likely ones the first.
    pub(crate) fn class(&self) -> Option<usize> {
        likeliest(&self.said.probabilities)
    }

    /// Whether the last frame was predicted right, where its truth is known and the network knows the cards.
    pub(crate) fn is_right(&self, frame: &Frame) -> Option<bool> {
        let truth = &frame.truth.as_ref()?.label;
        let network = self.network();
        knows_cards(network).then(|| self.class().is_some_and(|class| &network.labels()[class] == truth))
    }

    /// Crops and resizes a frame to the picture that [`Predictor::infer`] reads.
    ///
    /// # Errors
    /// [`PredictError::Preprocess`], where the frame has no pixels.
    pub(crate) fn prepare(&mut self, frame: &Frame) -> Result<Duration, PredictError> {
        let start = Instant::now();
        let crop = zoomed_crop(frame.width, frame.height, self.zoom, self.input.edge());
        self.preprocessor.run_crop(&frame.rgb, [frame.width, frame.height], crop, &mut self.input)?;
        self.crop = crop;
        Ok(start.elapsed())
    }

    /// Runs the network on the prepared picture.
    ///
    /// # Errors
    /// [`PredictError::Engine`].
    pub(crate) fn infer(&mut self, probe: Option<&mut dyn Probe>) -> Result<Inference, PredictError> {
        Ok(infer(&mut *self.engine, &self.input, probe, &mut self.said)?)
    }

    /// Runs the network on a picture that another predictor prepared for the same input edge.
    ///
    /// # Errors
    /// [`PredictError::Engine`].
    pub(crate) fn infer_on(
        &mut self,
        input: &InputImage,
        probe: Option<&mut dyn Probe>,
    ) -> Result<Inference, PredictError> {
        Ok(infer(&mut *self.engine, input, probe, &mut self.said)?)
    }
}

/// Whether a network has a label for everything that the demo shows; one that knows but some of it is not held to it.
pub(crate) fn knows_cards(network: &Network) -> bool {
    demo::labels().iter().all(|card| network.labels().iter().any(|label| label == card))
}

fn infer(
    engine: &mut dyn Engine,
    input: &InputImage,
    probe: Option<&mut dyn Probe>,
    said: &mut Said,
) -> Result<Inference, EngineError> {
    let network = Arc::clone(engine.network());
    let start = Instant::now();
    let (outcome, elapsed) = match probe {
        None => {
            let outcome = engine.run(input)?;
            (outcome, start.elapsed().saturating_sub(outcome.waited_in_vain))
        }
        // What looking costs must not count as the engine's time.
        Some(probe) => {
            let mut timed = TimedProbe { probe, total: Duration::ZERO };
            let outcome = engine.run_probed(input, &mut timed)?;
            (outcome, timed.total)
        }
    };
    let Logits { classes, others } = &mut said.logits;
    outcome.logits.clone_into(classes);
    outcome.others.clone_into(others);
    softmax(outcome.logits, &mut said.probabilities);
    said.knowing = network.knowing(outcome.logits, outcome.others);
    let compute = outcome.board.map_or(elapsed, |board| board.compute());
    Ok(Inference { compute, board: outcome.board, in_vain: outcome.waited_in_vain })
}

/// Passes everything on and sums the layers' times.
struct TimedProbe<'a> {
    probe: &'a mut dyn Probe,
    total: Duration,
}

impl Probe for TimedProbe<'_> {
    fn wants(&self, layer: usize) -> engine::Wants {
        self.probe.wants(layer)
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.probe.codes(layer, codes);
    }

    fn histogram(&mut self, layer: usize, counts: engine::CodeHistogram) {
        self.probe.histogram(layer, counts);
    }

    fn sums(&mut self, layer: usize, sums: engine::Sums<'_>) {
        self.probe.sums(layer, sums);
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.total += elapsed;
        self.probe.time(layer, elapsed);
    }

    fn cycles(&mut self, layer: usize, counted: LayerCycles) {
        self.probe.cycles(layer, counted);
    }
}
