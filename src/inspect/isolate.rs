//! Whose fault: every layer of one engine, run by itself on what another one holds there, which is taken for the truth.

use super::SumValues;
use super::diff::{DiffError, panicked};
use super::pattern::{WrongValue, WrongValues};
use super::values::LayerValues;
use crate::engine::isolated::{InputsRead, IsolatesLayers, LayerInputs};
use crate::engine::reference::ReferenceEngine;
use crate::engine::{Engine, Probe, Sums, Wants};
use crate::frame::InputImage;
use crate::network::{LayerShape, Network, Op, TrunkMode};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What one layer makes of right inputs.
#[derive(Clone, Debug)]
pub(crate) struct LayerVerdict {
    /// The layer's name.
    pub layer: String,
    /// What of it is wrong: `sums`, `codes`.
    pub wrong: Vec<(&'static str, WrongValues)>,
    /// What of its inputs it read otherwise than they were put in: `codes`, `sums` of the trunk. It is judged on what it read.
    pub misread: Vec<(&'static str, WrongValues)>,
    /// Whether the engine shows anything of it.
    pub is_shown: bool,
}

impl LayerVerdict {
    /// Whether nothing of it is wrong.
    pub(crate) fn is_right(&self) -> bool {
        self.wrong.is_empty()
    }
}

impl fmt::Display for LayerVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.layer)?;
        match self.wrong.is_empty() {
            true if self.is_shown => f.write_str("right")?,
            true => f.write_str("not shown by this engine")?,
            false => tell(f, "wrong", &self.wrong)?,
        }
        if !self.misread.is_empty() {
            f.write_str("; ")?;
            tell(f, "read otherwise than put in", &self.misread)?;
        }
        Ok(())
    }
}

fn tell(f: &mut fmt::Formatter<'_>, how: &str, maps: &[(&str, WrongValues)]) -> fmt::Result {
    for (i, (what, wrong)) in maps.iter().enumerate() {
        let separator = if i > 0 { "; " } else { "" };
        write!(f, "{separator}{} of {} {what} {how}", wrong.count, wrong.total)?;
        let patterns = wrong.patterns();
        if !patterns.is_empty() {
            write!(f, ": {}", patterns.join(", "))?;
        }
        if let Some(WrongValue { at: [channel, row, column], is, should }) = wrong.first {
            write!(f, " (first at channel {channel}, row {row}, column {column}: {is} in place of {should})")?;
        }
    }
    Ok(())
}

/// Runs `truth`, an engine that shows all codes and sums, and each layer of `suspect` on what `truth` holds there: a verdict a layer.
/// Of the truth, what later layers read is held, of `suspect` one layer at a time.
///
/// # Errors
/// [`DiffError`].
pub(crate) fn isolate(
    suspect: &mut dyn IsolatesLayers,
    truth: &mut dyn Engine,
    image: &InputImage,
) -> Result<Vec<LayerVerdict>, DiffError> {
    let network = Arc::clone(truth.network());
    let name = truth.info().name;
    let mut judge = LayerJudge {
        suspect,
        image,
        shapes: network.shapes(truth.edge()),
        last_readers: network.last_readers(),
        codes: vec![Vec::new(); network.layers().len()],
        trunk: Vec::new(),
        sums: SumValues::default(),
        verdicts: Vec::new(),
        failure: None,
        network,
    };
    // Neither engine is used again behind a panic.
    let run = catch_unwind(AssertUnwindSafe(|| truth.run_probed(image, &mut judge).map(|_| ())));
    if let Some(failure) = judge.failure {
        return Err(failure);
    }
    run.map_err(|panic| panicked(&*panic, name))??;
    Ok(judge.verdicts)
}

/// Sees the truth go by, and has every layer of the suspect run beside it.
struct LayerJudge<'a> {
    suspect: &'a mut dyn IsolatesLayers,
    image: &'a InputImage,
    network: Arc<Network>,
    shapes: Vec<LayerShape>,
    last_readers: Vec<usize>,
    /// The truth's codes of every layer, until its last reader has run.
    codes: Vec<Vec<u8>>,
    /// The truth's trunk, before the layer that runs.
    trunk: Vec<i32>,
    /// The truth's sums of the layer that runs.
    sums: SumValues,
    verdicts: Vec<LayerVerdict>,
    failure: Option<DiffError>,
}

impl Probe for LayerJudge<'_> {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: self.failure.is_none(), histogram: false, sums: self.failure.is_none() }
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.sums.assign(sums);
        if !self.network.layers()[layer].op.makes_codes() {
            self.judge(layer, &[]);
        }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.judge(layer, codes);
    }
}

impl LayerJudge<'_> {
    fn judge(&mut self, layer: usize, codes: &[u8]) {
        if self.failure.is_some() {
            return;
        }
        let sums = std::mem::take(&mut self.sums);
        match self.compare(layer, codes, &sums) {
            Ok(verdict) => self.verdicts.push(verdict),
            Err(failure) => self.failure = Some(failure),
        }
        if matches!(self.network.layers()[layer].op, Op::Residual { .. })
            && let SumValues::Integers(trunk) = sums
        {
            self.trunk = trunk;
        }
        self.codes[layer] = codes.to_vec();
        let read = self.codes.iter_mut().zip(&self.last_readers).filter(|(_, last)| **last == layer);
        read.for_each(|(codes, _)| *codes = Vec::new());
    }

    fn compare(&mut self, layer: usize, codes: &[u8], sums: &SumValues) -> Result<LayerVerdict, DiffError> {
        let op = &self.network.layers()[layer].op;
        let reads_trunk = matches!(op, Op::Activation(_) | Op::Residual { trunk: TrunkMode::Add, .. });
        let inputs = LayerInputs {
            image: self.image,
            codes: op.input().map_or(&[], |input| &self.codes[input]),
            trunk: if reads_trunk { &self.trunk } else { &[] },
        };
        let mut made = LayerShown::default();
        let run = catch_unwind(AssertUnwindSafe(|| self.suspect.run_layer(layer, inputs, &mut made)));
        let read = run.map_err(|panic| panicked(&*panic, self.suspect.info().name))??;
        let mut expected = LayerShown::default();
        // What was not read as it was given has another truth: that of the plain loops.
        let on_others = read != InputsRead::default();
        if on_others {
            let inputs = LayerInputs {
                image: self.image,
                codes: read.codes.as_deref().unwrap_or(inputs.codes),
                trunk: read.trunk.as_deref().unwrap_or(inputs.trunk),
            };
            // There is a reference at this size, or the truth had not run.
            if let Ok(mut reference) = ReferenceEngine::new(Arc::clone(&self.network), self.image.edge()) {
                reference.run_layer(layer, inputs, &mut expected)?;
            }
        }
        let (codes, sums) = if on_others { (&*expected.values.codes, &expected.values.sums) } else { (codes, sums) };
        let LayerShape { channels, edge, .. } = self.shapes[layer];
        let mut wrong = Vec::new();
        // An activation's sums are what it reads.
        if made.has_sums && !matches!(op, Op::Activation(_)) {
            wrong.push(("sums", compare_sums([channels, edge], &made.values.sums, sums)));
        }
        if made.has_codes {
            wrong.push(("codes", WrongValues::of([channels, edge], &made.values.codes, codes, f64::from)));
        }
        let is_shown = !wrong.is_empty();
        wrong.retain(|(_, wrong)| wrong.count > 0);
        let misread = self.misread(layer, inputs, &read);
        Ok(LayerVerdict { layer: self.network.layers()[layer].name.clone(), wrong, misread, is_shown })
    }

    fn misread(&self, layer: usize, inputs: LayerInputs<'_>, read: &InputsRead) -> Vec<(&'static str, WrongValues)> {
        let shape = |layer: usize| [self.shapes[layer].channels, self.shapes[layer].edge];
        let input = self.network.layers()[layer].op.input();
        let codes = input.zip(read.codes.as_ref());
        let codes =
            codes.map(|(input, codes)| ("codes", WrongValues::of(shape(input), codes, inputs.codes, f64::from)));
        let trunk = read.trunk.as_ref();
        let trunk =
            trunk.map(|trunk| ("sums of the trunk", WrongValues::of(shape(layer), trunk, inputs.trunk, f64::from)));
        codes.into_iter().chain(trunk).collect()
    }
}

fn compare_sums(shape: [usize; 2], is: &SumValues, should: &SumValues) -> WrongValues {
    match (is, should) {
        (SumValues::Integers(is), SumValues::Integers(should)) => WrongValues::of(shape, is, should, f64::from),
        (SumValues::Floats(is), SumValues::Floats(should)) => {
            let bits = |sums: &[f32]| sums.iter().map(|sum| sum.to_bits()).collect::<Vec<_>>();
            WrongValues::of(shape, &bits(is), &bits(should), |bits| f32::from_bits(bits).into())
        }
        // Of another kind: not one is there.
        (_, SumValues::Integers(should)) => WrongValues::of(shape, &[], should, f64::from),
        (_, SumValues::Floats(should)) => WrongValues::of(shape, &[], should, f64::from),
    }
}

/// Keeps what a layer shows.
#[derive(Default)]
struct LayerShown {
    values: LayerValues,
    has_sums: bool,
    has_codes: bool,
}

impl Probe for LayerShown {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, histogram: false, sums: true }
    }

    fn sums(&mut self, _: usize, sums: Sums<'_>) {
        self.values.sums.assign(sums);
        self.has_sums = true;
    }

    fn codes(&mut self, _: usize, codes: &[u8]) {
        self.values.codes = codes.to_vec();
        self.has_codes = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::{CpuEngine, Level};
    use crate::network::published::PublishedShape;
    use crate::network::{BinaryConv, Classifier, CodeTable, FloatConv, Thresholds};

    const EDGE: usize = 64;

    fn network(float_input: bool) -> Network {
        PublishedShape::named("erns18-0.75x").expect("published").random(3, float_input).expect("well formed")
    }

    fn picture() -> InputImage {
        let mut image = InputImage::black(EDGE);
        image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * i / 7 + i * 37) as u8);
        image
    }

    /// The same network but for one layer.
    fn altered(network: &Network, layer: usize, alter: impl FnOnce(&mut Op)) -> Arc<Network> {
        let mut parts = network.clone().into_parts();
        alter(&mut parts.layers[layer].op);
        Arc::new(Network::new(parts).expect("still well formed"))
    }

    fn first(network: &Network, is: impl Fn(&Op) -> bool) -> usize {
        network.layers().iter().position(|layer| is(&layer.op)).expect("there is one")
    }

    /// Turns weight bits around: `turn` gets the bytes, and how many a filter has.
    fn with_bits(conv: &BinaryConv, turn: impl FnOnce(&mut [u8], usize)) -> BinaryConv {
        let mut bits = conv.bits().to_vec();
        let filter = bits.len() / conv.geometry().out_channels;
        turn(&mut bits, filter);
        BinaryConv::new(conv.geometry(), bits).expect("of the same shape")
    }

    fn with_row(thresholds: &Thresholds<i32>, channel: usize, row: [i32; 3], falling: bool) -> Thresholds<i32> {
        let (mut rows, mut all) = (thresholds.rows().to_vec(), thresholds.falling().to_vec());
        (rows[channel], all[channel]) = (row, falling);
        Thresholds::new(rows, all).expect("in order")
    }

    /// The layers that are not right when an engine runs `altered` and the truth is `sound`, each with what is said of it.
    fn wrong_layers(sound: &Arc<Network>, altered: &Arc<Network>) -> Vec<Vec<LayerVerdict>> {
        let cpu =
            |network: &Arc<Network>, level| CpuEngine::new(Arc::clone(network), EDGE, level, 1).expect("available");
        let mut suspects: Vec<Box<dyn IsolatesLayers>> = Vec::new();
        suspects.push(Box::new(ReferenceEngine::new(Arc::clone(altered), EDGE).expect("a size of it")));
        let levels = Level::ALL.into_iter().filter(|level| level.is_available());
        suspects.extend(levels.map(|level| Box::new(cpu(altered, level)) as Box<dyn IsolatesLayers>));
        let judged = suspects.into_iter().map(|mut suspect| {
            let mut truth = cpu(sound, Level::best());
            isolate(&mut *suspect, &mut truth, &picture()).expect("both run")
        });
        let wrong = |verdicts: Vec<LayerVerdict>| verdicts.into_iter().filter(|verdict| !verdict.is_right()).collect();
        judged.map(wrong).collect()
    }

    /// That every engine which runs `altered` is found wrong in this layer and no other, of a pattern that holds `pattern`.
    fn is_found(network: &Arc<Network>, layer: usize, pattern: &str, alter: impl FnOnce(&mut Op)) {
        let altered = altered(network, layer, alter);
        for wrong in wrong_layers(network, &altered) {
            let told: Vec<String> = wrong.iter().map(LayerVerdict::to_string).collect();
            let [only] = &told[..] else { panic!("{pattern}: {told:?}") };
            assert!(wrong[0].layer == network.layers()[layer].name && only.contains(pattern), "{pattern}: {only}");
        }
    }

    #[test]
    fn right_engines_are_right_at_every_layer() {
        for float_input in [false, true] {
            let network = Arc::new(network(float_input));
            assert!(wrong_layers(&network, &network).iter().all(Vec::is_empty));
        }
    }

    #[test]
    fn exactly_the_altered_convolution_is_found() {
        let network = Arc::new(network(false));
        let conv_at = first(&network, |op| matches!(op, Op::Conv { .. }));
        let bit = |op: &mut Op| {
            if let Op::Conv { conv, .. } | Op::Residual { conv, .. } = op {
                *conv = with_bits(conv, |bits, filter| bits[17 * filter] ^= 4);
            }
        };
        // In one step with the embedding, and not.
        is_found(&network, conv_at, "channel 17", bit);
        is_found(&network, conv_at + 1, "channel 17", bit);
        let is_residual = |mode: TrunkMode| move |op: &Op| matches!(op, Op::Residual { trunk, .. } if *trunk == mode);
        is_found(&network, first(&network, is_residual(TrunkMode::Start)), "channel 17", bit);
        is_found(&network, first(&network, is_residual(TrunkMode::Add)), "channel 17", bit);
        is_found(&network, conv_at + 1, "channels ≡ 5 (mod 32)", |op| {
            if let Op::Conv { conv, .. } = op {
                *conv = with_bits(conv, |bits, filter| {
                    let (low, high) = bits.split_at_mut(37 * filter);
                    low[5 * filter..6 * filter].swap_with_slice(&mut high[..filter]);
                });
            }
        });
    }

    #[test]
    fn exactly_the_altered_thresholds_are_found() {
        let network = Arc::new(network(false));
        let conv_at = first(&network, |op| matches!(op, Op::Conv { .. })) + 1;
        let activation_at = first(&network, |op| matches!(op, Op::Activation(_)));
        let behind_add = network.layers().windows(2).position(|pair| {
            matches!((&pair[0].op, &pair[1].op), (Op::Residual { trunk: TrunkMode::Add, .. }, Op::Activation(_)))
        });
        let behind_add = behind_add.expect("there is one") + 1;
        for layer in [conv_at, activation_at, behind_add] {
            is_found(&network, layer, "codes wrong: channel 9", |op| {
                if let Op::Conv { thresholds, .. } | Op::Activation(thresholds) = op {
                    let [a, b, c] = thresholds.rows()[9];
                    let falling = !thresholds.falling()[9];
                    *thresholds = with_row(thresholds, 9, [c, b, a], falling);
                }
            });
        }
        is_found(&network, conv_at, "channel 9, too large by 1", |op| {
            if let Op::Conv { thresholds, .. } = op {
                let [a, b, c] = thresholds.rows()[9];
                let less = if thresholds.falling()[9] { 6 } else { -6 };
                *thresholds = with_row(thresholds, 9, [a + less, b + less, c + less], thresholds.falling()[9]);
            }
        });
    }

    #[test]
    fn exactly_the_altered_end_of_a_network_is_found() {
        let embedded = Arc::new(network(false));
        is_found(&embedded, 0, "channel 12, ", |op| {
            if let Op::PixelEmbedding(table) = op {
                let mut codes = table.codes().to_vec();
                (0..256).for_each(|byte| codes[(256 + byte) * 10 + 2] ^= 1);
                *table = CodeTable::new(10, codes).expect("of the same shape");
            }
        });
        is_found(&embedded, embedded.layers().len() - 1, "channel 17, ", |op| {
            if let Op::Classifier { classifier, .. } = op {
                let conv = with_bits(classifier.conv(), |bits, filter| bits[17 * filter] ^= 1);
                let readout = classifier.readout();
                let (scales, owners) = (readout.scales().to_vec(), readout.owners().to_vec());
                *classifier = Classifier::with_owners(conv, scales, owners).expect("of the same shape");
            }
        });
        let float = Arc::new(network(true));
        is_found(&float, 0, "channel 21", |op| {
            if let Op::FloatConv(conv) = op {
                let mut weights = conv.weights().to_vec();
                weights[21 * 27] *= 1.5;
                let pixel_values = conv.pixel_values().to_vec();
                let thresholds = conv.thresholds().clone();
                *conv = FloatConv::new(conv.geometry(), pixel_values, weights, thresholds).expect("of the same shape");
            }
        });
    }
}
