//! The two twins on the same frames: what pixel embedding buys on this engine, measured.

use super::format;
use super::lines::{self, Chart, Series};
use super::model::Model;
use super::state::State;
use super::theme::{self, Tokens};
use super::widgets::{self, say};
use crate::host::ROUNDS_APART;
use crate::pipeline::{Comparison, Measured, Report, TwinFigures};
use egui::{Color32, Galley, Rect, RichText, Ui, Vec2, pos2, vec2};
use std::sync::Arc;

/// How far back the lines go, in seconds.
const SPAN: f64 = 10.0;
/// Closer than this the twins count as equally fast.
pub(super) const EQUAL: f32 = 0.01;

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &State) -> bool {
    widgets::panel(ui, super::arrangement::Panel::Comparison.title(), |ui| {
        let Some((report, steady)) = model.report.as_deref().zip(model.steady.as_deref()) else { return };
        match (&steady.comparison, state.compare) {
            (Some(comparison), true) if comparison.frames > 0 => content(ui, model, comparison),
            (_, false) => hint(ui, "The comparison rests.", "Press C: the twin then runs on the same frames."),
            (Some(_), true) => hint(ui, "The twin is starting.", "Its figures follow with the next frames."),
            (None, true) if !model.settings.engine.allows_two() => hint(
                ui,
                "A board has room for one network at a time.",
                "With fpga:sim, or on the CPU, its twin runs on the same frames.",
            ),
            (None, true) => no_twin(ui, report),
        }
    })
}

fn no_twin(ui: &mut Ui, report: &Report) {
    let name = report.network.name();
    let missing = if report.network.has_pixel_embedding() { "a float first layer" } else { "pixel embedding" };
    let first = format!("{name} has no twin with {missing} here.");
    let then = "Twins lie side by side as NAME.safetensors and NAME-float-input.safetensors, of one family.";
    hint(ui, &first, then);
}

fn hint(ui: &mut Ui, first: &str, then: &str) {
    let tokens = Tokens::of(ui);
    ui.add_space(ui.available_height() * 0.22);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new(first).font(theme::bold(theme::BODY + 2.0)));
        ui.label(RichText::new(then).color(tokens.quiet));
    });
}

/// Between the chart, the table and the verdict.
const BETWEEN: f32 = 26.0;
/// Between two columns of the table.
const COLUMN_GAP: f32 = 16.0;
/// The share of the panel that the chart takes at most.
const CHART: f32 = 0.36;
/// A narrower chart is left out.
const LEAST_CHART: f32 = 140.0;
/// The height of a line of the table: what it needs at scale 1, and the most that it takes.
const LINE: [f32; 2] = [28.0, 50.0];
/// Between the verdict's figure and its words, where they stand side by side.
const BESIDE: f32 = 14.0;
/// The smallest scale of the type with the chart beside it, and without.
const LEAST_SCALE: [f32; 2] = [0.85, 0.5];

fn content(ui: &mut Ui, model: &Model, comparison: &Comparison) {
    let rect = ui.max_rect();
    let Some((table, verdict, chart_width)) = arrange(ui, comparison, rect.size()) else {
        return hint(ui, "Too small for figures.", "Drag the panel's border, or press R.");
    };
    if let Some(width) = chart_width {
        chart(ui, Rect::from_min_size(rect.min, vec2(width, rect.height())), model);
    }
    let left = rect.right() - verdict.size.x;
    verdict.show(ui, Rect::from_min_max(pos2(left, rect.top()), rect.max));
    let start = chart_width.map_or(rect.left(), |width| rect.left() + width + BETWEEN);
    let spare = left - BETWEEN - start - table.width();
    let corner = pos2(start + spare / 2.0, rect.top());
    table.show(ui, Rect::from_min_size(corner, vec2(table.width(), rect.height())), comparison);
}

/// TwinTable and verdict at the largest scale at which all has its place, and the chart's width where one fits beside them.
fn arrange(ui: &Ui, comparison: &Comparison, room: Vec2) -> Option<(TwinTable, Verdict, Option<f32>)> {
    let at = |step: u8, with_chart: bool| {
        let scale = 1.0 - 0.05 * f32::from(step);
        let table = TwinTable::new(ui, comparison, scale);
        [false, true].into_iter().find_map(|beside| {
            let verdict = Verdict::new(ui, comparison, scale, beside);
            let rest = room.x - table.width() - verdict.size.x - BETWEEN;
            let width = (rest - BETWEEN).min(room.x * CHART);
            let fits_across = if with_chart { width >= LEAST_CHART } else { rest >= 0.0 };
            let fits = fits_across && table.least_height() <= room.y && verdict.size.y <= room.y;
            fits.then(|| (table.clone(), verdict, with_chart.then_some(width)))
        })
    };
    [true, false].into_iter().zip(LEAST_SCALE).find_map(|(with_chart, least)| {
        let steps = ((1.0 - least) / 0.05).round() as u8;
        (0..=steps).find_map(|step| at(step, with_chart))
    })
}

fn chart(ui: &mut Ui, rect: Rect, model: &Model) {
    let tokens = Tokens::of(ui);
    let line = |which: usize| {
        let points = model.history.points().filter(|(age, _)| f64::from(*age) <= SPAN);
        points.filter_map(|(age, point)| Some([f64::from(-age), f64::from(point.twins_per_s?[which])])).collect()
    };
    let series = vec![
        Series { name: NAMES[0], color: tokens.embedded, points: line(0) },
        Series { name: NAMES[1], color: tokens.float_input, points: line(1) },
    ];
    let name = |twin: &str, color| (twin.to_owned(), theme::plain(theme::SMALL), color);
    let caption = vec![name(NAMES[0], tokens.embedded), name(NAMES[1], tokens.float_input)];
    lines::show(ui, rect, Chart { id: "twins over time", seconds: SPAN, unit: "frames/s", caption, series });
}

/// What the twins are called.
const NAMES: [&str; 2] = ["embedding", "float input"];
/// What is called that the network with pixel embedding would be with a first layer of eight bits, which nothing runs.
const BIT_PLANES: &str = "bit planes";
/// The heads of the columns.
const HEADS: [&str; 5] = ["", "frames/s", "a frame", "first layer", "right"];
/// A figure that each column has room for at least, so that nothing moves when figures grow.
const WIDEST: [&str; 5] = ["float input", "12 345", "12.34 ms", "12.34 ms", "100.0 %"];

/// A line of the table.
struct TwinLine<'a> {
    name: &'static str,
    figures: &'a TwinFigures,
    color: Color32,
    /// What is to be known of it.
    hover: &'a str,
}

/// The twins, and on a board what bit planes would be.
fn lines_of<'a>(comparison: &'a Comparison, tokens: &Tokens) -> Vec<TwinLine<'a>> {
    let Comparison { embedded, float_input, bit_planes, .. } = comparison;
    let not_run = "a first layer of 8 bits on the same array, by the model of its cycles: not run";
    let planes = bit_planes.as_ref().map(|figures| (BIT_PLANES, figures, tokens.quiet, not_run));
    let twins = [
        (NAMES[0], embedded, tokens.embedded, &*embedded.name),
        (NAMES[1], float_input, tokens.float_input, &*float_input.name),
    ];
    let all = twins.into_iter().chain(planes);
    all.map(|(name, figures, color, hover)| TwinLine { name, figures, color, hover }).collect()
}

/// The figures of both twins, laid out.
#[derive(Clone)]
struct TwinTable {
    /// A column's head and its figures, and its width.
    columns: Vec<(Vec<Arc<Galley>>, f32)>,
    scale: f32,
}

impl TwinTable {
    fn new(ui: &Ui, comparison: &Comparison, scale: f32) -> Self {
        let tokens = Tokens::of(ui);
        let simulated = comparison.measured == Measured::SimulatedBoard;
        let rows: Vec<_> =
            lines_of(comparison, tokens).iter().map(|line| (cells(line.name, line.figures), line.color)).collect();
        let columns = (0..HEADS.len()).map(|column| {
            let font = match column {
                0 => theme::bold(theme::BODY * scale),
                1 => theme::mono(21.0 * scale),
                _ => theme::mono(theme::BODY * scale),
            };
            let head = match column {
                0 if simulated => {
                    widgets::layout(ui, "simulated", theme::bold(theme::SMALL * scale), tokens.float_input)
                }
                _ => widgets::layout(ui, HEADS[column], theme::plain(theme::SMALL * scale), tokens.quiet),
            };
            let figure =
                |(row, color): &([String; 5], Color32)| widgets::layout(ui, &row[column], font.clone(), *color);
            let least = widgets::layout(ui, WIDEST[column], font.clone(), tokens.text).size().x;
            let texts: Vec<_> = std::iter::once(head).chain(rows.iter().map(figure)).collect();
            let width = texts.iter().map(|text| text.size().x).fold(least, f32::max);
            (texts, width)
        });
        Self { columns: columns.collect(), scale }
    }

    fn width(&self) -> f32 {
        let gaps = COLUMN_GAP * self.scale * (self.columns.len() as f32 - 1.0);
        self.columns.iter().map(|column| column.1).sum::<f32>() + gaps
    }

    /// The head among them.
    fn lines(&self) -> usize {
        self.columns[0].0.len()
    }

    fn least_height(&self) -> f32 {
        LINE[0] * self.lines() as f32 * self.scale
    }

    /// The middles of the lines from the top on, the head's first, at a height of 1.
    fn middles(&self) -> &'static [f32] {
        if self.lines() == 3 { &[0.1, 0.42, 0.8] } else { &[0.08, 0.32, 0.6, 0.88] }
    }

    fn show(&self, ui: &Ui, rect: Rect, comparison: &Comparison) {
        let height = rect.height().min(LINE[1] * self.lines() as f32);
        let middles: Vec<f32> = self.middles().iter().map(|part| rect.top() + height * part).collect();
        let mut right = rect.left();
        for (texts, width) in &self.columns {
            right += width;
            for (text, y) in texts.iter().zip(&middles) {
                let at = pos2(right - text.size().x, y - text.size().y / 2.0);
                ui.painter().galley(at, text.clone(), Color32::PLACEHOLDER);
            }
            right += COLUMN_GAP * self.scale;
        }
        let band = |y: f32, half: f32| Rect::from_x_y_ranges(rect.x_range(), (y - half)..=(y + half));
        if comparison.measured == Measured::SimulatedBoard {
            let place = band(middles[0], 8.0 * self.scale);
            let place = place.with_max_x(rect.left() + self.columns[0].1);
            say(ui, place, "simulated", "simulated")
                .on_hover_text("computed by a simulation; times are those of its clock");
        }
        for (line, y) in lines_of(comparison, Tokens::of(ui)).iter().zip(&middles[1..]) {
            let cells = cells(line.name, line.figures);
            let told = HEADS.iter().zip(&cells).skip(1).map(|(head, cell)| format!("{head} {}", cell.trim()));
            let says = format!("{}, {}: {}", line.name, line.figures.name, told.collect::<Vec<_>>().join(", "));
            say(ui, band(*y, 14.0 * self.scale), line.name, &says).on_hover_text(line.hover);
        }
    }
}

/// A twin's line of the table.
fn cells(name: &str, figures: &TwinFigures) -> [String; 5] {
    [
        name.into(),
        format::whole(figures.frames_per_s),
        format!("{} ms", format::ms(figures.frame_ms)),
        format!("{} ms", format::ms(figures.first_layer_ms)),
        figures.accuracy.map_or("–".into(), format::percent),
    ]
}

/// What a page says of its float layer, whose products and sums are rounded apart; tests/rounding.rs counts its codes.
const APART: &str = "\nfloat layer rounded otherwise:\n0 of 3 276 800 codes differ";

/// What is said of bit planes.
const NOT_RUN: &str = "\nbit planes: by model, not run";

/// Which one is faster, and by how much: never assumed.
struct Verdict {
    figure: String,
    words: String,
    color: Color32,
    /// Laid out: the figure, and the words below or beside it.
    texts: [Arc<Galley>; 2],
    beside: bool,
    size: Vec2,
}

impl Verdict {
    fn new(ui: &Ui, comparison: &Comparison, scale: f32, beside: bool) -> Self {
        let tokens = Tokens::of(ui);
        let (figure, says, color) = match comparison.speedup() {
            None => ("…".into(), "not yet measured", tokens.quiet),
            Some(s) if (s - 1.0).abs() < EQUAL => ("1.00×".into(), "equally fast either way", tokens.text),
            Some(s) if s > 1.0 => (format!("{s:.2}×"), "faster with pixel embedding", tokens.embedded),
            Some(s) => (format!("{:.2}×", 1.0 / s.max(1e-6)), "slower with pixel embedding", tokens.float_input),
        };
        let measured = match comparison.measured {
            Measured::SimulatedBoard => "simulated boards, no line",
            Measured::Board => "on boards, without the line",
            Measured::Here => "on this engine, last 10 s",
        };
        let agreement = format::percent(comparison.agreement);
        let frames = format::whole(comparison.frames as f32);
        let mut words = format!("{says}\n{measured}\nsame answer on {} of\n{frames} frames", agreement.trim());
        if comparison.bit_planes.is_some() {
            words.push_str(NOT_RUN);
        }
        if ROUNDS_APART {
            words.push_str(APART);
        }
        let texts = [
            widgets::layout(ui, &figure, theme::bold(42.0 * scale), color),
            widgets::layout(ui, &words, theme::plain(theme::SMALL * scale), tokens.quiet),
        ];
        let [large, small] = texts.each_ref().map(|text| text.size());
        let size = if beside {
            vec2(large.x + BESIDE + small.x, large.y.max(small.y))
        } else {
            vec2(large.x.max(small.x), large.y + small.y)
        };
        Self { figure, words, color, texts, beside, size }
    }

    fn show(self, ui: &Ui, rect: Rect) {
        let says = format!("{} {}", self.figure, self.words.replace("of\n", "of ").replace('\n', ", "));
        let [large, small] = self.texts;
        // Above capitals there is air.
        let at = if self.beside { rect.min } else { rect.min - vec2(0.0, large.size().y * 0.1) };
        let below = if self.beside { vec2(large.size().x + BESIDE, 0.0) } else { vec2(0.0, large.size().y) };
        ui.painter().galley(at, large, self.color);
        ui.painter().galley(at + below, small, self.color);
        say(ui, rect, "verdict", &says);
    }
}
