//! Computes a recording again.

use super::error::FlightError;
use super::file::FlightHeader;
use super::frame::FlightFrame;
use super::reader::FlightReader;
use crate::engine::{Engine, EngineError, Probe, Wants};
use crate::frame::InputImage;
use crate::network::{Network, file};
use std::io::BufRead;
use thiserror::Error;

/// Why a recording is not computed again.
#[derive(Debug, Error)]
pub(crate) enum ReplayError {
    /// The recording.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Replayed {
    /// Frames that were computed.
    pub frames: u64,
    /// Those of them of which layers were compared.
    pub looked_at: u64,
    /// Those of them that differ.
    pub differing: u64,
    /// The first of these.
    pub first: Option<FlightDifference>,
}

/// Where an engine gives something else than what was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlightDifference {
    /// The frame's number.
    pub frame: u64,
    /// The first layer whose codes differ; the classifier where none does and the logits differ.
    pub layer: usize,
}

/// Whether `network` is the one that was recorded, by its model file's CRC.
///
/// # Errors
/// In a few words, which networks these are.
pub(crate) fn check_network(header: &FlightHeader, network: &Network) -> Result<(), String> {
    let crc32 = file::serialize(network).map(|bytes| crc32fast::hash(&bytes)).map_err(|error| error.to_string())?;
    let recorded = &header.network;
    if crc32 != recorded.crc32 {
        let [name, own] = [&*recorded.name, network.name()];
        return Err(format!("it is of `{name}` (CRC {:08x}), this is `{own}` (CRC {crc32:08x})", recorded.crc32));
    }
    let readout = network.classifier().1.readout();
    let layers = network.layers().iter().map(|layer| &layer.name);
    let same = header.layers.iter().eq(layers)
        && header.labels == network.labels()
        && header.logits == readout.classes() + readout.others();
    if same { Ok(()) } else { Err(format!("its layers are not those of `{}`", recorded.name)) }
}

/// Has `engine`, whose network and edge are those of the recording, compute every frame, and compares the bits of all logits, and the
/// codes of the layers of which there are CRCs and that the engine shows.
///
/// # Errors
/// [`ReplayError`].
pub(crate) fn replay(
    mut recording: FlightReader<impl BufRead>,
    engine: &mut dyn Engine,
) -> Result<Replayed, ReplayError> {
    let edge = recording.header().edge;
    let mut replayed = Replayed::default();
    while let Some(mut frame) = recording.next_frame()? {
        let pixels = std::mem::take(&mut frame.pixels);
        let input = InputImage::from_rgb(edge, pixels).expect("pixels of that edge were decoded");
        replayed.frames += 1;
        replayed.looked_at += u64::from(frame.is_looked_at());
        if let Some(layer) = first_difference(engine, &input, &frame)? {
            replayed.differing += 1;
            replayed.first.get_or_insert(FlightDifference { frame: frame.number, layer });
        }
    }
    Ok(replayed)
}

fn first_difference(
    engine: &mut dyn Engine,
    input: &InputImage,
    frame: &FlightFrame,
) -> Result<Option<usize>, EngineError> {
    let last = engine.network().layers().len() - 1;
    let mut sums = ComparedSums { recorded: &frame.layers, first: None };
    let outcome = if frame.is_looked_at() { engine.run_probed(input, &mut sums)? } else { engine.run(input)? };
    let answer = outcome.logits.iter().chain(outcome.others).map(|logit| logit.to_bits());
    let same = answer.eq(frame.answer.iter().copied());
    Ok(sums.first.or((!same).then_some(last)))
}

/// Compares layers with the CRCs that were recorded of them.
struct ComparedSums<'a> {
    recorded: &'a [Option<u32>],
    first: Option<usize>,
}

impl Probe for ComparedSums<'_> {
    fn wants(&self, layer: usize) -> Wants {
        let recorded = self.recorded.get(layer).is_some_and(Option::is_some);
        Wants { codes: recorded && self.first.is_none(), ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        let recorded = self.recorded.get(layer).copied().flatten();
        if self.first.is_none() && recorded.is_some_and(|recorded| recorded != crc32fast::hash(codes)) {
            self.first = Some(layer);
        }
    }
}
