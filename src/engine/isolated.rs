//! One layer by itself, on inputs that come from elsewhere: what tells a layer that is wrong from one that is handed something wrong.

use super::{Engine, EngineError, Probe};
use crate::frame::InputImage;

/// What a layer is to read.
#[derive(Clone, Copy)]
pub(crate) struct LayerInputs<'a> {
    /// The picture.
    pub image: &'a InputImage,
    /// The codes of the layer that it reads, CHW; of a layer that reads none, none.
    pub codes: &'a [u8],
    /// The trunk before it, CHW; before one starts, empty.
    pub trunk: &'a [i32],
}

/// What a layer read in truth, where that is not what it was to read: a fused layer's codes are of the same engine's making, and a
/// board's memory may keep something else than what was put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct InputsRead {
    /// Its codes, CHW; `None`: those that were given.
    pub codes: Option<Vec<u8>>,
    /// The trunk before it, CHW; `None`: the one that was given.
    pub trunk: Option<Vec<i32>>,
}

/// An engine whose layers can be run by themselves.
pub(crate) trait IsolatesLayers: Engine {
    /// Runs one layer on `inputs`, whatever ran before, and shows `probe` the codes and sums that it makes, as far as the engine
    /// can.
    ///
    /// # Errors
    /// As [`Engine::run`].
    fn run_layer(
        &mut self,
        layer: usize,
        inputs: LayerInputs<'_>,
        probe: &mut dyn Probe,
    ) -> Result<InputsRead, EngineError>;
}
