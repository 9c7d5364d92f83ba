//! The live picture with the square that the network sees; where there is none, a sentence in its place.

use super::format;
use super::model::{Model, SLOW_FRAME};
use super::square;
use super::state::{Action, State};
use super::theme::{self, Tokens};
use super::why::{self, Seen};
use super::widgets;
use crate::frame::{Crop, Frame};
use crate::pipeline::{EngineState, Report};
use crate::source::SourceState;
use egui::{
    Align2, Color32, ColorImage, Galley, Id, Mesh, Pos2, Rect, RichText, Shape, Stroke, TextureOptions, Ui, Vec2, pos2,
    vec2,
};
use std::sync::Arc;

/// What is going on, for a person: a few words, and a sentence that says what is done about it and what can be done.
struct Situation {
    words: &'static str,
    sentence: String,
    fault: bool,
}

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) -> bool {
    let rect = widgets::panel_ground(ui);
    let dragged = widgets::handle(ui, rect, "Picture").drag_started();
    let situation = situation(model);
    let Some(report) = &model.report else {
        let waiting = situation.unwrap_or_else(|| starting(model));
        explain(ui, rect, &waiting);
        return dragged;
    };
    let place = fitted(rect.shrink(1.0), &report.frame);
    let mirrored = state.is_mirrored(&report.frame);
    picture(ui, place, &report.frame, (mirrored, state.why.is_laid_over()), state);
    let square = square_of(place, report.frame.width, report.crop, mirrored);
    why::paint_over_picture(ui, Seen { square, mirrored }, model, &mut state.why);
    let sees = crop(ui, place, report, mirrored);
    if mirrored {
        mirror_chip(ui, place, sees);
    }
    wheel(ui, place, model, state, actions);
    scrub(ui, place, model, actions);
    match situation {
        Some(situation) if situation.fault => {
            ui.painter().rect_filled(place, theme::ROUND, Tokens::of(ui).scrim);
            explain(ui, place, &situation);
        }
        Some(situation) => banner(ui, place, &situation),
        None => {}
    }
    dragged
}

/// The largest place in `rect` of the frame's proportions.
pub(super) fn fitted(rect: Rect, frame: &Frame) -> Rect {
    let size = vec2(frame.width as f32, frame.height as f32);
    let scale = (rect.size() / size.max(Vec2::splat(1.0))).min_elem();
    Rect::from_center_size(rect.center(), size * scale)
}

/// The part of a texture that is drawn: all of it, or its right side at the left.
const AS_IT_IS: Rect = Rect { min: Pos2::ZERO, max: pos2(1.0, 1.0) };
const MIRRORED: Rect = Rect { min: pos2(1.0, 0.0), max: pos2(0.0, 1.0) };

/// Draws a frame; `grey`, so that what is laid over it in colour stands out.
pub(super) fn picture(ui: &Ui, place: Rect, frame: &Frame, (mirrored, grey): (bool, bool), state: &mut State) {
    let size = [frame.width as usize, frame.height as usize];
    let key = Id::unique((frame.source, frame.index, frame.captured, grey));
    let image = || if grey { greyed(size, &frame.rgb) } else { ColorImage::from_rgb(size, &frame.rgb) };
    let texture = state.textures.picture.get(ui.ctx(), "picture", key, TextureOptions::LINEAR, image);
    let part = if mirrored { MIRRORED } else { AS_IT_IS };
    egui::Image::from_texture((texture, place.size())).uv(part).corner_radius(theme::ROUND).paint_at(ui, place);
    let how = if mirrored { ", mirrored" } else { "" };
    let truth = frame.truth.as_ref().map_or(String::new(), |truth| format!(", showing {}", truth.label));
    widgets::say(ui, place, "picture", &format!("live picture, {}×{}{how}{truth}", size[0], size[1]));
}

/// A picture without its colours, and with less contrast.
fn greyed(size: [usize; 2], rgb: &[u8]) -> ColorImage {
    let grey = |pixel: &[u8; 3]| {
        // ITU-R BT.601, in 256ths.
        let light = (77 * u32::from(pixel[0]) + 150 * u32::from(pixel[1]) + 29 * u32::from(pixel[2])) / 256;
        Color32::from_gray((48 + light * 5 / 8) as u8)
    };
    ColorImage::new(size, rgb.as_chunks::<3>().0.iter().map(grey).collect())
}

/// Where the network's square stands in a picture of `width` pixels that is drawn at `place`.
pub(super) fn square_of(place: Rect, width: u32, crop: Crop, mirrored: bool) -> Rect {
    let scale = place.width() / width.max(1) as f32;
    let left = if mirrored { width.saturating_sub(crop.x + crop.edge) } else { crop.x };
    let origin = place.min + vec2(left as f32, crop.y as f32) * scale;
    Rect::from_min_size(origin, Vec2::splat(crop.edge as f32 * scale)).intersect(place)
}

/// Dims what the network does not see, and draws a dashed line around what it sees; returns where that is said.
fn crop(ui: &Ui, place: Rect, report: &Report, mirrored: bool) -> Rect {
    let seen = square_of(place, report.frame.width, report.crop, mirrored);
    let mut veil = Mesh::default();
    let outside = [
        Rect::from_min_max(place.min, pos2(seen.left(), place.bottom())),
        Rect::from_min_max(pos2(seen.right(), place.top()), place.max),
        Rect::from_min_max(pos2(seen.left(), place.top()), pos2(seen.right(), seen.top())),
        Rect::from_min_max(pos2(seen.left(), seen.bottom()), pos2(seen.right(), place.bottom())),
    ];
    for part in outside.into_iter().filter(Rect::is_positive) {
        veil.add_colored_rect(part, Color32::from_black_alpha(72));
    }
    ui.painter().add(veil);
    let line = seen.shrink(1.0);
    let corners: [Pos2; 5] =
        [line.left_top(), line.right_top(), line.right_bottom(), line.left_bottom(), line.left_top()];
    // Light dashes on a dark line stand out on any picture.
    ui.painter().add(Shape::line(corners.to_vec(), Stroke::new(2.5, Color32::from_black_alpha(90))));
    ui.painter().extend(Shape::dashed_line(&corners, (1.5, Tokens::of(ui).on_picture), 7.0, 5.0));
    let says = format!("network sees {0}×{0}", report.edge);
    let inside = line.left_bottom() + vec2(8.0, -8.0);
    let Some(zoom) = square::words(report) else {
        return chip(ui, inside, Align2::LEFT_BOTTOM, &says);
    };
    let says = format!("{says} · {zoom}");
    let size = chip_text(ui, &says).size() + CHIP_AIR;
    // Below the square, where there is room: it may be too small for words.
    let below = pos2(line.left().min(place.right() - 8.0 - size.x), line.bottom() + 6.0);
    if below.y + size.y + 6.0 > place.bottom() {
        return chip(ui, inside, Align2::LEFT_BOTTOM, &says);
    }
    chip(ui, below, Align2::LEFT_TOP, &says)
}

/// Says that the picture is mirrored, in its lower right corner, above what stands there.
fn mirror_chip(ui: &Ui, place: Rect, sees: Rect) {
    let corner = place.right_bottom() - vec2(8.0, 8.0);
    let says = "mirrored";
    let size = chip_text(ui, says).size() + CHIP_AIR;
    let meets = Align2::RIGHT_BOTTOM.anchor_size(corner, size).expand(4.0).intersects(sees);
    let corner = if meets { pos2(corner.x, sees.top() - 4.0) } else { corner };
    chip(ui, corner, Align2::RIGHT_BOTTOM, says);
}

/// A line of time to go along, where the source has one: a recording.
fn scrub(ui: &mut Ui, place: Rect, model: &Model, actions: &mut Vec<Action>) {
    let Some([at, count]) = model.source.position else { return };
    let mut to = at;
    let line =
        Rect::from_min_max(pos2(place.left() + 8.0, place.top() + 8.0), pos2(place.right() - 8.0, place.top() + 32.0));
    ui.painter().rect_filled(line, theme::ROUND_SMALL, Tokens::of(ui).scrim);
    widgets::inner(ui, line.shrink2(vec2(8.0, 2.0)), |ui| {
        ui.spacing_mut().slider_width = line.width() - 140.0;
        let shown = |number: f64, _: std::ops::RangeInclusive<usize>| format!("{} of {count}", number as u64 + 1);
        let slider = egui::Slider::new(&mut to, 0..=count.saturating_sub(1)).custom_formatter(shown);
        ui.add(slider).on_hover_text("Go to any frame of the recording");
    });
    if to != at {
        actions.push(Action::Seek(to));
    }
}

/// The wheel over the picture makes the square smaller and larger.
fn wheel(ui: &Ui, place: Rect, model: &Model, state: &mut State, actions: &mut Vec<Action>) {
    if !ui.rect_contains_pointer(place) {
        state.wheel = 0.0;
        return;
    }
    let coming = ui.input(|input| square::wheel(&input.events));
    let steps = square::whole_steps(&mut state.wheel, coming);
    if steps != 0 {
        // A wheel that is at its end says nothing.
        square::change(model, state, steps, actions);
    }
}

/// Air around a chip's text.
const CHIP_AIR: Vec2 = vec2(14.0, 8.0);

fn chip_text(ui: &Ui, says: &str) -> Arc<Galley> {
    widgets::layout(ui, says, theme::mono(theme::SMALL), Tokens::of(ui).on_picture)
}

/// A short text on the picture; returns where it stands.
fn chip(ui: &Ui, at: Pos2, anchor: Align2, says: &str) -> Rect {
    let tokens = Tokens::of(ui);
    let galley = chip_text(ui, says);
    let rect = anchor.anchor_size(at, galley.size() + CHIP_AIR);
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, tokens.scrim);
    ui.painter().galley(rect.min + CHIP_AIR / 2.0, galley, tokens.on_picture);
    widgets::say(ui, rect, ("chip", says), says);
    rect
}

/// A situation that leaves the picture to be seen: a band at its top.
fn banner(ui: &mut Ui, place: Rect, situation: &Situation) {
    let tokens = Tokens::of(ui);
    let inner_width = place.width() - 48.0;
    let words = ui.painter().layout(situation.words.into(), theme::bold(theme::BODY), tokens.on_picture, inner_width);
    let sentence =
        ui.painter().layout(situation.sentence.clone(), theme::plain(theme::SMALL), tokens.on_picture, inner_width);
    let size = vec2(words.size().x.max(sentence.size().x), words.size().y + 3.0 + sentence.size().y);
    let rect = Rect::from_min_size(place.min + Vec2::splat(10.0), size + vec2(24.0, 16.0));
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, tokens.scrim);
    let at = rect.min + vec2(12.0, 8.0);
    let below = at + vec2(0.0, words.size().y + 3.0);
    ui.painter().galley(at, words, tokens.on_picture);
    ui.painter().galley(below, sentence, tokens.on_picture);
    widgets::say(ui, rect, "situation", &format!("{}. {}", situation.words, situation.sentence));
}

/// A situation in the place of the picture.
fn explain(ui: &mut Ui, place: Rect, situation: &Situation) {
    let tokens = Tokens::of(ui);
    let on_picture = situation.fault && place != ui.max_rect();
    let (color, quiet) = if on_picture { (tokens.on_picture, tokens.on_picture) } else { (tokens.text, tokens.quiet) };
    let room = Rect::from_center_size(place.center(), vec2((place.width() - 64.0).min(460.0), place.height() - 32.0));
    widgets::inner(ui, room, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space((room.height() * 0.34).max(0.0));
            if situation.fault {
                ui.label(RichText::new("!").font(theme::bold(26.0)).color(tokens.fault));
            }
            ui.label(RichText::new(situation.words).font(theme::bold(21.0)).color(color));
            ui.add_space(4.0);
            ui.label(RichText::new(&situation.sentence).size(theme::BODY + 0.5).color(quiet));
        });
    });
}

fn starting(model: &Model) -> Situation {
    let sentence = match &model.engine {
        EngineState::Loading(name) => {
            format!("Reading {name} and laying it out for this processor; the first prediction follows by itself.")
        }
        EngineState::Running(_) => "The network is ready; the first picture is on its way.".into(),
    };
    Situation { words: "Preparing the network", sentence, fault: false }
}

/// What deserves a sentence, the most pressing first.
fn situation(model: &Model) -> Option<Situation> {
    let source = &model.source;
    let fault = source.state.is_fault();
    let said = |words| Some(Situation { words, sentence: format!("{}.", trimmed(&source.state)), fault });
    match &source.state {
        SourceState::Failed { .. } => return said("No picture"),
        SourceState::Lost { .. } => return said("Camera lost"),
        SourceState::Waiting { .. } => return said("Waiting for the camera"),
        SourceState::Ended { .. } => return said("That was all"),
        SourceState::Starting { name } if model.report.is_none() => {
            let sentence =
                format!("Opening {name}. A camera may ask for permission first; the picture follows by itself.");
            return Some(Situation { words: "Opening the source", sentence, fault: false });
        }
        _ => {}
    }
    // A recording's line of time says it.
    if source.paused && source.position.is_none() {
        let sentence = "Space goes on, the full stop shows one frame more.".into();
        return Some(Situation { words: "Paused", sentence, fault: false });
    }
    if let SourceState::Fallback { reason, .. } = &source.state {
        let sentence = format!("A camera takes over as soon as one works. At present {reason}.");
        return Some(Situation { words: "This is the demo", sentence, fault: false });
    }
    slow(model)
}

fn trimmed(state: &SourceState) -> String {
    state.to_string().trim_end_matches('.').to_owned()
}

fn slow(model: &Model) -> Option<Situation> {
    let report = model.steady.as_ref()?;
    let (ms, edge, engine) = (report.rates.infer_ms, report.edge, &report.engine.name);
    (ms > SLOW_FRAME.as_millis() as f32).then(|| Situation {
        words: "One frame takes long",
        sentence: format!(
            "{engine} needs {} ms a frame at {edge}×{edge}; frames in between are left out. A smaller input, the cpu \
             engine or more threads make it faster.",
            format::ms(ms).trim(),
        ),
        fault: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_is_mirrored_with_the_picture() {
        let place = Rect::from_min_size(pos2(10.0, 20.0), vec2(320.0, 240.0));
        let crop = Crop { x: 100, y: 60, edge: 200 };
        let at = |x: f32| Rect::from_min_size(pos2(10.0 + x, 50.0), Vec2::splat(100.0));
        assert_eq!(square_of(place, 640, crop, false), at(50.0));
        assert_eq!(square_of(place, 640, crop, true), at(170.0));
        // In the middle nothing changes.
        let middle = Crop { x: 220, ..crop };
        assert_eq!(square_of(place, 640, middle, true), square_of(place, 640, middle, false));
    }
}
