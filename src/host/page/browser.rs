//! What `browser.js` has, which says what each does.

use js_sys::{Array, Object, Promise, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/host/page/browser.js")]
extern "C" {
    pub(crate) fn download(name: &str, bytes: &[u8]);
    pub(crate) fn kept(key: &str) -> Option<String>;
    pub(crate) fn keep(key: &str, text: &str) -> Option<String>;
    pub(crate) fn take_drops();
    pub(crate) fn choose_file();
    pub(crate) fn next_given() -> Option<Given>;
    pub(crate) fn know_cameras() -> Promise;
    pub(crate) fn camera_names() -> Array;
    pub(crate) fn load(path: &str) -> Promise;
    pub(crate) fn options() -> String;
    pub(crate) fn fail(why: &str);
    pub(crate) fn rest() -> f64;

    /// What the person gave.
    #[wasm_bindgen(extends = Object)]
    pub(crate) type Given;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn name(this: &Given) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn bytes(this: &Given) -> Option<Uint8Array>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn url(this: &Given) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn port(this: &Given) -> Option<u32>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn fault(this: &Given) -> Option<String>;

    /// A video.
    pub(crate) type Film;
    #[wasm_bindgen(static_method_of = Film)]
    pub(crate) fn camera(index: u32) -> Film;
    #[wasm_bindgen(static_method_of = Film)]
    pub(crate) fn file(url: &str) -> Film;
    #[wasm_bindgen(method)]
    pub(crate) fn trouble(this: &Film) -> Option<Array>;
    #[wasm_bindgen(method)]
    pub(crate) fn picture(this: &Film) -> Option<FilmPicture>;
    #[wasm_bindgen(method)]
    pub(crate) fn stop(this: &Film);

    /// A picture of one.
    #[wasm_bindgen(extends = Object)]
    pub(crate) type FilmPicture;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn width(this: &FilmPicture) -> u32;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn height(this: &FilmPicture) -> u32;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn skipped(this: &FilmPicture) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn rgba(this: &FilmPicture) -> Uint8ClampedArray;
}
