//! Messages: what was refused, lost or saved. They lie over the lower right corner and go by themselves or on Esc.

use super::model::Model;
use super::theme::{self, Tokens};
use super::widgets;
use crate::pipeline::{About, Notice};
use egui::{Align2, Area, Color32, Frame, Margin, Order, RichText, Role, Ui, WidgetInfo, vec2};

/// How many messages are shown at a time.
const MOST: usize = 3;
/// How long a good message, a bad one and a hint stay, in seconds of the window's clock.
const STAY: [f64; 3] = [6.0, 30.0, 6.0];

/// Whether something went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It did.
    Good,
    /// It did not.
    Bad,
    /// Nothing was done, since nothing was to be done.
    Hint,
}

/// A message on the window.
#[derive(Clone, Debug)]
struct Toast {
    text: String,
    tone: Tone,
    /// What the pipeline says it is about; the window's own messages are about nothing of the pipeline's.
    about: Option<About>,
    since: f64,
}

/// The messages on the window.
#[derive(Debug, Default)]
pub(crate) struct Toasts {
    toasts: Vec<Toast>,
    known: Option<u64>,
    refusal: Option<String>,
    unplaced: Vec<(String, Tone, Option<About>)>,
}

impl Toasts {
    /// A message of the window's own.
    pub(crate) fn push(&mut self, text: impl Into<String>, tone: Tone) {
        self.unplaced.push((text.into(), tone, None));
    }

    /// Takes all messages away.
    pub(crate) fn clear(&mut self) {
        self.toasts.clear();
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.toasts.is_empty()
    }

    /// Takes in what is new at the moment `now`, and lets go what stood long enough.
    fn gather(&mut self, model: &Model, now: f64) {
        let known = self.known;
        let new = |notice: &&Notice| known.is_none_or(|known| notice.id > known);
        for notice in model.notices.iter().filter(new) {
            let tone = if matches!(notice.about, About::BoardBack | About::Saved) { Tone::Good } else { Tone::Bad };
            self.unplaced.push((notice.text.clone(), tone, Some(notice.about)));
        }
        self.known = model.notices.iter().map(|notice| notice.id).chain(known).max();
        let refusal = model.source.refusal.as_ref().map(ToString::to_string);
        if refusal != self.refusal {
            self.unplaced.extend(refusal.clone().map(|text| (text, Tone::Bad, None)));
            self.refusal = refusal;
        }
        for (text, tone, about) in self.unplaced.drain(..) {
            // Said again, a message stays longer, and does not stand there twice.
            self.toasts.retain(|toast| toast.text != text);
            if of_board(about) {
                self.toasts.retain(|toast| !of_board(toast.about));
            }
            self.toasts.push(Toast { text, tone, about, since: now });
        }
        self.toasts.retain(|toast| now - toast.since < STAY[toast.tone as usize]);
        let surplus = self.toasts.len().saturating_sub(MOST);
        self.toasts.drain(..surplus);
    }
}

/// Whether a message says how it stands with the board: the next one that does takes its place.
fn of_board(about: Option<About>) -> bool {
    matches!(about, Some(About::BoardLost | About::BoardBack))
}

/// Shows the messages.
pub(crate) fn show(ui: &mut Ui, model: &Model, toasts: &mut Toasts) {
    let now = ui.input(|input| input.time);
    toasts.gather(model, now);
    if toasts.is_empty() {
        return;
    }
    ui.ctx().request_repaint_after_secs(1.0);
    let area = Area::new(ui.scope_id().with("notices")).order(Order::Foreground);
    let area = area.anchor(Align2::RIGHT_BOTTOM, vec2(-2.0 * theme::GAP, -2.0 * theme::GAP));
    area.show(ui.ctx(), |ui| {
        let mut dismissed = None;
        for (place, toast) in toasts.toasts.iter().enumerate() {
            if message(ui, toast) {
                dismissed = Some(place);
            }
            ui.add_space(4.0);
        }
        if let Some(place) = dismissed {
            toasts.toasts.remove(place);
        }
    });
}

/// One message; returns whether it was dismissed.
fn message(ui: &mut Ui, toast: &Toast) -> bool {
    let tokens = Tokens::of(ui);
    let color = match toast.tone {
        Tone::Good => tokens.embedded,
        Tone::Bad => tokens.fault,
        Tone::Hint => tokens.chosen,
    };
    let frame =
        Frame::popup(ui.style()).fill(tokens.raised).stroke((1.0, color)).inner_margin(Margin::symmetric(14, 10));
    let shown = frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.set_width(420.0);
            mark(ui, toast.tone, color);
            ui.add_space(18.0);
            ui.vertical(|ui| {
                ui.set_width(360.0);
                ui.label(RichText::new(&toast.text).size(theme::BODY));
            });
            let close = egui::Button::new(RichText::new("×").size(16.0).color(tokens.quiet)).frame(false);
            let close = ui.add(close).on_hover_text("Dismiss (Esc)");
            close.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Dismiss the message"));
            close.clicked()
        })
        .inner
    });
    shown.inner
}

/// Tells tones apart without colour.
fn mark(ui: &Ui, tone: Tone, color: Color32) {
    let at = ui.available_rect_before_wrap().left_top() + vec2(0.0, 1.0);
    let sign = match tone {
        Tone::Good => "✓",
        Tone::Bad => "!",
        Tone::Hint => "i",
    };
    widgets::text(ui, at, Align2::LEFT_TOP, sign, theme::bold(theme::BODY + 1.0), color);
}
