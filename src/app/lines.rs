//! Lines over time.

use super::format;
use super::theme::{self, Tokens};
use super::widgets::{say, text};
use egui::{Align2, Color32, Rect, Ui, pos2, vec2};
use egui_plot::{GridMark, HoverPosition, Line, Plot, PlotPoints};

/// A line: its name, its colour, its points (age in seconds, value).
pub(super) struct Series<'a> {
    /// Shown at the line's left end.
    pub(super) name: &'a str,
    /// Its meaning's colour.
    pub(super) color: Color32,
    /// The oldest first.
    pub(super) points: Vec<[f64; 2]>,
}

/// Draws lines of the last `seconds` in `rect`, from 0 to a round number above them all.
pub(super) fn show(ui: &mut Ui, rect: Rect, id: &str, seconds: f64, unit: &str, series: Vec<Series<'_>>) {
    let tokens = Tokens::of(ui);
    let highest = series.iter().flat_map(|line| &line.points).map(|point| point[1]).fold(0.0, f64::max);
    let top = round_above(highest);
    let plot = Plot::new(id)
        .show_axes(false)
        .show_grid([false, true])
        .show_background(false)
        .grid_color(tokens.line)
        .grid_fade(0.0)
        .y_grid_spacer(move |_| {
            [0.0, 0.5, 1.0].map(|part| GridMark { value: top * part, step_size: top * 0.5 }).to_vec()
        })
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .show_crosshair(false)
        .set_margin_fraction(vec2(0.0, 0.0))
        .label_formatter(move |hover| {
            let (HoverPosition::NearDataPoint { position: point, .. } | HoverPosition::Elsewhere { position: point }) =
                hover;
            Some(format!("{} {unit}\n{:.1} s ago", format::rate(point.y as f32), -point.x))
        })
        .width(rect.width())
        .height(rect.height());
    let says: Vec<String> = series.iter().map(|line| summary(line, unit)).collect();
    let labels: Vec<([f64; 2], &str, Color32)> =
        series.iter().map(|line| (ends(line), line.name, line.color)).collect();
    super::widgets::inner(ui, rect, |ui| {
        plot.show(ui, |plot| {
            plot.set_plot_bounds_x(-seconds..=0.0);
            plot.set_plot_bounds_y(0.0..=top * 1.02);
            for line in series {
                plot.line(Line::new(line.name, PlotPoints::from(line.points)).color(line.color).width(1.6));
            }
        })
    });
    let font = theme::mono(theme::TINY);
    let scale = format!("{} {unit}", format::rate(top as f32));
    text(ui, rect.right_top() + vec2(0.0, 2.0), Align2::RIGHT_TOP, scale, font, tokens.quiet);
    name_lines(ui, rect, top, &labels);
    say(ui, rect, id, &says.join("; "));
}

/// Names stand at the left end of their lines, above or below so that they do not meet.
fn name_lines(ui: &Ui, rect: Rect, top: f64, labels: &[([f64; 2], &str, Color32)]) {
    let highest = labels.iter().map(|label| label.0[1]).fold(f64::NEG_INFINITY, f64::max);
    for &([low, high], name, color) in labels {
        let y = |value: f64| rect.bottom() - rect.height() * (value / (top * 1.02)).clamp(0.0, 1.0) as f32;
        let above = high >= highest || rect.bottom() - y(low) < 18.0;
        let (anchor, y) = if above { (Align2::LEFT_BOTTOM, y(high) - 3.0) } else { (Align2::LEFT_TOP, y(low) + 3.0) };
        text(ui, pos2(rect.left() + 2.0, y), anchor, name, theme::plain(theme::SMALL), color);
    }
}

/// The lowest and the highest value among the older half of a line, where its name stands.
fn ends(line: &Series<'_>) -> [f64; 2] {
    let some = line.points.len().div_ceil(2);
    let values = line.points.iter().take(some).map(|point| point[1]);
    [values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max)]
}

fn summary(line: &Series<'_>, unit: &str) -> String {
    let last = line.points.last().map_or(0.0, |point| point[1]);
    format!("{}: {} {unit}", line.name, format::rate(last as f32))
}

/// 1, 2 or 5 times a power of ten, above `value` with some air: the scale seldom changes.
fn round_above(value: f64) -> f64 {
    let wanted = (value * 1.15).max(1e-3);
    let power = 10_f64.powf(wanted.log10().floor());
    [1.0, 2.0, 3.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&round| round >= wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_above() {
        assert_eq!([0.9, 30.0, 44.0, 2340.0].map(round_above), [2.0, 50.0, 100.0, 3000.0]);
    }
}
