//! How well a network tells what it knows from what it does not.

use crate::network::Knowing;

/// What a network said of pictures of its classes that it recognised, and of foreign ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Separation {
    right: Vec<Knowing>,
    foreign: Vec<Knowing>,
    /// Foreign pictures that were given a name.
    named: usize,
}

impl Separation {
    /// Counts a picture that was recognised rightly.
    pub(crate) fn count_right(&mut self, knowing: Knowing) {
        self.right.push(knowing);
    }

    /// Counts a foreign picture; `named` where the network gave it a class that is something.
    pub(crate) fn count_foreign(&mut self, knowing: Knowing, named: bool) {
        self.foreign.push(knowing);
        self.named += usize::from(named);
    }

    /// Foreign pictures.
    pub(crate) fn foreign(&self) -> usize {
        self.foreign.len()
    }

    /// The area under the receiver operating characteristic: how often a rightly recognised picture is more known than a foreign one,
    /// a tie counted as half (Fawcett: An introduction to ROC analysis, 2006).
    pub(crate) fn auroc(&self) -> f64 {
        let known = |knowing: &Knowing| knowing.known;
        let mut foreign: Vec<f32> = self.foreign.iter().map(known).collect();
        foreign.sort_by(f32::total_cmp);
        let below = |right: f32| foreign.partition_point(|&known| known < right);
        let up_to = |right: f32| foreign.partition_point(|&known| known <= right);
        let wins = |right: f32| (below(right) + up_to(right)) as f64 / 2.0;
        let pairs = self.right.len() as f64 * foreign.len() as f64;
        self.right.iter().map(known).map(wins).sum::<f64>() / pairs
    }

    /// The share of the foreign pictures that were given a name.
    pub(crate) fn foreign_named(&self) -> f64 {
        self.named as f64 / self.foreign.len() as f64
    }

    /// The share of the right answers of which the network was sure.
    pub(crate) fn right_kept(&self) -> f64 {
        self.right.iter().filter(|knowing| knowing.sure).count() as f64 / self.right.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted() {
        let knowing = |known| Knowing { known, sure: known >= 0.5 };
        let mut separation = Separation::default();
        for known in [0.9, 0.5, 0.2] {
            separation.count_right(knowing(known));
        }
        for (known, named) in [(0.5, true), (0.1, false), (0.6, false), (0.3, false)] {
            separation.count_foreign(knowing(known), named);
        }
        // Of 12 pairs 4 are won by 0.9, 2 and a half by 0.5, 1 by 0.2.
        assert!((separation.auroc() - 7.5 / 12.0).abs() < 1e-9);
        assert_eq!((separation.foreign(), separation.foreign_named()), (4, 0.25));
        assert!((separation.right_kept() - 2.0 / 3.0).abs() < 1e-9);
    }
}
