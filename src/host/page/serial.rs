//! What `serial.js` has, which says what each does.

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/host/page/serial.js")]
extern "C" {
    pub(crate) fn know_ports() -> Promise;
    pub(crate) fn has_serial() -> bool;
    pub(crate) fn port_names() -> Array;
    pub(crate) fn choose_port();

    /// A port.
    pub(crate) type Line;
    #[wasm_bindgen(static_method_of = Line)]
    pub(crate) fn open(index: u32, rate: u32) -> Line;
    #[wasm_bindgen(method)]
    pub(crate) fn trouble(this: &Line) -> Option<Array>;
    #[wasm_bindgen(method)]
    pub(crate) fn ready(this: &Line) -> bool;
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Line, most: u32) -> Option<Uint8Array>;
    #[wasm_bindgen(method)]
    pub(crate) fn write(this: &Line, bytes: &[u8]) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn close(this: &Line);
}
