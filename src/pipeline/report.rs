//! What the window and the terminal draw from: immutable snapshots.

use crate::board::BoardFrame;
use crate::engine::EngineInfo;
use crate::frame::{Crop, Frame};
use crate::inspect::LayerSample;
use crate::inspect::LayerValues;
use crate::network::{Knowing, Network};
use std::sync::Arc;

/// One predicted frame and all that is known about it. Cloning shares the large parts.
#[derive(Clone, Debug)]
pub struct Report {
    /// Counts the predictions since the start, from 0.
    pub sequence: u64,
    /// The picture.
    pub frame: Frame,
    /// The square of the picture that the network saw.
    pub crop: Crop,
    /// The network.
    pub network: Arc<Network>,
    /// The input edge in pixels.
    pub edge: usize,
    /// The engine.
    pub engine: EngineInfo,
    /// What the network says.
    pub prediction: Prediction,
    /// What this frame took.
    pub timing: FrameTiming,
    /// What the last seconds were like.
    pub rates: Rates,
    /// What was counted since the source or a setting changed, up to this frame and of its source alone.
    pub counts: Counts,
    /// Every layer at a glance, of the last sampled frame (10 to 15 a second are sampled).
    pub layers: Arc<[LayerSample]>,
    /// The watched layer whole, of the same frame.
    pub detail: Arc<LayerDetail>,
    /// The two twins on the same frames; `None` where the network has no twin.
    pub comparison: Option<Comparison>,
}

/// What the network says of a frame. One value a class, in the order of the labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Softmax of this frame's logits.
    pub raw: Vec<f32>,
    /// The raw probabilities smoothed over the last frames: steady enough to read.
    pub smoothed: Vec<f32>,
    /// Whether the network knows what it sees: smoothed over the last frames, by the limit that is in force, and sure until it falls
    /// well below that.
    pub knowing: Knowing,
    /// The limit that is in force, from 0 to 1.
    pub limit: f32,
}

impl Prediction {
    /// The `k` likeliest classes of `probabilities` with their probability, likeliest first.
    pub fn top(probabilities: &[f32], k: usize) -> Vec<(usize, f32)> {
        let mut classes: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1));
        classes.truncate(k);
        classes
    }
}

/// What one frame took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameTiming {
    /// Crop, resize, colour.
    pub preprocess_ms: f32,
    /// The network on the engine; of a board without its line.
    pub infer_ms: f32,
    /// From the capture to the prediction.
    pub latency_ms: f32,
    /// All about the board that ran it, where one did.
    pub board: Option<BoardFrame>,
}

/// Medians and rates of the last 10 seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Frames a second that the source delivers.
    pub captured_per_s: f32,
    /// Frames a second that are predicted.
    pub predicted_per_s: f32,
    /// Frames a second that the engine could do: 1000 / `infer_ms`.
    pub engine_per_s: f32,
    /// Median time of the network.
    pub infer_ms: f32,
    /// The time that 95 % of the frames do not exceed.
    pub infer_p95_ms: f32,
    /// Median time of a board's line, or of the simulation; 0 without a board.
    pub link_ms: f32,
    /// Median latency.
    pub latency_ms: f32,
}

/// What was counted: frames that were captured were dropped, or predicted, or else refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that the source delivered.
    pub captured: u64,
    /// Frames dropped since a newer one was there.
    pub dropped: u64,
    /// Frames predicted.
    pub predicted: u64,
    /// Predicted frames whose truth is known.
    pub with_truth: u64,
    /// Of these, those predicted right (the raw prediction).
    pub right: u64,
}

/// One layer whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerDetail {
    /// Counts the samples that were taken, from 1: no two of one pipeline have the same number. 0 where nothing was sampled yet.
    pub sample: u64,
    /// Its index.
    pub layer: usize,
    /// Codes and sums, CHW.
    pub values: LayerValues,
}

/// The twins with and without pixel embedding on the same frames and engine, over the last 10 seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The twin with pixel embedding.
    pub embedded: TwinFigures,
    /// The twin with a float first layer.
    pub float_input: TwinFigures,
    /// On a board: the network as it would be with a first layer of eight bits by bit planes, by the model of its cycles; not run.
    pub bit_planes: Option<TwinFigures>,
    /// Frames that both ran.
    pub frames: usize,
    /// Fraction of these frames on which both say the same.
    pub agreement: f32,
    /// What ran them.
    pub measured: Measured,
}

/// What figures were measured on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Measured {
    /// An engine on this machine, by the clock on the wall.
    #[default]
    Here,
    /// A board, by its own clock and without the line.
    Board,
    /// A simulated board, by the clock that it would have.
    SimulatedBoard,
}

impl Measured {
    /// What a frame was measured on.
    pub(crate) fn of(board: Option<BoardFrame>) -> Self {
        match board {
            None => Self::Here,
            Some(BoardFrame { simulated: false, .. }) => Self::Board,
            Some(BoardFrame { simulated: true, .. }) => Self::SimulatedBoard,
        }
    }
}

impl Comparison {
    /// How many times faster the network with pixel embedding is (below 1: slower); `None` before both were timed.
    pub fn speedup(&self) -> Option<f32> {
        (self.embedded.frame_ms > 0.0).then(|| self.float_input.frame_ms / self.embedded.frame_ms)
    }
}

/// One twin's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TwinFigures {
    /// Its name.
    pub name: String,
    /// Time of the last frame.
    pub last_ms: f32,
    /// Median time of a frame.
    pub frame_ms: f32,
    /// Frames a second: 1000 / `frame_ms`.
    pub frames_per_s: f32,
    /// Median time up to the first layer's codes: embedding and first convolution, or the float convolution.
    pub first_layer_ms: f32,
    /// Fraction predicted right where the truth is known.
    pub accuracy: Option<f32>,
}
