//! Fuzzes the reader of ONNX files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::onnx_model(bytes);
});
