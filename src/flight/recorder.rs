//! What records while a network runs.

use super::frame::EventKind;
use super::ring::{Flight, FlightEntry, FlightLimits, FlightRing};
use crate::engine::{Probe, Wants};
use crate::frame::InputImage;
use crate::network::Network;
use std::sync::Arc;
use web_time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where nobody samples frames, looking at one takes no more than one of so many parts of the time.
const LOOK_SHARE: u32 = 32;
/// And no more than every second frame is looked at: 15 a second of 30.
const LOOK_EVERY: u64 = 2;

/// Keeps the last frames and what they gave, from when it is made. Nothing is written before [`FlightRecorder::flight`] is.
pub(crate) struct FlightRecorder {
    ring: FlightRing,
    began: Instant,
    /// In seconds since 1970.
    began_at: u64,
    layers: LayerSums,
    /// When a frame was last looked at, its number, and how long that took.
    looked: Option<(Instant, u64, Duration)>,
}

/// A frame that was just computed.
pub(crate) struct FlightSeen<'a> {
    /// Counts the predictions.
    pub number: u64,
    /// The network.
    pub network: &'a Arc<Network>,
    /// The engine's name.
    pub engine: &'a str,
    /// What the network saw.
    pub input: &'a InputImage,
    /// What it answered: logits of the classes, and of the rows of no class.
    pub answer: [&'a [f32]; 2],
    /// How long it took to look at it through [`FlightRecorder::probe`]; `None` where that was not done.
    pub look: Option<Duration>,
}

/// How much is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlightState {
    /// Frames.
    pub frames: usize,
    /// From the oldest to the newest.
    pub span: Duration,
    /// Bytes of memory that they take.
    pub bytes: usize,
    /// At most so many bytes.
    pub limit: usize,
}

impl FlightRecorder {
    pub(crate) fn new(limits: FlightLimits) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            ring: FlightRing::new(limits),
            began: Instant::now(),
            began_at: since_1970.as_secs(),
            layers: LayerSums::default(),
            looked: None,
        }
    }

    /// Whether frame `number` is to be looked at, where nobody samples: every second one, as long as that takes little of the time.
    pub(crate) fn is_due(&self, number: u64) -> bool {
        self.looked.is_none_or(|(when, last, took)| number >= last + LOOK_EVERY && when.elapsed() >= took * LOOK_SHARE)
    }

    /// What the next frame is to be run with, where it is to be looked at.
    pub(crate) fn probe(&mut self) -> &mut dyn Probe {
        self.layers.0.clear();
        &mut self.layers
    }

    /// Keeps a frame.
    pub(crate) fn record(&mut self, seen: &FlightSeen<'_>) {
        let at = self.now();
        self.ring.note(EventKind::Engine, at, seen.engine);
        self.ring.is_of(seen.network, seen.input.edge(), at);
        if let Some(took) = seen.look {
            self.layers.0.resize(seen.network.layers().len(), None);
            self.looked = Some((Instant::now(), seen.number, took));
        }
        let layers: &[Option<u32>] = if seen.look.is_some() { &self.layers.0 } else { &[] };
        self.ring.keep(&FlightEntry { number: seen.number, at, input: seen.input, answer: seen.answer, layers });
    }

    /// What the network saw last, where that was not looked at.
    pub(crate) fn newest_unseen(&self) -> Option<InputImage> {
        let newest = self.ring.newest().filter(|newest| !newest.is_looked_at())?;
        InputImage::from_rgb(self.ring.edge(), newest.pixels.clone())
    }

    /// The newest frame was run once more, with [`FlightRecorder::probe`].
    pub(crate) fn look_back(&mut self, network: &Network) {
        self.layers.0.resize(network.layers().len(), None);
        self.ring.look_back(&self.layers.0);
    }

    /// Notes what the source does, where that is news.
    pub(crate) fn note_source(&mut self, state: &str) {
        let at = self.now();
        self.ring.note(EventKind::Source, at, state);
    }

    /// How much is recorded.
    pub(crate) fn state(&self) -> FlightState {
        let (frames, span) = self.ring.held();
        FlightState { frames, span, bytes: self.ring.bytes(), limit: self.ring.limits().bytes }
    }

    /// The recording as it is now, to be written; `None` before the first frame.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.ring.flight(self.began_at)
    }

    /// As files have it: in whole microseconds.
    fn now(&self) -> Duration {
        Duration::from_micros(self.began.elapsed().as_micros() as u64)
    }
}

/// Takes a CRC-32 of every layer's codes, as far as they are shown.
#[derive(Default)]
pub(super) struct LayerSums(pub(super) Vec<Option<u32>>);

impl Probe for LayerSums {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        if self.0.len() <= layer {
            self.0.resize(layer + 1, None);
        }
        self.0[layer] = Some(crc32fast::hash(codes));
    }
}
