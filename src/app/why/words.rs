//! What the depths write with.

use super::super::theme::{self, Tokens};
use egui::{Align, Color32, Layout, RichText, Sense, StrokeKind, Ui, Vec2};

/// What speaks for the class: light, so that it is told from the other without colours too.
pub(super) const FOR: Color32 = Color32::from_rgb(255, 190, 60);
/// What speaks against it: dark.
pub(super) const AGAINST: Color32 = Color32::from_rgb(16, 44, 150);

/// Small, quiet words.
pub(super) fn quiet(ui: &mut Ui, says: &str) {
    let words = RichText::new(says).size(theme::SMALL).color(Tokens::of(ui).quiet);
    ui.add(egui::Label::new(words).wrap());
}

/// A figure and what it is, in one line.
pub(super) fn figure(ui: &mut Ui, what: &str, value: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(what).size(theme::SMALL).color(Tokens::of(ui).quiet));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(value).font(theme::mono(theme::BODY)));
        });
    });
}

/// A title above some lines.
pub(super) fn heading(ui: &mut Ui, says: &str) {
    ui.label(RichText::new(says).font(theme::bold(theme::SMALL)));
}

/// What the colours over the picture mean.
pub(super) fn legend(ui: &mut Ui) {
    ui.horizontal(|ui| {
        for (color, says) in [(FOR, "for"), (AGAINST, "against")] {
            let (rect, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
            ui.painter().rect(rect, 2.0, color, Tokens::of(ui).border(), StrokeKind::Inside);
            ui.label(RichText::new(says).size(theme::SMALL));
        }
    });
}
