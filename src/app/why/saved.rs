//! An answer as files: a picture, a table.

use crate::frame::InputImage;
use crate::host::files;
use crate::inspect::evidence::EvidenceMap;
use crate::inspect::explain::{Explanation, write_csv};
use crate::inspect::overlay;
use crate::pipeline::{Covered, Report};
use crate::preprocess::Preprocessor;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::sync::Arc;

/// What is to be saved.
#[derive(Clone, Debug)]
pub(in crate::app) enum SavedAnswer {
    /// A class's map.
    Evidence(EvidenceMap),
    /// A covered picture.
    Occlusion(Arc<Covered>),
    /// The terms of a value.
    Explanation(Arc<Explanation>),
}

impl SavedAnswer {
    /// Writes it beside `path`, whose ending it chooses; `report` has the picture. Returns what was written, in words.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub(in crate::app) fn write(&self, path: &Path, report: &Report) -> Result<String> {
        let table = path.with_extension("csv");
        match self {
            Self::Evidence(map) => {
                let rows: Vec<String> = map.cells.iter().map(ToString::to_string).collect();
                write(&table, lines(&rows, map.edge).as_bytes())?;
                overlay::write_evidence(&input(report)?, map, path)?;
            }
            Self::Occlusion(covered) => {
                let rows: Vec<String> = covered.map.drops.iter().map(ToString::to_string).collect();
                write(&table, lines(&rows, covered.map.starts.len()).as_bytes())?;
                overlay::write_occlusion(&input(report)?, &covered.map, covered.patches.patch, path)?;
            }
            Self::Explanation(explanation) => {
                let mut text = Vec::new();
                write_csv(explanation, &mut text)?;
                write(&table, &text)?;
                return Ok(table.display().to_string());
            }
        }
        Ok(format!("{} and the numbers as .csv beside it", path.display()))
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// A table, so many values a line.
fn lines(values: &[String], across: usize) -> String {
    values.chunks(across.max(1)).map(|line| line.join(",") + "\n").collect()
}

/// The picture that the network saw.
fn input(report: &Report) -> Result<InputImage> {
    let (frame, mut input) = (&report.frame, InputImage::black(report.edge));
    Preprocessor::new(1).run_crop(&frame.rgb, [frame.width, frame.height], report.crop, &mut input)?;
    Ok(input)
}
