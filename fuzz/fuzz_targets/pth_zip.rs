//! Fuzzes the reader of PyTorch checkpoints in a zip archive.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::state_dict(bytes);
});
