//! A layer's channels over time: which are still and since when, how active, what excited one most, and its weights.

use super::super::format;
use super::super::model::Model;
use super::super::theme::{self, Tokens};
use super::super::widgets::{self, CachedTexture};
use super::words::{figure, heading, quiet};
use crate::inspect::channels::{ChannelOrder, LayerLife, Stillness};
use crate::inspect::moments::{MOST_MOMENTS, Moment};
use crate::network::{BinaryConv, Network};
use crate::pipeline::ChannelReport;
use egui::{Color32, ColorImage, Id, Rect, RichText, Sense, TextureOptions, Ui, Vec2, pos2, vec2};

/// Channels that are listed.
const LISTED: usize = 16;
/// Height of a line in points.
const LINE: f32 = 17.0;
/// Edge of a moment's picture in points.
const MOMENT: f32 = 100.0;

/// What the panel remembers of it.
#[derive(Default)]
pub(super) struct ChannelsState {
    order: ListOrder,
    moments: [CachedTexture; MOST_MOMENTS],
    weights: CachedTexture,
}

/// By what the list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ListOrder {
    #[default]
    Activity,
    Variance,
    Answer,
}

/// Shows the watched layer's channels; `channel` is the chosen one, returned is another one that was chosen here.
pub(super) fn show(ui: &mut Ui, model: &Model, channel: usize, state: &mut ChannelsState) -> Option<usize> {
    let Some(channels) = model.channels.as_deref() else {
        quiet(ui, "The layer that is chosen below is followed with the next frames.");
        return None;
    };
    let layer = channels.network.layers().get(channels.layer)?;
    let life = &channels.life;
    ui.label(RichText::new(format::layer_name(layer)).font(theme::bold(theme::BODY)));
    if life.samples() == 0 {
        quiet(ui, "This layer makes no codes, or the engine keeps them to itself.");
        return None;
    }
    quiet(ui, &format!("{} samples in {:.0} s, since the layer was chosen", life.samples(), channels.at.seconds));
    still(ui, channels);
    let chosen = list(ui, model, life, channel, state);
    let channel = channel.min(life.channels().len().saturating_sub(1));
    if let Some(moments) = channels.moments.get(channel) {
        heading(ui, &format!("what excited channel {channel} most"));
        pictures(ui, (channels.layer, channel), moments, state);
    }
    weights(ui, &channels.network, channels.layer, channel, state);
    chosen
}

/// How many channels hold but one code, and the one that has done so for longest.
fn still(ui: &mut Ui, channels: &ChannelReport) {
    let still = || channels.life.channels().iter().enumerate().filter_map(|(at, life)| Some((at, life.still()?)));
    for (kind, says) in [
        (Stillness::Dead, "dead: code 0 alone"),
        (Stillness::Constant, "constant: code 1 or 2 alone"),
        (Stillness::Saturated, "saturated: code 3 alone"),
    ] {
        let of_kind = || still().filter(|(_, still)| still.stillness() == kind);
        let longest = of_kind().min_by(|a, b| a.1.since.seconds.total_cmp(&b.1.since.seconds));
        let value = longest.map_or("none".into(), |(at, still)| {
            let since = channels.at.seconds - still.since.seconds;
            format!("{} (channel {at} for {since:.0} s)", of_kind().count())
        });
        figure(ui, says, &value);
    }
}

/// The channels, sorted; returns the one that was clicked.
fn list(ui: &mut Ui, model: &Model, life: &LayerLife, chosen: usize, state: &mut ChannelsState) -> Option<usize> {
    let class = model.report.as_ref().and_then(|report| {
        crate::pipeline::Prediction::top(&report.prediction.smoothed, 1).first().map(|first| first.0)
    });
    ui.horizontal(|ui| {
        quiet(ui, "by");
        for (order, says, tip) in [
            (ListOrder::Activity, "activity", "the mean code"),
            (ListOrder::Variance, "variance", "the variance of its codes"),
            (ListOrder::Answer, "answer", "how much it goes with what is answered now: a correlation"),
        ] {
            if ui.selectable_label(state.order == order, says).on_hover_text(tip).clicked() {
                state.order = order;
            }
        }
    });
    let order = match (state.order, class) {
        (ListOrder::Activity, _) => ChannelOrder::Activity,
        (ListOrder::Variance, _) => ChannelOrder::Variance,
        (ListOrder::Answer, Some(class)) => ChannelOrder::Agreement(class),
        (ListOrder::Answer, None) => ChannelOrder::Number,
    };
    let mut clicked = None;
    for number in life.sorted(order).into_iter().take(LISTED) {
        let channel = &life.channels()[number];
        let (value, part) = match order {
            ChannelOrder::Variance => (format!("{:.2}", channel.variance()), channel.variance() / 2.25),
            ChannelOrder::Agreement(class) => {
                let agreement = life.agreement(number, class);
                (agreement.map_or("–".into(), |r| format!("{r:+.2}")), agreement.unwrap_or(0.0).max(0.0))
            }
            _ => (format!("{:.2}", channel.activity()), channel.activity() / 3.0),
        };
        if line(ui, number, &value, part as f32, number == chosen) {
            clicked = Some(number);
        }
    }
    if life.channels().len() > LISTED {
        quiet(ui, &format!("and {} more", life.channels().len() - LISTED));
    }
    clicked
}

/// One channel; whether it was clicked.
fn line(ui: &mut Ui, number: usize, value: &str, part: f32, chosen: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), LINE), Sense::click());
    let tokens = Tokens::of(ui);
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, 3.0, if chosen { tokens.chosen_fill } else { tokens.hovered });
    }
    let font = theme::mono(theme::SMALL);
    widgets::text(
        ui,
        rect.left_center() + vec2(4.0, 0.0),
        egui::Align2::LEFT_CENTER,
        number,
        font.clone(),
        tokens.text,
    );
    let track = Rect::from_x_y_ranges(rect.left() + 54.0..=rect.right() - 56.0, rect.top() + 4.0..=rect.bottom() - 5.0);
    widgets::bar(ui, track, part, tokens.chosen);
    widgets::text(ui, rect.right_center(), egui::Align2::RIGHT_CENTER, value, font, tokens.text);
    response.widget_info(|| {
        egui::WidgetInfo::selected(egui::Role::Button, true, chosen, format!("channel {number}: {value}"))
    });
    response.clicked()
}

/// The strongest moments in small.
fn pictures(ui: &mut Ui, of: (usize, usize), moments: &[Moment], state: &mut ChannelsState) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
        for (moment, texture) in moments.iter().zip(&mut state.moments) {
            let (rect, response) = ui.allocate_exact_size(Vec2::splat(MOMENT), Sense::hover());
            let patch = &moment.patch;
            let key = Id::unique((of, moment.picture, moment.at, moment.value.to_bits()));
            let image = || ColorImage::from_rgb([patch.width, patch.height], &patch.rgb);
            let texture = texture.get(ui.ctx(), "moment", key, TextureOptions::NEAREST, image);
            let size = vec2(patch.width as f32, patch.height as f32);
            let place = Rect::from_center_size(rect.center(), size * (MOMENT / size.max_elem().max(1.0)));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture, place, whole, Color32::WHITE);
            let [y, x] = moment.at;
            response.on_hover_text(format!("{} at row {y}, column {x}, frame {}", moment.value, moment.picture));
        }
    });
}

/// A convolution's signs for one channel: a small square of taps for each channel that is read.
fn weights(ui: &mut Ui, network: &Network, layer: usize, channel: usize, state: &mut ChannelsState) {
    let Some(conv) = network.layers()[layer].op.binary_conv() else { return };
    if channel >= conv.geometry().out_channels {
        return;
    }
    heading(ui, "its weights: light +1, dark −1");
    let tokens = Tokens::of(ui);
    let key = Id::unique((network.name(), layer, channel, ui.visuals().dark_mode));
    let image = || drawn(conv, channel, [tokens.codes[0], tokens.codes[3]], tokens.panel);
    let texture = state.weights.get(ui.ctx(), "weights", key, TextureOptions::NEAREST, image);
    let [width, height] = size(conv);
    let scale = (ui.available_width() / width as f32).min(8.0);
    let (rect, _) = ui.allocate_exact_size(vec2(width as f32, height as f32) * scale, Sense::hover());
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture, rect, whole, Color32::WHITE);
    let says = format!("weights of channel {channel}, {} channels read", conv.geometry().in_channels);
    widgets::say(ui, rect, "weights", &says);
}

/// Kernels side by side.
fn across(conv: &BinaryConv) -> usize {
    let channels = conv.geometry().in_channels;
    ((channels as f32 * 2.0).sqrt().ceil() as usize).clamp(1, channels)
}

fn size(conv: &BinaryConv) -> [usize; 2] {
    let (step, across) = (conv.geometry().kernel + 1, across(conv));
    [across * step - 1, conv.geometry().in_channels.div_ceil(across) * step - 1]
}

fn drawn(conv: &BinaryConv, channel: usize, [minus, plus]: [Color32; 2], between: Color32) -> ColorImage {
    let (kernel, across, [width, height]) = (conv.geometry().kernel, across(conv), size(conv));
    let mut image = ColorImage::filled([width, height], between);
    for ky in 0..kernel {
        for kx in 0..kernel {
            let bits = conv.tap(channel, ky, kx);
            for input in 0..conv.geometry().in_channels {
                let is_plus = bits[input / 8] >> (input % 8) & 1 == 1;
                let (x, y) = (input % across * (kernel + 1) + kx, input / across * (kernel + 1) + ky);
                image.pixels[y * width + x] = if is_plus { plus } else { minus };
            }
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Geometry;

    #[test]
    fn every_weight_has_its_pixel() {
        let geometry = Geometry { in_channels: 10, out_channels: 2, kernel: 3, stride: 1 };
        // Of channel 1 the input channel 9 at the last tap alone is +1.
        let mut bits = vec![0; 2 * 9 * 2];
        bits[(9 + 8) * 2 + 1] = 0b10;
        let conv = BinaryConv::new(geometry, bits).expect("it fits");
        let [minus, plus, between] = [Color32::BLACK, Color32::WHITE, Color32::GRAY];
        let image = drawn(&conv, 1, [minus, plus], between);
        let count = |color| image.pixels.iter().filter(|&&pixel| pixel == color).count();
        assert_eq!((count(plus), count(minus)), (1, 89));
        // The tenth of rows of five: the last of the second row.
        let [width, height] = size(&conv);
        assert_eq!(image.pixels.iter().position(|&pixel| pixel == plus), Some(width * height - 1));
        assert_eq!(count(Color32::WHITE), 1);
        assert!(drawn(&conv, 0, [minus, plus], between).pixels.iter().all(|&pixel| pixel != plus));
    }
}
