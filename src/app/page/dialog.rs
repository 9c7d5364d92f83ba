//! The browser's dialog for choosing a file; what is dropped on the page takes the same way.

use super::keep;
use crate::app::state::{DialogAnswer, DialogKind};
use crate::host::browser;
use std::path::Path;

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
