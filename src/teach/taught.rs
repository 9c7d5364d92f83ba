//! The network that a lesson makes: the eyes up to a layer, and a classifier of the taught filters behind it.

use super::calibrate::USUAL_GAIN;
use super::eyes::TeachError;
use super::recipe::Filters;
use super::signs::Filter;
use super::validate::Validation;
use crate::network::{BinaryConv, Classifier, Geometry, Layer, Network, NetworkError, NetworkParts, Op};
use serde_json::Map;

/// How the names of taught networks end.
pub(super) const ENDING: &str = ", taught";

/// What a network is made of, beside the filters.
pub(super) struct Making<'a> {
    /// Whose eyes see.
    pub(super) base: &'a Network,
    /// The layer that the filters read.
    pub(super) layer: usize,
    /// The taught classes' names.
    pub(super) names: Vec<String>,
    /// What held-out frames told.
    pub(super) validation: Option<&'a Validation>,
    /// Whether the base's classes stay.
    pub(super) keeps: bool,
}

/// Makes the network.
pub(super) fn make(making: Making<'_>, filters: &Filters) -> Result<Network, TeachError> {
    let parts = making.base.clone().into_parts();
    let gain = making.validation.map_or(USUAL_GAIN, |validation| validation.gain);
    let mut rows = Rows::default();
    let mut labels = Vec::new();
    let mut known = None;
    if making.keeps {
        rows.keep(making.base.classifier().1);
        labels.clone_from(&parts.labels);
        known.clone_from(&parts.known);
    }
    for (filter, name) in filters.classes.iter().zip(making.names) {
        rows.add(filter, gain, Some(labels.len()));
        labels.push(name);
    }
    let score = making.validation.and_then(|validation| validation.known.clone()).filter(|_| !making.keeps);
    if let (Some(score), Some(other)) = (score, &filters.other) {
        rows.add(other, gain, None);
        known = Some(score);
    }
    let mut layers: Vec<Layer> = parts.layers.into_iter().take(making.layer + 1).collect();
    let classifier = rows.classifier().map_err(NetworkError::Structure)?;
    layers.push(Layer { name: "taught".into(), op: Op::Classifier { input: making.layer, classifier } });
    let name = format!("{}{ENDING}", parts.name.trim_end_matches(ENDING));
    let (family, training) = (name.clone(), Map::new());
    Ok(Network::new(NetworkParts { name, family, edge: parts.edge, labels, layers, known, training })?)
}

/// The rows of a classifier.
#[derive(Default)]
struct Rows {
    bits: Vec<u8>,
    scales: Vec<f32>,
    owners: Vec<Option<usize>>,
    width: usize,
}

impl Rows {
    /// All rows of another classifier.
    fn keep(&mut self, classifier: &Classifier) {
        self.width = classifier.conv().geometry().in_channels;
        self.bits.extend_from_slice(classifier.conv().bits());
        self.scales.extend_from_slice(classifier.readout().scales());
        self.owners.extend_from_slice(classifier.readout().owners());
    }

    fn add(&mut self, filter: &Filter, gain: f32, owner: Option<usize>) {
        self.width = filter.signs.len();
        let byte =
            |signs: &[f32]| signs.iter().enumerate().fold(0, |byte, (i, &sign)| byte | u8::from(sign > 0.0) << i);
        self.bits.extend(filter.signs.chunks(8).map(byte));
        self.scales.push(filter.scale * gain);
        self.owners.push(owner);
    }

    fn classifier(self) -> Result<Classifier, String> {
        let geometry = Geometry { in_channels: self.width, out_channels: self.owners.len(), kernel: 1, stride: 1 };
        Classifier::with_owners(BinaryConv::new(geometry, self.bits)?, self.scales, self.owners)
    }
}
