//! The chosen layer: its integers before the thresholds, all its channels, and one of them large.

use super::format;
use super::histogram::Histogram;
use super::model::Model;
use super::mosaic::{self, Grid};
use super::state::State;
use super::theme::{self, Tokens};
use super::widgets::{self, bar, say, text};
use crate::engine::count_codes;
use crate::inspect::explain::Neuron;
use crate::network::{LayerShape, Op, Thresholds};
use crate::pipeline::{HeldAnswer, LayerDetail, Report};
use egui::{
    Align2, Color32, ColorImage, Id, Mesh, Rect, RichText, Role, Sense, Shape, Stroke, StrokeKind, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

/// The part of the panel's height that the histogram takes.
const HISTOGRAM: f32 = 0.36;
/// Height of a caption above a part.
const CAPTION: f32 = 20.0;
/// Width of what explains the colours of the codes.
const LEGEND: f32 = 76.0;

/// The watched layer with all that is needed to draw it.
struct WatchedLayer<'a> {
    report: &'a Report,
    detail: &'a LayerDetail,
    op: &'a Op,
    shape: LayerShape,
    channel: usize,
    /// What it is compared with.
    held: Option<&'a HeldAnswer>,
}

/// Shows the panel; returns whether the person starts dragging it.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut State) -> bool {
    let Some(watched) = WatchedLayer::of(model, state) else {
        return widgets::panel(ui, super::arrangement::Panel::Detail.title(), |_| ());
    };
    let title = watched.title();
    widgets::panel(ui, &title, |ui| watched.show(ui, state))
}

impl<'a> WatchedLayer<'a> {
    /// The layer that the report holds whole: the one that was chosen, a moment after it was.
    fn of(model: &'a Model, state: &State) -> Option<Self> {
        let report = model.report.as_deref()?;
        let layer = report.detail.layer;
        let op = &report.network.layers().get(layer)?.op;
        let shape = report.network.shapes(report.edge).get(layer).copied()?;
        let channel = state.channel.min(shape.channels.saturating_sub(1));
        Some(Self { report, detail: &report.detail, op, shape, channel, held: model.answers.held.as_deref() })
    }

    fn title(&self) -> String {
        let layer = &self.report.network.layers()[self.detail.layer];
        let name = format::layer_name(layer);
        let cycles = self.report.layers.get(self.detail.layer).and_then(|sample| sample.counted);
        let cycles = cycles.map_or(String::new(), |counted| {
            let simulated =
                if self.report.timing.board.is_some_and(|board| board.simulated) { " simulated" } else { "" };
            format!(" · {}{simulated} cycles", format::whole(counted.computing() as f32))
        });
        format!("{name} · {} · {}{cycles}", format::shape(self.shape), format::kind_in_words(self.op))
    }

    fn show(&self, ui: &mut Ui, state: &mut State) {
        let rect = ui.max_rect();
        let split = rect.top() + rect.height() * HISTOGRAM;
        let upper = Rect::from_min_max(rect.min, pos2(rect.right(), split));
        let lower = Rect::from_min_max(pos2(rect.left(), split + 10.0), rect.max);
        match self.op {
            Op::Classifier { .. } => self.logits(ui, rect),
            Op::PixelEmbedding(_) => {
                self.table(ui, upper, state);
                self.channels(ui, lower, state);
            }
            _ => {
                if self.report.timing.board.is_some() && self.detail.values.sums.is_empty() {
                    self.codes(ui, upper, state);
                } else {
                    self.histogram(ui, upper, state);
                }
                self.channels(ui, lower, state);
            }
        }
    }

    /// In the histogram's place where a board keeps the integers to itself: how often each code stands in the layer.
    fn codes(&self, ui: &mut Ui, rect: Rect, state: &mut State) {
        let of = if state.one_channel { format!("channel {}", self.channel) } else { "all channels".into() };
        let says = format!("codes · {of} (the integers stay within the board)");
        if caption(ui, rect, &says, Sense::click(), rect.width()).on_hover_text("One channel, or all (H)").clicked() {
            state.one_channel = !state.one_channel;
        }
        let (plane, codes) = (self.shape.edge * self.shape.edge, &self.detail.values.codes);
        let of_channel = codes.get(self.channel * plane..(self.channel + 1) * plane).unwrap_or_default();
        let counts = count_codes(if state.one_channel { of_channel } else { codes });
        let all = counts.iter().sum::<u32>().max(1) as f32;
        let place = Rect::from_min_max(rect.min + vec2(0.0, CAPTION), rect.max - vec2(0.0, 15.0));
        let (tokens, step) = (Tokens::of(ui), place.width() / 4.0);
        for (code, &count) in counts.iter().enumerate() {
            let share = count as f32 / all;
            let left = place.left() + step * code as f32;
            let top = place.bottom() - ((place.height() - 14.0) * share).max(1.5);
            let column = Rect::from_min_max(pos2(left, top), pos2(left + step - 8.0, place.bottom()));
            let color = if code == 0 { tokens.code_edge } else { tokens.codes[code] };
            ui.painter().rect_filled(column, 2.0, color);
            let (font, words) = (theme::mono(theme::TINY), format::percent(share));
            let above = text(ui, column.center_top(), Align2::CENTER_BOTTOM, words.trim(), font.clone(), tokens.text);
            let below = pos2(column.center().x, place.bottom() + 2.0);
            let below = text(ui, below, Align2::CENTER_TOP, format!("code {code}"), font, tokens.quiet);
            say(ui, column.union(above).union(below), ("code", code), &format!("code {code}: {}", words.trim()));
        }
    }

    /// How often each integer stands in the layer, coloured by the code it became.
    fn histogram(&self, ui: &mut Ui, rect: Rect, state: &mut State) {
        let of = state.one_channel.then_some(self.channel);
        let says = self.histogram_caption(of);
        let toggle = caption(ui, rect, &says, Sense::click(), rect.width()).on_hover_text("One channel, or all (H)");
        if toggle.clicked() {
            state.one_channel = !state.one_channel;
        }
        let place = Rect::from_min_max(rect.min + vec2(0.0, CAPTION), rect.max - vec2(0.0, 15.0));
        let histogram = state.histogram.get(self.detail, self.shape, of);
        paint_histogram(ui, place, histogram);
        let marks = self.marks(ui, place, histogram, of);
        let tokens = Tokens::of(ui);
        let mut room = place;
        for (x, anchor, value) in
            [(place.left(), Align2::LEFT_TOP, histogram.low), (place.right(), Align2::RIGHT_TOP, histogram.high)]
        {
            let at = pos2(x, place.bottom() + 2.0);
            room = room.union(text(ui, at, anchor, short(value), theme::mono(theme::TINY), tokens.quiet));
        }
        let says = format!("from {} to {}{marks}", short(histogram.low), short(histogram.high));
        say(ui, room, "histogram", &says);
    }

    fn histogram_caption(&self, of: Option<usize>) -> String {
        let what = match self.op {
            Op::FloatConv(_) => "floats before the thresholds",
            Op::Residual { .. } => "the trunk behind this layer",
            Op::Activation(_) => "the trunk before the thresholds",
            _ => "integers before the thresholds",
        };
        let Some(channel) = of else {
            let marks = if self.thresholds(0).is_some() { ", T: medians" } else { "" };
            return format!("{what} · all channels{marks}");
        };
        let falls = self.op.thresholds().is_some_and(|t| t.falling().get(channel) == Some(&true));
        format!("{what} · channel {channel}{}", if falls { ", counts n ≤ T" } else { "" })
    }

    /// T1 to T3 of a channel.
    fn thresholds(&self, channel: usize) -> Option<[f64; 3]> {
        fn row<N: PartialOrd + Copy + std::fmt::Display + Into<f64>>(
            t: &Thresholds<N>,
            channel: usize,
        ) -> Option<[f64; 3]> {
            t.rows().get(channel).map(|row| row.map(Into::into))
        }
        match self.op {
            Op::FloatConv(conv) => row(conv.thresholds(), channel),
            op => op.thresholds().and_then(|thresholds| row(thresholds, channel)),
        }
    }

    /// For all channels the medians of the lowest, the middle and the highest threshold: a falling channel's T1 is its highest.
    fn medians(&self) -> Option<[f64; 3]> {
        let mut columns = [const { Vec::new() }; 3];
        for channel in 0..self.shape.channels {
            let mut row = self.thresholds(channel)?;
            row.sort_by(f64::total_cmp);
            columns.iter_mut().zip(row).for_each(|(column, t)| column.push(t));
        }
        Some(columns.map(|mut column: Vec<f64>| {
            column.sort_by(f64::total_cmp);
            column[column.len() / 2]
        }))
    }

    /// The thresholds as dashed lines; returns them in words.
    fn marks(&self, ui: &Ui, place: Rect, histogram: &Histogram, of: Option<usize>) -> String {
        let Some(thresholds) = of.map_or_else(|| self.medians(), |channel| self.thresholds(channel)) else {
            return String::new();
        };
        let tokens = Tokens::of(ui);
        let mut labels_end = f32::NEG_INFINITY;
        let mut order = [0, 1, 2];
        order.sort_by(|&a, &b| thresholds[a].total_cmp(&thresholds[b]));
        for which in order {
            let at = histogram.place(thresholds[which]);
            if !(0.0..=1.0).contains(&at) {
                continue;
            }
            let x = place.left() + place.width() * at;
            let line = [pos2(x, place.top()), pos2(x, place.bottom())];
            ui.painter().extend(Shape::dashed_line(&line, Stroke::new(1.0, tokens.text), 3.0, 3.0));
            // Labels that would overlap step aside.
            let left = (x + 3.0).max(labels_end);
            let label = format!("T{}", which + 1);
            let font = theme::mono(theme::TINY);
            labels_end =
                text(ui, pos2(left, place.top() - 1.0), Align2::LEFT_TOP, label, font, tokens.text).right() + 4.0;
        }
        let named = |(place, value): (usize, f64)| format!("; T{} {}", place + 1, short(value));
        thresholds.into_iter().enumerate().map(named).collect()
    }

    /// Which codes the embedding gives to each byte: a row a code, a column a byte.
    fn table(&self, ui: &mut Ui, rect: Rect, state: &mut State) {
        let Op::PixelEmbedding(table) = self.op else { return };
        caption(ui, rect, "the table: codes of every byte, for red, green, blue", Sense::hover(), rect.width());
        let place = Rect::from_min_max(rect.min + vec2(0.0, CAPTION), rect.max - vec2(0.0, 15.0));
        let tokens = Tokens::of(ui);
        let key = Id::unique((table.codes(), ui.visuals().dark_mode));
        let texture =
            state.textures.table.get(ui.ctx(), "table", key, TextureOptions::NEAREST, || mosaic::table(table, tokens));
        paint_texture(ui, texture, place);
        let font = theme::mono(theme::TINY);
        let below = vec2(0.0, 2.0);
        let low = text(ui, place.left_bottom() + below, Align2::LEFT_TOP, "byte 0", font.clone(), tokens.quiet);
        let high = text(ui, place.right_bottom() + below, Align2::RIGHT_TOP, "255", font, tokens.quiet);
        say(ui, place.union(low).union(high), "table", "codes from byte 0 to 255");
    }

    /// The mosaic of all channels, and the chosen one large.
    fn channels(&self, ui: &mut Ui, rect: Rect, state: &mut State) {
        let values = if self.op.makes_codes() { "codes 0–3" } else { "integers, low to high" };
        let says = format!("{} channels, {values}", self.shape.channels);
        caption(ui, rect, &says, Sense::hover(), rect.width() - LEGEND);
        legend(ui, rect, self.op.makes_codes());
        let body = Rect::from_min_max(rect.min + vec2(0.0, CAPTION), rect.max);
        let side = (body.width() * 0.3).min(body.height() - 34.0).max(24.0);
        let left = Rect::from_min_max(body.min, pos2(body.right() - side - 12.0, body.bottom()));
        self.mosaic(ui, left, state);
        let right = Rect::from_min_size(pos2(body.right() - side, body.top()), Vec2::splat(side));
        self.channel(ui, right, state);
    }

    fn mosaic(&self, ui: &mut Ui, rect: Rect, state: &mut State) {
        let grid = Grid::fitting(self.shape, rect.size());
        let place = grid.place(rect);
        let key = Id::unique((self.detail.sample, grid.columns, ui.visuals().dark_mode));
        let (tokens, range) = (Tokens::of(ui), state.histogram.range(self.detail, self.shape));
        let texture = state
            .textures
            .mosaic
            .get(ui.ctx(), "mosaic", key, TextureOptions::NEAREST, || grid.draw(&self.detail.values, range, tokens));
        paint_texture(ui, texture, place);
        let response = ui.interact(place, ui.scope_id().with("mosaic"), Sense::click());
        let says = format!("{} channels of the layer, channel {} chosen", self.shape.channels, self.channel);
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, says.clone()));
        let under = response.hover_pos().and_then(|pointer| grid.channel_at(place, pointer));
        if let Some(channel) = under {
            outline(ui, grid.cell(place, channel), tokens.quiet);
            if response.clicked() {
                state.channel = channel;
            }
            response.on_hover_text_at_pointer(format!("channel {channel}"));
        }
        outline(ui, grid.cell(place, self.channel), tokens.text);
    }

    fn channel(&self, ui: &mut Ui, place: Rect, state: &mut State) {
        let tokens = Tokens::of(ui);
        let key = Id::unique((self.detail.sample, self.channel, ui.visuals().dark_mode));
        let range = state.histogram.range(self.detail, self.shape);
        let texture = state.textures.channel.get(ui.ctx(), "channel", key, TextureOptions::NEAREST, || {
            mosaic::channel(&self.detail.values, self.shape, self.channel, range, tokens)
        });
        paint_texture(ui, texture, place);
        self.differences(ui, place, state);
        let response = ui.interact(place, ui.scope_id().with("channel"), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("channel {} large", self.channel)));
        if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.clicked()) {
            let [y, x] = self.position(place, pointer);
            state.explain(Neuron { layer: self.detail.layer, channel: self.channel, y, x });
        }
        self.explained(ui, place, state);
        let response = response.on_hover_text("Click a position: the value there is taken apart");
        let below = place.left_bottom() + vec2(0.0, 5.0);
        let name = format!("channel {}", self.channel);
        let value = response.hover_pos().map(|pointer| self.value_under(place, pointer));
        let value = value.unwrap_or_else(|| "point at a pixel".into());
        let write = |at, words: &str, size, color| {
            let size = widgets::fitting(ui, words, theme::mono, size, place.width());
            widgets::elided(ui, at, words, theme::mono(size), color, place.width())
        };
        let line = write(below, &name, theme::TINY + 0.5, tokens.text);
        let under = write(line.left_bottom() + vec2(0.0, 1.0), &value, theme::TINY, tokens.quiet);
        say(ui, line.union(under), "value", &format!("{name}: {value}"));
    }

    /// The sum and the code of the pixel at `pointer`.
    fn value_under(&self, place: Rect, pointer: egui::Pos2) -> String {
        let [y, x] = self.position(place, pointer);
        let index = (self.channel * self.shape.edge + y) * self.shape.edge + x;
        let values = &self.detail.values;
        match (values.sums.get(index), values.codes.get(index)) {
            (Some(sum), Some(code)) => format!("{} → {code}", short(sum)),
            (Some(sum), None) => short(sum),
            (None, Some(code)) => format!("code {code}"),
            (None, None) => String::new(),
        }
    }

    /// Row and column of the pixel at `pointer`.
    fn position(&self, place: Rect, pointer: egui::Pos2) -> [usize; 2] {
        let at = (pointer - place.min) / place.size() * self.shape.edge as f32;
        [at.y, at.x].map(|at| (at.max(0.0) as usize).min(self.shape.edge - 1))
    }

    /// A frame around the position that is explained, where it is one of this channel.
    fn explained(&self, ui: &Ui, place: Rect, state: &State) {
        let of_this = |at: &Neuron| at.layer == self.detail.layer && at.channel == self.channel;
        let Some(at) = state.why.place().filter(of_this) else { return };
        let pixel = place.width() / self.shape.edge as f32;
        let corner = place.min + vec2(at.x as f32, at.y as f32) * pixel;
        outline(ui, Rect::from_min_size(corner, Vec2::splat(pixel)), Tokens::of(ui).float_input);
    }

    /// Over the large channel: where its codes differ from the held frame's.
    fn differences(&self, ui: &Ui, place: Rect, state: &mut State) {
        let Some(held) = self.held else { return };
        let plane = self.shape.edge * self.shape.edge;
        let range = self.channel * plane..(self.channel + 1) * plane;
        let [now, then] =
            [&self.detail.values.codes[..], held.codes(self.detail.layer)].map(|codes| codes.get(range.clone()));
        let (Some(now), Some(then)) = (now, then) else { return };
        let key = Id::unique((self.detail.sample, self.channel, "differences"));
        let marked = Tokens::of(ui).fault.gamma_multiply(0.65);
        let image = || {
            let pixels =
                now.iter().zip(then).map(|(now, then)| if now == then { Color32::TRANSPARENT } else { marked });
            ColorImage::new([self.shape.edge; 2], pixels.collect())
        };
        let texture = state.textures.differences.get(ui.ctx(), "differences", key, TextureOptions::NEAREST, image);
        paint_texture(ui, texture, place);
    }

    /// The classifier: the logits that stand out.
    fn logits(&self, ui: &mut Ui, rect: Rect) {
        let (input, classifier) = self.report.network.classifier();
        let edge = self.report.network.shapes(self.report.edge)[input].edge;
        let sums = (0..self.shape.channels).map_while(|row| self.detail.values.sums.get(row));
        let mut logits = classifier.readout().room();
        classifier.readout().read(sums.map(|sum| sum as i64), edge * edge, &mut logits);
        let known = |(_, logit): &(usize, f32)| logit.is_finite();
        let mut logits: Vec<(usize, f32)> = logits.classes.into_iter().enumerate().filter(known).collect();
        logits.sort_by(|a, b| b.1.total_cmp(&a.1));
        caption(ui, rect, "logits, the highest first", Sense::hover(), rect.width());
        let row = 22.0;
        let rows = ((rect.height() - CAPTION) / row) as usize;
        let extent = logits.iter().map(|l| l.1.abs()).fold(1e-6, f32::max);
        let tokens = Tokens::of(ui);
        let winner = tokens.twin(self.report.network.has_pixel_embedding());
        for (place, &(class, logit)) in logits.iter().take(rows).enumerate() {
            let y = rect.top() + CAPTION + row * (place as f32 + 0.5);
            let name = format::label(self.report.network.labels().get(class).map_or("", String::as_str));
            let width = rect.width() * 0.34;
            let (font, color) = if place == 0 {
                (theme::bold(theme::SMALL), tokens.text)
            } else {
                (theme::plain(theme::SMALL), tokens.quiet)
            };
            widgets::elided(ui, pos2(rect.left(), y - 8.0), &name, font, color, width);
            let track =
                Rect::from_min_max(pos2(rect.left() + width + 8.0, y - 5.0), pos2(rect.right() - 62.0, y + 5.0));
            bar(ui, track, logit.max(0.0) / extent, if place == 0 { winner } else { tokens.code_edge });
            let figure = format!("{logit:>7.2}");
            text(ui, pos2(rect.right(), y), Align2::RIGHT_CENTER, &figure, theme::mono(theme::SMALL), color);
            let line = Rect::from_x_y_ranges(rect.x_range(), (y - row / 2.0)..=(y + row / 2.0));
            say(ui, line, ("logit", class), &format!("{name}: {}", figure.trim()));
        }
    }
}

/// A caption in the uppermost line of `rect`, not wider than `width`.
fn caption(ui: &Ui, rect: Rect, says: &str, sense: Sense, width: f32) -> egui::Response {
    let tokens = Tokens::of(ui);
    let size = widgets::fitting(ui, says, theme::plain, theme::SMALL, width);
    let place = widgets::elided(ui, rect.min, says, theme::plain(size), tokens.quiet, width);
    let response = ui.interact(place, ui.scope_id().with(("caption", rect.min.y as i32)), sense);
    let role = if sense.senses_click() { Role::Button } else { Role::Label };
    response.widget_info(|| WidgetInfo::labeled(role, true, says));
    response
}

/// What the colours of the mosaic stand for, at the right end of the caption's line.
fn legend(ui: &Ui, rect: Rect, codes: bool) {
    let tokens = Tokens::of(ui);
    if !codes {
        return;
    }
    for code in 0..4_usize {
        let right = rect.right() - (3 - code) as f32 * 18.0;
        let swatch = Rect::from_min_size(pos2(right - 16.0, rect.top() + 1.0), Vec2::splat(14.0));
        ui.painter().rect(swatch, 3.0, tokens.codes[code], Stroke::new(1.0, tokens.code_edge), StrokeKind::Inside);
        let ink = if code < 2 { tokens.codes[3] } else { tokens.codes[0] };
        text(ui, swatch.center(), Align2::CENTER_CENTER, code, theme::mono(theme::TINY - 0.5), ink);
    }
    let whole = Rect::from_min_max(pos2(rect.right() - LEGEND, rect.top()), pos2(rect.right(), rect.top() + CAPTION));
    say(ui, whole, "legend", "codes 0, 1, 2, 3");
}

fn paint_texture(ui: &Ui, texture: egui::TextureId, place: Rect) {
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture, place, whole, Color32::WHITE);
}

fn outline(ui: &Ui, cell: Rect, color: Color32) {
    ui.painter().rect_stroke(cell, 0.0, Stroke::new(1.5, color), StrokeKind::Outside);
}

fn paint_histogram(ui: &Ui, place: Rect, histogram: &Histogram) {
    let tokens = Tokens::of(ui);
    let peak = histogram.bins.iter().map(|bin| bin.iter().sum::<u32>()).max().unwrap_or(0).max(1) as f32;
    let step = place.width() / histogram.bins.len().max(1) as f32;
    let gap = if step > 3.0 { 1.0 } else { 0.0 };
    let scale = (place.height() - 12.0) / peak;
    let mut mesh = Mesh::default();
    for (index, bin) in histogram.bins.iter().enumerate() {
        let x = place.left() + index as f32 * step;
        let mut bottom = place.bottom();
        for (code, &count) in bin.iter().enumerate().filter(|(_, count)| **count > 0) {
            let top = bottom - count as f32 * scale;
            let color = match histogram.coded {
                // Code 0 hardly differs from the panel; in a histogram it is what most integers become.
                true if code == 0 => tokens.code_edge,
                true => tokens.codes[code],
                false => tokens.quiet,
            };
            mesh.add_colored_rect(Rect::from_min_max(pos2(x, top), pos2(x + step - gap, bottom)), color);
            bottom = top;
        }
    }
    ui.painter().add(mesh);
    ui.painter().hline(place.x_range(), place.bottom() + 0.5, tokens.border());
    if ui.rect_contains_pointer(place) {
        let says = RichText::new("the colour is the code that the integer became").size(theme::SMALL);
        egui::Tooltip::always_open(
            ui.ctx().clone(),
            ui.layer_id(),
            ui.scope_id().with("histogram tip"),
            egui::PopupAnchor::Pointer,
        )
        .gap(12.0)
        .show(|ui| ui.label(says));
    }
}

/// A value in few characters.
fn short(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
