//! Every kind of layer of every network inside the program, against what an engine holds.

use super::gathering::Gathering;
use super::{Explanation, GroupBy, Neuron, write_csv};
use crate::engine::cpu::{CpuEngine, Level};
use crate::engine::{Engine, Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::inspect::SumValues;
use crate::inspect::receptive::ReceptiveField;
use crate::network::published::PublishedShape;
use crate::network::shipped::SHIPPED;
use crate::network::{Network, Op, TrunkMode};
use crate::splitmix64::SplitMix64;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// All codes and sums of a run, layer by layer.
struct Recorded {
    network: Arc<Network>,
    image: InputImage,
    codes: Vec<Vec<u8>>,
    sums: Vec<SumValues>,
}

impl Probe for Recorded {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: false, sums: true }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.codes[layer] = codes.to_vec();
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.sums[layer] = sums.into();
    }
}

impl Recorded {
    fn new(network: Network, edge: usize, seed: u64) -> Self {
        let mut numbers = SplitMix64(seed);
        let mut image = InputImage::black(edge);
        // Every fifth byte or so is 0, which a float first layer has its trouble with.
        image.rgb_mut().fill_with(|| numbers.next() as u8 * u8::from(!numbers.next().is_multiple_of(5)));
        Self::of(network, image)
    }

    fn of(network: Network, image: InputImage) -> Self {
        let network = Arc::new(network);
        let layers = network.layers().len();
        let mut engine = CpuEngine::new(Arc::clone(&network), image.edge(), Level::best(), 1).expect("a size of it");
        let sums = vec![SumValues::default(); layers];
        let mut this = Self { network, image: image.clone(), codes: vec![Vec::new(); layers], sums };
        engine.run_probed(&image, &mut this).expect("the picture fits");
        this
    }

    fn explain(&self, neuron: Neuron) -> Explanation {
        let mut gathering = Gathering::new(&self.network, self.image.edge(), neuron).expect("it is there");
        for (layer, codes) in self.codes.iter().enumerate() {
            if gathering.wants(layer).codes {
                gathering.codes(layer, codes);
            }
        }
        gathering.explanation(&self.image).expect("all is shown")
    }

    fn index(&self, Neuron { layer, channel, y, x }: Neuron) -> usize {
        let edge = self.network.shapes(self.image.edge())[layer].edge;
        (channel * edge + y) * edge + x
    }

    /// Checks one explanation against what the engine holds.
    fn check(&self, neuron: Neuron) {
        let explanation = self.explain(neuron);
        let Neuron { layer, .. } = neuron;
        let op = &self.network.layers()[layer].op;
        let held = match op {
            Op::PixelEmbedding(table) => Some(f64::from(self.byte(neuron.channel / table.depth(), neuron.y, neuron.x))),
            _ => self.sums[layer].get(self.index(neuron)),
        };
        assert_eq!(Some(explanation.sum), held, "{neuron:?}");
        let code = op.makes_codes().then(|| self.codes[layer][self.index(neuron)]);
        assert_eq!(explanation.code, code, "{neuron:?}");
        let close = |a: f64, b: f64| if matches!(op, Op::FloatConv(_)) { (a - b).abs() < 1e-4 } else { a == b };
        let sum: f64 = explanation.terms().map(|term| term.weight * f64::from(term.code)).sum();
        assert!(close(sum, explanation.sum), "{neuron:?}: {sum}");
        assert!(close(explanation.plus - explanation.minus, explanation.sum), "{neuron:?}");
        let mut seen = HashSet::new();
        for term in explanation.terms() {
            assert!(seen.insert((term.by, term.channel, term.y, term.x)), "{neuron:?}: {term:?} twice");
            let value = term.neuron().map_or_else(
                || self.byte(term.channel, term.y, term.x),
                |neuron| self.codes[neuron.layer][self.index(neuron)],
            );
            assert_eq!(term.code, value, "{neuron:?}: {term:?}");
        }
        assert_eq!(seen.len(), self.terms(neuron), "{neuron:?}");
        for by in [GroupBy::Branch, GroupBy::Tap, GroupBy::Channel] {
            let groups = explanation.groups(by);
            assert!(close(groups.iter().map(|group| group.sum()).sum(), explanation.sum), "{neuron:?}: {by:?}");
            assert!(groups.is_sorted_by(|a, b| a.sum().abs() >= b.sum().abs()), "{neuron:?}: {by:?}");
        }
    }

    /// How many terms a neuron has, counted kernel by kernel.
    fn terms(&self, neuron: Neuron) -> usize {
        let (layers, shapes) = (self.network.layers(), self.network.shapes(self.image.edge()));
        let inside = |at: usize, kernel: usize, stride: usize, edge: usize| {
            (0..kernel).filter(|k| (kernel / 2..edge + kernel / 2).contains(&(at * stride + k))).count()
        };
        let mut terms = 0;
        for layer in layers[..=neuron.layer].iter().rev() {
            let (g, input) = match &layer.op {
                Op::PixelEmbedding(_) => return 1,
                Op::FloatConv(conv) => (conv.geometry(), self.image.edge()),
                Op::Activation(_) => continue,
                Op::Classifier { input, classifier } => {
                    return classifier.conv().geometry().in_channels * shapes[*input].edge.pow(2);
                }
                Op::Conv { input, conv, .. } => (conv.geometry(), shapes[*input].edge),
                Op::Residual { input, conv, .. } => (conv.geometry(), shapes[*input].edge),
            };
            let of_trunk = matches!(layers[neuron.layer].op, Op::Residual { .. } | Op::Activation(_));
            let is_branch = matches!(layer.op, Op::Residual { .. });
            if of_trunk && !is_branch {
                continue;
            }
            let taps = [neuron.y, neuron.x].map(|at| inside(at, g.kernel, g.stride, input));
            terms += taps[0] * taps[1] * g.in_channels;
            if !of_trunk || matches!(layer.op, Op::Residual { trunk: TrunkMode::Start, .. }) {
                break;
            }
        }
        terms
    }

    fn byte(&self, colour: usize, y: usize, x: usize) -> u8 {
        self.image.rgb()[(y * self.image.edge() + x) * 3 + colour]
    }

    fn random_neuron(&self, layer: usize, numbers: &mut SplitMix64) -> Neuron {
        let shape = self.network.shapes(self.image.edge())[layer];
        let mut below = |n: usize| (numbers.next() % n as u64) as usize;
        // Every fourth at a border, where there is padding.
        let y = if below(4) == 0 { shape.edge - 1 } else { below(shape.edge) };
        Neuron { layer, channel: below(shape.channels), y, x: below(shape.edge) }
    }
}

/// A network of a published shape that pictures of 32 pixels fit.
fn random(shape: &str, float_input: bool) -> Network {
    PublishedShape::named(shape).and_then(|shape| shape.random(3, float_input).ok()).expect("ours")
}

#[test]
fn explanations_are_what_the_engine_holds() {
    let shipped = SHIPPED.iter().map(|shipped| shipped.load().expect("ours")).map(|network| (network.edge(), network));
    let others = [("erns18-0.75x", true), ("erns50", false)].map(|(shape, floats)| (32, random(shape, floats)));
    let mut checked = 0;
    for (edge, network) in shipped.chain(others) {
        let recorded = Recorded::new(network, edge, 11);
        let mut numbers = SplitMix64(5);
        let layers = recorded.network.layers().len();
        for turn in 0..130.max(2 * layers) {
            recorded.check(recorded.random_neuron(turn % layers, &mut numbers));
            checked += 1;
        }
    }
    assert!(checked > 1000, "{checked}");
}

/// What bytes of 0 add is spread over the others; where there are none, it is the offset alone.
#[test]
fn a_black_picture_is_all_offset_in_a_float_layer() {
    let recorded = Recorded::of(random("erns18-0.75x", true), InputImage::black(32));
    for channel in 0..64 {
        let explanation = recorded.explain(Neuron { layer: 0, channel, y: 3, x: 0 });
        assert_eq!(explanation.offset, Some(explanation.sum));
        assert!(explanation.terms().all(|term| term.contribution() == 0.0));
        assert_eq!(explanation.plus - explanation.minus, explanation.sum);
    }
}

#[test]
fn bytes_that_are_looked_up_add_up_to_the_sum() {
    let recorded = Recorded::new(random("erns18-0.75x", false), 32, 2);
    let explanation = recorded.explain(Neuron { layer: 1, channel: 7, y: 0, x: 15 });
    let look_ups = explanation.look_ups();
    // One row of the kernel lies above the picture.
    assert_eq!(look_ups.len(), 2 * 3 * 3);
    assert_eq!(look_ups.iter().map(|found| found.sum).sum::<f64>(), explanation.sum);
    for found in &look_ups {
        assert_eq!(found.byte, recorded.byte(found.colour, found.y, found.x));
        assert_eq!([found.y as i32, found.x as i32 - 30], found.tap);
        let code = |i: usize| recorded.codes[0][((found.colour * 10 + i) * 32 + found.y) * 32 + found.x];
        assert_eq!(found.codes, (0..10).map(code).collect::<Vec<_>>());
    }
    assert!(recorded.explain(Neuron { layer: 2, channel: 0, y: 0, x: 0 }).look_ups().is_empty());
}

/// The pixels that are reached by going from term to term, and that nothing else in the picture counts.
#[test]
fn the_receptive_field_is_what_terms_lead_to() {
    for (float_input, layer, y, x) in [(false, 5, 4, 3), (true, 6, 0, 7), (false, 8, 2, 2), (false, 1, 15, 0)] {
        let recorded = Recorded::new(random("erns18-0.75x", float_input), 64, 4);
        let neuron = Neuron { layer, channel: 1, y, x };
        let field = ReceptiveField::of(&recorded.network, layer);
        let field = [field.seen(y, 64), field.seen(x, 64)];
        let (mut reached, mut pixels) = (BTreeSet::new(), BTreeSet::new());
        let mut left = vec![neuron];
        while let Some(neuron) = left.pop() {
            for term in recorded.explain(neuron).terms().filter(|term| term.channel == 0) {
                match term.neuron() {
                    None => drop(pixels.insert((term.y, term.x))),
                    Some(neuron) if reached.insert((neuron.layer, neuron.y, neuron.x)) => left.push(neuron),
                    Some(_) => {}
                }
            }
        }
        let ends = |of: fn(&(usize, usize)) -> usize| {
            pixels.iter().map(of).min().expect("some")..pixels.iter().map(of).max().expect("some") + 1
        };
        assert_eq!(field, [ends(|pixel| pixel.0), ends(|pixel| pixel.1)], "{neuron:?}");

        let mut image = InputImage::black(64);
        let is_inside = |at: usize| field[0].contains(&(at / 3 / 64)) && field[1].contains(&(at / 3 % 64));
        let kept = recorded.image.rgb().iter().enumerate();
        image
            .rgb_mut()
            .iter_mut()
            .zip(kept)
            .for_each(|(byte, (at, kept))| *byte = if is_inside(at) { *kept } else { 99 });
        let other = Recorded::of(recorded.network.as_ref().clone(), image);
        assert_eq!(other.explain(neuron).sum, recorded.explain(neuron).sum, "{neuron:?}");
    }
    let recorded = Recorded::new(random("erns18-0.75x", false), 64, 4);
    let last = Neuron { layer: recorded.network.layers().len() - 1, channel: 0, y: 0, x: 0 };
    assert_eq!(ReceptiveField::of(&recorded.network, last.layer).seen(last.y, 64), 0..64);
}

#[test]
fn a_table_has_a_line_a_term() {
    let recorded = Recorded::new(random("erns18-0.75x", false), 32, 2);
    let explanation = recorded.explain(Neuron { layer: 2, channel: 7, y: 3, x: 4 });
    let mut table = Vec::new();
    write_csv(&explanation, &mut table).expect("memory");
    let table = String::from_utf8(table).expect("UTF-8");
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("layer,channel,y,x,code,weight,contribution"));
    let mut sum = 0;
    for (line, term) in lines.zip(explanation.terms()) {
        let fields: Vec<&str> = line.split(',').collect();
        let numbers: Vec<i64> = fields[1..].iter().map(|field| field.parse().expect("a number")).collect();
        assert_eq!(
            (fields[0], numbers[0], numbers[1], numbers[2]),
            ("backbone.act1", term.channel as i64, term.y as i64, term.x as i64)
        );
        assert_eq!(numbers[3] * numbers[4], numbers[5]);
        sum += numbers[5];
    }
    assert_eq!((table.lines().count(), sum as f64), (1 + 64 * 9, explanation.sum));
}

/// Asks a board that keeps a layer to itself.
#[test]
fn a_layer_that_is_not_shown_is_named() {
    let network = Arc::new(random("erns18-0.75x", false));
    let gathering = Gathering::new(&network, 32, Neuron { layer: 2, channel: 0, y: 0, x: 0 }).expect("there");
    assert!(gathering.wants(1).codes && !gathering.wants(0).codes && !gathering.wants(2).codes);
    let error = gathering.explanation(&InputImage::black(32)).expect_err("nothing was shown").to_string();
    assert!(error.contains("`backbone.act1`") && error.contains("such as cpu"), "{error}");
    // The first convolution asks no engine for anything.
    let gathering = Gathering::new(&network, 32, Neuron { layer: 1, channel: 0, y: 0, x: 0 }).expect("there");
    assert!((0..network.layers().len()).all(|layer| !gathering.wants(layer).codes));
    assert!(gathering.explanation(&InputImage::black(32)).is_ok());
}
