//! Several probes on one run.

use crate::board::LayerCycles;
use crate::engine::{CodeHistogram, Probe, Sums, Wants};
use std::time::Duration;

/// Several probes on one run; each is shown what it wants.
pub(crate) struct ProbeList<'a>(pub(crate) Vec<&'a mut dyn Probe>);

impl Probe for ProbeList<'_> {
    fn wants(&self, layer: usize) -> Wants {
        self.0.iter().fold(Wants::default(), |all, probe| all.or(probe.wants(layer)))
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.0.iter_mut().filter(|probe| probe.wants(layer).codes).for_each(|probe| probe.codes(layer, codes));
    }

    fn histogram(&mut self, layer: usize, counts: CodeHistogram) {
        self.0.iter_mut().filter(|probe| probe.wants(layer).histogram).for_each(|probe| probe.histogram(layer, counts));
    }

    fn sums(&mut self, layer: usize, sums: Sums<'_>) {
        self.0.iter_mut().filter(|probe| probe.wants(layer).sums).for_each(|probe| probe.sums(layer, sums));
    }

    fn time(&mut self, layer: usize, elapsed: Duration) {
        self.0.iter_mut().for_each(|probe| probe.time(layer, elapsed));
    }

    fn cycles(&mut self, layer: usize, counted: LayerCycles) {
        self.0.iter_mut().for_each(|probe| probe.cycles(layer, counted));
    }
}
