//! What a guest answers, checked before anything relies on it.

use crate::abi::{Bytes, Code, Failure, Sink};
use crate::foreign::{Unreadable, check_span, slice};
use crate::growing::read;
use std::ffi::c_void;

/// A failure of the guest, or what is wrong with its answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: Code,
    pub(super) detail: u64,
    pub(super) text: String,
}

impl Fault {
    fn new(text: impl Into<String>) -> Self {
        Self { code: Code::Failed, detail: 0, text: text.into() }
    }
}

/// Longer texts are cut: a message is for people.
const MAX_TEXT: usize = 1 << 16;

/// More pairs than any list of nodes or devices has.
const MAX_PAIRS: usize = 1 << 20;

/// Reads a failure and hands it back.
///
/// # Safety
/// `failure` is null or a failure that the guest made and gave away.
pub(super) unsafe fn check(failure: *mut Failure) -> Result<(), Fault> {
    if failure.is_null() {
        return Ok(());
    }
    // SAFETY: the caller's promise.
    let Failure { code, detail, text, free, .. } = match unsafe { read(failure.cast_const()) } {
        Ok(failure) => failure,
        Err(problem) => return Err(Fault::new(format!("it failed, and its failure is {problem}"))),
    };
    // SAFETY: the text lives until the failure is freed.
    let text = match unsafe { words(text) } {
        Ok(text) if !text.is_empty() => text,
        Ok(_) => "it failed and does not say why".to_owned(),
        Err(problem) => format!("it failed, and its words are {problem}"),
    };
    if let Some(free) = free {
        // SAFETY: the failure's own function, called once.
        unsafe { free(failure) };
    }
    Err(Fault { code: Code::from_number(code), detail, text })
}

/// What a failure says, no more than people read of it.
///
/// # Safety
/// `data` is null or points at `len` bytes that live during the call; a length that memory cannot hold is seen.
unsafe fn words(text: Bytes) -> Result<String, Unreadable> {
    if text.data.is_null() {
        return Ok(String::new());
    }
    check_span(text.data, text.len)?;
    // SAFETY: the caller's promise.
    let text = unsafe { slice(text.data, text.len.min(MAX_TEXT)) }?;
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// Pairs of texts that a guest puts.
pub(super) struct Pairs {
    pairs: Vec<(String, String)>,
    problem: Option<String>,
}

impl Pairs {
    /// Calls `function` with a sink and answers the pairs that it put there.
    pub(super) fn ask(function: impl FnOnce(*const Sink) -> *mut Failure) -> Result<Vec<(String, String)>, Fault> {
        let (outcome, pairs) = Self::beside(function);
        outcome.map(|()| pairs)
    }

    /// As [`Pairs::ask`], with the pairs that came beside a failure.
    pub(super) fn beside(
        function: impl FnOnce(*const Sink) -> *mut Failure,
    ) -> (Result<(), Fault>, Vec<(String, String)>) {
        let mut taken = Self { pairs: Vec::new(), problem: None };
        let sink = Sink { size: size_of::<Sink>(), context: (&raw mut taken).cast(), put };
        // SAFETY: what the function answers is the guest's own failure.
        let outcome = unsafe { check(function(&raw const sink)) };
        let outcome = outcome.and_then(|()| taken.problem.map_or(Ok(()), |problem| Err(Fault::new(problem))));
        (outcome, taken.pairs)
    }

    fn take(&mut self, first: Bytes, second: Bytes) -> Result<(), String> {
        if self.pairs.len() == MAX_PAIRS {
            return Err(format!("it lists more than {MAX_PAIRS} things"));
        }
        // SAFETY: the guest's texts live until the call returns.
        let pair = unsafe { (text(first)?, text(second)?) };
        self.pairs.push(pair);
        Ok(())
    }
}

unsafe extern "C" fn put(context: *mut c_void, first: Bytes, second: Bytes) {
    // SAFETY: `ask` put the pairs there and does not touch them during the call.
    let Some(pairs) = (unsafe { context.cast::<Pairs>().as_mut() }) else { return };
    if pairs.problem.is_none() {
        pairs.problem = pairs.take(first, second).err();
    }
}

/// A text that has to be one.
///
/// # Safety
/// `data` is null or points at `len` bytes that live during the call; a length above [`MAX_TEXT`] is seen.
unsafe fn text(Bytes { data, len }: Bytes) -> Result<String, String> {
    if data.is_null() {
        return Err("it passes a null text".into());
    }
    if len > MAX_TEXT {
        return Err(format!("it passes a text of {len} bytes, at most {MAX_TEXT} are taken"));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice(data, len) }.map_err(|problem| format!("it passes as a text {problem}"))?;
    str::from_utf8(bytes).map(str::to_owned).map_err(|error| format!("it passes a text that is not UTF-8: {error}"))
}
