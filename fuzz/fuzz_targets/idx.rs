//! Fuzzes the reader of IDX files.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::idx_array(bytes);
});
