//! The one guard around every function that the host calls: a panic becomes a failure.

use super::fault::Fault;
use crate::abi::{Code, Failure};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;

thread_local! {
    /// `Some` while this thread is inside a guarded call; then the last panic's words and place.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of an exported function.
pub(super) fn guarded(body: impl FnOnce() -> Result<(), Fault>) -> *mut Failure {
    // The outer catch is for what the guard itself does: nothing unwinds out of here.
    let outcome = catch_unwind(AssertUnwindSafe(|| caught(body)));
    let outcome = outcome.unwrap_or_else(|payload| {
        std::mem::forget(payload);
        Err(Fault::new(Code::Panicked, "the plugin panicked, and once more while it was asked why"))
    });
    outcome.map_or_else(Fault::into_failure, |()| std::ptr::null_mut())
}

/// Runs `body`; a panic is a fault with its words.
fn caught(body: impl FnOnce() -> Result<(), Fault>) -> Result<(), Fault> {
    listen(Some(String::new()));
    let outcome = catch_unwind(AssertUnwindSafe(body));
    let said = listen(None).unwrap_or_default();
    outcome.unwrap_or_else(|payload| {
        // A panic on another thread, handed on to this one, has words but never met this thread's hook.
        let said = if said.is_empty() { words(&*payload).unwrap_or("without words").to_owned() } else { said };
        if words(&*payload).is_none() {
            // To drop a payload of an unknown type may panic once more.
            std::mem::forget(payload);
        }
        Err(Fault::new(Code::Panicked, format!("the plugin panicked: {said}")))
    })
}

/// Puts `now` in the place of what has been heard so far on this thread. A thread that ends may call after its variables
/// have gone; then nothing is heard, and the payload's words have to do.
fn listen(now: Option<String>) -> Option<String> {
    PANIC.try_with(|panic| panic.replace(now)).ok().flatten()
}

/// Lets panics inside guarded calls reach the host as failures instead of the terminal as backtraces. Panics elsewhere, on
/// threads of the backend's own, are reported as before.
pub(super) fn keep_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !note(info) {
                before(info);
            }
        }));
    });
}

/// Keeps what a panic says, where it is inside a guarded call.
fn note(info: &PanicHookInfo<'_>) -> bool {
    let noted = PANIC.try_with(|panic| {
        let mut panic = panic.try_borrow_mut().ok()?;
        let said = panic.as_mut()?;
        *said = words(info.payload()).unwrap_or("without words").to_owned();
        if let Some(place) = info.location() {
            *said += &format!(" ({place})");
        }
        Some(())
    });
    matches!(noted, Ok(Some(())))
}

fn words(payload: &(dyn std::any::Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
