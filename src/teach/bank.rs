//! What the eyes see of things that are not taught.

use super::eyes::{Eyes, Features, STEPS, TeachError};
use super::moments::Moments;
use super::vary::to_image;
use crate::frame::InputImage;
use crate::network::Network;
use crate::network::shipped::Shipped;
use crate::preprocess::Preprocessor;
use crate::source::demo::Scenery;
use image::RgbImage;
use nalgebra::DMatrix;
use safetensors::SafeTensors;

/// The network whose bank is inside the program, and the bank; `models/train/bank.py` makes it and says what is in it.
const BASE: &str = "objects";
static BANK: &[u8] = include_bytes!("../../models/objects.bank.safetensors");
/// Scenes that are looked at, where a network has no bank.
const SCENES: u64 = 96;

/// Of one layer.
pub(super) struct LayerBank {
    /// Directions in which photographs of one class differ most, one a row; their sizes are in such units that the mean variance of a
    /// feature is 1. `None` where nothing is known of that.
    pub(super) prior: Option<DMatrix<f32>>,
    /// Features of things that are not taught.
    pub(super) others: Vec<Features>,
    /// Of all of them together.
    pub(super) moments: Moments,
}

impl LayerBank {
    fn new(prior: Option<DMatrix<f32>>, others: Vec<Features>) -> Self {
        let width = others.first().map_or(0, |features| features.len());
        Self { prior, moments: Moments::of(width, &others), others }
    }
}

/// One a layer of the eyes.
pub(super) fn of(eyes: &mut Eyes, scenes: &mut Scenes) -> Result<Vec<LayerBank>, TeachError> {
    match stored(eyes) {
        Some(bank) => Ok(bank),
        None => seen(eyes, scenes),
    }
}

/// The bank inside the program, where these are the eyes that it is of.
fn stored(eyes: &Eyes) -> Option<Vec<LayerBank>> {
    let base = Shipped::named(BASE)?.load().ok()?;
    let bank = SafeTensors::deserialize(BANK).ok()?;
    let network = eyes.network();
    eyes.layers()
        .iter()
        .map(|&layer| has_same_eyes(network, &base, layer).then(|| read(&bank, network, layer))?)
        .collect()
}

/// Whether two networks are the same up to a layer.
pub(super) fn has_same_eyes(one: &Network, other: &Network, layer: usize) -> bool {
    one.layers().get(..=layer) == other.layers().get(..=layer) && one.edge() == other.edge()
}

fn read(bank: &SafeTensors<'_>, network: &Network, layer: usize) -> Option<LayerBank> {
    let name = &network.layers()[layer].name;
    let tensor = |part: &str| bank.tensor(&format!("{name}.{part}")).ok();
    let width = network.shapes(network.edge())[layer].channels;
    let of_fifteenths = |fifteenths: u8| (usize::from(fifteenths) * 3 * STEPS / 15) as u8;
    let two = |byte: &u8| [of_fifteenths(byte & 15), of_fifteenths(byte >> 4)];
    let others =
        tensor("others")?.data().chunks_exact(width / 2).map(|row| row.iter().flat_map(two).collect()).collect();
    Some(LayerBank::new(read_prior(bank, name), others))
}

/// The directions of a layer that has some.
fn read_prior(bank: &SafeTensors<'_>, name: &str) -> Option<DMatrix<f32>> {
    let prior = bank.tensor(&format!("{name}.prior")).ok()?;
    let step = bank.tensor(&format!("{name}.prior_step")).ok()?;
    let step = f32::from_le_bytes(*step.data().first_chunk()?);
    let &[directions, width] = prior.shape() else { return None };
    let sizes = prior.data().iter().map(|&byte| f32::from(byte as i8) * step);
    Some(DMatrix::from_row_iterator(directions, width, sizes))
}

/// Of scenes that we paint.
fn seen(eyes: &mut Eyes, scenes: &mut Scenes) -> Result<Vec<LayerBank>, TeachError> {
    let mut others: Vec<Vec<Features>> = vec![Vec::new(); eyes.layers().len()];
    for seed in 0..SCENES {
        let features = eyes.look(&scenes.paint(seed)?)?;
        others.iter_mut().zip(features).for_each(|(others, features)| others.push(features));
    }
    Ok(others.into_iter().map(|others| LayerBank::new(None, others)).collect())
}

/// Painted scenes without any thing that is taught, as large as the network reads them.
pub(super) struct Scenes {
    scenery: Scenery,
    preprocessor: Preprocessor,
    edge: usize,
}

impl Scenes {
    pub(super) fn new(edge: usize) -> Self {
        Self { scenery: Scenery::new(), preprocessor: Preprocessor::new(1), edge }
    }

    /// The scene that `seed` names.
    pub(super) fn paint(&mut self, seed: u64) -> Result<InputImage, TeachError> {
        let (rgb, width, height) = self.scenery.paint(seed);
        let mut input = InputImage::black(self.edge);
        self.preprocessor.run(rgb, width, height, &mut input)?;
        Ok(input)
    }

    /// The same, as a picture.
    pub(super) fn image(&mut self, seed: u64) -> Result<RgbImage, TeachError> {
        Ok(to_image(&self.paint(seed)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn the_bank_is_of_the_network_inside_the_program() {
        let shipped = Shipped::named(BASE).expect("shipped");
        let (_, metadata) = SafeTensors::read_metadata(BANK).expect("sound");
        let checksum = &metadata.metadata().as_ref().expect("metadata")["network_crc32"];
        assert_eq!(
            *checksum,
            format!("{:08x}", crc32fast::hash(shipped.bytes().expect("inside"))),
            "run models/train/bank.py again"
        );
        assert!(BANK.len() <= 128 << 10, "{} bytes", BANK.len());
        let eyes = Eyes::new(Arc::new(shipped.load().expect("sound"))).expect("it runs");
        let banks = stored(&eyes).expect("of these eyes");
        let is_feature = |&feature: &u8| usize::from(feature) <= 3 * STEPS;
        assert!(banks.iter().all(|bank| bank.others.len() >= 100 && bank.others.iter().flatten().all(is_feature)));
        let prior = banks[eyes.placeless()].prior.as_ref().expect("of the layer that needs it");
        let variance = prior.row_iter().map(|row| row.norm_squared()).sum::<f32>() / prior.ncols() as f32;
        assert!((0.3..1.0).contains(&variance), "{variance}");
    }

    #[test]
    fn other_networks_look_at_scenes() {
        let network = Shipped::named("cards").expect("shipped").load().expect("sound");
        let mut eyes = Eyes::new(Arc::new(network)).expect("it runs");
        assert!(stored(&eyes).is_none());
        let mut scenes = Scenes::new(eyes.network().edge());
        let bank = of(&mut eyes, &mut scenes).expect("seen");
        assert!(bank.iter().all(|bank| bank.others.len() == SCENES as usize));
        assert_ne!(bank[0].others[0], bank[0].others[1]);
    }
}
