//! A layer's channels over time: which ones hold but one code and since when, how active they are, how much they go with the
//! answer.

#![cfg_attr(not(feature = "app"), allow(dead_code, reason = "what the window shows"))]

use crate::network::Network;
use std::cmp::Ordering;

/// Classes that are told apart: the first ones that were answers. What a channel has to do with another one is not known.
const MOST_CLASSES: usize = 32;
/// Looks at a layer, one after the other, in which a channel holds but one code before the layer bears a mark for it.
const LOOKS: u8 = 4;

/// When a sample was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SampleTime {
    /// The frame's number in its source.
    pub(crate) frame: u64,
    /// Seconds since the layer is watched.
    pub(crate) seconds: f64,
}

/// What a channel is that holds but one code at all of its positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stillness {
    /// The code 0.
    Dead,
    /// The code 1, or 2.
    Constant,
    /// The code 3.
    Saturated,
}

impl Stillness {
    /// Of a channel that holds this code.
    fn of(code: u8) -> Self {
        match code {
            0 => Self::Dead,
            3.. => Self::Saturated,
            _ => Self::Constant,
        }
    }
}

/// A channel that holds but one code at all of its positions, in every sample since one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StillChannel {
    /// The code.
    pub(crate) code: u8,
    /// The first of these samples.
    pub(crate) since: SampleTime,
}

impl StillChannel {
    /// What that makes it.
    pub(crate) fn stillness(self) -> Stillness {
        Stillness::of(self.code)
    }
}

/// One channel over all samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ChannelLife {
    /// How often each code stood in it, over all positions and samples.
    counts: [u64; 4],
    /// The squares of the samples' sums of codes, added up.
    squares: u128,
    still: Option<StillChannel>,
}

impl ChannelLife {
    fn take(&mut self, at: SampleTime, codes: &[u8]) -> u64 {
        let counts: [u64; 4] =
            std::array::from_fn(|code| codes.iter().filter(|&&other| usize::from(other) == code).count() as u64);
        self.counts.iter_mut().zip(counts).for_each(|(all, new)| *all += new);
        let only = counts.iter().position(|&count| count == codes.len() as u64).map(|code| code as u8);
        self.still = only.map(|code| {
            let goes_on = self.still.filter(|still| still.code == code);
            goes_on.unwrap_or(StillChannel { code, since: at })
        });
        let sum = sum_of(counts);
        self.squares += u128::from(sum).pow(2);
        sum
    }

    /// Since when it holds but one code, where it does.
    pub(crate) fn still(&self) -> Option<StillChannel> {
        self.still
    }

    /// Its mean code, from 0 to 3, over all positions and samples.
    pub(crate) fn activity(&self) -> f64 {
        sum_of(self.counts) as f64 / self.positions()
    }

    /// The variance of its codes, over all positions and samples.
    pub(crate) fn variance(&self) -> f64 {
        let [_, ones, twos, threes] = self.counts;
        (ones + 4 * twos + 9 * threes) as f64 / self.positions() - self.activity().powi(2)
    }

    fn positions(&self) -> f64 {
        self.counts.iter().sum::<u64>().max(1) as f64
    }
}

/// The sum of so many codes of each kind.
fn sum_of([_, ones, twos, threes]: [u64; 4]) -> u64 {
    ones + 2 * twos + 3 * threes
}

/// The samples in which one class was the answer.
#[derive(Clone, Debug)]
struct AnsweredClass {
    class: usize,
    samples: u64,
    /// The codes of a channel, added up; one a channel.
    sums: Vec<u64>,
}

/// By what channels are sorted, most first; of equals the one with the lower number is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelOrder {
    /// Its number.
    Number,
    /// [`ChannelLife::activity`].
    Activity,
    /// [`ChannelLife::variance`].
    Variance,
    /// [`LayerLife::agreement`] with this class; where there is none, last.
    Agreement(usize),
}

/// The channels of one layer over all samples, in memory that does not grow with these.
#[derive(Clone, Debug)]
pub(crate) struct LayerLife {
    samples: u64,
    channels: Vec<ChannelLife>,
    answered: Vec<AnsweredClass>,
}

impl LayerLife {
    /// Before the first sample.
    pub(crate) fn new(channels: usize) -> Self {
        Self { samples: 0, channels: vec![ChannelLife::default(); channels], answered: Vec::new() }
    }

    /// Takes the layer's codes, CHW, of a frame that was answered with `class`. A layer without codes has no life.
    pub(crate) fn take(&mut self, at: SampleTime, codes: &[u8], class: usize) {
        let area = codes.len() / self.channels.len();
        if area == 0 {
            return;
        }
        self.samples += 1;
        let known = self.answered.iter().position(|answered| answered.class == class);
        let answered = known.or_else(|| {
            let new = self.answered.len();
            (new < MOST_CLASSES).then(|| {
                self.answered.push(AnsweredClass { class, samples: 0, sums: vec![0; self.channels.len()] });
                new
            })
        });
        let mut column = answered.map(|at| &mut self.answered[at]);
        if let Some(column) = &mut column {
            column.samples += 1;
        }
        for (number, (channel, codes)) in self.channels.iter_mut().zip(codes.chunks_exact(area)).enumerate() {
            let sum = channel.take(at, codes);
            if let Some(column) = &mut column {
                column.sums[number] += sum;
            }
        }
    }

    /// Samples that were taken.
    pub(crate) fn samples(&self) -> u64 {
        self.samples
    }

    /// One a channel.
    pub(crate) fn channels(&self) -> &[ChannelLife] {
        &self.channels
    }

    /// How much a channel goes with an answer: the correlation, from −1 to 1, of its mean code in a sample with whether that
    /// sample was answered with `class`. `None` where one of the two never changed.
    pub(crate) fn agreement(&self, channel: usize, class: usize) -> Option<f64> {
        let column = self.answered.iter().find(|answered| answered.class == class)?;
        let life = self.channels.get(channel)?;
        // All whole numbers: what never changed is exactly 0.
        let [all, with, sum, with_sum] =
            [self.samples, column.samples, sum_of(life.counts), column.sums[channel]].map(i128::from);
        let together = all * with_sum - with * sum;
        let own = all * life.squares.cast_signed() - sum * sum;
        let answers = with * (all - with);
        (own > 0 && answers > 0).then(|| together as f64 / ((own as f64).sqrt() * (answers as f64).sqrt()))
    }

    /// The channels' numbers, sorted.
    pub(crate) fn sorted(&self, by: ChannelOrder) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..self.channels.len()).collect();
        let figure = |&channel: &usize| match by {
            ChannelOrder::Number => 0.0,
            ChannelOrder::Activity => self.channels[channel].activity(),
            ChannelOrder::Variance => self.channels[channel].variance(),
            ChannelOrder::Agreement(class) => self.agreement(channel, class).unwrap_or(f64::NEG_INFINITY),
        };
        let most_first = |a: &usize, b: &usize| figure(b).partial_cmp(&figure(a)).unwrap_or(Ordering::Equal);
        numbers.sort_by(most_first);
        numbers
    }
}

/// How many channels of a layer hold but one code, for [`LOOKS`] looks and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LayerMark {
    /// The code 0.
    pub(crate) dead: u32,
    /// The code 1, or 2.
    pub(crate) constant: u32,
    /// The code 3.
    pub(crate) saturated: u32,
}

/// A channel as the last looks found it.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    /// The code of its first position.
    code: u8,
    /// Looks in which it held that code alone.
    looks: u8,
}

/// Which layers have channels that hold but one code, found by looking at one layer whole after the other: two bytes a
/// channel.
#[derive(Clone, Debug)]
pub(crate) struct LayerRounds {
    layers: Vec<Vec<Looked>>,
    next: usize,
}

impl LayerRounds {
    /// Before the first look.
    pub(crate) fn new(network: &Network) -> Self {
        let shapes = network.shapes(network.edge());
        let channels = network.layers().iter().zip(shapes).map(|(layer, shape)| {
            let channels = if layer.op.makes_codes() { shape.channels } else { 0 };
            vec![Looked::default(); channels]
        });
        Self { layers: channels.collect(), next: 0 }
    }

    /// The layer whose turn it is.
    pub(crate) fn next(&self) -> usize {
        self.next
    }

    /// Takes the codes, CHW, of the layer whose turn it is (none where an engine keeps them to itself); then it is the next one's.
    pub(crate) fn take(&mut self, codes: &[u8]) {
        let layer = &mut self.layers[self.next];
        let area = codes.len() / layer.len().max(1);
        if area > 0 {
            for (looked, codes) in layer.iter_mut().zip(codes.chunks_exact(area)) {
                let code = codes[0];
                let still = codes.iter().all(|&other| other == code);
                let before = if code == looked.code { looked.looks } else { 0 };
                *looked = Looked { code, looks: if still { before.saturating_add(1) } else { 0 } };
            }
        }
        let count = self.layers.len();
        let behind = (1..=count).map(|turn| (self.next + turn) % count);
        self.next = behind.into_iter().find(|&layer| !self.layers[layer].is_empty()).unwrap_or(0);
    }

    /// A mark a layer.
    pub(crate) fn marks(&self) -> Vec<LayerMark> {
        let mark = |layer: &Vec<Looked>| {
            let mut mark = LayerMark::default();
            for looked in layer.iter().filter(|looked| looked.looks >= LOOKS) {
                *match Stillness::of(looked.code) {
                    Stillness::Dead => &mut mark.dead,
                    Stillness::Constant => &mut mark.constant,
                    Stillness::Saturated => &mut mark.saturated,
                } += 1;
            }
            mark
        };
        self.layers.iter().map(mark).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::published::PublishedShape;
    use crate::splitmix64::SplitMix64;

    fn at(frame: u64) -> SampleTime {
        SampleTime { frame, seconds: frame as f64 / 10.0 }
    }

    #[test]
    fn a_channel_is_still_since_the_first_of_its_like_samples() {
        let mut life = LayerLife::new(3);
        for (frame, codes) in [[0, 0, 1, 1, 3, 3], [0, 0, 0, 0, 3, 2], [0, 0, 0, 0, 3, 3]].iter().enumerate() {
            life.take(at(frame as u64), codes, 0);
        }
        let still =
            |channel: usize| life.channels()[channel].still().map(|still| (still.stillness(), still.since.frame));
        assert_eq!(
            [still(0), still(1), still(2)],
            [Some((Stillness::Dead, 0)), Some((Stillness::Dead, 1)), Some((Stillness::Saturated, 2))]
        );
        assert_eq!((life.samples(), life.channels()[1].activity()), (3, 2.0 / 6.0));
        life.take(at(3), &[1, 2, 1, 1, 0, 3], 0);
        assert_eq!(
            [0, 1, 2].map(|channel| life.channels()[channel].still().map(StillChannel::stillness)),
            [None, Some(Stillness::Constant), None]
        );
        // Nothing was shown: nothing is known.
        life.take(at(4), &[], 0);
        assert_eq!(life.samples(), 4);
    }

    #[test]
    fn figures_equal_those_of_all_samples() {
        let (channels, area, classes) = (5, 16, 3);
        let mut random = SplitMix64(1);
        let mut below = |n: u64| random.next() % n;
        let mut life = LayerLife::new(channels);
        let mut means = vec![Vec::new(); channels];
        let mut all = vec![Vec::new(); channels];
        let mut answers = Vec::new();
        for frame in 0..200 {
            let class = below(classes) as usize;
            // The first channel goes with class 1, the last one is dead.
            let code = |channel: usize, below: &mut dyn FnMut(u64) -> u64| match channel {
                0 => (below(3) + u64::from(class == 1)) as u8,
                4 => 0,
                _ => below(4) as u8,
            };
            let codes: Vec<u8> = (0..channels * area).map(|i| code(i / area, &mut below)).collect();
            life.take(at(frame), &codes, class);
            for channel in 0..channels {
                let codes = &codes[channel * area..][..area];
                means[channel].push(codes.iter().map(|&c| f64::from(c)).sum::<f64>() / area as f64);
                all[channel].extend(codes.iter().map(|&c| f64::from(c)));
            }
            answers.push(class);
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let covariance = |a: &[f64], b: &[f64]| {
            let [over_a, over_b] = [mean(a), mean(b)];
            a.iter().zip(b).map(|(a, b)| (a - over_a) * (b - over_b)).sum::<f64>() / a.len() as f64
        };
        for (number, channel) in life.channels().iter().enumerate() {
            assert!((channel.activity() - mean(&all[number])).abs() < 1e-9);
            assert!((channel.variance() - covariance(&all[number], &all[number])).abs() < 1e-9);
            for class in 0..classes as usize {
                let is: Vec<f64> = answers.iter().map(|&answer| f64::from(u8::from(answer == class))).collect();
                let own = &means[number];
                let expected = covariance(own, &is) / (covariance(own, own) * covariance(&is, &is)).sqrt();
                match life.agreement(number, class) {
                    Some(found) => assert!((found - expected).abs() < 1e-9, "{found} {expected}"),
                    None => assert_eq!(number, 4),
                }
            }
        }
        assert!(life.agreement(0, 1).expect("both change") > 0.8 && life.agreement(0, 9).is_none());
        assert_eq!(life.sorted(ChannelOrder::Number), [0, 1, 2, 3, 4]);
        let first_and_last = |by| [0, 4].map(|place| life.sorted(by)[place]);
        assert_eq!(first_and_last(ChannelOrder::Agreement(1)), [0, 4]);
        assert_eq!(first_and_last(ChannelOrder::Activity)[1], 4);
        assert_eq!(first_and_last(ChannelOrder::Variance)[1], 4);
    }

    #[test]
    fn memory_does_not_grow_with_classes() {
        let mut life = LayerLife::new(2);
        for class in 0..1000 {
            life.take(at(class), &[(class % 4) as u8, 1], class as usize);
        }
        assert_eq!(life.answered.len(), MOST_CLASSES);
        assert!(life.agreement(0, MOST_CLASSES - 1).is_some() && life.agreement(0, MOST_CLASSES).is_none());
    }

    #[test]
    fn layers_take_turns_and_are_marked_after_some_looks() {
        let network =
            PublishedShape::named("erns18-0.75x").and_then(|shape| shape.random(1, false).ok()).expect("ours");
        let channels: Vec<usize> = network.shapes(32).iter().map(|shape| shape.channels).collect();
        let with_codes = network.layers().iter().filter(|layer| layer.op.makes_codes()).count();
        let mut rounds = LayerRounds::new(&network);
        for look in 1..=LOOKS {
            let mut seen = Vec::new();
            for _ in 0..with_codes {
                let layer = rounds.next();
                seen.push(layer);
                // Channel 0 is dead, 1 is constant, 2 is saturated, the others have two codes.
                let codes = |channel: usize| [[0, 0], [2, 2], [3, 3]].get(channel).copied().unwrap_or([0, 1]);
                rounds.take(&(0..channels[layer]).flat_map(codes).collect::<Vec<u8>>());
            }
            assert!(seen.is_sorted() && seen.len() == with_codes, "{seen:?}");
            let (marks, one) = (rounds.marks(), u32::from(look == LOOKS));
            for (layer, mark) in network.layers().iter().zip(marks) {
                let one = if layer.op.makes_codes() { one } else { 0 };
                assert_eq!(mark, LayerMark { dead: one, constant: one, saturated: one });
            }
        }
        rounds.take(&vec![1; channels[0]]);
        assert_eq!(rounds.marks()[0], LayerMark::default(), "a code that changed counts anew");
    }
}
