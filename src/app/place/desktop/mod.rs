//! On a desktop: a window of the system, its dialogs and its fonts.

mod dialog;
mod system_fonts;

pub(crate) use dialog::Dialogs;
pub(crate) use system_fonts::SystemFonts;

use crate::app::model::Model;
use egui::{ThemePreference, ViewportBuilder};
use web_time::Duration;

/// The theme of the first start.
pub(crate) const THEME: ThemePreference = ThemePreference::Dark;
/// Folders can be opened, and paths typed.
pub(crate) const HAS_FOLDERS: bool = true;
/// Least time between two repaints that news asks for: a screen's.
pub(crate) const REPAINT: Duration = Duration::from_millis(16);
/// The system lists its ports.
pub(crate) const ASKS_FOR_PORTS: bool = false;

/// The smallest window: a screen of 1280×800 pixels scaled by two has no more points.
const LEAST_SIZE: [f32; 2] = [640.0, 400.0];

/// Whether boards can be reached.
pub(crate) fn has_boards() -> bool {
    true
}

/// Nobody is asked for what the system lists.
pub(crate) fn ask_for_port() {}

/// The system has nothing to tell.
pub(crate) fn news() -> Option<String> {
    None
}

/// Nobody asks what the window shows but who looks at it.
pub(crate) fn follow(_: &Model, _: &eframe::Frame) {}

/// Opens a window of this size, in points, and stays until it is closed.
///
/// # Errors
/// Where the system gives no window.
pub(crate) fn show(size: [f32; 2], make: eframe::AppCreator<'static>) -> eframe::Result {
    let viewport = ViewportBuilder::default()
        .with_title("Ernscope")
        .with_app_id("ernscope")
        .with_inner_size(size)
        .with_min_inner_size(LEAST_SIZE);
    let native = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    eframe::run_native("Ernscope", native, make)
}
