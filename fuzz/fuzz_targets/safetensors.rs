//! Fuzzes the reader of safetensors state_dicts.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::state_dict(bytes);
});
