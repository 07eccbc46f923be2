//! Fuzzes the reader of the pickle inside a PyTorch checkpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::pickle(bytes);
});
