//! The SIMD engine.

use super::{Engine, EngineError, EngineInfo, OpenError, Probe};
use crate::frame::InputImage;
use crate::network::Network;
use std::fmt;
use std::sync::Arc;

/// An instruction set that the kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Any processor.
    Scalar,
}

impl Level {
    /// All levels, best last.
    pub const ALL: [Self; 1] = [Self::Scalar];

    /// The level that the command line calls `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// As the command line spells it.
    pub fn name(self) -> &'static str {
        "scalar"
    }

    /// All names, for messages.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Whether this processor can.
    pub fn is_available(self) -> bool {
        true
    }

    /// The best one here.
    pub fn best() -> Self {
        Self::Scalar
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The SIMD engine.
pub struct CpuEngine {
    inner: super::reference::ReferenceEngine,
}

impl CpuEngine {
    /// For an `edge` that [`Network::check_edge`] accepts.
    ///
    /// # Errors
    /// [`OpenError::Unavailable`].
    pub fn new(network: Arc<Network>, edge: usize, _level: Level, _threads: usize) -> Result<Self, OpenError> {
        Ok(Self { inner: super::reference::ReferenceEngine::new(network, edge) })
    }
}

impl Engine for CpuEngine {
    fn info(&self) -> EngineInfo {
        self.inner.info()
    }

    fn network(&self) -> &Arc<Network> {
        self.inner.network()
    }

    fn edge(&self) -> usize {
        self.inner.edge()
    }

    fn planned_bytes(&self) -> usize {
        self.inner.planned_bytes()
    }

    fn run(&mut self, input: &InputImage) -> Result<&[f32], EngineError> {
        self.inner.run(input)
    }

    fn run_probed(&mut self, input: &InputImage, probe: &mut dyn Probe) -> Result<&[f32], EngineError> {
        self.inner.run_probed(input, probe)
    }
}
