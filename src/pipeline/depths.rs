//! What a person has opened to see why: evidence, occlusion, one neuron, a held run. All of it is answered from the frames that are
//! sampled anyway, and occlusion from what the engine has left between them.

use crate::engine::{Engine, EngineKind, Probe};
use crate::frame::{Frame, InputImage};
use crate::inspect::evidence::ClassifierInput;
use crate::inspect::explain::{Explanation, Gathering, Neuron};
use crate::inspect::held::{HeldComparer, HeldRun};
use crate::inspect::occlusion::{Occlusion, OcclusionMap, Patches};
use crate::network::Network;
use std::sync::Arc;
use web_time::Instant;

/// What is asked of every sampled frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Questions {
    /// Where the picture speaks for a class and where against it.
    pub(crate) evidence: bool,
    /// How much less likely the answer becomes where patches cover the picture.
    pub(crate) occlusion: Option<Patches>,
    /// All the arithmetic of one value.
    pub(crate) neuron: Option<Neuron>,
}

/// The answers, of the last sampled frame.
#[cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]
#[derive(Clone, Debug, Default)]
pub(crate) struct DepthAnswers {
    /// The number of the sample, as [`LayerDetail::sample`](super::LayerDetail::sample) has it.
    pub(crate) sample: u64,
    /// The codes that the classifier reads, CHW, where evidence was asked for and the engine shows them.
    pub(crate) classifier_input: Option<Arc<[u8]>>,
    /// The last finished picture, or why there is none.
    pub(crate) occlusion: Option<Result<Arc<Covered>, String>>,
    /// The value's terms, or why there are none.
    pub(crate) neuron: Option<Result<Arc<Explanation>, String>>,
    /// What is held, and how far the frame differs from it.
    pub(crate) held: Option<Arc<HeldAnswer>>,
}

/// A picture that was covered patch by patch.
#[cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]
#[derive(Clone, Debug)]
pub(crate) struct Covered {
    /// What it came to.
    pub(crate) map: OcclusionMap,
    /// With which patches.
    pub(crate) patches: Patches,
    /// The network whose classes it speaks of.
    pub(crate) network: Arc<Network>,
    /// How many such pictures are finished a second, by the time since the one before; `None` of the first.
    pub(crate) per_s: Option<f32>,
}

/// A held run beside the one that goes on.
#[cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]
#[derive(Clone, Debug)]
pub(crate) struct HeldAnswer {
    /// The frame that is held.
    pub(crate) frame: Frame,
    /// Network and engine that ran it, in words.
    pub(crate) by: String,
    /// What it answered.
    pub(crate) label: String,
    /// Its codes.
    run: Arc<HeldRun>,
    /// For each layer that runs now the held one that it is compared with, of the same name and shape.
    matching: Vec<Option<usize>>,
    /// How many codes of each layer that runs now differ; `None` of layers that are compared with none.
    pub(crate) differing: Vec<Option<u32>>,
}

#[cfg(feature = "app")]
impl HeldAnswer {
    /// Whether anything of the network that runs now can be compared.
    pub(crate) fn is_comparable(&self) -> bool {
        self.matching.iter().any(Option::is_some)
    }

    /// The held codes, CHW, that those of a layer that runs now are compared with; none where there are none.
    pub(crate) fn codes(&self, layer: usize) -> &[u8] {
        self.matching.get(layer).copied().flatten().map_or(&[], |own| self.run.codes(own))
    }
}

/// What a frame was, for who answers.
pub(super) struct Sampled<'a> {
    /// The frame.
    pub(super) frame: &'a Frame,
    /// What the network saw of it.
    pub(super) input: &'a InputImage,
    /// The likeliest class.
    pub(super) class: Option<usize>,
    /// What ran it.
    pub(super) engine: &'a dyn Engine,
    /// Its number among the samples.
    pub(super) sample: u64,
}

/// DepthAnswers questions: a probe of sampled runs.
#[derive(Default)]
pub(super) struct Depths {
    questions: Questions,
    classifier_input: Option<ClassifierInput>,
    neuron: Option<Result<Gathering, String>>,
    /// Whether the next sampled run is to be held.
    hold: bool,
    filling: Option<HeldRun>,
    held: Option<HeldAnswer>,
    comparing: Option<HeldComparer>,
    covering: Option<Covering>,
    covered: Option<Result<Arc<Covered>, String>>,
    /// When that was finished.
    finished: Option<Instant>,
}

/// A picture that is being covered.
struct Covering {
    occlusion: Occlusion,
    patches: Patches,
    network: Arc<Network>,
}

impl Depths {
    /// Asks other questions from the next sampled frame on.
    pub(super) fn ask(&mut self, questions: Questions) {
        if questions.occlusion != self.questions.occlusion {
            (self.covering, self.covered, self.finished) = (None, None, None);
        }
        self.questions = questions;
    }

    /// Holds the next sampled run, or holds none.
    pub(super) fn hold(&mut self, held: bool) {
        self.hold = held;
        self.held = None;
    }

    /// Makes ready for a run of `network` at `edge`.
    pub(super) fn begin(&mut self, network: &Arc<Network>, edge: usize) {
        self.classifier_input = self.questions.evidence.then(|| ClassifierInput::new(network));
        let gathering = |place: Neuron| Gathering::new(network, edge, place).map_err(|error| error.to_string());
        self.neuron = self.questions.neuron.map(gathering);
        self.filling = self.hold.then(|| HeldRun::new(Arc::clone(network), edge));
        self.comparing = match &mut self.held {
            None => None,
            Some(held) => {
                held.matching = held.run.matching(network, edge);
                Some(HeldComparer::new(Arc::clone(&held.run), held.matching.clone()))
            }
        };
    }

    /// The answers, after the run.
    pub(super) fn answer(&mut self, sampled: &Sampled<'_>) -> DepthAnswers {
        let codes = self.classifier_input.take().filter(|input| !input.codes().is_empty());
        let neuron = self.neuron.take().map(|gathering| {
            let explained = gathering?.explanation(sampled.input).map_err(|error| error.to_string())?;
            Ok(Arc::new(explained))
        });
        self.take_held(sampled);
        self.cover(sampled);
        DepthAnswers {
            sample: sampled.sample,
            classifier_input: codes.map(|input| input.codes().into()),
            occlusion: self.covered.clone(),
            neuron,
            held: self.held.clone().map(Arc::new),
        }
    }

    fn take_held(&mut self, sampled: &Sampled<'_>) {
        if let Some(held) = &mut self.held {
            held.differing = self.comparing.take().map(HeldComparer::into_differing).unwrap_or_default();
        }
        let Some(run) = self.filling.take() else { return };
        let network = sampled.engine.network();
        let label = sampled.class.map_or(String::new(), |class| network.labels()[class].clone());
        let by = format!("{} on {}", network.name(), sampled.engine.info().name);
        let run = Arc::new(run);
        let (matching, differing) = (run.matching(network, sampled.engine.edge()), run.no_differences());
        let frame = sampled.frame.clone();
        self.held = Some(HeldAnswer { frame, by, label, run, matching, differing });
        self.hold = false;
    }

    /// Begins with another picture where none is being covered.
    fn cover(&mut self, sampled: &Sampled<'_>) {
        let Some(patches) = self.questions.occlusion else { return };
        if sampled.engine.info().kind == EngineKind::Board {
            let why = "a board has no time to cover pictures: every patch takes as long as a frame. Choose the CPU (G)";
            (self.covering, self.covered) = (None, Some(Err(why.into())));
            return;
        }
        let network = sampled.engine.network();
        if self.covering.as_ref().is_some_and(|covering| Arc::ptr_eq(&covering.network, network)) {
            return;
        }
        match Occlusion::new(patches, sampled.input) {
            Ok(occlusion) => {
                self.covering = Some(Covering { occlusion, patches, network: Arc::clone(network) });
            }
            Err(error) => (self.covering, self.covered) = (None, Some(Err(error.to_string()))),
        }
    }

    /// Whether there is work for an engine that has nothing else to do.
    pub(super) fn has_work(&self) -> bool {
        self.covering.is_some()
    }

    /// Runs one patch more on the engine; whether a picture was finished with it.
    pub(super) fn work(&mut self, engine: &mut dyn Engine) -> bool {
        let Some(covering) = &mut self.covering else { return false };
        if !Arc::ptr_eq(&covering.network, engine.network()) {
            self.covering = None;
            return false;
        }
        match covering.occlusion.advance(engine, 1) {
            Ok(false) => return false,
            Ok(true) => {}
            Err(error) => {
                (self.covering, self.covered) = (None, Some(Err(error.to_string())));
                return true;
            }
        }
        let Some(Covering { occlusion, patches, network }) = self.covering.take() else { return false };
        let before = self.finished.replace(Instant::now());
        let per_s = before.map(|before| 1.0 / before.elapsed().as_secs_f32().max(1e-6));
        self.covered =
            occlusion.finished().map(|map| Ok(Arc::new(Covered { map: map.clone(), patches, network, per_s })));
        true
    }

    /// What was finished last.
    pub(super) fn covered(&self) -> Option<Result<Arc<Covered>, String>> {
        self.covered.clone()
    }

    /// The probes of what is asked, for the run that [`Depths::begin`] made ready for.
    pub(super) fn probes(&mut self) -> impl Iterator<Item = &mut dyn Probe> {
        let evidence = self.classifier_input.iter_mut().map(|probe| probe as &mut dyn Probe);
        let neuron = self.neuron.iter_mut().flatten().map(|probe| probe as &mut dyn Probe);
        let filling = self.filling.iter_mut().map(|probe| probe as &mut dyn Probe);
        let comparing = self.comparing.iter_mut().map(|probe| probe as &mut dyn Probe);
        evidence.chain(neuron).chain(filling).chain(comparing)
    }
}
