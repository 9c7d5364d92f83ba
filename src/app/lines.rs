//! Lines over time.

use super::format;
use super::theme::{self, Tokens};
use super::widgets::{self, say};
use egui::{Color32, FontId, Rect, Ui, pos2, vec2};
use egui_plot::{GridMark, HoverPosition, Line, Plot, PlotPoints};

/// A line: its name, its colour, its points (age in seconds, value).
pub(super) struct Series<'a> {
    /// What it shows.
    pub(super) name: &'a str,
    /// Its meaning's colour.
    pub(super) color: Color32,
    /// The oldest first.
    pub(super) points: Vec<[f64; 2]>,
}

/// Lines of the last seconds, from 0 to a round number above them all.
pub(super) struct Chart<'a> {
    /// Tells it from other charts.
    pub(super) id: &'a str,
    /// How far back the lines go.
    pub(super) seconds: f64,
    /// Of the values.
    pub(super) unit: &'a str,
    /// What stands above the lines, the most important first.
    pub(super) caption: Vec<(String, FontId, Color32)>,
    /// The lines.
    pub(super) series: Vec<Series<'a>>,
}

/// Height of the line of text above a chart.
const CAPTION: f32 = 16.0;
/// Between texts above a chart.
const BETWEEN: f32 = 12.0;

/// Draws a chart in `rect`: in one line its caption and its scale, so that no text meets a line of the chart.
pub(super) fn show(ui: &mut Ui, rect: Rect, chart: Chart<'_>) {
    let Chart { id, seconds, unit, caption, series } = chart;
    let tokens = Tokens::of(ui);
    let highest = series.iter().flat_map(|line| &line.points).map(|point| point[1]).fold(0.0, f64::max);
    let top = round_above(highest);
    let room = Rect::from_min_max(rect.min + vec2(0.0, CAPTION), rect.max);
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
        .width(room.width())
        .height(room.height());
    let scale = format!("{} {unit}", format::rate(top as f32));
    let is_name = |text: &str| series.iter().any(|line| line.name == text);
    let figures = caption.iter().map(|(text, ..)| text.clone()).filter(|text| !is_name(text));
    let mut says: Vec<String> = figures.chain(series.iter().map(|line| summary(line, unit))).collect();
    says.push(format!("scale to {scale}, {seconds} s"));
    if room.is_positive() {
        widgets::inner(ui, room, |ui| {
            plot.show(ui, |plot| {
                plot.set_plot_bounds_x(-seconds..=0.0);
                plot.set_plot_bounds_y(0.0..=top * 1.02);
                for line in series {
                    plot.line(Line::new(line.name, PlotPoints::from(line.points)).color(line.color).width(1.6));
                }
            })
        });
    }
    write_caption(ui, rect, caption, scale);
    say(ui, rect, id, &says.join("; "));
}

/// The caption from the left, the scale at the right; what finds no room is left out, the last of the caption first.
fn write_caption(ui: &Ui, rect: Rect, caption: Vec<(String, FontId, Color32)>, scale: String) {
    let quiet = Tokens::of(ui).quiet;
    let scale = widgets::layout(ui, scale, theme::mono(theme::TINY), quiet);
    let texts: Vec<_> =
        caption.into_iter().map(|(text, font, color)| (widgets::layout(ui, text, font, color), color)).collect();
    let y = |height: f32| rect.top() + (CAPTION - 3.0 - height) / 2.0;
    let mut left = rect.left();
    for (place, (text, color)) in texts.into_iter().enumerate() {
        let right = left + text.size().x;
        let limit = if place == 0 { rect.right() } else { rect.right() - scale.size().x - BETWEEN };
        if right > limit {
            break;
        }
        ui.painter().galley(pos2(left, y(text.size().y)), text, color);
        left = right + BETWEEN;
    }
    let at = rect.right() - scale.size().x;
    if left <= at {
        ui.painter().galley(pos2(at, y(scale.size().y)), scale, quiet);
    }
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
