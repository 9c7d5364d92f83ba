//! Varied copies of a frame: the same thing a little turned, nearer, elsewhere, in another light.

use super::eyes::TeachError;
use crate::frame::InputImage;
use crate::splitmix64::SplitMix64;
use image::RgbImage;
use imageproc::geometric_transformations::{Border, Interpolation, Projection, warp};

/// How far a copy may be from the frame.
#[derive(Clone, Copy)]
pub(super) struct Variety {
    /// Degrees to either side.
    pub(super) turn: f32,
    /// Logarithm of the zoom.
    pub(super) zoom: f32,
    /// A part of the edge.
    pub(super) shift: f32,
}

/// Of a whole frame.
pub(super) const FRAME: Variety = Variety { turn: 10.0, zoom: 0.15, shift: 0.08 };
/// Of the thing alone, before another background.
pub(super) const THING: Variety = Variety { turn: 20.0, zoom: 0.3, shift: 0.16 };
/// Logarithm of the change of contrast; brightness changes by so many times [`BRIGHTNESS`].
const LIGHT: f32 = 0.2;
const BRIGHTNESS: f32 = 60.0;

/// Random numbers with a few ways to draw them.
pub(super) struct Dice(SplitMix64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(SplitMix64(seed))
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f32 {
        (self.0.next() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Uniform between −`most` and `most`.
    fn around_zero(&mut self, most: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * most
    }

    /// Uniform in 0..`count`, 0 where that is empty.
    pub(super) fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f32) as usize).min(count.saturating_sub(1))
    }

    /// Any number.
    pub(super) fn seed(&mut self) -> u64 {
        self.0.next()
    }
}

/// A picture as `imageproc` takes it.
pub(super) fn to_image(picture: &InputImage) -> RgbImage {
    let edge = picture.edge() as u32;
    RgbImage::from_fn(edge, edge, |x, y| {
        let at = (y as usize * picture.edge() + x as usize) * 3;
        image::Rgb([picture.rgb()[at], picture.rgb()[at + 1], picture.rgb()[at + 2]])
    })
}

/// And back.
pub(super) fn to_input(image: RgbImage) -> Result<InputImage, TeachError> {
    let edge = image.width() as usize;
    InputImage::from_rgb(edge, image.into_raw()).ok_or(TeachError::Alike)
}

/// A random mapping that brings what is at `from` to `to`, both in pixels, and turns, zooms and maybe mirrors around it.
pub(super) fn mapping(variety: Variety, from: [f32; 2], to: [f32; 2], dice: &mut Dice) -> Projection {
    let zoom = dice.around_zero(variety.zoom).exp();
    let mirrored = if dice.unit() < 0.5 { -zoom } else { zoom };
    Projection::translate(-from[0], -from[1])
        .and_then(Projection::scale(mirrored, zoom))
        .and_then(Projection::rotate(dice.around_zero(variety.turn).to_radians()))
        .and_then(Projection::translate(to[0], to[1]))
}

/// The centre of a square, shifted at random.
pub(super) fn near_centre(edge: u32, shift: f32, dice: &mut Dice) -> [f32; 2] {
    let edge = edge as f32;
    [0, 1].map(|_| edge / 2.0 + dice.around_zero(shift * edge))
}

/// A varied copy of a whole frame; what it lacks at its borders goes on as the border is.
pub(super) fn vary(frame: &RgbImage, dice: &mut Dice) -> RgbImage {
    let centre = [frame.width() as f32 / 2.0; 2];
    let to = near_centre(frame.width(), FRAME.shift, dice);
    let mapping = mapping(FRAME, centre, to, dice);
    let mut copy = warp(frame, mapping, Interpolation::Bilinear, Border::Replicate);
    relight(&mut copy, dice);
    copy
}

/// Another light: contrast around the middle, and brightness.
pub(super) fn relight(picture: &mut RgbImage, dice: &mut Dice) {
    let contrast = dice.around_zero(LIGHT).exp();
    let brightness = dice.around_zero(LIGHT) * BRIGHTNESS;
    let lit = |byte: u8| ((f32::from(byte) - 128.0) * contrast + 128.0 + brightness).round().clamp(0.0, 255.0) as u8;
    picture.iter_mut().for_each(|byte| *byte = lit(*byte));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_like_its_frame_and_no_two_are_the_same() {
        let frame = RgbImage::from_fn(64, 64, |x, y| image::Rgb([(x * 4) as u8, (y * 4) as u8, 90]));
        let mut dice = Dice::new(1);
        let copies: Vec<RgbImage> = (0..20).map(|_| vary(&frame, &mut dice)).collect();
        for (at, copy) in copies.iter().enumerate() {
            // Blue is everywhere the same, so that it tells of the light alone.
            assert!(copy.pixels().all(|pixel| pixel[2].abs_diff(90) <= 25), "copy {at}");
            assert!(copies[..at].iter().all(|other| other != copy), "copy {at}");
        }
        let mirrored = copies.iter().filter(|copy| copy.get_pixel(8, 32)[0] > copy.get_pixel(56, 32)[0]).count();
        assert!((4..=16).contains(&mirrored), "{mirrored} of 20");
    }
}
