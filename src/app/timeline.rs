//! Frames a second and latency over time.

use super::format;
use super::history::{HistoryPoint, SPAN};
use super::lines::{self, Chart, Series};
use super::model::Model;
use super::theme::{self, Tokens};
use super::widgets;
use egui::{Rect, Ui, pos2};

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model) -> bool {
    widgets::panel(ui, super::arrangement::Panel::Timeline.title(), |ui| {
        let Some(steady) = &model.steady else { return };
        let rect = ui.max_rect();
        let middle = rect.center().y;
        let (predicted_per_s, latency) = if model.is_past() {
            (0.0, "no latency without a picture".into())
        } else {
            (steady.rates.predicted_per_s, format!("{} ms latency", format::ms(steady.rates.latency_ms)))
        };
        let frames = format!("{:>5} predicted/s", format::rate(predicted_per_s));
        let upper = Rect::from_min_max(rect.min, pos2(rect.right(), middle - 4.0));
        let lower = Rect::from_min_max(pos2(rect.left(), middle + 4.0), rect.max);
        half(ui, upper, model, "predicted", "/s", frames.trim(), |point| point.predicted_per_s);
        half(ui, lower, model, "latency", "ms", latency.trim(), |point| point.latency_ms);
    })
}

/// A figure above its line.
fn half(ui: &mut Ui, rect: Rect, model: &Model, name: &str, unit: &str, figure: &str, value: fn(&HistoryPoint) -> f32) {
    let tokens = Tokens::of(ui);
    let points = model.history.points().map(|(age, point)| [f64::from(-age), f64::from(value(point))]).collect();
    let caption = vec![(figure.to_owned(), theme::mono(theme::SMALL), tokens.text)];
    let series = vec![Series { name, color: tokens.chosen, points }];
    lines::show(ui, rect, Chart { id: name, seconds: SPAN.as_secs_f64(), unit, caption, series });
}
