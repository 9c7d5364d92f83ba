//! A wider film, for training: cards from afar and at any turn, prints that are grey, pale or short of an ink, our frame
//! around what is none of ours, photographs behind the cards and in the frames.
//!
//! The film of a seed goes on showing the same shots; what is wider about a shot is drawn from random numbers of its own,
//! so that the demo's frames stay as they are.

use super::background;
use super::decoy;
use super::dice::Rng;
use super::photographs::Photographs;
use super::scene::{Props, Scene};
use super::shot::Sway;
use super::shown::Decoy;
use super::texture::Tint;

/// Heights of a card that is far away, as parts of the frame's.
const FAR: [f32; 2] = [0.28, 0.45];
/// How much of the blur is left before a card that is far away, from and to: what would hide its picture teaches nothing.
const FAR_BLUR: [f32; 2] = [0.0, 0.5];

impl Scene {
    /// Makes the scene one of a wide film.
    pub(super) fn widen(&mut self, rng: &mut Rng, photographs: &Photographs) {
        self.roll = Sway::new(rng, -0.5, 0.5);
        if rng.chance(0.4) {
            self.size = Sway::new(rng, FAR[0], FAR[1]);
            self.camera.steady(rng.range(FAR_BLUR[0], FAR_BLUR[1]));
        }
        print(rng, &mut self.tint);
        if rng.chance(0.5) {
            self.backdrop = photographs.cut(rng, background::WIDTH, background::HEIGHT);
        }
        let replaced = match (&self.props, self.decoy) {
            (Props::Card(_), _) => rng.chance(0.15),
            (Props::Picture(_), _) => rng.chance(0.5),
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
