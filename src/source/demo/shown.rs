//! What is told of a frame.

/// Width of a frame in pixels.
pub const WIDTH: u32 = 640;
/// Height of a frame in pixels.
pub const HEIGHT: u32 = 480;

/// What a frame without one of our cards shows, for those who look into errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoy {
    /// No decoy: a card of ours shows.
    None = 0,
    /// Nothing but the background.
    EmptyRoom = 1,
    /// A card without a picture.
    BlankCard = 2,
    /// A card with a picture that is none of ours.
    ForeignCard = 3,
    /// Something white with blobs of colour.
    WhiteThing = 4,
    /// A hand.
    Hand = 5,
    /// The frame of our cards around what is none of ours; only in wide films.
    OurFrame = 6,
}

/// What the renderer knows about a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    /// Position in [`super::labels`].
    pub label: usize,
    /// Height of the card as a part of the frame's height; 0 without a card of ours.
    pub size: f32,
    /// Turn of the card in the picture plane in degrees; 0 without a card of ours.
    pub roll: f32,
    /// Hidden part of the card's area, 0 to 1.
    pub occlusion: f32,
    /// What else shows.
    pub decoy: Decoy,
}
