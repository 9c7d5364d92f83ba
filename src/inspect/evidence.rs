//! Why a class: where a picture speaks for it and where against it, in whole numbers.
//!
//! A classifier is a binary 1×1 convolution, and an average behind it. So a class has an integer at every position of the map that is
//! read, and these are its logit: scale × Σ cells ÷ positions. No gradient is taken and nothing is approximated.

use crate::engine::{Probe, Wants};
use crate::network::{BinaryConv, Network};
use thiserror::Error;

/// The engine keeps the codes to itself.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("this engine does not show the codes that the classifier reads: choose another engine")]
pub(crate) struct NoEvidence;

/// Keeps the codes that a network's classifier reads, of the last run.
#[derive(Clone, Debug)]
pub(crate) struct ClassifierInput {
    layer: usize,
    codes: Vec<u8>,
}

impl ClassifierInput {
    /// Of runs of `network`.
    pub(crate) fn new(network: &Network) -> Self {
        Self { layer: network.classifier().0, codes: Vec::new() }
    }

    /// The codes, CHW; none before the first run, and of an engine that does not show them.
    pub(crate) fn codes(&self) -> &[u8] {
        &self.codes
    }
}

impl Probe for ClassifierInput {
    fn wants(&self, layer: usize) -> Wants {
        Wants { codes: layer == self.layer, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        if layer == self.layer {
            self.codes.clear();
            self.codes.extend_from_slice(codes);
        }
    }
}

/// What every position of the last map says of one class.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct EvidenceMap {
    /// The class.
    pub(crate) class: usize,
    /// The classifier's row that it is of: where the class has several, the one with the largest logit, of equal ones the first.
    pub(crate) row: usize,
    /// Height and width.
    pub(crate) edge: usize,
    /// What one unit of a cell is worth, before the mean over all positions. It may be negative.
    pub(crate) scale: f32,
    /// The class's logit: the very number that engines give.
    pub(crate) logit: f32,
    /// Σ ±code over all channels of each position, row by row.
    pub(crate) cells: Vec<i32>,
}

impl EvidenceMap {
    /// Makes it that of `class`, from the `codes` (CHW) that the classifier of `network` reads, in the buffer that is there: a sum over
    /// as many codes as there are, for every row of the class.
    ///
    /// # Errors
    /// [`NoEvidence`], where these are no codes of a square map, or there is no such class; it stays as it was.
    pub(crate) fn read(&mut self, network: &Network, codes: &[u8], class: usize) -> Result<(), NoEvidence> {
        let classifier = network.classifier().1;
        let (conv, readout) = (classifier.conv(), classifier.readout());
        let positions = codes.len() / conv.geometry().in_channels;
        let edge = positions.isqrt();
        if edge == 0 || edge * edge * conv.geometry().in_channels != codes.len() {
            return Err(NoEvidence);
        }
        let owned = readout.owners().iter().enumerate().filter(|(_, owner)| **owner == Some(class));
        let logits = owned.map(|(row, _)| (row, readout.logit(row, sum(conv, row, codes, positions), positions)));
        let (row, logit) = logits.rev().max_by(|a, b| a.1.total_cmp(&b.1)).ok_or(NoEvidence)?;
        (self.class, self.row, self.edge, self.logit) = (class, row, edge, logit);
        self.scale = readout.scales()[row];
        self.cells.clear();
        self.cells.resize(positions, 0);
        for (sign, channel) in signs(conv, row).zip(codes.chunks_exact(positions)) {
            self.cells.iter_mut().zip(channel).for_each(|(cell, &code)| *cell += sign * i32::from(code));
        }
        Ok(())
    }

    /// What each position adds to the logit, row by row: for the class where it is positive, against it where it is negative.
    pub(crate) fn shares(&self) -> impl Iterator<Item = f32> {
        let worth = self.scale / self.cells.len() as f32;
        self.cells.iter().map(move |&cell| cell as f32 * worth)
    }
}

/// The signs that a row of a 1×1 convolution gives to the channels.
fn signs(conv: &BinaryConv, row: usize) -> impl Iterator<Item = i32> {
    let bits = conv.tap(row, 0, 0);
    (0..conv.geometry().in_channels).map(|channel| if bits[channel / 8] >> (channel % 8) & 1 == 1 { 1 } else { -1 })
}

/// Σ ±code over all channels and positions.
fn sum(conv: &BinaryConv, row: usize, codes: &[u8], positions: usize) -> i64 {
    let of_channel = |codes: &[u8]| codes.iter().map(|&code| i64::from(code)).sum::<i64>();
    let channels = codes.chunks_exact(positions).map(of_channel);
    signs(conv, row).zip(channels).map(|(sign, channel)| i64::from(sign) * channel).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::engine::reference::ReferenceEngine;
    use crate::frame::InputImage;
    use crate::network::shipped::{SHIPPED, Shipped};
    use crate::network::{Classifier, CodeTable, Geometry, Layer, NetworkParts, Op};
    use crate::preprocess::{Preprocessor, centre_crop};
    use crate::source::demo::stream::DECORRELATED;
    use crate::source::demo::{DemoRenderer, HEIGHT, WIDTH};
    use std::sync::Arc;

    /// Frames of the demo, each of another shot; with the label, and the card's corners in the picture.
    struct Film {
        renderer: DemoRenderer,
        preprocessor: Preprocessor,
        rgb: Vec<u8>,
    }

    impl Film {
        fn new(seed: u64) -> Self {
            let rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
            Self { renderer: DemoRenderer::new(seed), preprocessor: Preprocessor::new(1), rgb }
        }

        fn picture(&mut self, record: u64, edge: usize) -> (InputImage, String, Option<[[f32; 2]; 4]>) {
            let mut picture = InputImage::black(edge);
            let truth = self.renderer.render(record * DECORRELATED, &mut self.rgb);
            self.preprocessor.run(&self.rgb, WIDTH, HEIGHT, &mut picture).unwrap();
            let crop = centre_crop(WIDTH, HEIGHT);
            let scale = edge as f32 / crop.edge as f32;
            let in_picture = |[x, y]: [f32; 2]| [(x - crop.x as f32) * scale, (y - crop.y as f32) * scale];
            let outline = self.renderer.outline(record * DECORRELATED).map(|corners| corners.map(in_picture));
            (picture, truth.label, outline)
        }
    }

    /// Whether every class's map is its logit, of so many pictures; the largest difference of scale × Σ ÷ positions.
    fn largest_difference(engine: &mut dyn Engine, pictures: u64) -> f64 {
        let network = Arc::clone(engine.network());
        let (mut codes, mut map) = (ClassifierInput::new(&network), EvidenceMap::default());
        let (mut film, mut largest) = (Film::new(18), 0.0_f64);
        for record in 0..pictures {
            let (picture, ..) = film.picture(record, engine.edge());
            let logits = engine.run_probed(&picture, &mut codes).unwrap().logits.to_vec();
            for (class, logit) in logits.into_iter().enumerate() {
                map.read(&network, codes.codes(), class).unwrap();
                assert_eq!(map.logit.to_bits(), logit.to_bits(), "{} class {class}", network.name());
                let sum: i64 = map.cells.iter().map(|&cell| i64::from(cell)).sum();
                let from_cells = f64::from(map.scale) * sum as f64 / map.cells.len() as f64;
                largest = largest.max((from_cells - f64::from(logit)).abs());
            }
        }
        largest
    }

    #[test]
    fn the_cells_of_every_class_are_its_logit_on_every_engine() {
        for shipped in &SHIPPED {
            let network = Arc::new(shipped.load().expect("sound"));
            let edge = network.edge();
            let mut engines: Vec<(Box<dyn Engine>, u64)> = Vec::new();
            engines.push((Box::new(ReferenceEngine::new(Arc::clone(&network), edge).unwrap()), 1));
            for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
                engines.push((Box::new(CpuEngine::new(Arc::clone(&network), edge, level, 1).unwrap()), 3));
            }
            for (mut engine, pictures) in engines {
                let difference = largest_difference(&mut *engine, pictures);
                println!("{} on {}: {difference:e} at most", shipped.name, engine.info().name);
                assert!(difference <= 1e-4, "{} on {}: {difference}", shipped.name, engine.info().name);
            }
        }
    }

    /// An embedding of a code a colour, and a classifier of these rows behind it: scale and class of each.
    fn small(rows: &[(u8, f32, Option<usize>)]) -> Network {
        let table = Op::PixelEmbedding(CodeTable::thermometer(1).unwrap());
        let geometry = Geometry { in_channels: 3, out_channels: rows.len(), kernel: 1, stride: 1 };
        let conv = BinaryConv::new(geometry, rows.iter().map(|row| row.0).collect()).unwrap();
        let (scales, owners) = rows.iter().map(|row| (row.1, row.2)).unzip();
        let classifier =
            Op::Classifier { input: 0, classifier: Classifier::with_owners(conv, scales, owners).unwrap() };
        let layers = [("table", table), ("conv", classifier)].map(|(name, op)| Layer { name: name.into(), op });
        Network::new(NetworkParts {
            name: "small".into(),
            family: "small".into(),
            edge: 2,
            labels: vec!["a".into(), "b".into()],
            layers: layers.into(),
            known: None,
            training: serde_json::Map::new(),
        })
        .unwrap()
    }

    #[test]
    fn of_several_rows_of_a_class_it_is_the_one_with_the_largest_logit() {
        let rows = [(0b001, 0.5, Some(1)), (0b111, 9.0, None), (0b111, 0.25, Some(1)), (0b000, -1.0, Some(0))];
        let network = small(&rows);
        // Three channels of 2×2 positions.
        let codes = [3, 0, 1, 2, 1, 0, 0, 3, 2, 0, 0, 1];
        let mut map = EvidenceMap::default();
        map.read(&network, &codes, 1).unwrap();
        let expected = EvidenceMap { class: 1, row: 2, edge: 2, scale: 0.25, logit: 0.8125, cells: vec![6, 0, 1, 6] };
        assert_eq!(map, expected);
        // A scale below zero: a negative cell speaks for the class.
        map.read(&network, &codes, 0).unwrap();
        assert_eq!((map.row, &map.cells[..], map.logit), (3, &[-6, 0, -1, -6][..], 3.25));
        assert_eq!(map.shares().collect::<Vec<f32>>(), [1.5, 0.0, 0.25, 1.5]);
    }

    #[test]
    fn without_codes_of_its_shape_there_is_no_map() {
        let network = small(&[(0b001, 1.0, Some(0)), (0b010, 1.0, Some(1))]);
        let mut map = EvidenceMap::default();
        for codes in [0, 2, 3 * 3, 3 * 4 + 1] {
            assert_eq!(map.read(&network, &vec![1; codes], 0), Err(NoEvidence), "{codes} codes");
        }
        assert_eq!(map.read(&network, &[1; 12], 2), Err(NoEvidence));
        assert_eq!(map, EvidenceMap::default());
    }

    /// Whether a point lies within a convex outline.
    fn within(outline: &[[f32; 2]; 4], [x, y]: [f32; 2]) -> bool {
        (0..4).all(|i| {
            let ([ax, ay], [bx, by]) = (outline[i], outline[(i + 1) % 4]);
            (bx - ax) * (y - ay) - (by - ay) * (x - ax) >= 0.0
        })
    }

    /// The pointing game (Zhang et al., arXiv 1608.00507): how often the strongest cell of the true class lies, with its centre, on the
    /// card; how often the picture's centre does; and the part of all cells that do.
    #[test]
    fn the_strongest_cell_of_the_true_class_lies_on_the_card() {
        let network = Arc::new(Shipped::named("cards").expect("shipped").load().expect("sound"));
        let edge = network.edge();
        let mut engine = CpuEngine::new(Arc::clone(&network), edge, Level::best(), 1).unwrap();
        let (mut codes, mut map) = (ClassifierInput::new(&network), EvidenceMap::default());
        let mut film = Film::new(4711);
        let (mut frames, mut hits, mut centre_hits, mut cells_hit, mut cells) = (0, 0, 0, 0, 0);
        for record in 0..125 {
            let (picture, label, Some(outline)) = film.picture(record, edge) else { continue };
            engine.run_probed(&picture, &mut codes).unwrap();
            let class = network.labels().iter().position(|own| *own == label).unwrap();
            map.read(&network, codes.codes(), class).unwrap();
            let cell = edge as f32 / map.edge as f32;
            let on_card = |at: usize| {
                let middle = |place: usize| (place as f32 + 0.5) * cell;
                within(&outline, [middle(at % map.edge), middle(at / map.edge)])
            };
            let shares: Vec<f32> = map.shares().collect();
            let strongest = (0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b])).unwrap();
            frames += 1;
            hits += u32::from(on_card(strongest));
            centre_hits += u32::from(within(&outline, [edge as f32 / 2.0; 2]));
            cells_hit += (0..shares.len()).filter(|&at| on_card(at)).count();
            cells += shares.len();
        }
        println!(
            "{hits} of {frames} frames; the centre {centre_hits}; {cells_hit} of {cells} cells, {} a side",
            map.edge
        );
        assert!(frames >= 90 && hits * 10 >= frames * 9, "{hits} of {frames}");
    }
}
