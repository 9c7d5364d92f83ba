//! What rounding products and sums apart changes in the float first layer, where an engine may: most sums, no code of 20 pictures.

#[path = "common/recipe.rs"]
#[expect(dead_code, reason = "pictures alone are made here")]
mod recipe;

use ernscope::engine::cpu::{CpuEngine, Level};
use ernscope::engine::reference::ReferenceEngine;
use ernscope::engine::{Engine, Probe, Sums, Wants};
use ernscope::frame::InputImage;
use ernscope::network::Network;
use ernscope::network::shipped::SHIPPED;
use std::sync::Arc;

/// Keeps the codes of the first layer, and the bits of its sums.
#[derive(Debug, Default, PartialEq)]
struct FirstLayer {
    codes: Vec<u8>,
    sums: Vec<u32>,
}

impl Probe for FirstLayer {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: layer == 0, sums: layer == 0, histogram: false }
    }

    fn codes(&mut self, _: usize, codes: &[u8]) {
        self.codes = codes.to_vec();
    }

    fn sums(&mut self, _: usize, sums: Sums<'_>) {
        if let Sums::Floats(sums) = sums {
            self.sums = sums.iter().map(|x| x.to_bits()).collect();
        }
    }
}

/// Class, logits and what the first layer made.
fn answer(engine: &mut dyn Engine, image: &InputImage) -> (usize, Vec<u32>, FirstLayer) {
    let mut first = FirstLayer::default();
    let outcome = engine.run_probed(image, &mut first).expect("it fits");
    let logits: Vec<u32> = outcome.logits.iter().map(|x| x.to_bits()).collect();
    let class = outcome.class();
    assert_eq!(engine.run(image).expect("it fits").class(), class, "unprobed");
    (class, logits, first)
}

/// Two colours that run into each other, a square of a third one, and some noise: large even surfaces, as in pictures.
fn pictures(edge: usize) -> impl Iterator<Item = InputImage> {
    (0..20).map(move |seed| {
        let mut image = recipe::picture(edge, seed);
        let colours: Vec<usize> = image.rgb()[..9].iter().map(|&byte| usize::from(byte)).collect();
        for (at, byte) in image.rgb_mut().iter_mut().enumerate() {
            let (y, x, colour) = (at / 3 / edge, at / 3 % edge, at % 3);
            let in_square = (edge / 4..edge / 2).contains(&y) && (edge / 3..edge * 3 / 4).contains(&x);
            let ground = (colours[colour] * (edge - y) + colours[3 + colour] * y) / edge;
            let shade = if in_square { colours[6 + colour] } else { ground };
            *byte = (shade * 15 / 16) as u8 + *byte / 16;
        }
        image
    })
}

fn float_twins() -> impl Iterator<Item = Arc<Network>> {
    SHIPPED
        .iter()
        .filter(|shipped| shipped.name.ends_with("-float-input"))
        .map(|shipped| shipped.load().expect("ours").into())
}

#[test]
fn rounding_apart_changes_no_code_and_no_answer() {
    for network in float_twins() {
        let edge = network.edge();
        let mut exact = CpuEngine::new(Arc::clone(&network), edge, Level::best(), 1).expect("here");
        let mut apart = CpuEngine::new(Arc::clone(&network), edge, Level::best(), 1).expect("here");
        apart.round_apart(true);
        let may_differ = apart.info().kernels[0] != exact.info().kernels[0];
        assert_eq!(may_differ, Level::best() == Level::Simd128, "native levels stay exact");
        let (mut all, mut other, mut other_sums, mut logits) = (0, 0, 0, 0);
        for image in pictures(edge) {
            let (expected, seen) = (answer(&mut exact, &image), answer(&mut apart, &image));
            assert_eq!(seen.0, expected.0, "the answer of {}", network.name());
            all += expected.2.codes.len();
            other += expected.2.codes.iter().zip(&seen.2.codes).filter(|(a, b)| a != b).count();
            other_sums += expected.2.sums.iter().zip(&seen.2.sums).filter(|(a, b)| a != b).count();
            logits += usize::from(seen.1 != expected.1);
        }
        println!(
            "{}: {other} of {all} codes of the first layer differ, logits of {logits} pictures of 20",
            network.name()
        );
        println!("{}: {other_sums} sums", network.name());
        assert_eq!(may_differ, other_sums > 0, "{other_sums} sums differ");
        // As the page says.
        assert_eq!(other, 0, "of {all} codes");
    }
}

/// What was allowed is taken back, and codes are again those of the reference.
#[test]
fn rounding_once_comes_back() {
    let network = float_twins().next().expect("one");
    let edge = network.edge();
    let mut engine = CpuEngine::new(Arc::clone(&network), edge, Level::best(), 1).expect("here");
    let mut reference = ReferenceEngine::new(Arc::clone(&network), edge).expect("a size of it");
    for image in pictures(edge).take(2) {
        engine.round_apart(true);
        engine.run(&image).expect("fits");
        engine.round_apart(false);
        assert_eq!(answer(&mut engine, &image), answer(&mut reference, &image));
    }
}
