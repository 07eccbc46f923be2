//! Fuzzes the reader of JPEG and PNG.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::image(bytes);
});
