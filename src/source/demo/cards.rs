//! The 32 picture cards: their names and their drawings.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;

use super::drawing::Colour;
use super::texture::Texture;

/// How many picture cards there are.
pub(super) const COUNT: usize = 32;

/// Colour of the frame that all our cards have in common: it tells them from other decks.
pub(super) const FRAME_COLOUR: Colour = [18, 160, 142];
/// Width of that frame as a part of the card's width.
pub(super) const FRAME_WIDTH: f32 = 15.0 / 250.0;

/// What a frame shows without a card of ours.
pub(super) use crate::network::NOTHING;

/// The cards' names in alphabetical order, then "nothing".
pub(super) const LABELS: [&str; COUNT + 1] = [
    "airplane",
    "anchor",
    "apple",
    "banana",
    "boat",
    "butterfly",
    "cactus",
    "car",
    "carrot",
    "cat",
    "crown",
    "cup",
    "elephant",
    "fish",
    "flower",
    "frog",
    "gift",
    "grapes",
    "guitar",
    "heart",
    "house",
    "ice cream",
    "key",
    "mushroom",
    "penguin",
    "rocket",
    "scissors",
    "snail",
    "star",
    "tree",
    "umbrella",
    "watermelon",
    NOTHING,
];

/// The drawings, in the order of their names.
const DRAWINGS: [&str; COUNT] = [
    include_str!("../../../assets/cards/airplane.svg"),
    include_str!("../../../assets/cards/anchor.svg"),
    include_str!("../../../assets/cards/apple.svg"),
    include_str!("../../../assets/cards/banana.svg"),
    include_str!("../../../assets/cards/boat.svg"),
    include_str!("../../../assets/cards/butterfly.svg"),
    include_str!("../../../assets/cards/cactus.svg"),
    include_str!("../../../assets/cards/car.svg"),
    include_str!("../../../assets/cards/carrot.svg"),
    include_str!("../../../assets/cards/cat.svg"),
    include_str!("../../../assets/cards/crown.svg"),
    include_str!("../../../assets/cards/cup.svg"),
    include_str!("../../../assets/cards/elephant.svg"),
    include_str!("../../../assets/cards/fish.svg"),
    include_str!("../../../assets/cards/flower.svg"),
    include_str!("../../../assets/cards/frog.svg"),
    include_str!("../../../assets/cards/gift.svg"),
    include_str!("../../../assets/cards/grapes.svg"),
    include_str!("../../../assets/cards/guitar.svg"),
    include_str!("../../../assets/cards/heart.svg"),
    include_str!("../../../assets/cards/house.svg"),
    include_str!("../../../assets/cards/ice-cream.svg"),
    include_str!("../../../assets/cards/key.svg"),
    include_str!("../../../assets/cards/mushroom.svg"),
    include_str!("../../../assets/cards/penguin.svg"),
    include_str!("../../../assets/cards/rocket.svg"),
    include_str!("../../../assets/cards/scissors.svg"),
    include_str!("../../../assets/cards/snail.svg"),
    include_str!("../../../assets/cards/star.svg"),
    include_str!("../../../assets/cards/tree.svg"),
    include_str!("../../../assets/cards/umbrella.svg"),
    include_str!("../../../assets/cards/watermelon.svg"),
];

/// The card's face at two sizes, so that neither a near nor a far card is sampled too coarsely.
pub(super) struct Face {
    large: Texture,
    small: Texture,
}

impl Face {
    /// Height in pixels of the larger rendering.
    const LARGE: u32 = 480;
    /// Height in pixels of the smaller rendering.
    const SMALL: u32 = 288;

    /// Draws card number `card`.
    pub(super) fn draw(card: usize) -> Self {
        Self { large: rasterise(DRAWINGS[card], Self::LARGE), small: rasterise(DRAWINGS[card], Self::SMALL) }
    }

    /// The rendering to sample for a card `height` pixels high in the frame.
    pub(super) fn at(&self, height: f32) -> &Texture {
        if height > 1.15 * Self::SMALL as f32 { &self.large } else { &self.small }
    }
}

/// Renders a drawing to a picture `height` pixels high.
fn rasterise(drawing: &str, height: u32) -> Texture {
    let tree = usvg::Tree::from_str(drawing, &usvg::Options::default())
        .expect("the drawings in assets/cards are tested to parse");
    let scale = height as f32 / tree.size().height();
    let width = (tree.size().width() * scale).round() as u32;
    let mut pixmap = Pixmap::new(width, height).expect("neither side is zero");
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Texture::from_pixmap(&pixmap)
}
