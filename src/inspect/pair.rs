//! Two probes on one run.

use crate::board::LayerCycles;
use crate::engine::{CodeHistogram, Probe, Sums, Wants};
use std::time::Duration;

/// Two probes on one run; each is shown what it wants.
pub(crate) struct ProbePair<'a>(pub(crate) &'a mut dyn Probe, pub(crate) &'a mut dyn Probe);

impl Probe for ProbePair<'_> {
    fn wants(&self, layer: usize) -> Wants {
        self.0.wants(layer).or(self.1.wants(layer))
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        for probe in [&mut *self.0, &mut *self.1] {
            if probe.wants(layer).codes {
                probe.codes(layer, codes);
            }
        }
    }

    fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
        for probe in [&mut *self.0, &mut *self.1] {
            if probe.wants(layer).histogram {
                probe.histogram(layer, counts);
            }
        }
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        for probe in [&mut *self.0, &mut *self.1] {
            if probe.wants(layer).sums {
                probe.sums(layer, sums);
            }
        }
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.0.time(layer, elapsed);
        self.1.time(layer, elapsed);
    }

    fn cycles(&mut self, layer: usize, counted: LayerCycles) {
        self.0.cycles(layer, counted);
        self.1.cycles(layer, counted);
    }
}
