//! What the stage looks like, made for three metres: every length is a share of the screen.

use super::super::model::Model;
use super::super::picture_panel::{fitted, picture, square_of};
use super::super::state::State;
use super::super::theme::{self, Tokens};
use super::super::why::{self, Seen};
use super::super::widgets::{self, elided, fitting, text};
use super::{bars, layers};
use crate::booth::play::StageScene;
use crate::booth::words::Words;
use crate::pipeline::Report;
use egui::{Align2, Color32, Rect, Stroke, StrokeKind, TextureId, Ui, Vec2, pos2, vec2};

/// Everything that a repaint of the stage knows.
pub(crate) struct Show<'a> {
    /// What is shown.
    pub scene: StageScene,
    /// Of the camera, or of the demo while that plays.
    pub model: &'a Model,
    /// In what language.
    pub words: &'a Words,
    /// The booth's own title.
    pub title: &'a str,
    /// The booth's own line below it.
    pub line: &'a str,
    /// The booth's logo, and how large it is in pixels.
    pub logo: Option<(TextureId, Vec2)>,
    /// What becomes of pictures, in a sentence.
    pub private: &'a str,
    /// What is wrong, in a sentence.
    pub fault: Option<&'a str>,
    /// Seconds until the stage is left, while the keys for that are held.
    pub leaving: Option<u64>,
}

/// Where everything stands. `unit` is a hundredth and a bit of the shorter side.
struct Places {
    unit: f32,
    header: Rect,
    picture: Rect,
    answer: Rect,
    bars: Rect,
    layers: Rect,
    footer: Rect,
}

impl Places {
    fn of(screen: Rect) -> Self {
        let landscape = screen.width() > screen.height();
        let grid = if landscape { vec2(160.0, 90.0) } else { vec2(90.0, 160.0) };
        let unit = (screen.size() / grid).min_elem();
        // What the screen has more of than the grid goes to the parts that gain from it, all of it one way.
        let size = screen.size() / unit;
        let place = |left: f32, top: f32, right: f32, bottom: f32| {
            Rect::from_min_max(screen.min + vec2(left, top) * unit, screen.min + vec2(right, bottom) * unit)
        };
        let (right, bottom) = (size.x - 3.0, size.y);
        let (header, footer) = (place(3.0, 2.0, right, 10.0), place(3.0, bottom - 5.0, right, bottom - 1.0));
        let foot = bottom - 6.0;
        if landscape {
            let (middle, strip) = (size.x * 0.53, foot - 17.0);
            let [picture, answer] = [place(3.0, 12.0, middle, strip - 2.0), place(middle + 3.0, 12.0, right, 30.0)];
            let bars = place(middle + 3.0, 32.0, right, strip - 2.0);
            Self { unit, header, picture, answer, bars, layers: place(3.0, strip, right, foot), footer }
        } else {
            let strip = foot - 26.0;
            let low = 12.0 + 63.0_f32.min(size.y - 12.0 - 26.0 - 6.0 - 50.0);
            let [picture, answer] = [place(3.0, 12.0, right, low), place(3.0, low + 1.0, right, low + 17.0)];
            let bars = place(3.0, low + 18.0, right, strip - 2.0);
            Self { unit, header, picture, answer, bars, layers: place(3.0, strip, right, foot), footer }
        }
    }
}

/// Draws the stage into all of `ui`, whose ground is there already: filling a screen twice is a third of the work in software.
pub(crate) fn show(ui: &mut Ui, show: &Show<'_>, state: &mut State) {
    let screen = ui.max_rect();
    if show.scene == StageScene::Opening {
        opening(ui, screen, show);
    } else {
        playing(ui, screen, show, state);
    }
    if let Some(left) = show.leaving {
        question(ui, screen, &show.words.leaving, "", left);
    }
}

/// Everything but the title.
fn playing(ui: &mut Ui, screen: Rect, show: &Show<'_>, state: &mut State) {
    let places = Places::of(screen);
    header(ui, &places, show);
    if let Some(report) = show.model.report.as_deref() {
        live_picture(ui, &places, (show.model, report), state);
        answer(ui, &places, show, report);
        layers::show(ui, places.layers, report, places.unit);
    }
    bars::show(ui, places.bars, show.model, show.words, places.unit);
    footer(ui, &places, show);
    match show.scene {
        StageScene::Attract(sentence) => caption(ui, &places, &show.words.explain[sentence % show.words.explain.len()]),
        StageScene::Opening | StageScene::Live => {}
        StageScene::StillThere(left) => question(ui, screen, &show.words.still_there, &show.words.keep_moving, left),
    }
}

/// A hundredth and a bit of the shorter side, for what stands over all of the screen.
fn unit_of(screen: Rect) -> f32 {
    screen.width().min(screen.height()) / 90.0
}

/// The logo in a corner or the middle of a place, as large as it fits; where it is, if there is one.
fn logo(ui: &Ui, room: Rect, align: Align2, show: &Show<'_>) -> Option<Rect> {
    let (logo, size) = show.logo?;
    let scale = (room.size() / size.max(Vec2::splat(1.0))).min_elem();
    let place = align.align_size_within_rect(size * scale, room);
    egui::Image::from_texture((logo, place.size())).paint_at(ui, place);
    Some(place)
}

/// The title alone, and the booth's line below it.
fn opening(ui: &Ui, screen: Rect, show: &Show<'_>) {
    let (tokens, unit) = (Tokens::of(ui), unit_of(screen));
    let (middle, room) = (screen.center(), screen.width() - 8.0 * unit);
    let above = Rect::from_center_size(middle - vec2(0.0, 26.0 * unit), vec2(room, 24.0 * unit));
    logo(ui, above, Align2::CENTER_CENTER, show);
    let lines = [
        (show.title, -6.0, 10.0, tokens.text),
        (show.line, 4.0, 4.0, tokens.quiet),
        (&show.words.checking, 20.0, 2.4, tokens.quiet),
    ];
    for (says, below, most, color) in lines {
        let size = fitting(ui, says, theme::bold, most * unit, room);
        let place = text(ui, middle + vec2(0.0, below * unit), Align2::CENTER_CENTER, says, theme::bold(size), color);
        widgets::say(ui, place, says, says);
    }
}

fn header(ui: &Ui, places: &Places, show: &Show<'_>) {
    let (tokens, unit, rect) = (Tokens::of(ui), places.unit, places.header);
    let mut left = rect.left();
    let room = Rect::from_min_size(rect.min, vec2(rect.width() * 0.25, rect.height()));
    if let Some(place) = logo(ui, room, Align2::LEFT_TOP, show) {
        left = place.right() + 2.0 * unit;
    }
    let (demo, says) = match show.scene {
        StageScene::Attract(_) => (true, &show.words.demo),
        StageScene::Opening | StageScene::Live | StageScene::StillThere(_) => (false, &show.words.live),
    };
    let color = if demo { tokens.float_input } else { tokens.embedded };
    let right = pos2(rect.right(), rect.top() + 3.0 * unit);
    let word = text(ui, right, Align2::RIGHT_CENTER, says, theme::bold(3.2 * unit), color);
    let light = pos2(word.left() - 2.4 * unit, word.center().y);
    ui.painter().circle_filled(light, 0.9 * unit, color);
    let room = light.x - 3.0 * unit - left;
    let size = fitting(ui, show.title, theme::bold, 4.0 * unit, room);
    elided(ui, pos2(left, rect.top()), show.title, theme::bold(size), tokens.text, room);
    elided(ui, pos2(left, rect.top() + 5.0 * unit), show.line, theme::plain(2.2 * unit), tokens.quiet, room);
    widgets::say(ui, word, "scene", says);
}

/// The picture in its colours, and in its lower corner the network's square with what speaks for the answer in it.
fn live_picture(ui: &mut Ui, places: &Places, (model, report): (&Model, &Report), state: &mut State) {
    let (tokens, unit) = (Tokens::of(ui), places.unit);
    let place = fitted(places.picture, &report.frame);
    let mirrored = state.is_mirrored(&report.frame);
    picture(ui, place, &report.frame, (mirrored, false), state);
    let seen = square_of(place, report.frame.width, report.crop, mirrored);
    ui.painter().rect_stroke(seen, 0.0, Stroke::new(0.25 * unit, tokens.on_picture), StrokeKind::Inside);
    if model.answers.classifier_input.is_none() {
        return;
    }
    let edge = place.height() * 0.34;
    let inset = Rect::from_min_size(place.right_bottom() - Vec2::splat(edge + unit), Vec2::splat(edge));
    let part = Rect::from_min_max(
        ((seen.min - place.min) / place.size()).to_pos2(),
        ((seen.max - place.min) / place.size()).to_pos2(),
    );
    if let Some(texture) = state.textures.picture.id() {
        let part = if mirrored {
            Rect::from_min_max(pos2(1.0 - part.min.x, part.min.y), pos2(1.0 - part.max.x, part.max.y))
        } else {
            part
        };
        egui::Image::from_texture((texture, inset.size())).uv(part).tint(Color32::from_gray(150)).paint_at(ui, inset);
    }
    why::lay_evidence(ui, Seen { square: inset, mirrored }, (model, report), &mut state.why);
    ui.painter().rect_stroke(inset, 0.0, Stroke::new(0.2 * unit, tokens.on_picture), StrokeKind::Outside);
}

/// What the network names, or that it does not know.
fn answer(ui: &Ui, places: &Places, show: &Show<'_>, report: &Report) {
    let (tokens, unit, rect) = (Tokens::of(ui), places.unit, places.answer);
    let named = super::named(report);
    let (name, color) = match named.and_then(|class| report.network.labels().get(class)) {
        Some(label) => (show.words.label(label), tokens.text),
        None if super::shows_nothing(report) => (show.words.show_a_card.as_str(), tokens.quiet),
        None => (show.words.unknown.as_str(), tokens.quiet),
    };
    let most = if named.is_some() { 11.0 } else { 5.0 };
    let size = fitting(ui, name, theme::bold, most * unit, rect.width());
    let at = pos2(rect.left(), rect.top() + rect.height() * 0.4);
    let place = text(ui, at, Align2::LEFT_CENTER, name, theme::bold(size), color);
    widgets::say(ui, place, "answer", name);
    let share = named.and_then(|class| report.prediction.smoothed.get(class)).copied().unwrap_or(0.0);
    let bar =
        Rect::from_min_max(pos2(rect.left(), rect.bottom() - 3.5 * unit), rect.right_bottom() - vec2(0.0, 1.5 * unit));
    widgets::bar(ui, bar, share, tokens.twin(report.network.has_pixel_embedding()));
}

/// A sentence on the lower part of the picture.
fn caption(ui: &Ui, places: &Places, sentence: &str) {
    let (tokens, unit) = (Tokens::of(ui), places.unit);
    let width = places.picture.width() - 6.0 * unit;
    let words = ui.painter().layout(sentence.to_owned(), theme::bold(3.6 * unit), tokens.on_picture, width);
    let size = words.size() + Vec2::splat(3.0 * unit);
    let place = Rect::from_min_size(places.picture.left_top(), vec2(places.picture.width(), size.y));
    ui.painter().rect_filled(place, theme::ROUND, tokens.scrim);
    ui.painter().galley(place.min + Vec2::splat(1.5 * unit), words, tokens.on_picture);
    widgets::say(ui, place, "caption", sentence);
}

/// A question over everything, and the seconds that are left.
fn question(ui: &Ui, screen: Rect, asks: &str, below: &str, left: u64) {
    let (tokens, unit) = (Tokens::of(ui), unit_of(screen));
    let place = Rect::from_center_size(screen.center(), vec2(screen.width(), 44.0 * unit));
    ui.painter().rect_filled(place, 0.0, Color32::from_black_alpha(224));
    let size = fitting(ui, asks, theme::bold, 9.0 * unit, place.width() - 8.0 * unit);
    let middle = place.center();
    text(ui, middle - vec2(0.0, 13.0 * unit), Align2::CENTER_CENTER, asks, theme::bold(size), tokens.on_picture);
    text(ui, middle + vec2(0.0, 1.0 * unit), Align2::CENTER_CENTER, left, theme::bold(15.0 * unit), tokens.embedded);
    text(
        ui,
        middle + vec2(0.0, 15.0 * unit),
        Align2::CENTER_CENTER,
        below,
        theme::plain(4.0 * unit),
        tokens.on_picture,
    );
    widgets::say(ui, place, "question", &format!("{asks} {left} {below}"));
}

/// What becomes of pictures, and what is wrong.
fn footer(ui: &Ui, places: &Places, show: &Show<'_>) {
    let (tokens, unit, rect) = (Tokens::of(ui), places.unit, places.footer);
    let half = rect.width() * 0.5 - unit;
    let private = show.private;
    let size = fitting(ui, private, theme::plain, 1.9 * unit, half);
    let place = elided(ui, rect.left_top(), private, theme::plain(size), tokens.quiet, half);
    widgets::say(ui, place, "privacy", private);
    if let Some(fault) = show.fault {
        let size = fitting(ui, fault, theme::plain, 1.9 * unit, half);
        let place = text(ui, rect.right_top(), Align2::RIGHT_TOP, fault, theme::plain(size), tokens.fault);
        widgets::say(ui, place, "fault", fault);
    }
}
