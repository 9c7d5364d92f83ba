//! The teacher behind the panel: started when it is first needed, told what the panel asks for, its networks given to the engine.

#[cfg(test)]
mod tests;

use super::model::Model;
use crate::engines::EngineChoice;
use crate::network::{ModelChoice, Network};
use crate::pipeline::{EngineCommand, Pipeline};
use crate::teach::{Progress, TeachCommand, Teacher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the file beside the settings that keeps what is not saved.
const DRAFT: &str = "teaching.draft";

/// A teacher, once there is one.
pub(crate) struct Teaching {
    teacher: Option<Teacher>,
    draft: Option<PathBuf>,
    /// The network that the engine was given last.
    given: Option<Arc<Network>>,
    /// The file that it was told of last.
    saved: Option<PathBuf>,
}

impl Teaching {
    /// Keeps what is not saved beside the settings in `settings`.
    pub(crate) fn new(settings: Option<&Path>) -> Self {
        let draft = settings.and_then(Path::parent).map(|folder| folder.join(DRAFT));
        Self { teacher: None, draft, given: None, saved: None }
    }

    /// How teaching stands.
    pub(crate) fn progress(&self) -> Option<Arc<Progress>> {
        self.teacher.as_ref().map(Teacher::progress)
    }

    /// Does what the panel asks for, and gives the engine what was learned. A sentence, where there can be no teacher.
    pub(crate) fn follow(
        &mut self,
        is_open: bool,
        requests: Vec<TeachCommand>,
        pipeline: &Pipeline,
        model: &Model,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Option<String> {
        if is_open && self.teacher.is_none() {
            match Teacher::start(self.draft.clone(), wake) {
                Ok(teacher) => self.teacher = Some(teacher),
                Err(error) => return Some(format!("Nothing can be taught: the system gives no thread ({error}).")),
            }
        }
        let teacher = self.teacher.as_ref()?;
        for request in requests {
            if matches!(request, TeachCommand::Discard) {
                self.given = None;
                pipeline.send(EngineCommand::Model(model.settings.model.clone()));
            }
            teacher.send(request);
        }
        let progress = teacher.progress();
        self.give(&progress, is_open, pipeline, model);
        None
    }

    /// A board is given a network when it is saved and opened: an upload takes longer than a frame.
    fn give(&mut self, progress: &Progress, is_open: bool, pipeline: &Pipeline, model: &Model) {
        if progress.saved != self.saved {
            self.saved.clone_from(&progress.saved);
            if let Some(path) = &progress.saved {
                self.given.clone_from(&progress.network);
                return pipeline.send(EngineCommand::Model(ModelChoice::File(path.clone())));
            }
        }
        let Some(network) = &progress.network else { return };
        let is_given = self.given.as_ref().is_some_and(|given| Arc::ptr_eq(given, network));
        if is_open && !is_given && !matches!(model.settings.engine, EngineChoice::Fpga(_)) {
            self.given = Some(network.clone());
            pipeline.send(EngineCommand::Taught(network.clone()));
        }
    }
}
