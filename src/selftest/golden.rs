//! Pictures that are the same on every machine, and what the networks inside the program answer to them: a CRC-32 of every layer's
//! codes, and of the bits of the logits.
//!
//! The pictures come from whole numbers alone, since the demo's come from floats, whose sines are the system's. The networks' answers
//! are constants: those of the reference engine, on the day when the network came in.

use crate::engine::{Engine, EngineError, Probe, Wants};
use crate::frame::InputImage;
use crate::network::Network;
use crate::splitmix64::SplitMix64;

/// What an engine makes of a picture, layer by layer and at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// The CRC-32 of each layer's codes (CHW, one a byte), where the layer has codes and shows them.
    layers: Vec<Option<u32>>,
    /// The CRC-32 of the logits' bits, little-endian: those of the classes, then those of the rows of no class.
    logits: u32,
}

impl Fingerprint {
    /// What `engine` answers, with every layer that it shows.
    pub(super) fn of(engine: &mut dyn Engine, picture: &InputImage) -> Result<Self, EngineError> {
        let mut answer = Self { layers: vec![None; engine.network().layers().len()], logits: 0 };
        let outcome = engine.run_probed(picture, &mut answer)?;
        let logits = crc_of(outcome.logits, outcome.others);
        Ok(Self { logits, ..answer })
    }

    /// The same without a look at the layers.
    pub(super) fn of_logits(engine: &mut dyn Engine, picture: &InputImage) -> Result<Self, EngineError> {
        let layers = vec![None; engine.network().layers().len()];
        let outcome = engine.run(picture)?;
        Ok(Self { logits: crc_of(outcome.logits, outcome.others), layers })
    }

    /// How many layers were seen.
    pub(super) fn seen(&self) -> usize {
        self.layers.iter().flatten().count()
    }

    /// The first layer that both show and that differs; the last one where only the logits do.
    pub(super) fn first_difference(&self, other: &Self) -> Option<usize> {
        let differ = |(ours, theirs): (&Option<u32>, &Option<u32>)| ours.zip(*theirs).is_some_and(|(a, b)| a != b);
        let layer = self.layers.iter().zip(&other.layers).position(differ);
        layer.or((self.logits != other.logits).then_some(self.layers.len() - 1))
    }
}

impl Probe for Fingerprint {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.layers[layer] = Some(crc32fast::hash(codes));
    }
}

fn crc_of(logits: &[f32], others: &[f32]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    logits.iter().chain(others).for_each(|logit| crc.update(&logit.to_bits().to_le_bytes()));
    crc.finalize()
}

/// How many pictures there are.
pub(super) const PICTURES: usize = 3;

/// Squares of colours, then noise, then colours that change slowly.
pub(super) fn pictures(edge: usize) -> [InputImage; PICTURES] {
    let mut random = SplitMix64(0x45_52_4e);
    let side = (edge / 8).max(1);
    let colours: Vec<[u8; 3]> = (0..edge.div_ceil(side).pow(2)).map(|_| colour(&mut random)).collect();
    let squares = painted(edge, |x, y| colours[y / side * edge.div_ceil(side) + x / side]);
    let noise = painted(edge, |_, _| colour(&mut random));
    let slow = painted(edge, |x, y| [x, y, x + y].map(|way| (way * 255 / (2 * edge)) as u8));
    [squares, noise, slow]
}

fn colour(random: &mut SplitMix64) -> [u8; 3] {
    let [red, green, blue, ..] = random.next().to_le_bytes();
    [red, green, blue]
}

fn painted(edge: usize, mut colour: impl FnMut(usize, usize) -> [u8; 3]) -> InputImage {
    let mut picture = InputImage::black(edge);
    let pixels = picture.rgb_mut().as_chunks_mut::<3>().0;
    pixels.iter_mut().enumerate().for_each(|(at, pixel)| *pixel = colour(at % edge, at / edge));
    picture
}

/// What a network inside the program answers.
pub(super) struct GoldenNetwork {
    /// Its name.
    pub(super) name: &'static str,
    pictures: [GoldenAnswer; PICTURES],
}

struct GoldenAnswer {
    /// Of the layers that make codes.
    layers: &'static [u32],
    logits: u32,
}

impl GoldenNetwork {
    /// The right answers, of a network whose layers are these.
    pub(super) fn answers(&self, network: &Network) -> [Fingerprint; PICTURES] {
        self.pictures.each_ref().map(|golden| {
            let mut crcs = golden.layers.iter().copied();
            let layers = network.layers().iter().map(|layer| layer.op.makes_codes().then(|| crcs.next()).flatten());
            Fingerprint { layers: layers.collect(), logits: golden.logits }
        })
    }
}

// Where a network or the pictures change on purpose, `golden_answers_are_those_of_the_reference` below prints these anew.

/// The CRC-32 of the model files inside the program.
pub(super) static FILES: [(&str, u32); 6] = [
    ("cards", 0x87cffe9f),
    ("cards-float-input", 0xb852477f),
    ("cifar100", 0xc9ed6e34),
    ("cifar100-float-input", 0xebec2735),
    ("objects", 0x5f891cf9),
    ("objects-float-input", 0x2a85f4f6),
];

/// What they answer, at their own size.
pub(super) static NETWORKS: [GoldenNetwork; 2] = [
    GoldenNetwork {
        name: "cards",
        pictures: [
            GoldenAnswer {
                layers: &[
                    0xea524cb2, 0x3383e4a7, 0xe6cb4214, 0xaf9968a6, 0x24a246fd, 0xb642887a, 0x63401b5a, 0xd8fb97e1,
                    0x2556a0a5, 0xac22a39f, 0xc039f2c0, 0xc8ed5527, 0xaac422f3, 0xc449747f, 0x98dd94dd,
                ],
                logits: 0xaaf95bdd,
            },
            GoldenAnswer {
                layers: &[
                    0x8e5493c7, 0x6d12a134, 0xa6a9afeb, 0x00b3a288, 0x5d170cd9, 0x2e40a0e4, 0x24d0586a, 0xf7cbb8a5,
                    0x66edde39, 0x395b4489, 0x2cc39262, 0x38747f85, 0xf645abb1, 0x32f7694a, 0x8d0f56f9,
                ],
                logits: 0x75b3b5f4,
            },
            GoldenAnswer {
                layers: &[
                    0x99a166ff, 0xb0349240, 0xa273193c, 0xa387692e, 0xfc93ae60, 0x275deb82, 0xaecb9347, 0xad895474,
                    0x83f1363e, 0x47a6f3f3, 0x5ed54dff, 0x0adbabf8, 0xa2b5a957, 0x6115cfd7, 0x7005996f,
                ],
                logits: 0xa7ce750a,
            },
        ],
    },
    GoldenNetwork {
        name: "cards-float-input",
        pictures: [
            GoldenAnswer {
                layers: &[
                    0xbf719854, 0xc42a08c0, 0x55da72bf, 0x07c25605, 0x5af65f0a, 0xe0e510da, 0xbca6ce45, 0xbcbaf8c9,
                    0x948e403c, 0x11670174, 0x1873753d, 0x86fd2522, 0x45135ef8, 0x6768fc58,
                ],
                logits: 0x3fce93fe,
            },
            GoldenAnswer {
                layers: &[
                    0x5d3bc21d, 0xb97078fb, 0x6c864d59, 0x8fc7aae2, 0x18c06119, 0xc18c6b38, 0x5310f691, 0xdb25b84b,
                    0x1c41d378, 0x064fecf9, 0xd9e046e3, 0x90a5abf7, 0x0c0c213c, 0x910b0c01,
                ],
                logits: 0x03f67d49,
            },
            GoldenAnswer {
                layers: &[
                    0x41557268, 0xfeaf94d1, 0xe9dc9f77, 0x0ff5935a, 0xed7c31a9, 0xe38f8b01, 0x39af57ff, 0x10e98071,
                    0x2dd5678e, 0x5f5b7972, 0xbebff4de, 0x5fcf8dfa, 0x6d55f567, 0x6c6ad56b,
                ],
                logits: 0xeab88435,
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CodeHistogram;
    use crate::engine::reference::ReferenceEngine;
    use crate::network::shipped::{SHIPPED, Shipped};
    use std::fmt::Write;
    use std::sync::Arc;

    fn reference(name: &str) -> ReferenceEngine {
        let network = Arc::new(Shipped::named(name).expect("one of ours").load().expect("ours"));
        let edge = network.edge();
        ReferenceEngine::new(network, edge).expect("its own size")
    }

    /// As it stands above.
    fn printed() -> String {
        let mut text = String::new();
        writeln!(text, "pub(super) static FILES: [(&str, u32); {}] = [", SHIPPED.len()).expect("text");
        for shipped in &SHIPPED {
            let crc = crc32fast::hash(shipped.bytes().expect("inside"));
            writeln!(text, "    ({:?}, {crc:#010x}),", shipped.name).expect("text");
        }
        writeln!(
            text,
            "];\n\n/// What they answer, at their own size.\npub(super) static NETWORKS: [GoldenNetwork; 2] = ["
        )
        .expect("text");
        for name in ["cards", "cards-float-input"] {
            let mut engine = reference(name);
            let pictures = pictures(engine.edge());
            writeln!(text, "    GoldenNetwork {{\n        name: {name:?},\n        pictures: [").expect("text");
            for picture in &pictures {
                let answer = Fingerprint::of(&mut engine, picture).expect("it runs");
                let crcs: Vec<String> = answer.layers.iter().flatten().map(|crc| format!("{crc:#010x}")).collect();
                writeln!(text, "            GoldenAnswer {{").expect("text");
                writeln!(text, "                layers: &[{}],", crcs.join(", ")).expect("text");
                writeln!(text, "                logits: {:#010x},\n            }},", answer.logits).expect("text");
            }
            writeln!(text, "        ],\n    }},").expect("text");
        }
        text + "];\n"
    }

    #[test]
    fn golden_answers_are_those_of_the_reference() {
        let packed = |text: &str| text.split_whitespace().collect::<String>().replace(",]", "]");
        let own = include_str!("golden.rs");
        let new = printed();
        assert!(packed(own).contains(&packed(&new)), "put this into src/selftest/golden.rs, and run cargo fmt:\n{new}");
    }

    /// How often each code stands in each layer.
    #[derive(Default)]
    struct Counts(Vec<(usize, CodeHistogram)>);

    impl Probe for Counts {
        fn wants(&self, _: usize) -> Wants {
            Wants { histogram: true, ..Wants::default() }
        }

        fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
            self.0.push((layer, counts));
        }
    }

    /// A layer in which nothing happens proves nothing. The highest code is rare.
    #[test]
    fn the_pictures_reach_every_layer() {
        for golden in &NETWORKS {
            let mut engine = reference(golden.name);
            let mut counts = Counts::default();
            for picture in pictures(engine.edge()) {
                engine.run_probed(&picture, &mut counts).expect("it runs");
            }
            for layer in 0..engine.network().layers().len() {
                let of_it = || counts.0.iter().filter(move |(of, _)| *of == layer);
                let all = (0..3).all(|code| of_it().any(|(_, counts)| counts[code] > 0));
                assert!(all || of_it().next().is_none(), "{} layer {layer}", golden.name);
            }
        }
    }

    #[test]
    fn the_first_layer_that_differs_is_told() {
        let answer = |layers: &[Option<u32>], logits| Fingerprint { layers: layers.to_vec(), logits };
        let right = answer(&[Some(1), Some(2), None, Some(4)], 5);
        assert_eq!(right.first_difference(&right), None);
        assert_eq!(answer(&[Some(1), Some(3), None, Some(9)], 6).first_difference(&right), Some(1));
        // What is not shown cannot differ, but the answer can.
        assert_eq!(answer(&[Some(1), None, None, None], 5).first_difference(&right), None);
        assert_eq!(answer(&[Some(1), None, None, None], 6).first_difference(&right), Some(3));
    }
}
