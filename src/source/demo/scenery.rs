//! Backgrounds alone: scenes without a card, for what must be told from anything.

use super::background::{HEIGHT, Painter, WIDTH};
use super::dice::Rng;

/// Paints backgrounds, each from its seed.
pub(crate) struct Scenery {
    painter: Painter,
}

impl Scenery {
    /// With the buffers for it.
    pub(crate) fn new() -> Self {
        Self { painter: Painter::new() }
    }

    /// The background that `seed` names: RGB bytes, HWC, width and height.
    pub(crate) fn paint(&mut self, seed: u64) -> (&[u8], u32, u32) {
        let canvas = self.painter.paint(&mut Rng::keyed(&[KEY, seed]));
        (&canvas.rgb, WIDTH as u32, HEIGHT as u32)
    }
}

/// Keeps these backgrounds apart from those of any film.
const KEY: u64 = 0x5343_454e_4552_5900;
