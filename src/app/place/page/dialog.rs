//! The browser's dialog for choosing a file. What is dropped on the page takes the same way, and a port that the person allowed.

use crate::app::state::{DialogAnswer, DialogKind};
use crate::fpga::link::ports::serial::path;
use crate::host::browser::{self, Given};
use crate::host::files;
use std::path::{Path, PathBuf};

/// Asks the browser.
#[derive(Default)]
pub(crate) struct Dialogs;

impl Dialogs {
    /// Shows the browser's dialog for files. It takes the place of one that is open.
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

    /// What the person gave, once.
    pub(crate) fn answer(&mut self) -> Option<DialogAnswer> {
        let given = browser::next_given()?;
        Some(given.port().map_or_else(|| keep(&given), |index| DialogAnswer::Port(path(index))))
    }
}

/// Keeps a file; what to open it by, or what is wrong with it.
fn keep(given: &Given) -> DialogAnswer {
    if let Some(fault) = given.fault() {
        return DialogAnswer::Refused(fault);
    }
    let path = PathBuf::from(given.name());
    match given.url() {
        Some(address) => files::give_video(&path, address),
        None => files::give(&path, given.bytes().map(|bytes| bytes.to_vec()).unwrap_or_default().into()),
    }
    DialogAnswer::Chosen(path)
}
