//! The SIMD engine: a network is lowered once (`plan`) to packed weights and steps, then each picture runs through kernels
//! chosen for the processor (`kernels`) without allocating.
//!
//! A run goes step by step, a step a layer; large ones are shared among threads, by rows or by output channels. Pixel embedding and the first
//! convolution are one step (`pixel_sums`). Codes stay packed from the first layer to the last (`packing` says how); probes
//! get them unpacked or counted (`unpack`), and what no step needs, like the embedding's codes or the sums that kernels keep
//! in registers, by running that one layer again.

mod arena;
mod classify;
mod embed;
mod error;
#[cfg(feature = "live")]
mod isolated;
mod kernels;
mod level;
mod packing;
mod pixel_sums;
mod plan;
mod unpack;

pub use error::CpuError;
pub use level::Level;

use super::{Engine, EngineError, EngineInfo, EngineKind, Outcome, Probe, check_input};
use crate::frame::InputImage;
use crate::network::Network;
use arena::{Arena, Unwatched, Watched};
use kernels::Kernels;
use kernels::pool::Pool;
use plan::{Made, Plan, Work};
use std::any::Any;
use std::sync::Arc;

/// What computes a layer that is part of another one's work.
const IN_THE_NEXT: &str = "in the next layer";
const IN_THE_LAST: &str = "in the layer before";

/// Whether a network is large enough at this input edge to gain by more than one thread; for a smaller one this engine takes one,
/// whatever it is given.
#[cfg(feature = "app")]
pub(crate) fn gains_by_threads(network: &Network, edge: usize) -> bool {
    plan::is_shared(&network.shapes(edge))
}

/// The SIMD engine.
pub struct CpuEngine {
    network: Arc<Network>,
    edge: usize,
    level: Level,
    kernels: Kernels,
    plan: Plan,
    arena: Arena,
    pool: Pool,
}

impl CpuEngine {
    /// For pictures of `edge` × `edge` pixels. At most 64 threads compute, and one alone where the network is too small to
    /// gain by more.
    ///
    /// # Errors
    /// [`CpuError::Level`], where the processor lacks the level; [`CpuError::Size`], where [`Network::check_edge`] refuses
    /// `edge`.
    pub fn new(network: Arc<Network>, edge: usize, level: Level, threads: usize) -> Result<Self, CpuError> {
        Self::after(None, network, edge, level, threads)
    }

    /// The same in the place of `before`, whose packed weights it shares where the network and the level are the same.
    ///
    /// # Errors
    /// As [`CpuEngine::new`].
    pub fn after(
        before: Option<&Self>,
        network: Arc<Network>,
        edge: usize,
        level: Level,
        threads: usize,
    ) -> Result<Self, CpuError> {
        network.check_edge(edge)?;
        let kernels = Kernels::new(level).ok_or(CpuError::Level(level))?;
        let alike = before.filter(|before| before.level == level && Arc::ptr_eq(&before.network, &network));
        let plan = Plan::new(&network, edge, kernels.packing(), alike.map(|before| &before.plan));
        let arena = Arena::new(&plan);
        let pool = plan.pool(threads);
        Ok(Self { network, edge, level, kernels, plan, arena, pool })
    }

    /// The codes of the first layer alone, CHW: what a host computes for a board behind a float first layer.
    ///
    /// # Errors
    /// [`EngineError::Size`].
    #[cfg(feature = "fpga")]
    pub(crate) fn first_codes(&mut self, input: &InputImage, codes: &mut Vec<u8>) -> Result<(), EngineError> {
        check_input(input, self.edge)?;
        let shape = self.plan.shapes[0];
        codes.resize(shape.channels * shape.edge * shape.edge, 0);
        self.arena.run_first(self.kernels, &self.plan, &mut self.pool, input, codes);
        Ok(())
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> EngineInfo {
        let kernel = |work: &Work| match work {
            Work::Embed { .. } => "table",
            Work::PixelConv { .. } => "sums of table rows",
            Work::FloatConv { .. } => self.kernels.float_convolution(),
            Work::Conv { conv, .. } | Work::Residual { conv, .. } if conv.is_along_positions() => {
                self.kernels.along_positions()
            }
            Work::Conv { .. } | Work::Residual { .. } => self.kernels.convolution(),
            Work::Activation { .. } | Work::Activated { .. } => "thresholds",
            Work::Classify { .. } => "pooled lut4",
        };
        EngineInfo {
            kind: EngineKind::Cpu,
            name: format!("cpu:{}", self.level),
            threads: self.pool.threads(),
            kernels: self
                .plan
                .steps
                .iter()
                .map(|step| match step.made {
                    Made::Now => kernel(&step.work),
                    Made::Before => IN_THE_LAST,
                    Made::ForProbes => IN_THE_NEXT,
                })
                .collect(),
            most_macs_a_cycle: self.level.most_macs_a_cycle(),
            board: None,
        }
    }

    fn network(&self) -> &Arc<Network> {
        &self.network
    }

    fn edge(&self) -> usize {
        self.edge
    }

    fn planned_bytes(&self) -> usize {
        self.plan.weight_bytes() + self.arena.bytes()
    }

    fn shareable(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn round_apart(&mut self, apart: bool) {
        self.kernels.round_apart(apart);
    }

    fn set_threads(&mut self, threads: usize) {
        self.pool = self.plan.pool(threads);
    }

    fn run(&mut self, input: &InputImage) -> Result<Outcome<'_>, EngineError> {
        check_input(input, self.edge)?;
        Ok(Outcome::here(self.arena.run(self.kernels, &self.plan, &mut self.pool, input, &mut Unwatched)))
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<Outcome<'_>, EngineError> {
        check_input(input, self.edge)?;
        self.arena.make_probe_room(&self.plan);
        Ok(Outcome::here(self.arena.run(self.kernels, &self.plan, &mut self.pool, input, &mut Watched(probe))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::reference::ReferenceEngine;
    use crate::network::{BinaryConv, Classifier, CodeTable, Geometry, Layer, NetworkParts, Op, Thresholds, TrunkMode};

    fn conv(in_channels: usize, out_channels: usize, kernel: usize) -> BinaryConv {
        let geometry = Geometry { in_channels, out_channels, kernel, stride: 1 };
        let bytes = out_channels * kernel * kernel * in_channels / 8;
        BinaryConv::new(geometry, (0..bytes).map(|i| (i * 89 / 4) as u8).collect()).expect("whole bytes a tap")
    }

    /// Small enough for Miri, which follows every pointer of the generic algorithms at the scalar level; all levels and
    /// shapes are in `tests/engines.rs`.
    #[test]
    fn a_small_network_is_that_of_the_reference() {
        let thresholds =
            |channels| Thresholds::new(vec![[-4, 0, 5]; channels], vec![false; channels]).expect("in order");
        let classifier = Classifier::new(conv(24, 3, 1), vec![0.5; 3]).expect("a scale a class");
        let ops = [
            Op::PixelEmbedding(CodeTable::thermometer(8).expect("8 codes a colour")),
            Op::Conv { input: 0, conv: conv(24, 8, 1), thresholds: thresholds(8) },
            Op::Residual { input: 1, conv: conv(8, 24, 3), trunk: TrunkMode::Start },
            Op::Residual { input: 1, conv: conv(8, 24, 1), trunk: TrunkMode::Add },
            Op::Activation(thresholds(24)),
            Op::Classifier { input: 4, classifier },
        ];
        let layer = |(i, op): (usize, Op)| Layer { name: i.to_string(), op };
        let network = Network::new(NetworkParts {
            name: "small".into(),
            family: "small".into(),
            edge: 4,
            labels: vec![String::new(); 3],
            layers: ops.into_iter().enumerate().map(layer).collect(),
            known: None,
            training: serde_json::Map::new(),
        });
        let network = Arc::new(network.expect("well formed"));
        let mut image = InputImage::black(4);
        image.rgb_mut().iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 37) as u8);
        let mut reference = ReferenceEngine::new(Arc::clone(&network), 4).expect("a size of it");
        let expected = reference.run(&image).expect("fits").logits;
        for level in Level::ALL.into_iter().filter(|level| level.is_available()) {
            let mut engine = CpuEngine::new(Arc::clone(&network), 4, level, 1).expect("available");
            assert_eq!(engine.run(&image).expect("fits").logits, expected, "{level}");
        }
    }
}
