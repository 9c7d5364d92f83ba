//! Pixels and who owns them.
//!
//! A [`Frame`] is a picture as a source delivered it, any size. An [`InputImage`] is the square a network reads. Both hold
//! 8-bit RGB, rows from top to bottom, pixels from left to right, the three colours of a pixel side by side (HWC).

use std::sync::Arc;
use std::time::Duration;
use web_time::Instant;

/// A picture from a source. Cloning shares the pixels.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Which of the sources that one supervisor ran, counted from 1: frames of two sources have no number in common.
    pub source: u64,
    /// Counts the frames of one source from 0, dropped ones included.
    pub index: u64,
    /// Frames of the same source before this one that gave way to a newer one.
    pub dropped: u64,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// `width · height · 3` bytes, RGB, row by row.
    pub rgb: Arc<[u8]>,
    /// When the source delivered it: latency counts from here.
    pub captured: Instant,
    /// How long the source took for it: rendering, reading and decoding, or waiting for the camera.
    pub took: Duration,
    /// What the picture shows, where the source knows it.
    pub truth: Option<Truth>,
}

/// What a frame really shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The label, as a network of the same family spells it; `"nothing"` where no card shows.
    pub label: String,
    /// Height of the card as a fraction of the frame's height (0 without a card).
    pub size: f32,
    /// Hidden part of the card's area, 0 to 1.
    pub occlusion: f32,
}

/// The square picture that a network reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputImage {
    edge: usize,
    rgb: Vec<u8>,
}

impl InputImage {
    /// A black picture of `edge` × `edge` pixels.
    ///
    /// # Panics
    /// As a `Vec` does, where `edge · edge · 3` bytes are more than can be addressed. Networks read edges up to
    /// [`MAX_EDGE`](crate::network::MAX_EDGE).
    pub fn black(edge: usize) -> Self {
        Self { edge, rgb: vec![0; bytes(edge).expect("capacity overflow")] }
    }

    /// Takes `edge · edge · 3` RGB bytes; `None` where the length does not fit.
    pub fn from_rgb(edge: usize, rgb: Vec<u8>) -> Option<Self> {
        (Some(rgb.len()) == bytes(edge)).then_some(Self { edge, rgb })
    }

    /// Width and height in pixels.
    pub fn edge(&self) -> usize {
        self.edge
    }

    /// The bytes, HWC.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The bytes, HWC, to write into.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }
}

/// Bytes of a square picture; `None` where a `usize` does not hold their number.
fn bytes(edge: usize) -> Option<usize> {
    edge.checked_mul(edge)?.checked_mul(3)
}

/// The square of a frame that a network sees, in pixels of the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crop {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width and height.
    pub edge: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_of_the_edge_make_a_picture() {
        assert_eq!(InputImage::from_rgb(1, vec![1, 2, 3]).expect("one pixel").rgb(), [1, 2, 3]);
        assert_eq!(InputImage::from_rgb(1, vec![1, 2]), None);
        for edge in [1 << (usize::BITS / 2), usize::MAX] {
            assert_eq!(InputImage::from_rgb(edge, Vec::new()), None);
        }
    }

    #[test]
    #[should_panic(expected = "capacity overflow")]
    fn a_picture_beyond_all_memory_is_refused() {
        InputImage::black(1 << (usize::BITS / 2));
    }
}
