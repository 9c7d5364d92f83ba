//! A picture to measure with.

use crate::frame::InputImage;
use crate::preprocess::Preprocessor;
use crate::source::demo::{DemoRenderer, HEIGHT, WIDTH};
use anyhow::Result;

/// A frame of the demo, as a camera would give it: with pixel embedding the time depends on which bytes are near each other.
pub(super) fn demo_input(edge: usize) -> Result<InputImage> {
    let mut rgb = vec![0; (WIDTH * HEIGHT * 3) as usize];
    DemoRenderer::new(1).render(0, &mut rgb);
    let mut image = InputImage::black(edge);
    Preprocessor::new(1).run(&rgb, WIDTH, HEIGHT, &mut image)?;
    Ok(image)
}
