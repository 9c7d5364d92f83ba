//! What is recorded: frames, and what happened between them.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the network saw once, and what it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlightFrame {
    /// Counts the predictions of the run, from 0.
    pub number: u64,
    /// Since the recorder was switched on, in whole microseconds.
    pub at: Duration,
    /// `edge · edge · 3` bytes, as in [`InputImage::rgb`](crate::frame::InputImage::rgb).
    pub pixels: Vec<u8>,
    /// The bits of the logits: those of the classes, then those of the classifier's rows of no class.
    pub answer: Vec<u32>,
    /// The CRC-32 of each layer's codes (CHW, one a byte), where the frame was looked at and the layer was shown.
    pub layers: Vec<Option<u32>>,
}

impl FlightFrame {
    /// Whether the frame was looked at layer by layer.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.layers.iter().any(Option::is_some)
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventKind {
    /// What the source does: another one, lost, back.
    Source,
    /// What computes: the engine's name.
    Engine,
    /// Another network, which begins the recording anew.
    Network,
}

/// Something that happened between two frames.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlightEvent {
    /// The number of the frame before which it happened.
    pub frame: u64,
    /// Since the recorder was switched on, in microseconds.
    pub at_us: u64,
    /// What it is about.
    pub kind: EventKind,
    /// A line.
    pub text: String,
}
