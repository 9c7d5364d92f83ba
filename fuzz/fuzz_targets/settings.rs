//! The settings lie beside the window, which needs a graphics stack that no fuzzer wants: here they are built without it.

#![no_main]

#[allow(dead_code, reason = "the window does more with them")]
#[path = "../../src/app"]
mod app {
    pub(crate) mod arrangement;
    pub(crate) mod settings;
}

#[path = "../../src/fuzzing/settings.rs"]
mod entry;

use ernscope::{network, pipeline, source};

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::settings(data));
