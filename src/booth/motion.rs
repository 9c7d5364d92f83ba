//! Whether anything moves before the camera.

use crate::frame::Frame;
use web_time::{Duration, Instant};

/// The picture as so many blocks across and down.
const BLOCKS: [usize; 2] = [24, 18];
/// Every so many pixels one is looked at, both ways.
const STRIDE: usize = 4;
/// Two looks lie so far apart: what moves slowly has moved in between.
const APART: Duration = Duration::from_millis(200);
/// How much a block's mean lightness changes where something moves, of 255: more than noise and compression make of it.
const CHANGE: f32 = 9.0;
/// So many blocks must change.
const LEAST_BLOCKS: usize = 4;

/// Looks for motion in frame after frame.
#[derive(Debug, Default)]
pub(crate) struct Motion {
    last: Option<(Instant, u64, Vec<f32>)>,
}

impl Motion {
    /// Whether something moved since the last look. The first frame of a source moves nothing.
    pub(crate) fn see(&mut self, frame: &Frame, now: Instant) -> bool {
        if self.last.as_ref().is_some_and(|(seen, source, _)| *source == frame.source && now < *seen + APART) {
            return false;
        }
        let blocks = means(frame);
        let before = self.last.replace((now, frame.source, blocks.clone()));
        before.filter(|(_, source, _)| *source == frame.source).is_some_and(|(.., before)| has_moved(&before, &blocks))
    }
}

/// Whether blocks changed, and not all of them alike: a lamp is switched on, a camera sets its exposure.
fn has_moved(before: &[f32], now: &[f32]) -> bool {
    if before.len() != now.len() {
        return false;
    }
    let mut changes: Vec<f32> = now.iter().zip(before).map(|(now, before)| now - before).collect();
    changes.sort_by(f32::total_cmp);
    let common = changes[changes.len() / 2];
    changes.iter().filter(|change| (*change - common).abs() > CHANGE).count() >= LEAST_BLOCKS
}

/// Every block's mean of green, which is most of lightness.
fn means(frame: &Frame) -> Vec<f32> {
    let [across, down] = BLOCKS;
    let (width, height) = (frame.width as usize, frame.height as usize);
    let (mut sums, mut counts) = (vec![0.0_f32; across * down], vec![0.0_f32; across * down]);
    for y in (0..height).step_by(STRIDE) {
        for x in (0..width).step_by(STRIDE) {
            let block = y * down / height * across + x * across / width;
            sums[block] += f32::from(frame.rgb[3 * (y * width + x) + 1]);
            counts[block] += 1.0;
        }
    }
    sums.iter().zip(&counts).map(|(sum, count)| sum / count.max(1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::splitmix64::SplitMix64;

    /// A grey picture with noise, and a bright square of so many pixels at a place.
    fn frame(light: u8, square: Option<usize>, seed: u64) -> Frame {
        let mut noise = SplitMix64(seed);
        let (width, height) = (320_usize, 240_usize);
        let mut rgb: Vec<u8> = (0..3 * width * height).map(|_| light + (noise.next() % 9) as u8).collect();
        for (x, y) in square.into_iter().flat_map(|at| (at..at + 48).flat_map(move |x| (80..128).map(move |y| (x, y))))
        {
            rgb[3 * (y * width + x)..][..3].fill(240);
        }
        let (captured, took) = (Instant::now(), Duration::ZERO);
        let rgb = rgb.into();
        Frame { source: 1, index: 0, dropped: 0, width: 320, height: 240, rgb, captured, took, truth: None }
    }

    fn moved(first: &Frame, then: &Frame) -> bool {
        let (mut motion, start) = (Motion::default(), Instant::now());
        assert!(!motion.see(first, start));
        motion.see(then, start + Duration::from_secs(1))
    }

    #[test]
    fn a_thing_that_moves_is_motion() {
        assert!(moved(&frame(60, Some(40), 1), &frame(60, Some(90), 2)));
        assert!(moved(&frame(60, None, 1), &frame(60, Some(90), 2)));
    }

    #[test]
    fn noise_and_light_are_none() {
        assert!(!moved(&frame(60, Some(40), 1), &frame(60, Some(40), 2)));
        assert!(!moved(&frame(60, None, 1), &frame(110, None, 2)));
    }
}
