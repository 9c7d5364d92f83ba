//! Model files: read, written, run.

use super::{Choices, check_error, recipe};
use crate::engine::cpu::{CpuEngine, Level};
use crate::engine::reference::ReferenceEngine;
use crate::engine::{Engine, Probe, Wants};
use crate::inspect::dump;
use crate::network::{Network, file};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Networks of more multiply-accumulates are not run: a run should take no more than reading.
const MOST_MACS: u64 = 20_000;

/// A model file.
pub fn model(data: &[u8]) {
    match file::parse(data) {
        Ok(network) => {
            survives_its_file(&network);
            let edge = network.multiple();
            if is_small(&network, edge) {
                engines_agree(&Arc::new(network), edge, data.len() as u64);
            }
        }
        Err(error) => check_error(&error),
    }
}

/// A network of random layers, and one of three things: its file, that file damaged, its engines and dump. All at once would take
/// a fuzzer three times as long.
pub fn network(data: &[u8]) {
    let mut choices = Choices(data);
    let network = Arc::new(choices.recipe().network());
    match choices.below(16) {
        0..4 => survives_its_file(&network),
        4 if is_small(&network, network.edge()) => engines_agree(&network, network.edge(), u64::from(choices.byte())),
        _ => {
            let mut bytes = file::serialize(&network).expect("what is well formed can be written");
            while !choices.are_over() {
                let at = choices.word() as usize % bytes.len();
                bytes[at] = choices.byte();
            }
            if let Err(error) = file::parse(&bytes) {
                check_error(&error);
            }
        }
    }
}

/// What is written is read as the same network.
fn survives_its_file(network: &Network) {
    let bytes = file::serialize(network).expect("what is well formed can be written");
    let again = file::parse(&bytes).expect("what was written can be read");
    assert_eq!(&again, network);
}

fn is_small(network: &Network, edge: usize) -> bool {
    network.check_edge(edge).is_ok()
        && network.memory(edge) < 1 << 20
        && network.shapes(edge).iter().map(|shape| shape.macs).sum::<u64>() <= MOST_MACS
}

/// Runs a picture that follows from `seed` on the reference engine and on one level of the CPU's; the dump has the same numbers.
fn engines_agree(network: &Arc<Network>, edge: usize, seed: u64) {
    let image = recipe::picture(edge, seed);
    let mut reference = ReferenceEngine::new(Arc::clone(network), edge).expect("a size of it");
    let mut expected = Codes::default();
    let logits = reference.run_probed(&image, &mut expected).expect("the picture fits").logits.to_vec();
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| level.is_available()).collect();
    let level = levels[seed as usize % levels.len()];
    let mut engine = CpuEngine::new(Arc::clone(network), edge, level, 1).expect("available");
    let bits = |logits: &[f32]| logits.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(engine.run(&image).expect("the picture fits").logits), bits(&logits), "{level}");
    let dump = super::with_file(b"", "safetensors", |path| {
        dump::write(&mut engine, &image, &logits, path).expect("there is room");
        std::fs::read(path).expect("it was written")
    });
    let dump = SafeTensors::deserialize(&dump).expect("a container");
    assert_eq!(dump.len(), 1 + expected.0.len(), "a tensor for each layer of codes, and the logits");
    let kept = dump.tensor("logits").expect("the logits").data().as_chunks().0;
    assert_eq!(kept.iter().map(|x| u32::from_le_bytes(*x)).collect::<Vec<_>>(), bits(&logits));
    for (layer, codes) in expected.0 {
        let name = &network.layers()[layer].name;
        let tensor = dump.tensor(&format!("activation.{name}")).expect("a layer of codes");
        assert_eq!(tensor.data(), codes, "{level}, layer {name}");
    }
}

/// The codes of every layer that makes some.
#[derive(Default)]
struct Codes(BTreeMap<usize, Vec<u8>>);

impl Probe for Codes {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.0.insert(layer, codes.to_vec());
    }
}
