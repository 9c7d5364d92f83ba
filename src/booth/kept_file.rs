//! A file in which the booth remembers something between two starts, as JSON.

use crate::host::files;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The file, where there is a place for one.
#[derive(Debug, Default)]
pub(super) struct KeptFile(pub(super) Option<PathBuf>);

impl KeptFile {
    /// What it holds, of which `most` bytes are read; one that cannot be read is begun anew.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, most: u64) -> T {
        let read = |path: &PathBuf| {
            let mut text = String::new();
            files::open(path).ok()?.take(most).read_to_string(&mut text).ok()?;
            serde_json::from_str(&text).ok()
        };
        self.0.as_ref().and_then(read).unwrap_or_default()
    }

    /// Writes it anew. Where that fails, the log says that `what` is not kept, and the booth goes on.
    pub(super) fn write(&self, content: &impl Serialize, what: &str) {
        if let Some(path) = &self.0
            && let Err(error) = write(path, content)
        {
            tracing::warn!("{what} in {}: {error}", path.display());
        }
    }
}

fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    files::make_folder_around(path)?;
    files::write_whole(path, &serde_json::to_vec(content)?)
}
