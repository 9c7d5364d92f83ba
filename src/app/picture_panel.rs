//! The live picture with the square that the network sees; where there is none, a sentence in its place.

use super::format;
use super::model::{Model, SLOW_FRAME};
use super::state::State;
use super::theme::{self, Tokens};
use super::widgets;
use crate::frame::Frame;
use crate::pipeline::{EngineState, Report};
use crate::source::SourceState;
use egui::{
    Align2, Color32, ColorImage, Id, Mesh, Pos2, Rect, RichText, Shape, Stroke, TextureOptions, Ui, Vec2, pos2, vec2,
};

/// What is going on, for a person: a few words, and a sentence that says what is done about it and what can be done.
struct Situation {
    words: &'static str,
    sentence: String,
    fault: bool,
}

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut State) -> bool {
    let rect = widgets::panel_ground(ui);
    let dragged = widgets::handle(ui, rect, "Picture").drag_started();
    let situation = situation(model);
    let Some(report) = &model.report else {
        let waiting = situation.unwrap_or_else(|| starting(model));
        explain(ui, rect, &waiting);
        return dragged;
    };
    let place = fitted(rect.shrink(1.0), &report.frame);
    picture(ui, place, &report.frame, state);
    crop(ui, place, report);
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
fn fitted(rect: Rect, frame: &Frame) -> Rect {
    let size = vec2(frame.width as f32, frame.height as f32);
    let scale = (rect.size() / size.max(Vec2::splat(1.0))).min_elem();
    Rect::from_center_size(rect.center(), size * scale)
}

fn picture(ui: &Ui, place: Rect, frame: &Frame, state: &mut State) {
    let size = [frame.width as usize, frame.height as usize];
    let key = Id::unique((frame.source, frame.index, frame.captured));
    let texture = state
        .textures
        .picture
        .get(ui.ctx(), "picture", key, TextureOptions::LINEAR, || ColorImage::from_rgb(size, &frame.rgb));
    egui::Image::from_texture((texture, place.size())).corner_radius(theme::ROUND).paint_at(ui, place);
    let truth = frame.truth.as_ref().map_or(String::new(), |truth| format!(", showing {}", truth.label));
    widgets::say(ui, place, "picture", &format!("live picture, {}×{}{truth}", size[0], size[1]));
}

/// Dims what the network does not see, and draws a dashed line around what it sees.
fn crop(ui: &Ui, place: Rect, report: &Report) {
    let scale = place.width() / report.frame.width.max(1) as f32;
    let origin = place.min + vec2(report.crop.x as f32, report.crop.y as f32) * scale;
    let seen = Rect::from_min_size(origin, Vec2::splat(report.crop.edge as f32 * scale)).intersect(place);
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
    chip(ui, line.left_bottom() + vec2(8.0, -8.0), Align2::LEFT_BOTTOM, &says);
}

/// A short text on the picture.
fn chip(ui: &Ui, at: Pos2, anchor: Align2, says: &str) {
    let tokens = Tokens::of(ui);
    let galley = ui.painter().layout_no_wrap(says.into(), theme::mono(theme::SMALL), tokens.on_picture);
    let rect = anchor.anchor_size(at, galley.size() + vec2(14.0, 8.0));
    ui.painter().rect_filled(rect, theme::ROUND_SMALL, tokens.scrim);
    ui.painter().galley(rect.min + vec2(7.0, 4.0), galley, tokens.on_picture);
    widgets::say(ui, rect, "chip", says);
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
    if source.paused {
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
