//! What the page's scripts call: the steps beside the window, how it stands, the last frame, a network by itself.

use crate::app::model::Model;
use crate::engine::{Probe, Wants, likeliest};
use crate::engines::{self, EngineChoice, Setup};
use crate::frame::InputImage;
use crate::host::threads;
use crate::network::ModelChoice;
use crate::network::shipped::SHIPPED;
use crate::pipeline::Report;
use crate::preprocess::Preprocessor;
use js_sys::{Object, Reflect, Uint8Array};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// What the window showed last.
#[derive(Default)]
struct Shown {
    source: String,
    state: String,
    drawing: String,
    report: Option<Arc<Report>>,
}

thread_local! {
    static SHOWN: RefCell<Shown> = RefCell::default();
    static COMPLAINT: RefCell<String> = RefCell::default();
}

/// Notes what the page was asked for and could not do.
pub(super) fn complain(text: &str) {
    COMPLAINT.set(text.to_owned());
}

/// Notes what the window shows.
pub(crate) fn follow(model: &Model, frame: &eframe::Frame) {
    let drawing = frame.wgpu_render_state().map_or_else(String::new, |state| match state.adapter.get_info().backend {
        eframe::wgpu::Backend::BrowserWebGpu => "WebGPU".into(),
        eframe::wgpu::Backend::Gl => "WebGL2".into(),
        other => other.to_string(),
    });
    let source = crate::app::choices::source_name(model);
    let state = model.source.state.to_string();
    SHOWN.set(Shown { source, state, drawing, report: model.report.clone() });
}

/// Takes a step of all that goes on beside the window.
#[wasm_bindgen]
pub fn tick() {
    threads::tick();
}

/// How the window stands, as JSON: source, state, network, engine, the board's state, what draws, how many frames were predicted, the
/// last answer, what was refused at the start, and which networks are there.
#[wasm_bindgen]
pub fn status() -> String {
    SHOWN.with_borrow(|shown| {
        let networks: Map<String, Value> =
            SHIPPED.iter().map(|shipped| (shipped.name.into(), shipped.bytes().is_some().into())).collect();
        let report = shown.report.as_deref();
        let class = report.and_then(|report| likeliest(&report.prediction.raw));
        json!({
            "source": shown.source,
            "state": shown.state,
            "complaint": COMPLAINT.with_borrow(String::clone),
            "drawing": shown.drawing,
            "networks": networks,
            "model": report.map(|report| report.network.name()),
            "engine": report.map(|report| &report.engine.name),
            "board": report.and_then(|report| report.engine.board.as_ref()).map(ToString::to_string),
            "predictions": report.map_or(0, |report| report.counts.predicted),
            "dropped": report.map_or(0, |report| report.counts.dropped),
            "class": class,
            "label": report.zip(class).and_then(|(report, class)| report.network.labels().get(class)),
            "sure": report.is_some_and(|report| report.prediction.knowing.sure),
            "infer_ms": report.map(|report| report.rates.infer_ms),
        })
        .to_string()
    })
}

/// The frame that was predicted last, its pixels as RGB bytes, and its answer; `undefined` before the first one.
#[wasm_bindgen]
pub fn last_frame() -> JsValue {
    let Some(report) = SHOWN.with_borrow(|shown| shown.report.clone()) else { return JsValue::UNDEFINED };
    let (frame, class) = (&report.frame, likeliest(&report.prediction.raw));
    let told = Object::new();
    let number = |number: f64| JsValue::from(number);
    let label = class.and_then(|class| report.network.labels().get(class)).map(|label| label.as_str().into());
    for (key, value) in [
        ("index", number(frame.index as f64)),
        ("width", number(frame.width.into())),
        ("height", number(frame.height.into())),
        ("rgb", Uint8Array::from(&*frame.rgb).into()),
        ("class", class.map_or(JsValue::NULL, |class| number(class as f64))),
        ("label", label.unwrap_or(JsValue::NULL)),
    ] {
        // A plain object takes any value.
        let _ = Reflect::set(&told, &key.into(), &value);
    }
    told.into()
}

/// Runs a network on RGB bytes: the likeliest class, and the CRC-32 of the codes of every layer that makes any, in order, as JSON
/// (`{"class": 7, "crcs": [["layer", crc], …]}`).
///
/// # Errors
/// A sentence, where the network or the size is refused.
#[wasm_bindgen]
pub fn answer(model: &str, width: u32, height: u32, rgb: &[u8]) -> Result<String, String> {
    let Ok(choice) = model.parse::<ModelChoice>();
    let network = Arc::new(choice.load().map_err(|error| error.to_string())?);
    let mut input = InputImage::black(network.edge());
    Preprocessor::new(1).run(rgb, width, height, &mut input).map_err(|error| error.to_string())?;
    let setup = Setup::new(network.edge(), 1);
    let mut engine =
        engines::open(&EngineChoice::Cpu(None), Arc::clone(&network), setup).map_err(|error| error.to_string())?;
    let mut crcs = Crcs(Vec::new());
    let outcome = engine.run_probed(&input, &mut crcs).map_err(|error| error.to_string())?;
    let class = likeliest(outcome.logits);
    let named: Vec<Value> = crcs.0.iter().map(|&(layer, crc)| json!([network.layers()[layer].name, crc])).collect();
    Ok(json!({ "class": class, "crcs": named }).to_string())
}

/// The CRC-32 of every layer's codes.
struct Crcs(Vec<(usize, u32)>);

impl Probe for Crcs {
    fn wants(&self, _: usize) -> Wants {
        Wants { codes: true, ..Wants::default() }
    }

    fn codes(&mut self, layer: usize, codes: &[u8]) {
        self.0.push((layer, crc32fast::hash(codes)));
    }
}
