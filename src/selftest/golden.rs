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
    ("cards", 0x60d81802),
    ("cards-float-input", 0x46777eb3),
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
                    0xea524cb2, 0x1727f4b8, 0x436e7027, 0x7c70bb0b, 0x25cceb6f, 0xadfd71cb, 0x23900835, 0x116b0880,
                    0x24c6e65b, 0x9c8cb774, 0x65957325, 0x8127bd9b, 0x23596ad8, 0xa654bd98, 0x799c7c5f,
                ],
                logits: 0xcb1b232d,
            },
            GoldenAnswer {
                layers: &[
                    0x8e5493c7, 0x42622e11, 0x94d155b4, 0x8198b404, 0xc6e3c97a, 0xae9238b7, 0x030b0958, 0x85f7e286,
                    0x9b801b90, 0xbf1615c7, 0xfebc23c8, 0xd4dba30d, 0x946e81e2, 0x4cd544de, 0xe37c4a34,
                ],
                logits: 0x9bcc671c,
            },
            GoldenAnswer {
                layers: &[
                    0x99a166ff, 0xce49796a, 0xd5c3f6bb, 0xaea17238, 0x6a40d603, 0xd219443c, 0x5d27b4ba, 0x66eb87b8,
                    0xf17930c6, 0x30f323f8, 0x5f2c8280, 0xe53eaa10, 0xc60abf44, 0x0dd8873b, 0x1f7354b2,
                ],
                logits: 0x00b714ea,
            },
        ],
    },
    GoldenNetwork {
        name: "cards-float-input",
        pictures: [
            GoldenAnswer {
                layers: &[
                    0xd316df2b, 0xfc3b16af, 0x6a08e736, 0xf6822fcd, 0x9734da80, 0x51076445, 0x0682eb9d, 0x7c09d853,
                    0x64d29508, 0xab09f01e, 0x4f3b8e52, 0x0380047b, 0x5fe7613f, 0xfca9a3be,
                ],
                logits: 0x688819c9,
            },
            GoldenAnswer {
                layers: &[
                    0x27bb5832, 0xa48141f1, 0x1523e0ee, 0xc6adcd9a, 0xef679e05, 0xb88218b3, 0x9c91c04d, 0xfd70fbe0,
                    0x8c5422d3, 0xe1d19c73, 0xe36800de, 0xa8b75dc7, 0x61b319a7, 0x9b6306e3,
                ],
                logits: 0x6efe06c9,
            },
            GoldenAnswer {
                layers: &[
                    0x0f86b0d7, 0x57cf2431, 0x3c9cdfe6, 0xc06e3dca, 0x6fef2f05, 0x003addf2, 0x1c79e36d, 0x75568e96,
                    0x5b52c763, 0x525e339f, 0x03d10806, 0x83d74280, 0x37f21947, 0xfaf4401b,
                ],
                logits: 0xfd0ebf2d,
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
