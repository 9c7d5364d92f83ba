//! The browser's dialog for choosing a file; what is dropped on the page takes the same way.

use crate::app::state::{DialogAnswer, DialogKind};
use crate::host::browser::{self, GivenFile};
use crate::host::files;
use std::path::{Path, PathBuf};

/// Asks the browser.
#[derive(Default)]
pub(crate) struct Dialogs;

impl Dialogs {
    /// Shows the browser's dialog. It takes the place of one that is open.
    pub(crate) fn open(
        &mut self,
        _: DialogKind,
        _: Option<&Path>,
        _: &eframe::Frame,
        _: impl FnOnce() + Send + 'static,
    ) -> bool {
        browser::choose_file();
        true
    }

    /// A file that the person gave, once.
    pub(crate) fn answer(&mut self) -> Option<DialogAnswer> {
        let given = browser::next_given()?;
        Some(keep(&given).map_or_else(DialogAnswer::Refused, DialogAnswer::Chosen))
    }
}

/// Keeps a file that the person gave; its name to open it by, or what is wrong with it.
fn keep(given: &GivenFile) -> Result<PathBuf, String> {
    let path = PathBuf::from(given.name());
    match (given.fault(), given.url(), given.bytes()) {
        (Some(fault), ..) => return Err(fault),
        (_, Some(address), _) => files::give_video(&path, address),
        (.., bytes) => files::give(&path, bytes.map(|bytes| bytes.to_vec()).unwrap_or_default().into()),
    }
    Ok(path)
}
