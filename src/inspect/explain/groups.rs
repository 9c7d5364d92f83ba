//! Terms put together, the weightiest first.

use super::explanation::{Explanation, Term};
use std::collections::BTreeMap;

/// By what terms are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GroupBy {
    /// The convolution: a trunk has several, each the end of a branch.
    Branch,
    /// The convolution and the position in its kernel.
    Tap,
    /// The convolution and the channel that it reads.
    Channel,
}

/// Terms put together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Group {
    /// The layer whose weights they are.
    pub(crate) by: usize,
    /// The layer whose codes are read; `None`: the picture.
    pub(crate) layer: Option<usize>,
    /// Rows and columns from the kernel's middle, where terms are put together by it.
    pub(crate) tap: Option<[i32; 2]>,
    /// The channel that is read, where terms are put together by it.
    pub(crate) channel: Option<usize>,
    /// The sum of its terms above 0.
    pub(crate) plus: f64,
    /// The sum of its terms below 0, its sign left out.
    pub(crate) minus: f64,
}

impl Group {
    /// What it adds to the sum.
    pub(crate) fn sum(&self) -> f64 {
        self.plus - self.minus
    }

    fn new(term: &Term, by: GroupBy) -> Self {
        let tap = (by == GroupBy::Tap).then_some(term.tap);
        let channel = (by == GroupBy::Channel).then_some(term.channel);
        Self { by: term.by, layer: term.layer, tap, channel, plus: 0.0, minus: 0.0 }
    }

    fn add(&mut self, contribution: f64) {
        *if contribution > 0.0 { &mut self.plus } else { &mut self.minus } += contribution.abs();
    }
}

/// A byte of the picture, the row of the pixel embedding's table that it chose, and what this adds to a sum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LookedUp {
    /// Row of the picture.
    pub(crate) y: usize,
    /// Column of the picture.
    pub(crate) x: usize,
    /// 0 red, 1 green, 2 blue.
    pub(crate) colour: usize,
    /// Rows and columns from the kernel's middle.
    pub(crate) tap: [i32; 2],
    /// The byte.
    pub(crate) byte: u8,
    /// The codes of its row.
    pub(crate) codes: Vec<u8>,
    /// Σ weight · code over them.
    pub(crate) sum: f64,
}

impl Explanation {
    /// All terms put together, those that add or take most first, and of equal ones in the order of the terms.
    pub(crate) fn groups(&self, by: GroupBy) -> Vec<Group> {
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        for term in self.terms() {
            let empty = Group::new(&term, by);
            groups.entry((empty.by, empty.tap, empty.channel)).or_insert(empty).add(term.contribution());
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by(|a, b| b.sum().abs().total_cmp(&a.sum().abs()));
        groups
    }

    /// Of a convolution that reads the pixel embedding, byte by byte, the same order; none of other layers, nor of a classifier, which
    /// would look up the whole picture.
    pub(crate) fn look_ups(&self) -> Vec<LookedUp> {
        let network = self.network();
        let classifier = network.layers().len() - 1;
        let mut found = Vec::new();
        for reading in self.readings().iter().filter(|reading| reading.by != classifier) {
            for at in reading.positions() {
                for colour in 0..3 {
                    let Some((table, byte)) = reading.looked_up(network, colour, at) else { continue };
                    let first = colour * table.depth();
                    let terms = || (first..first + table.depth()).map(|channel| self.term(reading, channel, at));
                    let [y, x] = at;
                    found.push(LookedUp {
                        y,
                        x,
                        colour,
                        tap: self.term(reading, first, at).tap,
                        byte,
                        codes: table.row(colour, byte).to_vec(),
                        sum: terms().map(|term| term.contribution()).sum(),
                    });
                }
            }
        }
        found.sort_by(|a, b| b.sum.abs().total_cmp(&a.sum.abs()));
        found
    }
}
