//! Why: depths that one opens, one at a time, at the right of the window. What is asked goes to the pipeline as [`Questions`]; the answers
//! come with the report, and are laid over the picture and the layers.

mod channels;
mod cover;
mod evidence;
mod hold;
mod neuron;
mod overlay;
mod recorder;
mod saved;
#[cfg(test)]
mod tests;
mod words;

pub(super) use overlay::Seen;
pub(super) use saved::SavedAnswer;

use super::model::Model;
use super::theme;
use super::widgets;
use crate::inspect::explain::Neuron;
#[cfg(feature = "cli")]
use crate::pipeline::Report;
use crate::pipeline::{EngineCommand, Questions};
use cover::CoverState;
use egui::{ScrollArea, Ui};
use evidence::EvidenceState;
use neuron::NeuronState;
use overlay::Laid;

/// Width of the panel in points.
pub(super) const WIDTH: f32 = 352.0;

/// What can be opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Where the picture speaks for a class and where against it.
    #[default]
    Evidence,
    /// What happens to the answer where the picture is covered.
    Cover,
    /// All the arithmetic of one value.
    Neuron,
    /// A held frame beside the ones that go on.
    Hold,
    /// The watched layer's channels over time.
    Channels,
    /// The flight recorder.
    Recorder,
}

impl Depth {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Evidence, "Evidence", "Where the picture speaks for the answer, and where against it"),
        (Self::Cover, "Cover", "What of the picture the answer needs: patches are covered, one after the other"),
        (Self::Neuron, "Neuron", "The whole arithmetic of one value, term by term"),
        (Self::Hold, "Hold", "Hold a frame and see which codes differ from it; check an engine against another"),
        (Self::Channels, "Channels", "The chosen layer's channels over time, and what excites one most"),
        (Self::Recorder, "Record", "Keep the last minutes, to be run again anywhere"),
    ];
}

/// What the panel remembers.
#[derive(Default)]
pub(crate) struct WhyState {
    /// Whether the panel is open.
    pub(crate) open: bool,
    /// What is open in it.
    pub(crate) depth: Depth,
    evidence: EvidenceState,
    cover: CoverState,
    neuron: NeuronState,
    hold: hold::HoldState,
    channels: channels::ChannelsState,
    recorder: recorder::RecorderState,
    overlay: overlay::OverlayState,
    asked: Questions,
    /// What is to be sent to the engine.
    commands: Vec<EngineCommand>,
    /// What is to be saved.
    exports: Vec<SavedAnswer>,
}

impl WhyState {
    /// Opens a depth; closes the panel where it is open already.
    pub(crate) fn turn(&mut self, depth: Depth) {
        let shown = self.open && self.depth == depth;
        (self.open, self.depth) = (!shown, depth);
    }

    /// Whether this depth is open.
    pub(super) fn shows(&self, depth: Depth) -> bool {
        self.open && self.depth == depth
    }

    /// Whether something in colour is laid over the picture.
    pub(super) fn is_laid_over(&self) -> bool {
        self.shows(Depth::Evidence) || self.shows(Depth::Cover)
    }

    /// Explains a value from now on.
    pub(super) fn choose_place(&mut self, place: Neuron) {
        self.neuron.begin(place);
        (self.open, self.depth) = (true, Depth::Neuron);
    }

    /// The position of a channel that is explained.
    pub(super) fn place(&self) -> Option<Neuron> {
        self.neuron.place().filter(|_| self.shows(Depth::Neuron))
    }

    fn questions(&self) -> Questions {
        Questions {
            evidence: self.shows(Depth::Evidence),
            occlusion: self.shows(Depth::Cover).then(|| self.cover.patches()),
            neuron: self.place(),
        }
    }

    /// What is to be told to the engine.
    pub(super) fn take_commands(&mut self) -> impl Iterator<Item = EngineCommand> + use<> {
        let questions = self.questions();
        if questions != self.asked {
            self.asked = questions;
            self.commands.push(EngineCommand::Ask(questions));
        }
        std::mem::take(&mut self.commands).into_iter()
    }

    /// What is to be saved.
    pub(super) fn take_exports(&mut self) -> impl Iterator<Item = SavedAnswer> + use<> {
        std::mem::take(&mut self.exports).into_iter()
    }
}

/// Shows the panel at the right of `ui`, where it is open.
///
/// `channel` is the chosen one; returns another one that was chosen here.
pub(super) fn show(ui: &mut Ui, model: &Model, channel: usize, state: &mut WhyState) -> Option<usize> {
    if !state.open {
        return None;
    }
    let gap = theme::GAP as i8;
    let frame = egui::Frame::new().inner_margin(egui::Margin { left: 0, right: gap, top: 0, bottom: gap });
    let side = egui::Panel::right("why").exact_size(WIDTH).resizable(false).show_separator_line(false).frame(frame);
    let mut chosen = None;
    side.show(ui, |ui| {
        widgets::panel(ui, "Why", |ui| {
            ui.spacing_mut().item_spacing.y = 7.0;
            choose(ui, state);
            ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| match state.depth {
                Depth::Evidence => state.exports.extend(evidence::show(ui, model, &mut state.evidence)),
                Depth::Cover => state.exports.extend(cover::show(ui, model, &mut state.cover)),
                Depth::Neuron => state.exports.extend(neuron::show(ui, model, &mut state.neuron)),
                Depth::Hold => hold::show(ui, model, &mut state.hold, &mut state.commands),
                Depth::Channels => chosen = channels::show(ui, model, channel, &mut state.channels),
                Depth::Recorder => recorder::show(ui, model, &mut state.recorder, &mut state.commands),
            });
        });
    });
    chosen
}

/// Paints what is open over the live picture.
pub(super) fn paint_over_picture(ui: &Ui, seen: Seen, model: &Model, state: &mut WhyState) {
    let place = state.place();
    let laid = match state.depth {
        _ if !state.open => return,
        Depth::Evidence => Laid::Evidence(&mut state.evidence),
        Depth::Cover => Laid::Cover,
        Depth::Neuron => match place {
            Some(place) => Laid::Field(place),
            None => return,
        },
        Depth::Hold | Depth::Channels | Depth::Recorder => return,
    };
    overlay::paint(ui, seen, model, laid, &mut state.overlay);
}

/// Lays the evidence for the answer over a square, without words.
#[cfg(feature = "cli")]
pub(super) fn lay_evidence(ui: &Ui, seen: Seen, (model, report): (&Model, &Report), state: &mut WhyState) {
    overlay::lay_evidence(ui, seen, (model, report), &mut state.evidence, &mut state.overlay);
}

/// Which depth, and the button that closes.
fn choose(ui: &mut Ui, state: &mut WhyState) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for (depth, name, says) in Depth::ALL {
            if ui.selectable_label(state.depth == depth, name).on_hover_text(says).clicked() {
                state.depth = depth;
            }
        }
        if ui.button("×").on_hover_text("Close").clicked() {
            state.open = false;
        }
    });
}
