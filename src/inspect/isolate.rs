//! Whose fault: every layer of one engine, run by itself on what another one holds there, which is taken for the truth.

use super::diff::{DiffError, panicked};
use super::pattern::{WrongValue, WrongValues};
use super::values::LayerValues;
use super::SumValues;
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
            true if self.is_shown => return f.write_str("right"),
            true => return f.write_str("not shown by this engine"),
            false => {}
        }
        for (i, (what, wrong)) in self.wrong.iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{} of {} {what} wrong", wrong.count, wrong.total)?;
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
}

/// Runs `truth`, an engine that shows all codes and sums, and each layer of `suspect` on what `truth` holds there: a verdict a layer. Of the truth, what
/// later layers read is held, of `suspect` one layer at a time.
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
    let mut judge = Judge {
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
struct Judge<'a> {
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

impl Probe for Judge<'_> {
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

impl Judge<'_> {
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
        let mut made = Kept::default();
        let run = catch_unwind(AssertUnwindSafe(|| self.suspect.run_layer(layer, inputs, &mut made)));
        let read = run.map_err(|panic| panicked(&*panic, self.suspect.info().name))??;
        let mut expected = Kept::default();
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
        Ok(LayerVerdict { layer: self.network.layers()[layer].name.clone(), wrong, is_shown })
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
struct Kept {
    values: LayerValues,
    has_sums: bool,
    has_codes: bool,
}

impl Probe for Kept {
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
