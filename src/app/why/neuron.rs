//! One neuron: every code it reads with its sign, what they come to, and what that becomes.

use super::super::format;
use super::super::model::Model;
use super::super::theme::{self, Tokens};
use super::super::widgets;
use super::saved::SavedAnswer;
use super::words::{FOR, figure, heading, quiet};
use crate::inspect::explain::{Explanation, Group, GroupBy, LookedUp, Neuron};
use crate::network::Network;
use egui::{Align2, Rect, Response, RichText, Sense, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// Arguments that are listed.
const LISTED: usize = 12;
/// Pixel bytes that are listed for the first layer.
const BYTES: usize = 9;

/// What the panel remembers of it.
#[derive(Default)]
pub(super) struct NeuronState {
    /// The places that were walked through; the last one is shown.
    trail: Vec<Neuron>,
    /// Groups are made anew for another explanation alone.
    groups: Option<(Arc<Explanation>, Groups)>,
}

struct Groups {
    branches: Vec<Group>,
    channels: Vec<Group>,
    taps: Vec<Group>,
    look_ups: Vec<LookedUp>,
}

impl NeuronState {
    /// Shows another place, with no way back.
    pub(super) fn begin(&mut self, place: Neuron) {
        self.trail = vec![place];
    }

    /// The place that is shown.
    pub(super) fn place(&self) -> Option<Neuron> {
        self.trail.last().copied()
    }

    fn groups(&mut self, explanation: &Arc<Explanation>) -> &Groups {
        let is_known = |known: &(Arc<Explanation>, Groups)| Arc::ptr_eq(&known.0, explanation);
        if !self.groups.as_ref().is_some_and(is_known) {
            self.groups = None;
        }
        let make = || {
            let [branches, channels, taps] =
                [GroupBy::Branch, GroupBy::Channel, GroupBy::Tap].map(|by| explanation.groups(by));
            (Arc::clone(explanation), Groups { branches, channels, taps, look_ups: explanation.look_ups() })
        };
        &self.groups.get_or_insert_with(make).1
    }
}

/// Shows the arithmetic; returns what is to be saved.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut NeuronState) -> Option<SavedAnswer> {
    let report = model.report.as_deref()?;
    let Some(place) = state.place() else {
        quiet(
            ui,
            "Click a position of the large channel in the layer's panel: the value there is taken apart, term by term.",
        );
        return None;
    };
    place_and_way_back(ui, &report.network, place, state);
    let explanation = match &model.answers.neuron {
        Some(Ok(explanation)) if explanation.neuron() == place => Arc::clone(explanation),
        Some(Err(why)) => {
            quiet(ui, &format!("{why}."));
            return None;
        }
        _ => {
            quiet(ui, "It is taken apart with the next frame that is sampled.");
            return None;
        }
    };
    sum(ui, &explanation);
    let walk = arguments(ui, &explanation, state.groups(&explanation));
    state.trail.extend(walk);
    let save = ui.button("Save as CSV").on_hover_text("Every term once").clicked();
    save.then_some(SavedAnswer::Explanation(explanation))
}

/// What the sum is made of, from the large parts to the small; returns where to go on.
fn arguments(ui: &mut Ui, explanation: &Explanation, groups: &Groups) -> Option<Neuron> {
    let most = groups.branches.iter().map(|all| all.plus.max(all.minus)).fold(1.0, f64::max);
    if groups.branches.len() > 1 {
        heading(ui, "what each block added");
        for group in &groups.branches {
            let name = explanation.network().layers().get(group.by).map(format::layer_name).unwrap_or_default();
            balance(ui, &name, group.sum(), most, Sense::hover());
        }
    }
    look_ups(ui, &groups.look_ups);
    if groups.taps.len() > 1 {
        heading(ui, "by position in the kernel");
        taps(ui, &groups.taps, explanation);
    }
    heading(ui, "by channel read, the weightiest first");
    let mut walk = None;
    for group in groups.channels.iter().take(LISTED) {
        if argument(ui, explanation.network(), group, most / 4.0).clicked() {
            walk = strongest(explanation, group);
        }
    }
    if groups.channels.len() > LISTED {
        let more = groups.channels.len() - LISTED;
        quiet(ui, &format!("and {more} channels more; a click on one goes to its strongest input"));
    }
    walk
}

/// Where the value stands, and the way back.
fn place_and_way_back(ui: &mut Ui, network: &Network, place: Neuron, state: &mut NeuronState) {
    let Some(layer) = network.layers().get(place.layer) else {
        state.trail.clear();
        return;
    };
    let name = format::layer_name(layer);
    ui.label(RichText::new(format!("{name} · channel {}", place.channel)).font(theme::bold(theme::BODY)));
    ui.horizontal(|ui| {
        ui.label(RichText::new(format!("row {}, column {}", place.y, place.x)).font(theme::mono(theme::SMALL)));
        if state.trail.len() > 1 && ui.button("Back").clicked() {
            state.trail.pop();
        }
    });
}

/// Plus, minus, sum, thresholds, code.
fn sum(ui: &mut Ui, explanation: &Explanation) {
    let Explanation { plus, minus, sum, .. } = explanation;
    let short = |value: f64| if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") };
    let says = format!("{} − {} = {}", short(*plus), short(*minus), short(*sum));
    ui.label(RichText::new(&says).font(theme::mono(theme::FIGURE * 0.72)));
    if let Some(offset) = explanation.offset {
        quiet(ui, &format!("with {offset:+.4} from bytes of 0 and rounding"));
    }
    if let (Some([first, second, third]), Some(falling)) = (explanation.thresholds, explanation.falling) {
        let how = if falling { "≤" } else { "≥" };
        figure(
            ui,
            &format!("thresholds ({how} counts)"),
            &format!("{}  {}  {}", short(first), short(second), short(third)),
        );
    }
    if let Some(code) = explanation.code {
        figure(ui, "code", &code.to_string());
    }
}

/// A bar to the right where a group adds, to the left where it takes.
fn balance(ui: &mut Ui, says: &str, sum: f64, most: f64, sense: Sense) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 18.0), sense);
    let tokens = Tokens::of(ui);
    if response.hovered() && sense.senses_click() {
        ui.painter().rect_filled(rect, 3.0, tokens.hovered);
    }
    let font = theme::mono(theme::TINY);
    widgets::elided(ui, rect.min + vec2(2.0, 2.0), says, font.clone(), tokens.text, rect.width() * 0.44);
    let (left, right) = (rect.left() + rect.width() * 0.47, rect.right() - 50.0);
    let middle = (left + right) / 2.0;
    let end = middle + (right - left) / 2.0 * (sum / most.max(1e-9)).clamp(-1.0, 1.0) as f32;
    let bar = Rect::from_two_pos(pos2(middle, rect.top() + 4.0), pos2(end, rect.bottom() - 4.0));
    ui.painter().vline(middle, rect.y_range(), tokens.border());
    ui.painter().rect_filled(bar, 1.0, if sum > 0.0 { FOR } else { tokens.chosen });
    let value = if sum.fract() == 0.0 { format!("{sum:+.0}") } else { format!("{sum:+.3}") };
    widgets::text(ui, rect.right_center(), Align2::RIGHT_CENTER, &value, font, tokens.text);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{says}: {value}")));
    response
}

fn argument(ui: &mut Ui, network: &Network, group: &Group, most: f64) -> Response {
    let from = group.layer.and_then(|layer| network.layers().get(layer)).map(format::layer_name);
    let says = format!("{} · {}", from.as_deref().unwrap_or("picture"), group.channel.unwrap_or(0));
    balance(ui, &says, group.sum(), most, Sense::click()).on_hover_text("Go to its strongest input")
}

/// The input of a group that adds or takes most.
fn strongest(explanation: &Explanation, group: &Group) -> Option<Neuron> {
    let own = explanation.terms().filter(|term| term.by == group.by && Some(term.channel) == group.channel);
    own.max_by(|a, b| a.contribution().abs().total_cmp(&b.contribution().abs()))?.neuron()
}

/// A kernel's positions as a square of sums.
fn taps(ui: &mut Ui, taps: &[Group], explanation: &Explanation) {
    let most = taps.iter().map(|tap| tap.sum().abs()).fold(1e-9, f64::max);
    let by = taps.first().map_or(0, |tap| tap.by);
    let (rect, _) = ui.allocate_exact_size(vec2(150.0, 78.0), Sense::hover());
    let tokens = Tokens::of(ui);
    for tap in taps.iter().filter(|tap| tap.by == by) {
        let Some([dy, dx]) = tap.tap else { continue };
        let at = rect.min + vec2((dx + 1) as f32 * 50.0, (dy + 1) as f32 * 26.0);
        let cell = Rect::from_min_size(at, vec2(48.0, 24.0));
        let color = if tap.sum() > 0.0 { FOR } else { tokens.chosen };
        let part = (tap.sum().abs() / most) as f32;
        ui.painter().rect(
            cell,
            3.0,
            color.gamma_multiply(0.15 + 0.55 * part),
            tokens.border(),
            egui::StrokeKind::Inside,
        );
        let value = if tap.sum().fract() == 0.0 { format!("{:+.0}", tap.sum()) } else { format!("{:+.2}", tap.sum()) };
        widgets::text(ui, cell.center(), Align2::CENTER_CENTER, value, theme::mono(theme::TINY), tokens.text);
    }
    if taps.iter().any(|tap| tap.by != by) {
        let name = explanation.network().layers().get(by).map(format::layer_name).unwrap_or_default();
        quiet(ui, &format!("of {name}"));
    }
}

/// For the first layer: byte → row of the table → codes → what they add.
fn look_ups(ui: &mut Ui, look_ups: &[LookedUp]) {
    if look_ups.is_empty() {
        return;
    }
    heading(ui, "pixel bytes, their codes, what they add");
    for found in look_ups.iter().take(BYTES) {
        let codes: String = found.codes.iter().map(|code| char::from(b'0' + code.min(&9))).collect();
        let colour = ["red", "green", "blue"][found.colour.min(2)];
        let says = format!("{:>2},{:<2} {colour} {:>3} → {codes} → {:+.0}", found.y, found.x, found.byte, found.sum);
        ui.label(RichText::new(says).font(theme::mono(theme::TINY)))
            .on_hover_text("row, column, colour and byte of a pixel");
    }
}
