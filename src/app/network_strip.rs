//! All layers in the order of the data, a tile each.

use super::format;
use super::model::Model;
use super::state::{Action, State};
use super::theme::{self, Tokens};
use super::widgets::{self, bar, bars, text};
use crate::board::BoardFrame;
use crate::engine::CodeHistogram;
use crate::inspect::LayerSample;
use crate::inspect::channels::LayerMark;
use crate::inspect::timing::milliseconds;
use crate::network::{Layer, LayerShape, Op};
use crate::pipeline::{ChannelReport, Report};
use egui::{
    Align, Align2, Color32, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;
use std::time::Duration;

/// Width of a tile: as much as lets all stand side by side, within these limits.
const TILE: std::ops::RangeInclusive<f32> = 92.0..=132.0;
/// Width of a tile without codes of its own.
const NARROW: f32 = 46.0;
/// In a low tile bars of less height are left out.
const LEAST_BARS: f32 = 26.0;
/// In a lower one there is no room for the kind either, and in the lowest none for the shape.
const LEAST_FOR_KIND: f32 = 68.0;
/// See [`LEAST_FOR_KIND`].
const LEAST_FOR_SHAPE: f32 = 60.0;
/// Between tiles.
const BETWEEN: f32 = 6.0;
/// The share of a layer that a bar of full height stands for; few layers have more of one code.
const FULL_BAR: f32 = 0.8;

/// Layers that were looked at longer ago say so: a board shows them over a slow line.
const OLD: Duration = Duration::from_secs(1);

/// What a tile shows.
struct Tile<'a> {
    layer: &'a Layer,
    shape: LayerShape,
    sample: LayerSample,
    /// The same a quarter of a second steady, for the time.
    steady: LayerSample,
    /// Times of all layers of the steady report: together, and the longest.
    whole: [f32; 2],
    /// The board that ran them, where one did.
    board: Option<BoardFrame>,
    chosen: bool,
    /// How many of its codes differ from the held frame's, where one is held.
    differing: Option<u32>,
    /// How many of its channels hold but one code.
    mark: LayerMark,
    width: f32,
}

/// A tile's figures as they are shown.
struct Figures {
    /// Where a board counted them.
    cycles: Option<String>,
    time: String,
    /// Of the frame's time; `None` where the layer has no time of its own.
    share: Option<String>,
}

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut State, actions: &mut Vec<Action>) -> bool {
    let title = super::arrangement::Panel::Strip.title();
    let board = model.steady.as_ref().and_then(|steady| steady.timing.board);
    let simulated = if board.is_some_and(|board| board.simulated) { " · cycles simulated" } else { "" };
    let age = match model.sample_age {
        age if age > OLD => format!(" · seen {:.0} s ago", age.as_secs_f32()),
        _ => String::new(),
    };
    widgets::panel(ui, &format!("{title}{simulated}{age}"), |ui| {
        if let (Some(report), Some(steady)) = (&model.report, &model.steady) {
            let differing = model.answers.held.as_ref().map(|held| &held.differing[..]);
            let fits = |channels: &&Arc<ChannelReport>| Arc::ptr_eq(&channels.network, &report.network);
            let marks = model.channels.as_ref().filter(fits).map_or(&[][..], |channels| &channels.marks);
            tiles(ui, [report, steady], (differing, marks), state, actions);
        }
    })
}

fn tiles(
    ui: &mut Ui,
    [report, steady]: [&Report; 2],
    (differing, marks): (Option<&[Option<u32>]>, &[LayerMark]),
    state: &mut State,
    actions: &mut Vec<Action>,
) {
    let shapes = report.network.shapes(report.edge);
    // After a switch the figures of the network before stand for a moment; they would name the wrong layers.
    let fits = steady.layers.len() == report.layers.len();
    let steady = if fits { steady } else { report };
    let times = steady.layers.iter().map(|sample| milliseconds(sample.elapsed));
    let whole = [times.clone().sum(), times.fold(0.0, f32::max)];
    let width = tile_width(ui.available_width(), report.network.layers());
    let board = steady.timing.board;
    ScrollArea::horizontal().id_salt("tiles").auto_shrink(false).show(ui, |ui| {
        let height = ui.available_height() - 8.0;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = BETWEEN;
            for (index, (layer, &shape)) in report.network.layers().iter().zip(&shapes).enumerate() {
                let sample = report.layers.get(index).copied().unwrap_or_default();
                let steady = steady.layers.get(index).copied().unwrap_or_default();
                let width = if is_wide(layer) { width } else { NARROW };
                let differing = differing.and_then(|all| all.get(index).copied().flatten());
                let (chosen, mark) = (index == state.layer, marks.get(index).copied().unwrap_or_default());
                let tile = Tile { layer, shape, sample, steady, whole, board, chosen, differing, mark, width };
                let response = tile.show(ui, height, &report.prediction.raw);
                if response.clicked() {
                    state.choose_layer(index, actions);
                }
                if tile.chosen && std::mem::take(&mut state.follow_layer) {
                    response.scroll_to_me_animation(Some(Align::Center), egui::style::ScrollAnimation::none());
                }
            }
        });
    });
}

/// Whether the layer has bars of its own to show.
fn is_wide(layer: &Layer) -> bool {
    layer.op.makes_codes() || matches!(layer.op, Op::Classifier { .. })
}

fn tile_width(room: f32, layers: &[Layer]) -> f32 {
    let wide = layers.iter().filter(|layer| is_wide(layer)).count() as f32;
    let others = (layers.len() as f32 - wide) * NARROW + (layers.len() as f32 - 1.0) * BETWEEN;
    ((room - others) / wide.max(1.0)).floor().clamp(*TILE.start(), *TILE.end())
}

impl Tile<'_> {
    fn show(&self, ui: &mut Ui, height: f32, probabilities: &[f32]) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(self.width, height), Sense::click());
        let figures = self.figures();
        response.widget_info(|| WidgetInfo {
            current_text_value: Some(self.figures_in_words(&figures)),
            ..WidgetInfo::selected(Role::Button, true, self.chosen, self.says())
        });
        if ui.is_rect_visible(rect) {
            self.paint(ui, rect, &response, &figures, probabilities);
        }
        response.on_hover_ui(|ui| self.tip(ui))
    }

    fn says(&self) -> String {
        let name = format::layer_name(self.layer);
        format!("layer {name}, {}, {}", format::shape(self.shape), format::kind_in_words(&self.layer.op))
    }

    fn figures(&self) -> Figures {
        let ms = milliseconds(self.steady.elapsed);
        let folded = self.folded();
        Figures {
            cycles: self.steady.counted.map(|counted| format!("{} cycles", format::cycles(counted.computing()))),
            time: folded.map_or_else(|| format!("{} ms", format::ms(ms).trim()), |(short, _)| short.into()),
            share: folded.is_none().then(|| format!("{:.0} %", ms / self.whole[0].max(1e-9) * 100.0)),
        }
    }

    /// All that the tile shows as figures or bars.
    fn figures_in_words(&self, figures: &Figures) -> String {
        let share = figures.share.as_ref().map(|share| format!("{share} of the frame"));
        let all = self.sample.codes.iter().sum::<u32>().max(1) as f32;
        let codes = self.layer.op.makes_codes().then(|| {
            let shares = self.sample.codes.map(|count| format!("{:.0} %", count as f32 / all * 100.0));
            format!("codes 0 to 3: {}", shares.join(", "))
        });
        let differing = self.differing.map(|count| format!("{count} codes differ from the held frame"));
        [Some(figures.time.clone()), share, figures.cycles.clone(), codes, differing, self.still_in_words()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn still_in_words(&self) -> Option<String> {
        let LayerMark { dead, constant, saturated } = self.mark;
        (dead + constant + saturated > 0)
            .then(|| format!("channels with one code alone: {dead} dead, {constant} constant, {saturated} saturated"))
    }

    fn paint(&self, ui: &Ui, rect: Rect, response: &Response, figures: &Figures, probabilities: &[f32]) {
        let tokens = Tokens::of(ui);
        let fill = match (self.chosen, response.hovered()) {
            (true, _) => tokens.chosen_fill,
            (false, true) => tokens.hovered,
            (false, false) => tokens.raised,
        };
        let marked = self.chosen || response.has_focus();
        let border = if marked { Stroke::new(1.5, tokens.chosen) } else { tokens.border() };
        ui.painter().rect(rect, theme::ROUND_SMALL, fill, border, StrokeKind::Inside);
        let wide = is_wide(self.layer);
        let inside = rect.shrink2(vec2(if wide { 6.0 } else { 4.0 }, 7.0));
        let name = format::layer_name(self.layer);
        let shown = if wide { name.replace("layer", "L") } else { name.rsplit('.').next().unwrap_or(&name).into() };
        widgets::elided(ui, inside.min, &shown, theme::bold(theme::TINY + 0.5), tokens.text, inside.width());
        let below = inside.min + vec2(0.0, 15.0);
        if wide && inside.height() >= LEAST_FOR_SHAPE {
            text(ui, below, Align2::LEFT_TOP, format::shape(self.shape), theme::mono(theme::TINY), tokens.quiet);
        }
        self.foot(ui, inside, figures, tokens);
        self.differs(ui, inside, tokens);
        let middle =
            Rect::from_min_max(pos2(inside.left(), below.y + 18.0), pos2(inside.right(), inside.bottom() - 42.0));
        if middle.height() < LEAST_BARS {
            return;
        }
        match &self.layer.op {
            Op::Classifier { .. } => logits(ui, middle, probabilities, tokens.text),
            _ if self.layer.op.makes_codes() => codes(ui, middle, self.sample.codes),
            _ => trunk(ui, middle),
        }
    }

    /// How many codes differ from the held frame's, in the upper right corner.
    fn differs(&self, ui: &Ui, inside: Rect, tokens: &Tokens) {
        let Some(count) = self.differing else { return self.still(ui, inside, tokens) };
        let codes = (self.shape.channels * self.shape.edge * self.shape.edge).max(1);
        let share = f64::from(count) * 100.0 / codes as f64;
        let says = if count == 0 { "=".into() } else { format!("≠ {share:.0} %") };
        let color = if count == 0 { tokens.embedded } else { tokens.fault };
        let at = pos2(inside.right(), inside.top() + 30.0);
        text(ui, at, Align2::RIGHT_TOP, says, theme::bold(theme::TINY), color);
    }

    /// How many channels hold but one code, in the same place.
    fn still(&self, ui: &Ui, inside: Rect, tokens: &Tokens) {
        let count = self.mark.dead + self.mark.constant + self.mark.saturated;
        if count > 0 && is_wide(self.layer) {
            let at = pos2(inside.right(), inside.top() + 30.0);
            text(ui, at, Align2::RIGHT_TOP, format!("{count} ∅"), theme::mono(theme::TINY), tokens.float_input);
        }
    }

    /// Kind or a board's cycles, time, share of the frame, and a bar of the time beside the slowest layer's.
    fn foot(&self, ui: &Ui, inside: Rect, figures: &Figures, tokens: &Tokens) {
        let wide = is_wide(self.layer);
        let font = theme::mono(theme::TINY);
        let y = inside.bottom() - 8.0;
        let kind = format::kind(&self.layer.op);
        let kind = if wide { &kind } else { kind.trim_end_matches(" +") };
        let (first, color) = match figures.cycles.as_deref().filter(|_| wide) {
            Some(cycles) => (cycles, tokens.text),
            None => (kind, tokens.quiet),
        };
        if inside.height() >= LEAST_FOR_KIND {
            text(ui, pos2(inside.left(), y - 16.0), Align2::LEFT_BOTTOM, first, font.clone(), color);
        }
        let time = if wide { &figures.time } else { figures.time.trim_end_matches(" ms") };
        let time = text(ui, pos2(inside.left(), y - 2.0), Align2::LEFT_BOTTOM, time, font.clone(), tokens.text);
        if let Some(share) = figures.share.as_ref().filter(|_| wide) {
            let share = widgets::layout(ui, share, font, tokens.quiet);
            let at = inside.right() - share.size().x;
            // Beside a long time there is no room for it.
            if at >= time.right() + 4.0 {
                ui.painter().galley(pos2(at, time.top()), share, tokens.quiet);
            }
        }
        let track = Rect::from_min_max(pos2(inside.left(), inside.bottom() - 3.0), inside.max);
        bar(ui, track, milliseconds(self.steady.elapsed) / self.whole[1].max(1e-9), tokens.chosen);
    }

    /// Where the engine does this layer's work along with another's: in few words, and in more.
    fn folded(&self) -> Option<(&'static str, &'static str)> {
        match self.layer.op {
            _ if !self.steady.elapsed.is_zero() => None,
            Op::PixelEmbedding(_) => Some(("in the next", "computed within the next layer")),
            Op::Activation(_) => Some(("in the +", "computed along with the layer before")),
            _ => None,
        }
    }

    fn tip(&self, ui: &mut Ui) {
        let tokens = Tokens::of(ui);
        ui.label(egui::RichText::new(&self.layer.name).font(theme::bold(theme::BODY)));
        ui.label(egui::RichText::new(format::kind_in_words(&self.layer.op)).color(tokens.quiet));
        let all = self.sample.codes.iter().sum::<u32>().max(1) as f32;
        if self.layer.op.makes_codes() {
            for (code, count) in self.sample.codes.iter().enumerate() {
                ui.monospace(format!("code {code}  {}", format::percent(*count as f32 / all)));
            }
        }
        if let Some(still) = self.still_in_words() {
            ui.label(still);
        }
        if let Some((_, says)) = self.folded() {
            ui.monospace(says);
            return;
        }
        let ms = milliseconds(self.steady.elapsed);
        ui.monospace(format!(
            "{} ms, {} of the frame",
            format::ms(ms).trim(),
            format::percent(ms / self.whole[0].max(1e-9)).trim()
        ));
        if let Some(counted) = self.steady.counted {
            let stalls = format::whole(counted.drain_stalls as f32);
            let simulated = if self.board.is_some_and(|board| board.simulated) { ", simulated" } else { "" };
            ui.monospace(format!("{} cycles{simulated}", format::whole(counted.computing() as f32)));
            ui.monospace(format!("{} steps, {stalls} stalls of the drain", format::whole(counted.steps as f32)));
        }
        if self.shape.macs > 0 {
            ui.monospace(format!("{:.2} M multiply-adds", self.shape.macs as f32 / 1e6));
        }
    }
}

/// Four bars: how often each code stands in the layer.
fn codes(ui: &Ui, rect: Rect, counts: CodeHistogram) {
    let tokens = Tokens::of(ui);
    let all = counts.iter().sum::<u32>().max(1) as f32;
    let step = rect.width() / 4.0;
    for (code, &count) in counts.iter().enumerate() {
        let height = (rect.height() * (count as f32 / all / FULL_BAR).min(1.0)).max(1.5);
        let left = rect.left() + step * code as f32;
        let column = Rect::from_min_max(pos2(left, rect.bottom() - height), pos2(left + step - 4.0, rect.bottom()));
        let edge = if code == 0 { Stroke::new(1.0, tokens.code_edge) } else { Stroke::NONE };
        ui.painter().rect(column, 2.0, tokens.codes[code], edge, StrokeKind::Inside);
    }
}

/// A layer without codes: its integers join the trunk, whose codes the next activation makes.
fn trunk(ui: &Ui, rect: Rect) {
    let tokens = Tokens::of(ui);
    let center = rect.center() - vec2(0.0, 7.0);
    let radius = (rect.height() * 0.2).clamp(6.0, 14.0);
    let stroke = Stroke::new(1.5, tokens.quiet);
    ui.painter().circle_stroke(center, radius, stroke);
    let arm = radius * 0.5;
    ui.painter().hline(center.x - arm..=center.x + arm, center.y, stroke);
    ui.painter().vline(center.x, center.y - arm..=center.y + arm, stroke);
    let below = pos2(center.x, center.y + radius + 5.0);
    text(ui, below, Align2::CENTER_TOP, "trunk", theme::plain(theme::TINY), tokens.quiet);
}

/// A bar a class. Logarithms of the probabilities are the logits but for a shift.
fn logits(ui: &Ui, rect: Rect, probabilities: &[f32], best: Color32) {
    let tokens = Tokens::of(ui);
    let most = rect.width().max(1.0) as usize;
    // Where there are more classes than pixels, each bar is the best of its neighbours.
    let group = probabilities.len().div_ceil(most).max(1);
    let values: Vec<f32> =
        probabilities.chunks(group).map(|some| some.iter().copied().fold(f32::MIN_POSITIVE, f32::max).ln()).collect();
    let (low, high) = values.iter().fold((0.0_f32, -90.0_f32), |(low, high), &v| (low.min(v), high.max(v)));
    let height = |v: f32| 0.04 + 0.96 * (v - low) / (high - low).max(1e-6);
    let color = |v: f32| -> Color32 { if v == high { best } else { tokens.code_edge } };
    bars(ui, rect, values.iter().map(|&v| (height(v), color(v))));
}
