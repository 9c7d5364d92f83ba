//! The pixel-embedding comparison: both twins on the same frames, one after the other, in alternating order.

use super::predictor::{Inference, PredictError, Predictor};
use super::report::{Comparison, Measured, TwinFigures};
use crate::board::BoardFrame;
use crate::engine::Probe;
use crate::frame::Frame;
use crate::inspect::Recent;
use crate::inspect::timing::milliseconds;
use crate::network::{Network, Op};
use web_time::{Duration, Instant};

/// How far the figures of a report look back.
const RECENT: Duration = Duration::from_secs(10);
/// Most frames that they look at.
const RECENT_FRAMES: usize = 1000;

/// The other twin, and what was measured of both.
pub(super) struct Twins {
    other: Predictor,
    own: Record,
    others: Record,
    others_last: Times,
    agreements: Recent,
    first_layers: FirstLayer,
    measured: Measured,
    /// What bit planes would take longer, on a board.
    extra_bit_plane_time: Option<Duration>,
}

/// What one frame took.
#[derive(Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) infer: Inference,
    /// Known for probed frames only.
    pub(super) first_layer: Option<Duration>,
}

/// What was measured of one twin.
struct Record {
    name: String,
    first_layers: usize,
    last_ms: f32,
    frame_ms: Recent,
    first_layer_ms: Recent,
    with_truth: u64,
    right: u64,
}

impl Twins {
    pub(super) fn new(own: &Network, other: Predictor) -> Self {
        let others = Record::new(other.network());
        Self {
            own: Record::new(own),
            first_layers: FirstLayer { layers: others.first_layers, elapsed: Duration::ZERO },
            others,
            other,
            others_last: Times::default(),
            agreements: recent(),
            measured: Measured::default(),
            extra_bit_plane_time: None,
        }
    }

    /// The other twin, to be made over.
    pub(super) fn into_other(self) -> Predictor {
        self.other
    }

    /// Forgets what was measured.
    pub(super) fn forget(&mut self, own: &Network) {
        self.own = Record::new(own);
        self.others = Record::new(self.other.network());
        self.agreements = recent();
    }

    /// Runs the other twin on the picture that `own` prepared, its first layer timed where `probed`.
    pub(super) fn infer(&mut self, own: &Predictor, probed: bool) -> Result<(), PredictError> {
        self.first_layers.elapsed = Duration::ZERO;
        let probe = probed.then_some(&mut self.first_layers as &mut dyn Probe);
        let infer = self.other.infer_on(own.input(), probe)?;
        self.others_last = Times { infer, first_layer: probed.then_some(self.first_layers.elapsed) };
        Ok(())
    }

    /// Counts a frame that both have run on an engine of the same kind. While one of them waits for its board and the other has
    /// it, there is nothing to compare, and what was measured before is forgotten.
    pub(super) fn count(&mut self, own: &Predictor, frame: &Frame, own_times: Times) {
        let now = Instant::now();
        let boards = [own_times, self.others_last].map(|times| times.infer.board);
        let [measured, others] = boards.map(Measured::of);
        self.extra_bit_plane_time = boards.iter().flatten().find_map(BoardFrame::extra_bit_plane_time);
        if measured != self.measured || measured != others {
            self.measured = measured;
            self.forget(own.network());
        }
        if measured != others {
            return;
        }
        self.own.push(now, own_times, own.is_right(frame));
        self.others.push(now, self.others_last, self.other.is_right(frame));
        self.agreements.push(now, f32::from(u8::from(own.class() == self.other.class())));
    }

    /// How many layers make up the first layer of the network itself.
    pub(super) fn own_first_layers(&self) -> usize {
        self.own.first_layers
    }

    pub(super) fn figures(&mut self) -> Comparison {
        let (own, other) = (self.own.figures(), self.others.figures());
        let own_is_embedded = !self.other.network().has_pixel_embedding();
        let (embedded, float_input) = if own_is_embedded { (own, other) } else { (other, own) };
        let (frames, agreement) = (self.agreements.len(), self.agreements.mean());
        let bit_planes = self.extra_bit_plane_time.map(|more| embedded.by_bit_planes(milliseconds(more)));
        Comparison { embedded, float_input, bit_planes, frames, agreement, measured: self.measured }
    }
}

impl Record {
    fn new(network: &Network) -> Self {
        Self {
            name: network.name().into(),
            first_layers: first_layers(network),
            last_ms: 0.0,
            frame_ms: recent(),
            first_layer_ms: recent(),
            with_truth: 0,
            right: 0,
        }
    }

    fn push(&mut self, now: Instant, times: Times, right: Option<bool>) {
        self.last_ms = milliseconds(times.infer.compute);
        self.frame_ms.push(now, self.last_ms);
        if let Some(first_layer) = times.first_layer {
            self.first_layer_ms.push(now, milliseconds(first_layer));
        }
        self.with_truth += u64::from(right.is_some());
        self.right += u64::from(right == Some(true));
    }

    fn figures(&mut self) -> TwinFigures {
        let frame_ms = self.frame_ms.median();
        TwinFigures {
            name: self.name.clone(),
            last_ms: self.last_ms,
            frame_ms,
            frames_per_s: per_second(frame_ms),
            first_layer_ms: self.first_layer_ms.median(),
            accuracy: (self.with_truth > 0).then(|| self.right as f32 / self.with_truth as f32),
        }
    }
}

impl TwinFigures {
    /// The same with a first layer that takes so much longer, of which nobody knows what it would say.
    fn by_bit_planes(&self, more_ms: f32) -> Self {
        let frame_ms = self.frame_ms + more_ms;
        Self {
            last_ms: self.last_ms + more_ms,
            frame_ms,
            frames_per_s: per_second(frame_ms),
            first_layer_ms: self.first_layer_ms + more_ms,
            accuracy: None,
            ..self.clone()
        }
    }
}

/// Frames a second, where one takes so long; 0 where that is not known.
fn per_second(frame_ms: f32) -> f32 {
    if frame_ms > 0.0 { 1e3 / frame_ms } else { 0.0 }
}

pub(super) fn recent() -> Recent {
    Recent::new(RECENT, RECENT_FRAMES)
}

/// How many layers lie between the picture and the first convolution's codes: embedding and convolution, or the float
/// convolution alone.
fn first_layers(network: &Network) -> usize {
    let is_convolution = |op: &Op| matches!(op, Op::FloatConv(_) | Op::Conv { .. });
    network.layers().iter().position(|layer| is_convolution(&layer.op)).map_or(1, |layer| layer + 1)
}

/// Times the first layers and looks at nothing.
struct FirstLayer {
    layers: usize,
    elapsed: Duration,
}

impl Probe for FirstLayer {
    fn time(&mut self, layer: usize, elapsed: Duration) {
        if layer < self.layers {
            self.elapsed += elapsed;
        }
    }
}
