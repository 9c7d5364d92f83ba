//! Every level of the CPU engine against the reference: identical codes, sums and logits at every layer.

#[path = "common/networks.rs"]
mod networks;
#[path = "common/skipped.rs"]
#[expect(dead_code, reason = "nothing is skipped here, levels are noted")]
mod skipped;

use ernscope::engine::cpu::{CpuEngine, CpuError, Level};
use ernscope::engine::reference::ReferenceEngine;
use ernscope::engine::{CodeHistogram, Engine, Probe, Sums, Wants};
use ernscope::frame::InputImage;
use ernscope::network::published::PublishedShape;
use ernscope::network::{MAX_EDGE, Network, NetworkError};
use networks::{Block, First, Recipe, picture, recipes};
use proptest::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Remembers all there is to see; floats by their bits.
#[derive(Debug, Default, PartialEq)]
struct Recorder {
    codes: Vec<(usize, Vec<u8>)>,
    histograms: Vec<(usize, CodeHistogram)>,
    sums: Vec<(usize, Vec<i32>)>,
    floats: Vec<u32>,
    timed: usize,
}

impl Probe for Recorder {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: true, sums: true }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.codes.push((layer, codes.to_vec()));
    }

    fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
        self.histograms.push((layer, counts));
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        match sums {
            Sums::Integers(sums) => self.sums.push((layer, sums.to_vec())),
            Sums::Floats(sums) => self.floats = sums.iter().map(|x| x.to_bits()).collect(),
        }
    }

    fn time(&mut self, layer: usize, _: Duration) {
        assert_eq!(layer, self.timed);
        self.timed += 1;
    }
}

fn observe(engine: &mut dyn Engine, image: &InputImage) -> (Recorder, Vec<u32>) {
    let mut recorder = Recorder::default();
    let outcome = engine.run_probed(image, &mut recorder).expect("the picture fits");
    let logits = outcome.logits.iter().chain(outcome.others).map(|x| x.to_bits()).collect();
    (recorder, logits)
}

fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_available())
}

/// Runs two pictures through every level, probed and unprobed, and compares.
fn check(network: Network, threads: usize) {
    let network = Arc::new(network);
    let edge = network.edge();
    let pictures = [picture(edge, 1), picture(edge, 2)];
    let mut reference = ReferenceEngine::new(Arc::clone(&network), edge).expect("its own size");
    let expected = pictures.each_ref().map(|image| observe(&mut reference, image));
    for level in levels() {
        let mut engine = CpuEngine::new(Arc::clone(&network), edge, level, threads).expect("available");
        for (image, (seen, logits)) in pictures.iter().zip(&expected) {
            let outcome = engine.run(image).expect("fits");
            let unprobed: Vec<u32> = outcome.logits.iter().chain(outcome.others).map(|x| x.to_bits()).collect();
            assert_eq!(&unprobed, logits, "logits at {level}");
            let probed = observe(&mut engine, image);
            for (layer, expected) in &seen.codes {
                let (_, codes) = probed.0.codes.iter().find(|(l, _)| l == layer).expect("seen");
                assert_eq!(codes, expected, "codes of layer {layer} at {level}");
            }
            assert_eq!(&probed.0, seen, "{level}");
            assert_eq!(&probed.1, logits, "{level}");
        }
        note_level(level, "ran");
    }
}

/// For who runs all tests: what became of a level, once, in the file that `ERNSCOPE_LEVELS` names.
fn note_level(level: Level, what: &str) {
    static NOTED: Mutex<Vec<Level>> = Mutex::new(Vec::new());
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if !noted.contains(&level) {
        noted.push(level);
        skipped::note("ERNSCOPE_LEVELS", &format!("{level}\t{what}"));
    }
}

/// Emulated processors are slow.
const CASES: u32 = if cfg!(target_arch = "x86_64") { 100 } else { 12 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_networks_are_identical(recipe in recipes()) {
        check(recipe.network(), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES / 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_size_with_the_same_weights_is_identical(recipe in recipes()) {
        let network = Arc::new(recipe.network());
        let edges = [network.edge(), 3 * network.edge(), 2 * network.edge()];
        let expected = edges.map(|edge| {
            let mut reference = ReferenceEngine::new(Arc::clone(&network), edge).expect("a size of it");
            observe(&mut reference, &picture(edge, 1))
        });
        for level in levels() {
            let mut before: Option<CpuEngine> = None;
            for (edge, expected) in edges.into_iter().zip(&expected) {
                let network = Arc::clone(&network);
                let mut engine = CpuEngine::after(before.as_ref(), network, edge, level, 1).expect("available");
                prop_assert_eq!(&observe(&mut engine, &picture(edge, 1)), expected, "{} at {}", level, edge);
                before = Some(engine);
            }
        }
    }
}

#[test]
fn sums_beyond_16_bits_are_identical() {
    // 1 290 channels · 9 taps · 3 > 32 767: two passes a convolution, a trunk of 32 bits.
    let block = Block { bottleneck: false, channels: 20, stride: 1 };
    let recipe = Recipe {
        seed: 3,
        smallest: 2,
        first: First::Embedding(430),
        convs: vec![(20, 3, 1)],
        blocks: vec![],
        classes: 3,
    };
    check(recipe.network(), 1);
    check(
        Recipe { convs: vec![(1300, 1, 1)], blocks: vec![block, Block { channels: 1300, ..block }], ..recipe }
            .network(),
        1,
    );
}

/// Wide enough for the first convolution to read the picture itself, without codes between.
#[test]
fn first_convolutions_of_wide_pictures_are_identical() {
    for (depth, conv) in [(10, (40, 3, 2)), (7, (70, 3, 1)), (10, (33, 1, 1)), (1, (8, 1, 2))] {
        let recipe = Recipe {
            seed: 11,
            smallest: 48,
            first: First::Embedding(depth),
            convs: vec![conv],
            blocks: vec![],
            classes: 3,
        };
        check(recipe.network(), 1);
    }
}

/// Maps that fill tiles of positions, and layers with many output channels: such convolutions may look up in tables along
/// positions. Channels fill no block, no group of five, no vector; parts for threads are cut from rows and from channels.
#[test]
fn convolutions_of_full_tiles_are_identical() {
    // From so many output channels on; emulated processors are slow, and have no such tables.
    let (count, many) = match Level::best() {
        Level::Simd128 => (usize::MAX, 32),
        _ if cfg!(target_arch = "x86_64") => (usize::MAX, 256),
        _ => (1, 256),
    };
    let maps = [(8, 3), (15, 1), (16, 2), (16, 5), (27, 2), (32, 3), (60, 1), (64, 2)];
    for (edge, threads) in maps.into_iter().take(count) {
        let block = Block { bottleneck: edge == 16, channels: many + 2, stride: 1 };
        let recipe = Recipe {
            seed: edge as u64,
            smallest: edge,
            first: First::Embedding(12),
            convs: vec![(if edge > 16 { many + 1 } else { many + 44 }, 3, 1)],
            blocks: if edge > 16 { vec![] } else { vec![block, block] },
            classes: 2,
        };
        check(recipe.network(), threads);
    }
}

/// Rows of two tiles of positions and of three, full ones or not; the first of these convolutions reads more channels than tables
/// are made for at once.
#[test]
fn convolutions_of_several_tiles_a_row_are_identical() {
    // No other levels have them.
    let count = if Level::best() == Level::Simd128 || cfg!(target_arch = "x86_64") { usize::MAX } else { 0 };
    for (edge, channels) in [(104, 70), (128, 33), (192, 32)].into_iter().take(count) {
        let recipe = Recipe {
            seed: edge as u64,
            smallest: edge,
            first: First::Embedding(11),
            convs: vec![(channels, 1, 1), (33, 3, 1)],
            blocks: vec![],
            classes: 2,
        };
        check(recipe.network(), 1);
    }
}

#[test]
fn sums_at_the_end_of_16_bits_are_identical() {
    // 1 213 channels · 9 taps · 3 = 32 751, one below the limit of a pass; 1 214 are one above.
    for depth in [404, 405] {
        let recipe = Recipe {
            seed: 5,
            smallest: 1,
            first: First::Embedding(depth),
            convs: vec![(40, 3, 1)],
            blocks: vec![],
            classes: 2,
        };
        check(recipe.network(), 1);
    }
}

/// WebAssembly may have none.
fn has_threads() -> bool {
    std::thread::Builder::new().spawn(|| {}).is_ok()
}

#[test]
fn threads_change_nothing() {
    if !has_threads() {
        eprintln!("skipped: several threads: there is one alone");
        return;
    }
    // Large enough to be shared; the last stage has fewer rows than there are threads.
    let shape = PublishedShape::named("erns18-0.75x").expect("published");
    let network = Arc::new(shape.random(7, false).expect("well formed"));
    let edge = if cfg!(target_arch = "x86_64") { 128 } else { 96 };
    let image = picture(edge, 3);
    let mut seen = Vec::new();
    for threads in 1..=4 {
        let mut engine = CpuEngine::new(Arc::clone(&network), edge, Level::best(), threads).expect("available");
        assert_eq!(engine.info().threads, threads);
        seen.push(observe(&mut engine, &image));
        engine.set_threads(5 - threads);
        assert_eq!(engine.info().threads, 5 - threads);
        seen.push(observe(&mut engine, &image));
    }
    assert!(seen.iter().all(|other| *other == seen[0]));
}

#[test]
fn small_networks_stay_on_one_thread() {
    let recipe = Recipe {
        seed: 1,
        smallest: 4,
        first: First::Embedding(10),
        convs: vec![(64, 3, 2)],
        blocks: vec![],
        classes: 5,
    };
    let engine = CpuEngine::new(Arc::new(recipe.network()), 8, Level::best(), 4).expect("available");
    assert_eq!(engine.info().threads, 1);
}

#[test]
fn a_level_that_is_not_here_is_refused() {
    let recipe = Recipe { seed: 1, smallest: 4, first: First::Embedding(1), convs: vec![], blocks: vec![], classes: 1 };
    let network = Arc::new(recipe.network());
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        let refused = CpuEngine::new(Arc::clone(&network), 4, level, 1).err();
        assert_eq!(refused, Some(CpuError::Level(level)));
        note_level(level, "absent");
    }
}

#[test]
fn a_size_that_does_not_fit_is_refused() {
    let recipe =
        Recipe { seed: 1, smallest: 4, first: First::Embedding(1), convs: vec![(8, 3, 2)], blocks: vec![], classes: 1 };
    let network = Arc::new(recipe.network());
    assert_eq!(network.multiple(), 2);
    for edge in [0, 63, 65, MAX_EDGE + 2, usize::MAX - 1, usize::MAX] {
        let expected = NetworkError::Edge { edge, multiple: 2 };
        assert_eq!(ReferenceEngine::new(Arc::clone(&network), edge).err(), Some(expected.clone()));
        for level in levels() {
            let refused = CpuEngine::new(Arc::clone(&network), edge, level, 1).err();
            assert_eq!(refused, Some(CpuError::Size(expected.clone())), "{level}");
        }
    }
}

#[test]
fn tiles_are_for_large_networks() {
    assert_ne!(Level::best_for(1_000_000), Level::Amx);
    assert_eq!(Level::best_for(3_000_000_000), Level::best());
}

#[test]
fn kernels_are_named_for_every_layer() {
    let recipe = Recipe {
        seed: 1,
        smallest: 2,
        first: First::Float(32, 3, 1),
        convs: vec![(64, 3, 2)],
        blocks: vec![Block { bottleneck: true, channels: 64, stride: 1 }],
        classes: 5,
    };
    let network = Arc::new(recipe.network());
    for level in levels() {
        let engine = CpuEngine::new(Arc::clone(&network), 4, level, 1).expect("available");
        let info = engine.info();
        assert_eq!(info.name, format!("cpu:{level}"));
        assert_eq!(info.kernels.len(), network.layers().len());
        assert_eq!((info.kernels[0], info.kernels.last()), ("float fma", Some(&"pooled lut4")));
        assert!(info.kernels[1].starts_with("lut") || info.kernels[1] == "int8 tiles");
        assert!(engine.planned_bytes() as u64 > network.weight_bits() / 8);
    }
}
