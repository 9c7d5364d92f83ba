//! Whether two engines hold the same integers, layer by layer.

use super::SumValues;
use crate::engine::{Engine, EngineError, Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::network::Network;
use std::any::Any;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use thiserror::Error;

/// The first place where two engines differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The layer's name.
    pub layer: String,
    /// `code`, `sum` or `logit`.
    pub what: &'static str,
    /// Channel, row, column.
    pub position: [usize; 3],
    /// What the first engine holds (not a number where it shows nothing).
    pub left: f64,
    /// What the second engine holds.
    pub right: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channel, y, x] = self.position;
        let Self { layer, what, left, right, .. } = self;
        write!(f, "{layer}: {what} at channel {channel}, row {y}, column {x}: {left} against {right}")
    }
}

/// Why two engines were not compared.
#[derive(Debug, Error)]
pub(crate) enum DiffError {
    /// One of them failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// One of them came upon a fault of its own.
    #[error(
        "the engine {engine} fails in its own code ({what}): compare with another engine, and report this as a fault"
    )]
    Panicked {
        /// Its name.
        engine: String,
        /// What the panic says.
        what: String,
    },
    /// The system refused a thread for one of them.
    #[error("the system gives no thread for the second engine ({0}): close other programs and try again")]
    Thread(io::Error),
}

/// Runs two engines of one network and edge side by side; `None` where sums, codes and the logits' bits are identical at
/// every layer, as far as both show them. One layer of each is held at a time.
///
/// # Errors
/// [`DiffError`].
pub(crate) fn compare(
    left: &mut dyn Engine,
    right: &mut dyn Engine,
    image: &InputImage,
) -> Result<Option<Difference>, DiffError> {
    let (network, edge) = (left.network().clone(), left.edge());
    // A channel without room: the left engine waits until the right one has come to the same layer.
    let (sender, receiver) = sync_channel(0);
    let both = |layer| both_show(left, right, layer);
    let wants: Vec<Wants> = (0..network.layers().len()).map(both).collect();
    let mut comparer = Comparer { wants: &wants, shown: Some(receiver), first: None };
    let (left_logits, right_logits) = thread::scope(|scope| {
        let mut teller = Teller { wants: &wants, tell: sender };
        let names = [left.info().name, right.info().name];
        let run_left = move || left.run_probed(image, &mut teller).map(|outcome| outcome.logits.to_vec());
        let left = thread::Builder::new().spawn_scoped(scope, run_left).map_err(DiffError::Thread)?;
        // Neither engine is used again behind a panic.
        let run_right =
            AssertUnwindSafe(|| right.run_probed(image, &mut comparer).map(|outcome| outcome.logits.to_vec()));
        let right = catch_unwind(run_right);
        // Should the right engine have shown less, or panicked, the left one must not wait for it.
        comparer.shown = None;
        let [left_name, right_name] = names;
        Ok::<_, DiffError>((finished(left.join(), left_name)?, finished(right, right_name)?))
    })?;
    let last = network.layers().len() - 1;
    let first = comparer.first.or_else(|| logit_difference(last, &left_logits, &right_logits));
    Ok(first.map(|first| first.named(&network, edge)))
}

/// Where two engines' logits differ in a bit.
pub(super) fn logit_difference(layer: usize, left: &[f32], right: &[f32]) -> Option<FirstDifference> {
    let class = differ_at(left, right, |a, b| a.to_bits() == b.to_bits())?;
    let values = [left, right].map(|logits| logits.get(class).map_or(f64::NAN, |&logit| logit.into()));
    Some(FirstDifference { layer, what: "logit", at: class, values })
}

/// What an engine's run came to, a panic included.
pub(super) fn finished(
    run: thread::Result<Result<Vec<f32>, EngineError>>,
    engine: String,
) -> Result<Vec<f32>, DiffError> {
    Ok(run.map_err(|panic| panicked(&*panic, engine))??)
}

/// What became of an engine that panicked.
pub(super) fn panicked(panic: &(dyn Any + Send), engine: String) -> DiffError {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    // A failed assertion's words stand in several lines.
    let words: Vec<&str> = text.unwrap_or("a panic without words").split_whitespace().collect();
    DiffError::Panicked { engine, what: words.join(" ") }
}

/// What an engine shows of a layer, CHW.
enum Values {
    Codes(Vec<u8>),
    Sums(SumValues),
}

/// Where the first difference is: the layer's number and the value's in its map.
pub(super) struct FirstDifference {
    pub(super) layer: usize,
    pub(super) what: &'static str,
    pub(super) at: usize,
    pub(super) values: [f64; 2],
}

impl FirstDifference {
    /// With names in the place of numbers, of a run of `network` at `edge`.
    pub(super) fn named(self, network: &Network, edge: usize) -> Difference {
        let Self { layer, what, at, values: [left, right] } = self;
        let edge = network.shapes(edge)[layer].edge;
        let position = [at / (edge * edge), at / edge % edge, at % edge];
        Difference { layer: network.layers()[layer].name.clone(), what, position, left, right }
    }
}

/// What of a layer can be compared.
fn both_show(left: &dyn Engine, right: &dyn Engine, layer: usize) -> Wants {
    let (left, right) = (left.shows(layer), right.shows(layer));
    Wants { codes: left.codes && right.codes, histogram: false, sums: left.sums && right.sums }
}

/// Hands on what it is shown. Nobody may listen any longer: then the difference is found.
struct Teller<'a> {
    wants: &'a [Wants],
    tell: SyncSender<(usize, Values)>,
}

impl Probe for Teller<'_> {
    fn wants(&self, layer: usize) -> Wants {
        self.wants[layer]
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        let _ = self.tell.send((layer, Values::Codes(codes.to_vec())));
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        let _ = self.tell.send((layer, Values::Sums(sums.into())));
    }
}

/// Compares what it is shown with what the other engine shows, until something differs.
struct Comparer<'a> {
    wants: &'a [Wants],
    shown: Option<Receiver<(usize, Values)>>,
    first: Option<FirstDifference>,
}

impl Comparer<'_> {
    /// What the left engine shows next; nothing where it is not of the same layer; `None` where a difference is found.
    fn left(&self, layer: usize) -> Option<Values> {
        let shown = self.shown.as_ref()?.recv();
        let same = shown.ok().filter(|(left, _)| *left == layer);
        Some(same.map_or(Values::Codes(Vec::new()), |(_, values)| values))
    }

    fn found(&mut self, layer: usize, what: &'static str, at: usize, values: [Option<f64>; 2]) {
        self.shown = None;
        self.first = Some(FirstDifference { layer, what, at, values: values.map(|value| value.unwrap_or(f64::NAN)) });
    }
}

impl Probe for Comparer<'_> {
    fn wants(&self, layer: usize) -> Wants {
        self.wants[layer]
    }

    fn codes(&mut self, layer: usize, right: &[u8]) {
        let Some(left) = self.left(layer) else { return };
        let left = if let Values::Codes(left) = left { left } else { Vec::new() };
        if let Some(at) = differ_at(&left, right, |a, b| a == b) {
            let value = |codes: &[u8]| codes.get(at).map(|&code| f64::from(code));
            self.found(layer, "code", at, [value(&left), value(right)]);
        }
    }

    fn sums(&mut self, layer: usize, right: Sums<'_>) {
        let Some(left) = self.left(layer) else { return };
        let left = if let Values::Sums(left) = left { left } else { SumValues::default() };
        let differ = match (&left, right) {
            (SumValues::Integers(left), Sums::Integers(right)) => differ_at(left, right, |a, b| a == b),
            (SumValues::Floats(left), Sums::Floats(right)) => differ_at(left, right, |a, b| a.to_bits() == b.to_bits()),
            _ => Some(0),
        };
        if let Some(at) = differ {
            self.found(layer, "sum", at, [left.get(at), SumValues::from(right).get(at)]);
        }
    }
}

/// The first place where two lists differ, the end of the shorter one included.
pub(super) fn differ_at<T>(left: &[T], right: &[T], same: impl Fn(&T, &T) -> bool) -> Option<usize> {
    let at = left.iter().zip(right).position(|(a, b)| !same(a, b));
    at.or_else(|| (left.len() != right.len()).then(|| left.len().min(right.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::reference::ReferenceEngine;
    use crate::engine::{EngineInfo, Outcome};
    use crate::network::published::PublishedShape;
    use std::sync::Arc;
    use std::time::Duration;

    fn engine(seed: u64, float_input: bool) -> ReferenceEngine {
        let shape = PublishedShape::named("erns18-0.75x").expect("published");
        let network = shape.random(seed, float_input).expect("well formed");
        ReferenceEngine::new(network.into(), 32).expect("a size of it")
    }

    #[test]
    fn the_first_difference_is_found() {
        let mut image = InputImage::black(32);
        image.rgb_mut().fill(200);
        for float_input in [false, true] {
            let [mut one, mut same, mut other] = [1, 1, 2].map(|seed| engine(seed, float_input));
            assert_eq!(compare(&mut one, &mut same, &image).expect("runs"), None);
            let difference = compare(&mut one, &mut other, &image).expect("runs").expect("other weights");
            assert_eq!((difference.layer.as_str(), difference.what), ("backbone.act1", "sum"));
            assert_ne!(difference.left, difference.right);
        }
    }

    /// Panics when it comes to a layer, as an engine with a fault would.
    struct Faulty {
        engine: ReferenceEngine,
        layer: usize,
    }

    impl Engine for Faulty {
        fn info(&self) -> EngineInfo {
            EngineInfo { name: "faulty".into(), ..self.engine.info() }
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

        fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
            self.engine.run(input)
        }

        fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
            self.engine.run_probed(input, &mut Until { layer: self.layer, probe })
        }
    }

    struct Until<'a> {
        layer: usize,
        probe: &'a mut dyn Probe,
    }

    impl Probe for Until<'_> {
        fn wants(&self, layer: usize) -> Wants {
            assert_ne!(layer, self.layer, "the rows ran out");
            self.probe.wants(layer)
        }

        fn codes(&mut self, layer: usize, codes: &[u8]) {
            self.probe.codes(layer, codes);
        }

        fn sums(&mut self, layer: usize, sums: Sums<'_>) {
            self.probe.sums(layer, sums);
        }
    }

    #[test]
    fn an_engine_that_panics_is_an_error_and_nobody_waits_for_it() {
        for layer in [0, 3] {
            for is_left in [true, false] {
                let (tell, told) = std::sync::mpsc::channel();
                thread::spawn(move || {
                    let mut faulty = Faulty { engine: engine(1, false), layer };
                    let mut sound = engine(1, false);
                    let engines: [&mut dyn Engine; 2] =
                        if is_left { [&mut faulty, &mut sound] } else { [&mut sound, &mut faulty] };
                    let [left, right] = engines;
                    tell.send(compare(left, right, &InputImage::black(32)).map_err(|error| error.to_string()))
                });
                let error = told.recv_timeout(Duration::from_secs(60)).expect("it ends").expect_err("it panicked");
                assert!(error.contains("engine faulty") && error.contains("the rows ran out"), "{error}");
                assert_eq!(error.lines().count(), 1, "{error}");
            }
        }
    }

    #[test]
    fn pictures_of_another_size_are_an_error() {
        let [mut one, mut same] = [1, 1].map(|seed| engine(seed, false));
        assert!(matches!(compare(&mut one, &mut same, &InputImage::black(64)), Err(DiffError::Engine(_))));
    }
}
