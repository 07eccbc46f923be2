//! Fuzzes the reader of MDA's own model file.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::native_model(bytes);
});
