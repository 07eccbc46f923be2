//! How many threads compute.

use anyhow::Context as _;
use std::num::NonZeroUsize;

/// More threads than cores gain little. Many more cost: each that finds no work asks all others for some, so that idle ones
/// cost by the square of their number. On two cores 256 take five times as much work as 64, and 1,000 never seem to end.
const A_CORE: usize = 4;
/// What may be asked for on any machine, so that a script runs on all.
const ANYWHERE: usize = 64;

/// The number of threads that the command line gives.
pub(crate) fn parse(text: &str) -> Result<NonZeroUsize, String> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let most = ANYWHERE.max(cores.saturating_mul(A_CORE));
    let number = text.trim().parse::<NonZeroUsize>().ok().filter(|number| number.get() <= most);
    number.ok_or_else(|| format!("expected 1 to {most}; more are slower than as many as there are cores, {cores}"))
}

/// Starts the threads that computing shares: all of them now, where failing is an error and no panic in the midst of work.
pub(crate) fn start(threads: Option<NonZeroUsize>) -> anyhow::Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, NonZeroUsize::get)).build_global();
    let count = || threads.map_or_else(|| "a thread for every core".to_owned(), |count| format!("{count} threads"));
    pool.with_context(|| format!("starting {}", count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_help() {
        assert_eq!(parse("64").unwrap().get(), 64);
        for bad in ["0", "-1", "two", "", "1000000"] {
            assert!(parse(bad).unwrap_err().starts_with("expected 1 to "), "{bad}");
        }
    }
}
