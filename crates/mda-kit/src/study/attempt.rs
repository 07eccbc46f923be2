//! What goes wrong in one run stays with this run: it becomes a failure with its reason, and all others go on.

use super::error::StudyError;
use super::record::{Failure, Run};
use super::session::Session;
use crate::error::{Error, chain};
use crate::progress::{Cancelled, Event};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

impl Session<'_> {
    /// Does `body`, which is to do `runs`. Where it fails or panics, those of them that are neither done nor have failed for
    /// a reason of their own are not to be had. Attempts nest: the innermost knows best.
    ///
    /// # Errors
    /// [`StudyError::Unwritten`] and [`Error::Cancelled`] only, which end the study.
    pub(super) fn attempt<S: Into<Run>>(
        &self,
        runs: impl IntoIterator<Item = S>,
        body: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(reason) = caught(body)? {
            if self.progress.is_cancelled() {
                return Err(Cancelled.into());
            }
            runs.into_iter().for_each(|run| self.fail(run.into(), &reason));
        }
        Ok(())
    }

    fn fail(&self, run: Run, reason: &str) {
        if self.store.has(&run) {
            return;
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.iter().any(|failure| failure.run == run) {
            return;
        }
        let failure = Failure { run, reason: reason.to_owned() };
        self.progress.on(Event::Failed(&failure));
        failures.push(failure);
    }
}

/// Why `body` came to nothing, where it did.
fn caught(body: impl FnOnce() -> Result<(), Error>) -> Result<Option<String>, Error> {
    // What the runs share is either read only or grows by whole entries.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Ok(None),
        Ok(Err(error @ (Error::Study(StudyError::Unwritten { .. }) | Error::Cancelled(_)))) => Err(error),
        Ok(Err(error)) => Ok(Some(chain(&error))),
        Err(panic) => Ok(Some(format!("a defect of mda: {}", message(&*panic)))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_become_reasons() {
        assert_eq!(caught(|| Ok(())).unwrap(), None);
        let failed = || {
            let source = Box::new(Error::NoTask);
            Err(StudyError::Component { component: "mnist 0-2".into(), source }.into())
        };
        assert!(caught(failed).unwrap().unwrap().starts_with("the component mnist 0-2: no task"));
        assert!(matches!(caught(|| Err(Cancelled.into())), Err(Error::Cancelled(_))));
        let number = 7;
        assert_eq!(caught(|| panic!("row {number}")).unwrap().unwrap(), "a defect of mda: row 7");
    }
}
