//! Counts of right answers.

use std::collections::BTreeMap;

/// How often pictures of one class were taken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Confusion {
    /// What they show.
    pub truth: usize,
    /// What the network said.
    pub answer: usize,
    /// How many.
    pub count: u64,
}

/// What a network made of labelled pictures.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    images: u64,
    top1: u64,
    top5: u64,
    mistakes: BTreeMap<(usize, usize), u64>,
}

impl Tally {
    /// Counts a picture of class `truth` for which the network gave `logits`, one a class. Of equal logits the first class's
    /// counts as the largest. Whether that was right.
    pub(crate) fn count(&mut self, truth: usize, logits: &[f32]) -> bool {
        self.images += 1;
        let own = logits.get(truth).copied().unwrap_or(f32::NEG_INFINITY);
        let before = |&(class, &logit): &(usize, &f32)| logit > own || logit == own && class < truth;
        let rank = logits.iter().enumerate().filter(before).count();
        if rank == 0 {
            self.top1 += 1;
        } else {
            self.top5 += u64::from(rank < 5);
            *self.mistakes.entry((truth, best(logits))).or_default() += 1;
        }
        rank == 0
    }

    /// Pictures.
    pub(crate) fn images(&self) -> u64 {
        self.images
    }

    /// Pictures whose class got the largest logit.
    pub(crate) fn top1(&self) -> u64 {
        self.top1
    }

    /// Pictures whose class is among the five with the largest logits.
    pub(crate) fn top5(&self) -> u64 {
        self.top1 + self.top5
    }

    /// The `most` commonest mistakes, the commonest first.
    pub(crate) fn confusions(&self, most: usize) -> Vec<Confusion> {
        let confusion = |(&(truth, answer), &count)| Confusion { truth, answer, count };
        let mut confusions: Vec<Confusion> = self.mistakes.iter().map(confusion).collect();
        confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.count));
        confusions.truncate(most);
        confusions
    }
}

/// The first class with the largest logit.
fn best(logits: &[f32]) -> usize {
    logits.iter().enumerate().fold(0, |best, (class, logit)| if *logit > logits[best] { class } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_counted() {
        let mut tally = Tally::default();
        let logits = [0.5, 3.0, 2.0, 3.0, 1.0, 0.0, -1.0];
        for truth in [1, 3, 5, 6, 0, 0] {
            tally.count(truth, &logits);
        }
        // Classes 1 and 3 tie: the first one wins. Class 0 is fifth, class 5 sixth.
        assert_eq!((tally.images(), tally.top1(), tally.top5()), (6, 1, 4));
        let worst = Confusion { truth: 0, answer: 1, count: 2 };
        assert_eq!(tally.confusions(1), [worst]);
        assert_eq!(tally.confusions(10).len(), 4);
    }
}
