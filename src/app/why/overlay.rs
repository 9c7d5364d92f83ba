//! What is laid over the live picture: evidence, what covering found, where a value looks.

use super::super::model::Model;
use super::super::theme;
use super::super::widgets::{self, CachedTexture};
use super::evidence::EvidenceState;
use super::words::{AGAINST, FOR};
use crate::inspect::explain::Neuron;
use crate::inspect::overlay::FULL_COLOUR;
use crate::inspect::receptive::ReceptiveField;
use crate::pipeline::Report;
use egui::{
    Align2, Color32, ColorImage, Id, Pos2, Rect, Stroke, StrokeKind, TextureId, TextureOptions, Ui, pos2, vec2,
};

/// Behind values that are shown without the picture.
const GROUND: Color32 = Color32::from_rgb(112, 116, 122);
/// How much of the strongest colour covers the picture.
const OPACITY: f32 = 0.7;

/// Textures of what is laid over the picture.
#[derive(Default)]
pub(super) struct OverlayState {
    texture: CachedTexture,
}

/// What is laid over the picture.
pub(super) enum Laid<'a> {
    /// A class's map.
    Evidence(&'a mut EvidenceState),
    /// What covering found.
    Cover,
    /// Where a value looks.
    Field(Neuron),
}

/// Where the network's square stands, and whether it is drawn mirrored.
#[derive(Clone, Copy)]
pub(in crate::app) struct Seen {
    /// The whole square, also where it reaches beyond the panel.
    pub(in crate::app) square: Rect,
    /// Whether its left is drawn at the right.
    pub(in crate::app) mirrored: bool,
}

impl Seen {
    /// A part of the square, from 0 to 1 both ways, as drawn.
    fn part(self, [top, left, bottom, right]: [f32; 4]) -> Rect {
        let (left, right) = if self.mirrored { (1.0 - right, 1.0 - left) } else { (left, right) };
        let at = |x: f32, y: f32| self.square.min + vec2(x, y) * self.square.size();
        Rect::from_min_max(at(left, top), at(right, bottom))
    }

    /// Row and column of a point in a map of `edge` × `edge`.
    fn position(self, point: Pos2, edge: usize) -> Option<[usize; 2]> {
        let at = (point - self.square.min) / self.square.size();
        let within = |place: f32| (0.0..1.0).contains(&place).then_some((place * edge as f32) as usize);
        let x = within(at.x)?;
        Some([within(at.y)?, if self.mirrored { edge - 1 - x } else { x }])
    }
}

/// Paints it over the picture.
pub(super) fn paint(ui: &Ui, seen: Seen, model: &Model, laid: Laid<'_>, state: &mut OverlayState) {
    let Some(report) = model.report.as_deref() else { return };
    match laid {
        Laid::Evidence(evidence) => {
            if let Some(class) = lay_evidence(ui, seen, (model, report), evidence, state) {
                let label = report.network.labels().get(class).map_or("", String::as_str);
                say(ui, seen, &format!("evidence for {label}"));
            }
        }
        Laid::Cover => lay_covered(ui, seen, (model, report), state),
        Laid::Field(neuron) => frame_field(ui, seen, report, neuron),
    }
}

/// Lays it over the square, without words; for which class.
pub(super) fn lay_evidence(
    ui: &Ui,
    seen: Seen,
    (model, report): (&Model, &Report),
    asked: &mut EvidenceState,
    state: &mut OverlayState,
) -> Option<usize> {
    let map = asked.map(model, report)?;
    let (edge, class) = (map.edge, map.class);
    let shares: Vec<f32> = map.shares().collect();
    let key = Id::unique((model.answers.sample, class, "evidence"));
    if asked.alone {
        ui.painter().rect_filled(seen.square, 0.0, GROUND);
    }
    let image = || tinted(&shares, edge, f32::MIN_POSITIVE);
    let texture = state.texture.get(ui.ctx(), "overlay", key, TextureOptions::NEAREST, image);
    lay(ui, seen, texture);
    let under = ui.ctx().pointer_hover_pos().filter(|_| ui.rect_contains_pointer(seen.square));
    asked.cell = under.and_then(|point| seen.position(point, edge));
    if let Some([y, x]) = asked.cell {
        let at = |place: usize| place as f32 / edge as f32;
        let cell = seen.part([at(y), at(x), at(y + 1), at(x + 1)]);
        ui.painter().rect_stroke(cell, 0.0, Stroke::new(2.0, Color32::WHITE), StrokeKind::Inside);
    }
    Some(class)
}

fn lay_covered(ui: &Ui, seen: Seen, (model, report): (&Model, &Report), state: &mut OverlayState) {
    let Some(Ok(covered)) = &model.answers.occlusion else { return };
    let edge = report.edge;
    let key = Id::unique((std::sync::Arc::as_ptr(covered) as usize, edge, "covered"));
    let image = || tinted(&covered.map.over_pixels(covered.patches.patch, edge), edge, FULL_COLOUR);
    let texture = state.texture.get(ui.ctx(), "overlay", key, TextureOptions::LINEAR, image);
    lay(ui, seen, texture);
    let label = covered.network.labels().get(covered.map.class).map_or("", String::as_str);
    say(ui, seen, &format!("what {label} needs"));
}

/// A frame around what the explained value depends on.
fn frame_field(ui: &Ui, seen: Seen, report: &Report, place: Neuron) {
    if place.layer >= report.network.layers().len() || place.check(&report.network, report.edge).is_err() {
        return;
    }
    let field = ReceptiveField::of(&report.network, place.layer);
    let [y, x] = [place.y, place.x].map(|at| field.seen(at, report.edge));
    let at = |pixel: usize| pixel as f32 / report.edge as f32;
    let part = seen.part([at(y.start), at(x.start), at(y.end), at(x.end)]);
    ui.painter().rect_stroke(part, 0.0, Stroke::new(4.0, Color32::from_black_alpha(140)), StrokeKind::Inside);
    ui.painter().rect_stroke(part.shrink(1.0), 0.0, Stroke::new(2.0, FOR), StrokeKind::Inside);
    say(ui, seen, "what the value sees");
}

/// Values of a square map as colours: the strongest one in full colour, if it is `least` or more.
fn tinted(values: &[f32], edge: usize, least: f32) -> ColorImage {
    let most = values.iter().fold(least, |most, value| most.max(value.abs()));
    let tint = |value: &f32| {
        let color = if *value > 0.0 { FOR } else { AGAINST };
        color.gamma_multiply(OPACITY * (value.abs() / most).sqrt())
    };
    let pixels: Vec<Color32> = values.iter().map(tint).collect();
    if pixels.len() != edge * edge {
        return ColorImage::filled([1, 1], Color32::TRANSPARENT);
    }
    ColorImage::new([edge, edge], pixels)
}

fn lay(ui: &Ui, seen: Seen, texture: TextureId) {
    let (left, right) = if seen.mirrored { (1.0, 0.0) } else { (0.0, 1.0) };
    let part = Rect { min: pos2(left, 0.0), max: pos2(right, 1.0) };
    ui.painter().image(texture, seen.square, part, Color32::WHITE);
}

/// What is laid over the picture, above what the square says of itself.
fn say(ui: &Ui, seen: Seen, says: &str) {
    let tokens = theme::Tokens::of(ui);
    let galley = widgets::layout(ui, says, theme::mono(theme::SMALL), tokens.on_picture);
    let corner = seen.square.left_bottom() + vec2(8.0, -38.0);
    let rect = Align2::LEFT_BOTTOM.anchor_size(corner, galley.size() + vec2(14.0, 8.0));
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, tokens.scrim);
    ui.painter().galley(rect.min + vec2(7.0, 4.0), galley, tokens.on_picture);
    widgets::say(ui, rect, "overlay", says);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_the_square_is_the_position_that_is_drawn_there() {
        let square = Rect::from_min_size(pos2(100.0, 50.0), vec2(80.0, 80.0));
        for mirrored in [false, true] {
            let seen = Seen { square, mirrored };
            for (y, x) in [(0, 0), (3, 1), (7, 7)] {
                let at = |place: usize| place as f32 / 8.0;
                let cell = seen.part([at(y), at(x), at(y + 1), at(x + 1)]);
                assert_eq!(seen.position(cell.center(), 8), Some([y, x]));
            }
            assert_eq!(seen.position(pos2(99.0, 60.0), 8), None);
            assert_eq!(seen.position(pos2(120.0, 131.0), 8), None);
        }
    }

    #[test]
    fn the_strongest_value_is_the_most_opaque_and_zero_is_clear() {
        let image = tinted(&[0.0, 0.5, -2.0, 1.0], 2, 1e-9);
        let alpha: Vec<u8> = image.pixels.iter().map(Color32::a).collect();
        assert!(alpha[0] == 0 && alpha[1] < alpha[3] && alpha[3] < alpha[2], "{alpha:?}");
    }
}
