//! The flight recorder: on, off, how much it holds, and into a file.

use super::super::export;
use super::super::model::Model;
use super::words::{figure, quiet};
use crate::pipeline::EngineCommand;
use egui::{ProgressBar, Slider, Ui};

/// Megabytes that can be chosen.
const MEGABYTES: std::ops::RangeInclusive<u32> = 64..=256;

/// What the panel remembers of it.
pub(super) struct RecorderState {
    megabytes: u32,
}

impl Default for RecorderState {
    fn default() -> Self {
        Self { megabytes: *MEGABYTES.start() }
    }
}

/// Shows the switch and what is held; `commands` gets what is asked for.
pub(super) fn show(ui: &mut Ui, model: &Model, state: &mut RecorderState, commands: &mut Vec<EngineCommand>) {
    quiet(
        ui,
        "Keeps the last two minutes: what the network saw, bit for bit, its answers, and a checksum of every layer. \
         Nothing is written before you save it.",
    );
    let Some(recording) = model.recording else {
        ui.add(Slider::new(&mut state.megabytes, MEGABYTES).text("MB at most"));
        if ui.button("Start recording").clicked() {
            commands.push(EngineCommand::Record(Some(state.megabytes)));
        }
        return;
    };
    figure(ui, "frames", &recording.frames.to_string());
    figure(ui, "from the first to the last", &format!("{:.0} s", recording.span.as_secs_f32()));
    let [used, limit] = [recording.bytes, recording.limit].map(|bytes| bytes as f32 / 1e6);
    ui.add(ProgressBar::new(used / limit.max(1.0)).text(format!("{used:.1} of {limit:.0} MB")));
    if ui.button("Save the recording").clicked() {
        commands.push(EngineCommand::SaveRecord(export::named("ernflight")));
    }
    if ui.button("Stop, and forget what is not saved").clicked() {
        commands.push(EngineCommand::Record(None));
    }
    quiet(ui, "ernscope replay FILE runs it again on any engine and finds the first frame and layer that differ.");
}
