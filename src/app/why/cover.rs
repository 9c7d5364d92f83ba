//! Covering: what of the picture the answer needs.

use super::super::format;
use super::super::model::Model;
use super::saved::SavedAnswer;
use super::words::{figure, legend, quiet};
use crate::inspect::occlusion::{Fill, Patches};
use crate::pipeline::{Covered, Report};
use egui::{Slider, Ui};
use std::sync::Arc;

/// The patches' edges that can be chosen, in pixels of the network's input.
const SIZES: std::ops::RangeInclusive<usize> = 8..=24;

/// What the panel remembers of it.
pub(super) struct CoverState {
    patch: usize,
    fill: Fill,
}

impl Default for CoverState {
    fn default() -> Self {
        Self { patch: 16, fill: Fill::Grey }
    }
}

impl CoverState {
    /// What is asked for: patches that overlap by half.
    pub(super) fn patches(&self) -> Patches {
        Patches { patch: self.patch, stride: self.patch / 2, fill: self.fill }
    }
}

/// Shows what can be asked, and the figures; returns what is to be saved.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut CoverState) -> Option<SavedAnswer> {
    quiet(ui, "Between two frames the engine covers one patch after the other, and sees how much the answer falls.");
    ui.add(Slider::new(&mut state.patch, SIZES).step_by(4.0).text("pixels a patch"));
    ui.horizontal(|ui| {
        for (fill, says) in [(Fill::Grey, "grey"), (Fill::Blur, "blurred")] {
            if ui.selectable_label(state.fill == fill, says).clicked() {
                state.fill = fill;
            }
        }
    });
    let report = model.report.as_deref()?;
    match &model.answers.occlusion {
        None => quiet(ui, "The first picture is being covered."),
        Some(Err(why)) => quiet(ui, &format!("{why}.")),
        Some(Ok(covered)) => {
            legend(ui);
            figures(ui, report, covered);
            let saved = || SavedAnswer::Occlusion(Arc::clone(covered));
            return ui.button("Save as picture and CSV").clicked().then(saved);
        }
    }
    None
}

fn figures(ui: &mut Ui, report: &Report, covered: &Covered) {
    let label = covered.network.labels().get(covered.map.class).map_or("", String::as_str);
    figure(ui, "class", &format::label(label));
    figure(ui, "uncovered", format::percent(covered.map.p).trim());
    let most = covered.map.drops.iter().copied().fold(0.0, f32::max);
    figure(ui, "falls at most by", format::percent(most).trim());
    figure(ui, "patches", &covered.map.drops.len().to_string());
    if let Some(per_s) = covered.per_s {
        figure(ui, "pictures a second", &format!("{per_s:.1}"));
    }
    if !Arc::ptr_eq(&covered.network, &report.network) {
        quiet(ui, "of the network that ran before");
    }
}
