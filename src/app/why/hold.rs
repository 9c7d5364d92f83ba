//! Hold: a frame (A) stays, others (B) go on, and every layer says how many of its codes differ.

use super::super::format;
use super::super::model::Model;
use super::super::theme::{self, Tokens};
use super::super::widgets::{self, CachedTexture};
use super::words::{figure, quiet};
use crate::engines::EngineChoice;
use crate::frame::Frame;
use crate::pipeline::{EngineCommand, HeldAnswer, Report};
use egui::{Color32, ColorImage, Id, Rect, RichText, Sense, TextureOptions, Ui, pos2, vec2};

/// Width of a picture in points.
const PICTURE: f32 = 146.0;
/// Layers that are listed: those that differ most.
const LISTED: usize = 8;

/// What the panel remembers of it.
#[derive(Default)]
pub(super) struct HoldState {
    pictures: [CachedTexture; 2],
    /// The first frame on which a check found a difference.
    differing: CachedTexture,
}

/// Shows both frames and where they differ; `commands` gets what is asked for.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut HoldState, commands: &mut Vec<EngineCommand>) {
    quiet(
        ui,
        "Hold a frame as A; what comes is B. Pause (Space) and choose another engine or network to see the same frame by both.",
    );
    let Some(report) = model.report.as_deref() else { return };
    let held = model.answers.held.as_deref();
    ui.horizontal(|ui| {
        let says = if held.is_some() { "Hold this one instead (A)" } else { "Hold this frame (A)" };
        if ui.button(says).clicked() {
            commands.push(EngineCommand::Hold(true));
        }
        if held.is_some() && ui.button("Let go").clicked() {
            commands.push(EngineCommand::Hold(false));
        }
    });
    check(ui, model, state, commands);
    let Some(held) = held else { return };
    let [first, second] = &mut state.pictures;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        picture(ui, first, ("A", &held.frame), &held.label);
        picture(ui, second, ("B", &report.frame), &answer(report));
    });
    quiet(ui, &format!("A: {}", held.by));
    quiet(ui, &format!("B: {} on {}", report.network.name(), report.engine.name));
    if held.is_comparable() {
        differences(ui, report, held);
    } else {
        quiet(ui, "B's network has no layer of the name and shape of one of A's: their codes cannot be compared.");
    }
}

/// Another engine computes some of the frames again, and everything is compared.
fn check(ui: &mut Ui, model: &Model, state: &mut HoldState, commands: &mut Vec<EngineCommand>) {
    let mut wanted = model.check.is_some();
    let with = if model.settings.engine == EngineChoice::Reference {
        EngineChoice::Cpu(None)
    } else {
        EngineChoice::Reference
    };
    if ui.checkbox(&mut wanted, format!("check the engine against {with}")).changed() {
        commands.push(EngineCommand::Check(wanted.then_some(with)));
    }
    let Some(check) = &model.check else { return };
    quiet(ui, &format!("{check}."));
    if let Some(first) = check.first.as_deref() {
        let input = &first.input;
        let key = Id::unique((first.frame, std::sync::Arc::as_ptr(input) as usize));
        let image = || ColorImage::from_rgb([input.edge(); 2], input.rgb());
        let texture = state.differing.get(ui.ctx(), "differing frame", key, TextureOptions::NEAREST, image);
        let (rect, _) = ui.allocate_exact_size(vec2(PICTURE, PICTURE), Sense::hover());
        paint(ui, texture, rect);
        widgets::say(
            ui,
            rect,
            "differing",
            &format!("what the network saw of frame {}, the first that differs", first.frame),
        );
    }
}

fn answer(report: &Report) -> String {
    let top = crate::pipeline::Prediction::top(&report.prediction.raw, 1);
    top.first().and_then(|first| report.network.labels().get(first.0)).cloned().unwrap_or_default()
}

/// A frame in small, with its letter and what was answered.
fn picture(ui: &mut Ui, texture: &mut CachedTexture, (letter, frame): (&str, &Frame), label: &str) {
    let size = [frame.width as usize, frame.height as usize];
    let height = PICTURE * frame.height as f32 / frame.width.max(1) as f32;
    ui.vertical(|ui| {
        ui.set_width(PICTURE);
        let (rect, _) = ui.allocate_exact_size(vec2(PICTURE, height), Sense::hover());
        let key = Id::unique((frame.source, frame.index, frame.captured));
        let image = || ColorImage::from_rgb(size, &frame.rgb);
        let texture = texture.get(ui.ctx(), letter, key, TextureOptions::LINEAR, image);
        paint(ui, texture, rect);
        widgets::say(ui, rect, ("held", letter), &format!("picture {letter}, frame {}", frame.index));
        ui.label(RichText::new(format!("{letter} · {}", format::label(label))).font(theme::bold(theme::BODY)));
    });
}

fn paint(ui: &Ui, texture: egui::TextureId, rect: Rect) {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture, rect, whole, Color32::WHITE);
}

fn differences(ui: &mut Ui, report: &Report, held: &HeldAnswer) {
    let layers = report.network.layers();
    let shapes = report.network.shapes(report.edge);
    let share = |layer: usize, count: u32| {
        let codes = shapes[layer].channels * shapes[layer].edge * shapes[layer].edge;
        count as f32 / codes.max(1) as f32
    };
    let shown = held.differing.iter().enumerate().filter_map(|(layer, count)| Some((layer, (*count)?)));
    let mut shown: Vec<(usize, u32)> = shown.filter(|(layer, _)| *layer < layers.len()).collect();
    let all: u64 = shown.iter().map(|entry| u64::from(entry.1)).sum();
    figure(ui, "codes that differ", &format::whole(all as f32));
    let first = shown.iter().find(|entry| entry.1 > 0).map(|entry| entry.0);
    match first {
        None => quiet(ui, "Every code of every layer is the same."),
        Some(first) => figure(ui, "first in", &format::layer_name(&layers[first])),
    }
    shown.retain(|entry| entry.1 > 0);
    shown.sort_by(|a, b| share(b.0, b.1).total_cmp(&share(a.0, a.1)));
    for &(layer, count) in shown.iter().take(LISTED) {
        row(ui, &format::layer_name(&layers[layer]), share(layer, count));
    }
    if shown.len() > LISTED {
        quiet(ui, &format!("and {} layers more", shown.len() - LISTED));
    }
}

/// A layer and the share of its codes that differ.
fn row(ui: &mut Ui, name: &str, share: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), Sense::hover());
    let tokens = Tokens::of(ui);
    let font = theme::mono(theme::SMALL);
    widgets::elided(ui, rect.min, name, font.clone(), tokens.text, rect.width() * 0.42);
    let track = Rect::from_x_y_ranges(
        rect.left() + rect.width() * 0.45..=rect.right() - 58.0,
        rect.top() + 4.0..=rect.bottom() - 6.0,
    );
    widgets::bar(ui, track, share, tokens.fault);
    let says = format::percent(share);
    widgets::text(ui, rect.right_center(), egui::Align2::RIGHT_CENTER, says.trim(), font, tokens.text);
    widgets::say(ui, rect, ("differs", name), &format!("{name}: {} of its codes differ", says.trim()));
}
