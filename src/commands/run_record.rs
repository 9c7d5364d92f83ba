//! What `run --headless --record FILE` keeps and writes.

use crate::flight::{self, FlightLimits, FlightRecorder, FlightSeen, Written};
use crate::pipeline::{Inference, PredictError, Predictor};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The recorder of a run on the terminal, and where what it keeps is written at the end.
pub(super) struct RunRecord {
    path: PathBuf,
    recorder: FlightRecorder,
    /// The engine's name, where nobody says another one.
    engine: String,
}

impl RunRecord {
    /// Refuses at once a place where nothing can be written.
    pub(super) fn new(path: &Path, predictor: &Predictor) -> Result<Self> {
        flight::check_place(path)?;
        let recorder = FlightRecorder::new(FlightLimits::default());
        Ok(Self { path: path.to_owned(), recorder, engine: predictor.engine().info().name })
    }

    /// Notes what the source does.
    pub(super) fn note_source(&mut self, state: &str) {
        self.recorder.note_source(state);
    }

    /// Runs the network on frame `number` and keeps what came of it; `board` is what ran it, where that may change.
    pub(super) fn infer(
        &mut self,
        predictor: &mut Predictor,
        number: u64,
        board: impl FnOnce(&Predictor) -> Option<String>,
    ) -> Result<Inference, PredictError> {
        let look = self.recorder.is_due(number);
        let start = Instant::now();
        let inference = predictor.infer(look.then(|| self.recorder.probe()))?;
        let look = look.then(|| start.elapsed());
        if let Some(engine) = board(predictor) {
            self.engine = engine;
        }
        self.recorder.record(&FlightSeen {
            number,
            network: predictor.network(),
            engine: &self.engine,
            input: predictor.input(),
            answer: predictor.answer(),
            look,
        });
        Ok(inference)
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
