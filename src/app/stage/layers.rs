//! The network's layers, moving: how often each of a layer's four codes occurs.

use super::super::theme::Tokens;
use crate::inspect::LayerSample;
use crate::network::Layer;
use crate::pipeline::Report;
use egui::{Mesh, Rect, Ui, pos2};

/// Between two columns, of a column's width.
const BETWEEN: f32 = 0.16;

/// Draws a column for every layer that makes codes.
pub(super) fn show(ui: &Ui, rect: Rect, report: &Report, unit: f32) {
    let tokens = Tokens::of(ui);
    ui.painter().rect_filled(rect, unit, tokens.panel);
    let rect = rect.shrink(1.5 * unit);
    let all = report.network.layers().iter().zip(report.layers.iter());
    let columns: Vec<[f32; 4]> = all.filter_map(|(layer, sample)| shares(layer, sample)).collect();
    let step = rect.width() / columns.len().max(1) as f32;
    let mut mesh = Mesh::default();
    for (place, shares) in columns.into_iter().enumerate() {
        let left = rect.left() + place as f32 * step;
        let mut bottom = rect.bottom();
        for (share, color) in shares.into_iter().zip(tokens.codes) {
            let top = bottom - share * rect.height();
            let right = left + step * (1.0 - BETWEEN);
            mesh.add_colored_rect(Rect::from_min_max(pos2(left, top), pos2(right, bottom)), color);
            bottom = top;
        }
    }
    ui.painter().add(mesh);
}

/// The share of each code, which come to 1; `None` of a layer that makes none.
fn shares(layer: &Layer, sample: &LayerSample) -> Option<[f32; 4]> {
    let counts = sample.codes.map(|count| count as f32);
    let all: f32 = counts.iter().sum();
    (layer.op.makes_codes() && all > 0.0).then(|| counts.map(|count| count / all))
}
