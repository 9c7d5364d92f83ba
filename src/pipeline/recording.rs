//! The flight recorder of the engine thread: on, off, and written on a thread of its own.

use super::outbox::{About, Outbox};
use crate::flight::{self, FlightLimits, FlightRecorder, FlightWriteError, Written};
use crate::frame::Frame;
use crate::host::{files, threads};
use crate::source::SourceStatus;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where no frame came for so long, that is worth a note.
const GAP: Duration = Duration::from_secs(2);

/// Off, until somebody switches it on.
#[derive(Default)]
pub(super) struct LiveRecording {
    recorder: Option<FlightRecorder>,
    /// Writes what was recorded.
    writer: Option<threads::Task>,
}

impl LiveRecording {
    /// Begins anew in so many megabytes; `None` forgets what there is.
    pub(super) fn switch(&mut self, megabytes: Option<u32>, shared: &Outbox) {
        self.recorder = megabytes.map(|megabytes| FlightRecorder::new(FlightLimits::of_megabytes(megabytes)));
        self.publish(shared);
        (shared.wake)();
    }

    /// The recorder, while it is on.
    pub(super) fn recorder(&mut self) -> Option<&mut FlightRecorder> {
        self.recorder.as_mut()
    }

    /// Notes what the source of `frame` does, and how long it gave none.
    pub(super) fn note_source(&mut self, status: &SourceStatus, frame: &Frame, last: Option<&Frame>) {
        let Some(recorder) = &mut self.recorder else { return };
        let gap = last.map(|last| frame.captured.saturating_duration_since(last.captured)).filter(|gap| *gap > GAP);
        if let Some(gap) = gap {
            recorder.note_source(&format!("no frame for {:.1} s", gap.as_secs_f32()));
        }
        if status.source == frame.source {
            recorder.note_source(&status.state.to_string());
        }
    }

    /// Tells how much there is.
    pub(super) fn publish(&self, shared: &Outbox) {
        shared.set_recording(self.recorder.as_ref().map(FlightRecorder::state));
    }

    /// Whether what was recorded is just being written.
    pub(super) fn is_writing(&self) -> bool {
        self.writer.as_ref().is_some_and(|writer| !writer.is_finished())
    }

    /// Writes what there is, beside the work; a notice tells what came of it.
    pub(super) fn save(&mut self, path: PathBuf, status: &SourceStatus, shared: &Arc<Outbox>) {
        if self.is_writing() {
            return shared.notify(About::Refusal, "a recording is just being written: wait until that is done");
        }
        let Some(recorder) = &mut self.recorder else {
            return shared.notify(About::Refusal, "nothing is recorded: switch the recorder on first");
        };
        // A source that is lost gives no frame that would bring the news.
        recorder.note_source(&status.state.to_string());
        let Some(recorded) = recorder.flight() else {
            return shared.notify(About::Refusal, &FlightWriteError::Empty.to_string());
        };
        let outbox = Arc::clone(shared);
        let write = move || match make_folder(&path).and_then(|()| flight::write(recorded, &path)) {
            Ok(Written { frames, span, bytes, .. }) => {
                let (path, seconds, size) = (path.display(), span.as_secs_f64(), bytes as f64 / 1e6);
                let text = format!("{frames} frames of {seconds:.0} s are in {path}, {size:.1} MB");
                outbox.notify(About::Saved, &text);
            }
            Err(error) => outbox.notify(About::Refusal, &error.to_string()),
        };
        match threads::spawn("recording", write) {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => {
                let text = format!("the system gives no thread to write ({error}): close other programs and try again");
                shared.notify(About::Refusal, &text);
            }
        }
    }
}

/// The window names a file in a folder of its own, which may not be there yet.
fn make_folder(path: &Path) -> Result<(), FlightWriteError> {
    files::make_folder_around(path).map_err(|why| FlightWriteError::File { path: path.to_owned(), why })
}

impl Drop for LiveRecording {
    /// What is being written is written to its end.
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.join();
        }
    }
}
