//! The ring: the last frames of one network, in bounded memory.

use super::frame::{EventKind, FlightEvent, FlightFrame};
use crate::frame::InputImage;
use crate::network::Network;
use crate::text::one_line;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Most events that are kept.
const MOST_EVENTS: usize = 1000;
/// Most characters of an event's text.
const LONGEST_TEXT: usize = 200;
/// What a frame takes beside its own: the counts of its `Arc`, and its place in the queue, which may have twice the room.
const FRAME_OVERHEAD: usize = 32;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlightLimits {
    /// Bytes of frames; one is kept in any case.
    pub bytes: usize,
    /// From the oldest frame to the newest.
    pub span: Duration,
}

impl Default for FlightLimits {
    /// Two minutes, of the networks inside the program at 30 frames a second.
    fn default() -> Self {
        Self::of_megabytes(64)
    }
}

impl FlightLimits {
    /// Two minutes, in so many megabytes: from 64, as the largest square takes 50, to 256.
    pub(crate) fn of_megabytes(megabytes: u32) -> Self {
        Self { bytes: megabytes.clamp(64, 256) as usize * 1_000_000, span: Duration::from_secs(120) }
    }
}

/// One frame that is to be kept.
pub(super) struct FlightEntry<'a> {
    pub number: u64,
    pub at: Duration,
    pub input: &'a InputImage,
    /// The logits of the classes, and of the rows of no class.
    pub answer: [&'a [f32]; 2],
    /// Empty where the frame was not looked at.
    pub layers: &'a [Option<u32>],
}

/// The last frames of one network at one edge. Once it is full, keeping one more allocates nothing.
pub(super) struct FlightRing {
    limits: FlightLimits,
    network: Option<Arc<Network>>,
    edge: usize,
    /// Bytes of a frame.
    frame_bytes: usize,
    frames: VecDeque<Arc<FlightFrame>>,
    /// Frames that became too old, to be filled anew. None of them is shared.
    spare: Vec<Arc<FlightFrame>>,
    events: VecDeque<FlightEvent>,
    /// What computed, and what the source did, before the first event.
    engine: String,
    source: String,
    /// What they are now.
    engine_now: String,
    source_now: String,
}

/// A recording as it was at one moment. The frames are shared with the ring, which goes on.
pub(crate) struct Flight {
    pub network: Arc<Network>,
    pub edge: usize,
    pub engine: String,
    pub source: String,
    /// When the recorder was switched on, in seconds since 1970.
    pub began: u64,
    pub frames: VecDeque<Arc<FlightFrame>>,
    pub events: VecDeque<FlightEvent>,
}

impl FlightRing {
    pub(super) fn new(limits: FlightLimits) -> Self {
        Self {
            limits,
            network: None,
            edge: 0,
            frame_bytes: 0,
            frames: VecDeque::new(),
            spare: Vec::new(),
            events: VecDeque::new(),
            engine: String::new(),
            source: String::new(),
            engine_now: String::new(),
            source_now: String::new(),
        }
    }

    /// Begins anew where `network` or `edge` is another one than before.
    pub(super) fn is_of(&mut self, network: &Arc<Network>, edge: usize, at: Duration) {
        let same = self.network.as_ref().is_some_and(|own| Arc::ptr_eq(own, network)) && self.edge == edge;
        if same {
            return;
        }
        let frame = self.next_number();
        let former = self.network.replace(Arc::clone(network));
        self.edge = edge;
        (self.frames, self.spare, self.events) = (VecDeque::new(), Vec::new(), VecDeque::new());
        (self.engine, self.source) = (shortened(&self.engine_now), shortened(&self.source_now));
        let layers = network.layers().len();
        let readout = network.classifier().1.readout();
        let logits = readout.classes() + readout.others();
        self.frame_bytes = FRAME_OVERHEAD
            + size_of::<FlightFrame>()
            + edge * edge * 3
            + logits * size_of::<u32>()
            + layers * size_of::<Option<u32>>();
        if let Some(former) = former {
            let text = format!("{} at {edge} pixels in the place of {}", network.name(), former.name());
            self.keep_event(FlightEvent { frame, at_us: at.as_micros() as u64, kind: EventKind::Network, text });
        }
    }

    /// Keeps a frame of the network that [`FlightRing::is_of`] was told. Nothing is kept where a recording that is just being written
    /// holds on to the oldest frame, and there is no room beside it.
    pub(super) fn keep(&mut self, entry: &FlightEntry<'_>) {
        self.let_go(entry.at);
        let Some(mut slot) = self.slot() else { return };
        let Some(frame) = Arc::get_mut(&mut slot) else { return };
        (frame.number, frame.at) = (entry.number, entry.at);
        frame.pixels.clear();
        frame.pixels.extend_from_slice(entry.input.rgb());
        frame.answer.clear();
        frame.answer.reserve_exact(entry.answer.iter().map(|logits| logits.len()).sum());
        entry.answer.iter().for_each(|logits| frame.answer.extend(logits.iter().map(|logit| logit.to_bits())));
        frame.layers.clear();
        frame.layers.extend_from_slice(entry.layers);
        self.frames.push_back(slot);
        self.forget_events();
    }

    /// What was seen of the layers of the newest frame, where it was not looked at before.
    pub(super) fn look_back(&mut self, layers: &[Option<u32>]) {
        if let Some(newest) = self.frames.back_mut().and_then(Arc::get_mut) {
            newest.layers.clear();
            newest.layers.extend_from_slice(layers);
        }
    }

    /// The newest frame.
    pub(super) fn newest(&self) -> Option<&FlightFrame> {
        self.frames.back().map(|frame| &**frame)
    }

    /// Notes what the source does or what computes, where it was something else before.
    pub(super) fn note(&mut self, kind: EventKind, at: Duration, text: &str) {
        let now = match kind {
            EventKind::Source => &mut self.source_now,
            EventKind::Engine => &mut self.engine_now,
            EventKind::Network => return,
        };
        if now == text {
            return;
        }
        text.clone_into(now);
        let text = shortened(text);
        if self.frames.is_empty() {
            match kind {
                EventKind::Source => self.source = text,
                _ => self.engine = text,
            }
        } else {
            let (frame, at_us) = (self.next_number(), at.as_micros() as u64);
            self.keep_event(FlightEvent { frame, at_us, kind, text });
        }
    }

    /// The number that the next frame has at least.
    fn next_number(&self) -> u64 {
        self.newest().map_or(0, |newest| newest.number + 1)
    }

    fn keep_event(&mut self, event: FlightEvent) {
        self.events.push_back(event);
        if self.events.len() > MOST_EVENTS {
            self.forget_oldest_event();
        }
    }

    /// Bytes that frames take, kept and to be filled anew.
    pub(super) fn bytes(&self) -> usize {
        (self.frames.len() + self.spare.len()) * self.frame_bytes
    }

    /// How many frames are kept, and from when to when.
    pub(super) fn held(&self) -> (usize, Duration) {
        let span = match (self.frames.front(), self.frames.back()) {
            (Some(oldest), Some(newest)) => newest.at.saturating_sub(oldest.at),
            _ => Duration::ZERO,
        };
        (self.frames.len(), span)
    }

    /// The edge of its frames in pixels.
    pub(super) fn edge(&self) -> usize {
        self.edge
    }

    pub(super) fn limits(&self) -> FlightLimits {
        self.limits
    }

    /// The recording as it is now; `None` before the first frame.
    pub(super) fn flight(&self, began: u64) -> Option<Flight> {
        let network = self.network.clone().filter(|_| !self.frames.is_empty())?;
        Some(Flight {
            network,
            edge: self.edge,
            engine: self.engine.clone(),
            source: self.source.clone(),
            began,
            frames: self.frames.clone(),
            events: self.events.clone(),
        })
    }

    /// A frame to fill: one that became too old, or a new one where there is room, or else the oldest.
    fn slot(&mut self) -> Option<Arc<FlightFrame>> {
        if let Some(spare) = self.spare.pop() {
            return Some(spare);
        }
        if self.frames.is_empty() || self.bytes() + self.frame_bytes <= self.limits.bytes {
            return Some(Arc::default());
        }
        Arc::get_mut(self.frames.front_mut()?)?;
        self.frames.pop_front()
    }

    /// Lets go what is too old at the moment `now`.
    fn let_go(&mut self, now: Duration) {
        while let Some(oldest) = self.frames.front_mut() {
            if oldest.at + self.limits.span >= now || Arc::get_mut(oldest).is_none() {
                break;
            }
            self.spare.extend(self.frames.pop_front());
        }
    }

    /// Forgets what happened before the oldest frame, but for what came of it.
    fn forget_events(&mut self) {
        let oldest = self.frames.front().map_or(0, |oldest| oldest.number);
        while self.events.front().is_some_and(|event| event.frame < oldest) {
            self.forget_oldest_event();
        }
    }

    fn forget_oldest_event(&mut self) {
        match self.events.pop_front() {
            Some(FlightEvent { kind: EventKind::Source, text, .. }) => self.source = text,
            Some(FlightEvent { kind: EventKind::Engine, text, .. }) => self.engine = text,
            _ => {}
        }
    }
}

/// One line of bounded length.
fn shortened(text: &str) -> String {
    one_line(text).chars().take(LONGEST_TEXT).collect()
}
