//! Evidence: what every position of the last map adds to the logit of a class.

use super::super::format;
use super::super::model::Model;
use super::super::theme;
use super::saved::SavedAnswer;
use super::words::{figure, legend, quiet};
use crate::inspect::evidence::EvidenceMap;
use crate::pipeline::{Prediction, Report};
use egui::{RichText, Ui};

/// Classes that can be chosen: the likeliest ones.
const CLASSES: usize = 6;

/// What the panel remembers of it.
#[derive(Default)]
pub(super) struct EvidenceState {
    /// The class that is asked about; `None`: whatever is the likeliest.
    class: Option<usize>,
    /// The class under the pointer.
    under: Option<usize>,
    /// Whether the picture below is left out.
    pub(super) alone: bool,
    /// The map of the report that was shown last, with that report's sample.
    map: EvidenceMap,
    of: Option<(u64, usize)>,
    /// The cell under the pointer: row and column.
    pub(super) cell: Option<[usize; 2]>,
}

impl EvidenceState {
    /// The map of the class that is asked about; `None` where the engine does not show what the classifier reads.
    pub(super) fn map(&mut self, model: &Model, report: &Report) -> Option<&EvidenceMap> {
        let codes = model.answers.classifier_input.as_deref()?;
        let classes = report.network.labels().len();
        let likeliest = || Prediction::top(&report.prediction.raw, 1).first().map(|first| first.0);
        let class = self.under.or(self.class).filter(|&class| class < classes).or_else(likeliest)?;
        if self.of != Some((model.answers.sample, class)) {
            self.of = None;
            self.map.read(&report.network, codes, class).ok()?;
            self.of = Some((model.answers.sample, class));
        }
        Some(&self.map)
    }
}

/// Shows what can be asked, and the figures; returns what is to be saved.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut EvidenceState) -> Option<SavedAnswer> {
    quiet(
        ui,
        "The classifier adds up whole numbers, one a position, and takes their mean: so each position's share of the answer is known exactly.",
    );
    let report = model.report.as_deref()?;
    classes(ui, report, state);
    ui.checkbox(&mut state.alone, "without the picture");
    let cell = state.cell;
    let Some(map) = state.map(model, report) else {
        quiet(ui, "This engine does not show what the classifier reads, or no frame has come since this was opened.");
        return None;
    };
    legend(ui);
    let label = report.network.labels().get(map.class).map_or("", String::as_str);
    let worth = map.scale / map.cells.len().max(1) as f32;
    figure(ui, "class", &format::label(label));
    figure(ui, "logit", &format!("{:+.3}", map.logit));
    figure(ui, "sum of all positions", &map.cells.iter().map(|&cell| i64::from(cell)).sum::<i64>().to_string());
    figure(ui, "one unit is worth", &format!("{worth:+.2e}"));
    let says = match cell.and_then(|[y, x]| map.cells.get(y * map.edge + x).map(|value| (y, x, value))) {
        Some((y, x, value)) => format!("row {y}, column {x}: {value:+} → {:+.3}", *value as f32 * worth),
        None => "point at a position in the picture".into(),
    };
    ui.label(RichText::new(says).font(theme::mono(theme::SMALL)));
    ui.button("Save as picture and CSV").clicked().then(|| SavedAnswer::Evidence(map.clone()))
}

/// The likeliest classes; one can be pinned, or looked at by pointing at it.
fn classes(ui: &mut Ui, report: &Report, state: &mut EvidenceState) {
    let labels = report.network.labels();
    if ui.selectable_label(state.class.is_none(), "the likeliest").clicked() {
        state.class = None;
    }
    let mut under = None;
    ui.horizontal_wrapped(|ui| {
        let top = Prediction::top(&report.prediction.smoothed, CLASSES);
        let pinned = state.class.filter(|class| top.iter().all(|entry| entry.0 != *class));
        for class in top.into_iter().map(|entry| entry.0).chain(pinned) {
            let Some(label) = labels.get(class) else { continue };
            let response = ui.selectable_label(state.class == Some(class), format::label(label));
            if response.hovered() {
                under = Some(class);
            }
            if response.clicked() {
                state.class = Some(class);
            }
        }
    });
    state.under = under;
}
