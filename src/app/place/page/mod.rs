//! In a browser: a canvas of the page, its dialog for files, and what the page can be asked.

mod asked;
mod dialog;

pub(crate) use asked::follow;
pub use asked::{answer, last_frame, status, tick};
pub(crate) use dialog::Dialogs;

use crate::app::settings_file;
use crate::app::shell::{Options, run};
use crate::host::browser;
use crate::host::{files, serial, steps};
use crate::network::ModelChoice;
use crate::network::shipped::{SHIPPED, Shipped};
use crate::source::{DEFAULT_SEED, SourceChoice};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_time::Duration;

/// The theme of the first start: the page's own.
pub(crate) const THEME: egui::ThemePreference = egui::ThemePreference::System;
/// A page sees the files that it is given, and no folders.
pub(crate) const HAS_FOLDERS: bool = false;
/// Least time between two repaints that news asks for: a camera's. What paints computes as well.
pub(crate) const REPAINT: Duration = Duration::from_millis(33);
/// It knows no ports but those that it asked the person for.
pub(crate) const ASKS_FOR_PORTS: bool = true;

const DEMO: SourceChoice = SourceChoice::Demo { seed: DEFAULT_SEED };
/// The canvas of the page.
const CANVAS: &str = "ernscope";
/// Steps are taken so often, in milliseconds, between two repaints.
const TICK_MS: u32 = 5;

/// Starts the window in the page's canvas, as the part of the address behind the # asks for: `source=camera:0&model=objects`.
pub fn start_page() {
    console_error_panic_hook::set_once();
    spawn_local(async {
        // Without an answer there is no camera yet.
        let _ = JsFuture::from(browser::know_cameras()).await;
        let _ = JsFuture::from(serial::know_ports()).await;
        let mut options = options();
        let remembered = files::settings().map(|path| settings_file::load(&path).0).unwrap_or_default();
        // At the first visit nobody is asked for a camera before a word was read.
        if options.source.is_none() && remembered.source().is_none() {
            options.source = Some(DEMO);
        }
        let wanted = options.model.clone().or_else(|| remembered.model?.parse().ok());
        if let Some(ModelChoice::Shipped(name)) = wanted
            && let Some(shipped) = Shipped::named(name)
        {
            fetch(shipped).await;
        }
        begin(options);
        for shipped in &SHIPPED {
            fetch(shipped).await;
        }
    });
}

/// Opens the window; what the address asks for and cannot be had gives way to the demo, and is told of.
fn begin(options: Options) {
    let Err(refused) = run(options) else { return };
    let complaint = format!("{refused}.");
    asked::complain(&complaint);
    let without = Options { source: Some(DEMO), complaint: Some(complaint), ..Options::default() };
    if let Err(error) = run(without) {
        browser::fail(&error.to_string());
    }
}

fn options() -> Options {
    let text = browser::options();
    let value = |key: &str| text.split('&').find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    Options {
        source: value("source").and_then(|text| text.parse().ok()),
        model: value("model").and_then(|text| text.parse().ok()),
        engine: value("engine").and_then(|text| text.parse().ok()),
        ..Options::default()
    }
}

/// Gets a network that is not there yet; without an answer it stays so.
async fn fetch(shipped: &Shipped) {
    let path = format!("networks/{}.safetensors", shipped.name);
    if shipped.bytes().is_none()
        && let Ok(loaded) = JsFuture::from(browser::load(&path)).await
        && let Ok(bytes) = loaded.dyn_into::<Uint8Array>()
    {
        shipped.give(bytes.to_vec().into());
    }
}

/// Shows the window in the page's canvas, whose size is the browser's business.
///
/// # Errors
/// None here: what fails later is said on the page.
pub(crate) fn show(_: [f32; 2], make: eframe::AppCreator<'static>) -> eframe::Result {
    let canvas = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|document| document.get_element_by_id(CANVAS))
        .and_then(|element| element.dyn_into::<web_sys::HtmlCanvasElement>().ok());
    let Some(canvas) = canvas else {
        browser::fail("the page has no canvas");
        return Ok(());
    };
    browser::take_drops();
    steps::every(TICK_MS, &wasm_bindgen::exports());
    spawn_local(async move {
        let options = eframe::WebOptions::default();
        if let Err(error) = eframe::WebRunner::new().start(canvas, options, make).await {
            browser::fail(&format!("the canvas cannot be drawn on ({error:?}): use a browser with WebGL 2 or WebGPU"));
        }
    });
    Ok(())
}

/// Whether boards can be reached: the browser has serial ports, and the driver can wait for one.
pub(crate) fn has_boards() -> bool {
    serial::has_serial() && steps::can_wait()
}

/// Shows the browser's dialog for ports; its answer is one of [`Dialogs`]'.
pub(crate) fn ask_for_port() {
    serial::choose_port();
}

/// Shorter rests are not worth a word, in seconds.
const LEAST_REST: f64 = 2.0;

/// What the person is to be told of.
pub(crate) fn news() -> Option<String> {
    let seconds = browser::rest();
    (seconds > LEAST_REST).then(|| format!("The page was not seen for {seconds:.0} s, and rested meanwhile."))
}

/// What our typeface lacks the browser draws: for every letter that no font has eframe asks a canvas of its own.
#[derive(Default)]
pub(crate) struct SystemFonts;

impl SystemFonts {
    /// Nothing: no font has to be found.
    pub(crate) fn follow<'a>(&mut self, _: &egui::Context, _: impl Iterator<Item = &'a str>) {}
}
