//! What an emulated processor runs of the CPU backend's tests.
//!
//! Emulation is up to a hundred times slower than the processor. What differs by instruction set are the micro-kernels, so they
//! are run with one network around them; all else is the same Rust that is tested on the processor at hand.

use crate::prove::Extent;
use anyhow::ensure;

/// Parts of the names of the tests that are run: the micro-kernels, and one network in the conformance suite.
const SHORT: [&str; 2] = ["kernel::", "one_network"];

/// What to tell `cargo test` to build.
pub(crate) fn targets(extent: Extent) -> &'static [&'static str] {
    match extent {
        Extent::Short => &["--lib", "--test=oracle"],
        Extent::Full => &[],
    }
}

/// What to tell a test program to run.
pub(crate) fn filters(extent: Extent) -> &'static [&'static str] {
    match extent {
        Extent::Short => &SHORT,
        Extent::Full => &[],
    }
}

/// Checks in what the test programs `said` that the tests have run: a filter that finds none proves nothing.
pub(crate) fn check(said: &str) -> anyhow::Result<()> {
    for filter in SHORT {
        let passed = |line: &str| {
            let test = line.trim_end().strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok"));
            test.is_some_and(|name| name.contains(filter))
        };
        ensure!(said.lines().any(passed), "no test of the CPU backend with `{filter}` in its name has run and passed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_did_not_run_prove_nothing() {
        let kernel = "running 1 test\r\ntest kernel::tests::products ... ok\r\n";
        let network = "test one_network_conforms ... ok\n";
        assert!(check(&format!("{kernel}{network}")).is_ok());
        assert!(check(kernel).unwrap_err().to_string().contains("one_network"));
        assert!(check(&format!("{kernel}test one_network_conforms ... FAILED\n")).is_err());
        assert!(check(&format!("{kernel}test one_network_conforms ... ignored\n")).is_err());
    }
}
