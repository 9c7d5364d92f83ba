#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ernscope::fuzzing::flight(data));
