//! The demo source: picture cards moved before an imagined webcam.
//!
//! Every frame follows from a seed and its number alone, so frames can be had in any order, and every frame knows what it
//! shows. The same frames are the training set of the cards networks: training takes seeds of its own and steps through
//! the film in strides longer than any shot.
//!
//! Ranges, each uniform at every frame: card height 40–95 % of the frame's, roll ±35°, tilt ±36° about both axes, hidden
//! part 0–20 % of the card's area (by hands, things, or the edge of the centre square, which is what a network sees), any
//! place that keeps the card in the centre square. One frame in five shows no card of ours, and half of those show
//! something that could fool a network. A wide film, for training, has more.

mod background;
mod camera_model;
mod cards;
mod compression;
mod decoy;
mod dice;
mod drawing;
mod occluder;
mod photographs;
mod pose;
mod scene;
mod scenery;
mod shot;
mod shown;
pub(crate) mod stream;
mod texture;
mod wide;

use crate::frame::Truth;

use self::camera_model::Workspace;
use self::dice::Rng;
use self::drawing::{Canvas, Paint, fill};
use self::pose::Quad;
use self::scene::{Props, Scene, View};
use self::texture::Texture;

pub(crate) use self::photographs::Photographs;
pub(crate) use self::scenery::Scenery;
pub(crate) use self::shown::Shown;
pub use self::shown::{HEIGHT, WIDTH};

/// What a frame can show: the cards' names in alphabetical order, then `"nothing"`.
pub(crate) fn labels() -> &'static [&'static str] {
    &cards::LABELS
}

/// Renders the frames of one seed.
pub struct DemoRenderer {
    seed: u64,
    /// What makes the film a wide one.
    photographs: Option<Photographs>,
    faces: Vec<Option<cards::Face>>,
    painter: background::Painter,
    canvas: Canvas,
    workspace: Workspace,
    /// The shot of the frame rendered last.
    scene: Option<Scene>,
}

impl DemoRenderer {
    /// A renderer for the film that `seed` names.
    pub fn new(seed: u64) -> Self {
        let (width, height) = (WIDTH as usize, HEIGHT as usize);
        Self {
            seed,
            photographs: None,
            faces: std::iter::repeat_with(|| None).take(cards::COUNT).collect(),
            painter: background::Painter::new(),
            canvas: Canvas::new(width, height),
            workspace: Workspace::new(width, height),
            scene: None,
        }
    }

    /// A renderer for the wide film that `seed` names.
    pub(crate) fn wide(seed: u64, photographs: Photographs) -> Self {
        Self { photographs: Some(photographs), ..Self::new(seed) }
    }

    /// Renders frame `index` into `frame_rgb` (640 × 480 × 3 bytes) and says what it shows.
    ///
    /// # Panics
    /// Where `frame_rgb` has another length.
    pub fn render(&mut self, index: u64, frame_rgb: &mut [u8]) -> Truth {
        let shown = self.render_shown(index, frame_rgb);
        Truth { label: cards::LABELS[shown.label].to_owned(), size: shown.size, occlusion: shown.occlusion }
    }

    /// The same, telling more.
    ///
    /// # Panics
    /// Where `frame_rgb` has another length.
    pub(crate) fn render_shown(&mut self, index: u64, frame_rgb: &mut [u8]) -> Shown {
        let (shot, time) = shot::locate(self.seed, index);
        let scene = match self.scene.take() {
            Some(scene) if scene.shot == shot => scene,
            _ => Scene::set(self.seed, shot, &mut self.painter, self.photographs.as_ref()),
        };
        let time = time as f32;
        let view = scene.view(time);
        scene.show_background(&mut self.canvas, time);
        let occlusion = self.draw_subject(&scene, &view);
        let mut rng = Rng::keyed(&[self.seed, 0x66, index]);
        scene.camera.take(&mut self.canvas, time, view.glare.as_ref(), &mut rng, &mut self.workspace);
        frame_rgb.copy_from_slice(&self.canvas.rgb);
        let shown = scene.shown(&view, occlusion);
        self.scene = Some(scene);
        shown
    }

    /// The corners of our card in frame `index`, which was rendered last, in pixels: top left, top right, bottom right, bottom left of
    /// the card; `None` where none of ours shows.
    #[cfg(test)]
    pub(crate) fn outline(&self, index: u64) -> Option<[[f32; 2]; 4]> {
        let (shot, time) = shot::locate(self.seed, index);
        let scene = self.scene.as_ref().filter(|scene| scene.shot == shot)?;
        matches!(scene.props, Props::Card(_)).then(|| scene.view(time as f32).quad.0)
    }

    /// Draws card or decoy with what is before it; gives the hidden part.
    fn draw_subject(&mut self, scene: &Scene, view: &View) -> f32 {
        let canvas = &mut self.canvas;
        match &scene.props {
            Props::None => {}
            Props::Card(card) => {
                let face = self.faces[*card].get_or_insert_with(|| cards::Face::draw(*card));
                lay(canvas, face.at(view.height), scene, &view.quad);
            }
            Props::Picture(texture) => lay(canvas, texture, scene, &view.quad),
        }
        if let (Some(occluder), Some(placement)) = (&scene.occluder, &view.occluder) {
            occluder.draw(canvas, placement);
        }
        view.occlusion
    }
}

/// Lays a flat thing into the scene, its shadow first.
fn lay(canvas: &mut Canvas, texture: &Texture, scene: &Scene, quad: &Quad) {
    if scene.shadow_opacity > 0 {
        let mut shadow = Paint::solid([10, 10, 14]);
        shadow.opacity = scene.shadow_opacity;
        fill(canvas, &[], &quad.moved(scene.shadow_shift).0, &shadow);
    }
    texture.lay(canvas, quad, &scene.tint);
}

#[cfg(test)]
mod tests;
