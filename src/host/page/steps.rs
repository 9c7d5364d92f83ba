//! What `steps.js` has, which says what each does.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/host/page/steps.js")]
extern "C" {
    pub(crate) fn can_wait() -> bool;
    pub(crate) fn may_wait() -> bool;
    pub(crate) fn wait(milliseconds: f64);
    pub(crate) fn every(milliseconds: u32, exports: &JsValue);
}
