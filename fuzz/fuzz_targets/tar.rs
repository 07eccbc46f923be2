//! Fuzzes the reader of tar archives of images.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::tar(bytes);
});
