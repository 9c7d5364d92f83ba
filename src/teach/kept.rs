//! Classes that stay beside the taught ones: their rows, and samples of what they are, which no taught class must be taken for.

use super::bank::LayerBank;
use super::eyes::{Eyes, Features, STEPS, TeachError};
use super::moments::Moments;
use crate::engine::likeliest;
use crate::frame::InputImage;
use crate::network::{Classifier, Logits, Network};
use crate::preprocess::Preprocessor;
use crate::source::demo::{self, DemoRenderer};

/// Frames of the demo that tell what the classes that stay look like, and its seed: none that networks are trained or measured on.
const DEMO_FRAMES: u64 = 240;
const DEMO_SEED: u64 = 900_001;
const DEMO_STRIDE: u64 = 97;

/// The classes of the base, where they stay.
pub(super) struct Kept {
    classifier: Classifier,
    /// What the eyes' last layer sees of things that they are.
    pub(super) samples: Vec<Features>,
    /// Which of them each is.
    pub(super) truths: Vec<usize>,
    /// Of all samples together.
    pub(super) moments: Moments,
}

impl Kept {
    /// The base's classes: what the demo shows of them, where they are the cards, and else what the bank has.
    pub(super) fn of(eyes: &mut Eyes, bank: &[LayerBank]) -> Result<Self, TeachError> {
        let network = eyes.network().clone();
        let classifier = network.classifier().1;
        let last = eyes.layers().len() - 1;
        let samples = if knows_some_cards(&network) { of_demo(eyes, last)? } else { bank[last].others.clone() };
        let truth = |features: &Features| likeliest(&logits(classifier, features)).unwrap_or(0);
        let truths = samples.iter().map(truth).collect();
        let moments = Moments::of(classifier.conv().geometry().in_channels, &samples);
        Ok(Self { classifier: classifier.clone(), samples, truths, moments })
    }

    /// How many classes stay.
    pub(super) fn classes(&self) -> usize {
        self.classifier.readout().classes()
    }

    /// The classes' logits where the last layer says this.
    pub(super) fn logits(&self, features: &[u8]) -> Vec<f32> {
        logits(&self.classifier, features)
    }
}

fn logits(classifier: &Classifier, features: &[u8]) -> Vec<f32> {
    let mut logits: Logits = classifier.readout().room();
    let sums = (0..classifier.conv().geometry().out_channels).map(|row| {
        let bits = classifier.conv().tap(row, 0, 0);
        let sign = |channel: usize| if bits[channel / 8] >> (channel % 8) & 1 == 1 { 1 } else { -1 };
        features.iter().enumerate().map(|(channel, &feature)| sign(channel) * i64::from(feature)).sum::<i64>()
    });
    // Features are means in steps: what is left to divide by is the steps.
    classifier.readout().read(sums, STEPS, &mut logits);
    logits.classes
}

/// Whether the demo shows things that the network has classes for.
fn knows_some_cards(network: &Network) -> bool {
    let labels = network.labels();
    let cards = demo::labels();
    labels.len() > 1 && labels.iter().all(|label| cards.contains(&label.as_str()))
}

/// What the last layer sees in frames of the demo that show the network's classes.
fn of_demo(eyes: &mut Eyes, last: usize) -> Result<Vec<Features>, TeachError> {
    let mut renderer = DemoRenderer::new(DEMO_SEED);
    let mut frame = vec![0; (demo::WIDTH * demo::HEIGHT * 3) as usize];
    let mut preprocessor = Preprocessor::new(1);
    let mut square = InputImage::black(eyes.network().edge());
    let mut samples = Vec::new();
    for index in 0..DEMO_FRAMES {
        // As far from each other as to show another card each time.
        let truth = renderer.render(index * DEMO_STRIDE, &mut frame);
        if eyes.network().labels().contains(&truth.label) {
            preprocessor.run(&frame, demo::WIDTH, demo::HEIGHT, &mut square)?;
            samples.push(eyes.look(&square)?.swap_remove(last));
        }
    }
    Ok(samples)
}
