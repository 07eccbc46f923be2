//! Failures on their way to the host.

use crate::abi::{Bytes, Code, Failure};
use crate::foreign::Unreadable;
use mda_core::run::backend::{BackendError, Probe};

/// What becomes a [`Failure`].
#[derive(Debug)]
pub(super) struct Fault {
    code: Code,
    detail: u64,
    text: String,
}

impl Fault {
    pub(super) fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, detail: 0, text: text.into() }
    }

    /// The host did not keep to the rules.
    pub(super) fn bad_call(text: impl Into<String>) -> Self {
        Self::new(Code::BadCall, text)
    }

    /// A backend's error; `probes` are those of the call, in their order.
    pub(super) fn of(error: &BackendError, probes: &[Probe]) -> Self {
        match error {
            BackendError::Unsupported { .. } => Self::new(Code::Unsupported, error.to_string()),
            BackendError::NoDevice { .. } => Self::new(Code::NoDevice, error.to_string()),
            BackendError::BadBatch { .. } => Self::new(Code::BadBatch, error.to_string()),
            // Without the backend's name, which the host puts there again.
            BackendError::Failed { message, .. } => Self::new(Code::Failed, message),
            BackendError::BadProbe { probe, reason } => match probes.iter().position(|known| known == probe) {
                Some(position) => Self { code: Code::BadProbe, detail: position as u64, text: reason.clone() },
                None => Self::new(Code::Failed, error.to_string()),
            },
        }
    }

    /// The failure, which its own `free` frees.
    pub(super) fn into_failure(self) -> *mut Failure {
        let text = Box::into_raw(self.text.into_bytes().into_boxed_slice());
        Box::into_raw(Box::new(Failure {
            size: size_of::<Failure>(),
            code: self.code as u32,
            reserved: 0,
            detail: self.detail,
            text: Bytes { data: text.cast(), len: text.len() },
            free: Some(free),
        }))
    }
}

impl From<Unreadable> for Fault {
    fn from(problem: Unreadable) -> Self {
        Self::bad_call(format!("the host passes {problem}"))
    }
}

unsafe extern "C" fn free(failure: *mut Failure) {
    if failure.is_null() {
        return;
    }
    // SAFETY: `into_failure` made both boxes, and the host frees a failure once.
    unsafe {
        let failure = Box::from_raw(failure);
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(failure.text.data.cast_mut(), failure.text.len)));
    }
}
