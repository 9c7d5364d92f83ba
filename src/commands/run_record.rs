//! What `run --headless --record FILE` keeps and writes.

use crate::engine::Probe;
use crate::flight::{self, FlightLimits, FlightRecorder, FlightSeen, Written};
use crate::pipeline::Predictor;
use anyhow::Result;
use std::path::{Path, PathBuf};
use web_time::Instant;

/// The recorder of a run on the terminal, and where what it keeps is written at the end.
pub(super) struct RunRecord {
    path: PathBuf,
    recorder: FlightRecorder,
    /// The engine's name, where nobody says another one.
    engine: String,
    /// Since when the frame that runs is looked at, where it is.
    looking: Option<Instant>,
}

impl RunRecord {
    /// Refuses at once a place where nothing can be written.
    pub(super) fn new(path: &Path, predictor: &Predictor) -> Result<Self> {
        flight::check_place(path)?;
        let recorder = FlightRecorder::new(FlightLimits::default());
        Ok(Self { path: path.to_owned(), recorder, engine: predictor.engine().info().name, looking: None })
    }

    /// Notes what the source does.
    pub(super) fn note_source(&mut self, state: &str) {
        self.recorder.note_source(state);
    }

    /// What the run of frame `number` is to be shown to, where it is to be looked at.
    pub(super) fn begin(&mut self, number: u64) -> Option<&mut dyn Probe> {
        self.looking = self.recorder.is_due(number).then(Instant::now);
        self.looking.map(|_| self.recorder.probe())
    }

    /// Keeps what came of it; `engine` is what ran it, where that may change.
    pub(super) fn keep(&mut self, predictor: &Predictor, number: u64, engine: Option<&str>) {
        if let Some(engine) = engine.filter(|engine| *engine != self.engine) {
            self.engine = engine.to_owned();
        }
        self.recorder.record(&FlightSeen {
            number,
            network: predictor.network(),
            engine: &self.engine,
            input: predictor.input(),
            answer: predictor.answer(),
            look: self.looking.take().map(|begun| begun.elapsed()),
        });
    }

    /// Writes the file, and says so on stderr. The last frame is looked at in any case: it is why many a run has come to its end.
    pub(super) fn finish(mut self, predictor: &mut Predictor) -> Result<()> {
        if let Some(input) = self.recorder.newest_unseen() {
            match predictor.infer_on(&input, Some(self.recorder.probe())) {
                Ok(_) => self.recorder.look_back(predictor.network()),
                // What was recorded is written all the more.
                Err(error) => tracing::warn!("the last frame's layers are not recorded: {error}"),
            }
        }
        let Some(recorded) = self.recorder.flight() else {
            tracing::info!("nothing was recorded, {} is not written", self.path.display());
            return Ok(());
        };
        let Written { frames, looked_at, span, bytes } = flight::write(recorded, &self.path)?;
        let (path, seconds, size) = (self.path.display(), span.as_secs_f64(), bytes as f64 / 1e6);
        tracing::info!(
            "recorded {frames} frames in {path}: {seconds:.1} s, {size:.1} MB, {looked_at} with their layers"
        );
        Ok(())
    }
}
