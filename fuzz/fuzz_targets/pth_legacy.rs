//! Fuzzes the reader of PyTorch checkpoints of the time before 1.6.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    mda_tests::parsers::state_dict(bytes);
});
