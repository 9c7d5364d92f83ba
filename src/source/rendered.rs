//! The demo as a source.

use super::demo::{DemoRenderer, HEIGHT, WIDTH};
use super::error::SourceError;
use super::interface::{Polled, Source};
use super::picture::{Picture, black, only_owner};
use std::time::Duration;

/// Frames a second of the demo.
const RATE: f32 = 30.0;

/// Rendered scenes of one seed, without an end.
pub(crate) struct Rendered {
    renderer: DemoRenderer,
    seed: u64,
    index: u64,
}

impl Rendered {
    pub(crate) fn new(seed: u64) -> Self {
        Self { renderer: DemoRenderer::new(seed), seed, index: 0 }
    }
}

impl Source for Rendered {
    fn name(&self) -> String {
        format!("demo {}", self.seed)
    }

    fn rate(&self) -> Option<f32> {
        Some(RATE)
    }

    fn next(&mut self, _patience: Duration) -> Result<Polled, SourceError> {
        let mut rgb = black(WIDTH as usize * HEIGHT as usize * 3);
        let truth = self.renderer.render(self.index, only_owner(&mut rgb));
        self.index += 1;
        Ok(Polled::Picture(Picture { truth: Some(truth), ..Picture::new(WIDTH, HEIGHT, rgb) }))
    }
}
