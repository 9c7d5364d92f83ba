//! The probe that keeps what a neuron reads.

use super::area::branches;
use super::explanation::Explanation;
use super::neuron::{Neuron, NeuronError};
use super::reading::Reading;
use crate::engine::{Engine, EngineError, Probe, Wants, check_input};
use crate::frame::InputImage;
use crate::network::Network;
use std::sync::Arc;
use thiserror::Error;

/// Why a value is not explained.
#[derive(Debug, Error)]
pub(crate) enum ExplainError {
    /// The network has no such neuron.
    #[error(transparent)]
    Neuron(#[from] NeuronError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A layer that is read was not shown.
    #[error("this engine does not show the codes of layer `{0}`, which are read here: choose another, such as cpu")]
    Hidden(String),
}

/// Keeps, of a run, the codes that a neuron reads: a few positions of a few layers.
///
/// It is a probe for a run of its own, or for one that is watched anyway: whoever has another probe hands on [`Probe::wants`] and
/// [`Probe::codes`].
pub(crate) struct Gathering {
    network: Arc<Network>,
    edge: usize,
    neuron: Neuron,
    readings: Vec<Reading>,
}

impl Gathering {
    /// For runs of `network` on pictures of `edge` pixels, which [`Network::check_edge`] accepts.
    ///
    /// # Errors
    /// As [`Neuron::check`].
    pub(crate) fn new(network: &Arc<Network>, edge: usize, neuron: Neuron) -> Result<Self, NeuronError> {
        neuron.check(network, edge)?;
        let shapes = network.shapes(edge);
        let reading = |by| Reading::new(network, &shapes, edge, by, neuron);
        let readings = branches(network.layers(), neuron.layer).into_iter().map(reading).collect();
        Ok(Self { network: Arc::clone(network), edge, neuron, readings })
    }

    /// The layers whose codes an engine must show. The first layer's follow from the picture.
    fn needs(&self) -> impl Iterator<Item = usize> {
        self.readings.iter().filter_map(|reading| reading.from).filter(|&from| from > 0)
    }

    /// What was read, with the picture that ran.
    ///
    /// # Errors
    /// [`ExplainError::Engine`] where the picture has another size, [`ExplainError::Hidden`] where a layer was not shown.
    pub(crate) fn explanation(mut self, image: &InputImage) -> Result<Explanation, ExplainError> {
        check_input(image, self.edge)?;
        for reading in &mut self.readings {
            reading.take_picture(&self.network, image);
        }
        match self.readings.iter().find(|reading| !reading.is_known()).and_then(|reading| reading.from) {
            Some(layer) => Err(self.hidden(layer)),
            None => Ok(Explanation::new(self.network, self.neuron, self.readings, image)),
        }
    }

    fn hidden(&self, layer: usize) -> ExplainError {
        ExplainError::Hidden(self.network.layers()[layer].name.clone())
    }
}

impl Probe for Gathering {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: self.needs().any(|needed| needed == layer), ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.readings
            .iter_mut()
            .filter(|reading| reading.from == Some(layer))
            .for_each(|reading| reading.take_codes(codes));
    }
}

/// Explains `neuron` for `image`; `engine` runs it where more than the picture is read.
///
/// # Errors
/// [`ExplainError`].
pub(crate) fn explain(
    engine: &mut dyn Engine,
    image: &InputImage,
    neuron: Neuron,
) -> Result<Explanation, ExplainError> {
    let mut gathering = Gathering::new(engine.network(), engine.edge(), neuron)?;
    if let Some(layer) = gathering.needs().find(|&layer| !engine.shows(layer).codes) {
        return Err(gathering.hidden(layer));
    }
    if gathering.needs().next().is_some() {
        engine.run_probed(image, &mut gathering)?;
    }
    gathering.explanation(image)
}
