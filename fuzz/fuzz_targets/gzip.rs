//! Fuzzes the reader of what may be gzip, with an IDX file or an archive inside.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::gzip(bytes);
});
