//! How a failure reaches the user: what went wrong, why, and what to do next.

use crate::printer;
use std::fmt;

/// Advice carried along an error; printed as a `hint:` line.
#[derive(Debug)]
struct Hint {
    error: String,
    advice: &'static str,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl std::error::Error for Hint {}

/// Adds advice to a failure.
pub(crate) trait Advise<T, E>: Sized {
    /// Says what to do next where this is an error that `advice` knows.
    fn advise_on(self, advice: impl FnOnce(&E) -> Option<&'static str>) -> anyhow::Result<T>;

    /// Says what to do next where this is an error.
    fn advise(self, advice: &'static str) -> anyhow::Result<T> {
        self.advise_on(|_| Some(advice))
    }
}

impl<T, E: Into<anyhow::Error>> Advise<T, E> for Result<T, E> {
    fn advise_on(self, advice: impl FnOnce(&E) -> Option<&'static str>) -> anyhow::Result<T> {
        self.map_err(|error| match advice(&error) {
            Some(advice) => anyhow::Error::new(Hint { error: mda::chain(error.into().as_ref()), advice }),
            None => error.into(),
        })
    }
}

/// Prints `error: ...` and, where there is advice, `hint: ...` to stderr.
pub(crate) fn print(error: &anyhow::Error) {
    printer::tell(&format!("error: {}", mda::chain(error.as_ref())));
    for hint in error.chain().filter_map(|cause| cause.downcast_ref::<Hint>()) {
        printer::tell(&format!("hint: {}", hint.advice));
    }
    // An error knows the hints of those that it is made of.
    if let Some(hint) = error.chain().find_map(|cause| cause.downcast_ref::<mda::Error>()?.hint()) {
        printer::tell(&format!("hint: {hint}"));
    }
}
