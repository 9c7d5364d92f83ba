//! What runs behind the stage: once for the camera, once for the demo.

use super::super::model::Model;
use super::super::state::State;
use super::super::why::Depth;
use crate::pipeline::{EngineCommand, Pipeline, Report, Settings, StartError};
use crate::source::SourceChoice;
use std::sync::Arc;
use web_time::{Duration, Instant};

/// A report is of now for so long, or for so many times what it took from the capture, where that is longer, but not for ever.
const FRESH: Duration = Duration::from_millis(500);
const FRESH_LATENCIES: f32 = 2.0;
const FRESH_AT_MOST: Duration = Duration::from_secs(4);

/// A pipeline, and what is known of it.
pub(super) struct Act {
    pipeline: Pipeline,
    /// When the last report was seen that was not there before.
    reported: Option<Instant>,
    pub(super) model: Model,
    pub(super) state: State,
}

impl Act {
    /// Starts it.
    ///
    /// # Errors
    /// [`StartError`], where network, engine or source are refused.
    pub(super) fn start(
        settings: Settings,
        source: Option<SourceChoice>,
        wake: impl Fn() + Clone + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let pipeline = Pipeline::start(settings.clone(), source, wake)?;
        let model = Model::new(settings, pipeline.source_status());
        let mut state = State::default();
        // The evidence is asked for all the time.
        state.turn_why(Depth::Evidence);
        Ok(Self { pipeline, reported: None, model, state })
    }

    /// Brings it to the present; a report that was not there before.
    pub(super) fn refresh(&mut self, now: Instant) -> Option<Arc<Report>> {
        let before = self.model.report.clone();
        self.model.follow(&self.pipeline);
        self.state.meet_source(&self.model.source);
        self.state.why.take_commands().for_each(|command| self.pipeline.send(command));
        let report = self.model.report.clone()?;
        let is_new = before.is_none_or(|before| !Arc::ptr_eq(&before, &report));
        if is_new {
            self.reported = Some(now);
        }
        is_new.then_some(report)
    }

    /// Whether its last report is of now, or a person holds it.
    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        let (Some(reported), Some(report)) = (self.reported, &self.model.report) else { return false };
        let took = Duration::try_from_secs_f32(FRESH_LATENCIES * report.timing.latency_ms / 1000.0).unwrap_or(FRESH);
        let fresh = took.clamp(FRESH, FRESH_AT_MOST);
        self.model.source.paused || now.saturating_duration_since(reported) <= fresh
    }

    pub(super) fn pause(&self, paused: bool) {
        if self.model.source.paused != paused {
            self.pipeline.source().set_paused(paused);
        }
    }

    pub(super) fn compare(&mut self, compare: bool) {
        if self.state.compare != compare {
            self.state.compare = compare;
            self.pipeline.send(EngineCommand::Compare(compare));
        }
    }

    /// Has it see something else.
    pub(super) fn look_at(&self, source: Option<&SourceChoice>) {
        if self.model.source.choice.as_ref() != source {
            self.pipeline.source().switch_to(source.cloned());
        }
    }

    /// Has it run something else.
    pub(super) fn change(&self, settings: &Settings) {
        let running = &self.model.settings;
        if settings.model != running.model {
            self.pipeline.send(EngineCommand::Model(settings.model.clone()));
        }
        if settings.engine != running.engine {
            self.pipeline.send(EngineCommand::Engine(settings.engine.clone()));
        }
        if settings.threads != running.threads {
            self.pipeline.send(EngineCommand::Threads(settings.threads));
        }
    }
}
