//! A wider film, for training: cards from afar and at any turn, prints that are grey, pale or short of an ink, our frame
//! around what is none of ours, photographs behind the cards and in the frames.
//!
//! The film of a seed goes on showing the same shots; what is wider about a shot is drawn from random numbers of its own,
//! so that the demo's frames stay as they are.

use std::path::Path;

use super::decoy;
use super::dice::Rng;
use super::drawing::Canvas;
use super::scene::{Props, Scene};
use super::shot::Sway;
use super::texture::Tint;
use super::{Decoy, background};
use crate::source::SourceError;
use crate::source::picture::{Picture, pictures_in, read_picture};

/// Heights of a card that is far away, as parts of the frame's.
const FAR: [f32; 2] = [0.26, 0.45];
/// How much of the blur is left before a card that is far away: what would hide its picture teaches nothing.
const FAR_BLUR: f32 = 0.6;

/// Photographs to hold cards before, and to put into frames like ours.
pub struct Photographs(Vec<Picture>);

impl Photographs {
    /// Reads all pictures of a folder, in the order of their names.
    ///
    /// # Errors
    /// Where the folder or a picture in it cannot be read, or there is none.
    pub(crate) fn read(folder: &Path) -> Result<Self, SourceError> {
        Ok(Self(pictures_in(folder)?.iter().map(|path| read_picture(path)).collect::<Result<_, _>>()?))
    }

    /// A part of one of the photographs, `width` × `height` pixels, mirrored or not.
    pub(super) fn cut(&self, rng: &mut Rng, width: usize, height: usize) -> Canvas {
        let picture = &self.0[rng.below(self.0.len())];
        let (across, down) = (picture.width as f32, picture.height as f32);
        // The largest part of these proportions, or a smaller one.
        let fit = (across / width as f32).min(down / height as f32) * rng.range(0.5, 1.0);
        let (part_width, part_height) = (fit * width as f32, fit * height as f32);
        let (left, top) = (rng.unit() * (across - part_width), rng.unit() * (down - part_height));
        let mirrored = rng.chance(0.5);
        let mut canvas = Canvas::new(width, height);
        for (y, row) in canvas.rgb.chunks_exact_mut(width * 3).enumerate() {
            for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                let x = if mirrored { width - 1 - x } else { x };
                let at = [left + (x as f32 + 0.5) * fit - 0.5, top + (y as f32 + 0.5) * fit - 0.5];
                *pixel = between_pixels(picture, at);
            }
        }
        canvas
    }
}

impl Scene {
    /// Makes the scene one of a wide film.
    pub(super) fn widen(&mut self, rng: &mut Rng, photographs: &Photographs) {
        self.roll = Sway::new(rng, -0.5, 0.5);
        if rng.chance(0.4) {
            self.size = Sway::new(rng, FAR[0], FAR[1]);
            self.camera.steady(FAR_BLUR);
        }
        print(rng, &mut self.tint);
        if rng.chance(0.5) {
            self.backdrop = photographs.cut(rng, background::WIDTH, background::HEIGHT);
        }
        let replaced = match (&self.props, self.decoy) {
            (Props::Card(_), _) => rng.chance(0.15),
            (Props::Picture(_), _) => rng.chance(0.8),
            (Props::None, _) => false,
        };
        if replaced {
            let ours = rng.chance(0.75);
            let picture = decoy::photograph_card(rng, photographs, ours);
            (self.props, self.decoy) =
                (Props::Picture(picture), if ours { Decoy::OurFrame } else { Decoy::ForeignCard });
        }
    }
}

/// How the card is printed, by what it does to the colours: as it should be, in grey, pale, or short of an ink.
fn print(rng: &mut Rng, tint: &mut Tint) {
    match rng.below(20) {
        0..6 => {
            tint.saturation = 0;
            tint.ink = [rng.range(150.0, 330.0) as i32; 3];
        }
        6..9 => {
            tint.saturation = rng.range(60.0, 190.0) as i32;
            tint.ink = [rng.range(110.0, 230.0) as i32; 3];
        }
        9..11 => tint.ink[rng.below(3)] = rng.range(60.0, 200.0) as i32,
        _ => {}
    }
}

/// The colour at a place, linear between the four pixels around it.
fn between_pixels(picture: &Picture, [x, y]: [f32; 2]) -> [u8; 3] {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let around = |value: f32, length: usize| {
        let value = value.clamp(0.0, (length - 1) as f32);
        (value as usize, (value as usize + 1).min(length - 1), value - value.floor())
    };
    let ((left, right, across), (above, below, down)) = (around(x, width), around(y, height));
    let pixel = |x: usize, y: usize| &picture.rgb[(y * width + x) * 3..][..3];
    let corners = [pixel(left, above), pixel(right, above), pixel(left, below), pixel(right, below)];
    std::array::from_fn(|c| {
        let [a, b, d, e] = corners.map(|corner| f32::from(corner[c]));
        let (top, bottom) = (a + (b - a) * across, d + (e - d) * across);
        (top + (bottom - top) * down + 0.5) as u8
    })
}
