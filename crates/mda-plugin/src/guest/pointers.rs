//! What the host passes, checked as far as a pointer can be checked.

use super::fault::Fault;
use crate::abi::Bytes;

/// What a pointer of the host points at.
///
/// # Safety
/// It is null or points at a `T` that lives for `'a`.
pub(super) unsafe fn given<'a, T>(pointer: *const T) -> Result<&'a T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }.ok_or_else(null)
}

/// Where an answer goes.
///
/// # Safety
/// It is null or points at a `T` that nobody else uses during `'a`.
pub(super) unsafe fn place<'a, T>(pointer: *mut T) -> Result<&'a mut T, Fault> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_mut() }.ok_or_else(null)
}

/// A struct that begins with its size, which must cover all fields of this version.
///
/// # Safety
/// It is null or points at a `T` of the size that its first field tells.
pub(super) unsafe fn sized<'a, T>(pointer: *const T) -> Result<&'a T, Fault> {
    // SAFETY: the caller's promise; the size is read before anything else.
    let found = *unsafe { given(pointer.cast::<usize>()) }?;
    let expected = size_of::<T>();
    if found < expected {
        return Err(Fault::bad_call(format!("a struct of the host has {found} bytes, {expected} are needed")));
    }
    // SAFETY: it is as large as a `T`.
    unsafe { given(pointer) }
}

/// The text of the host, absent where it is null.
///
/// # Safety
/// As [`Bytes::as_slice`].
pub(super) unsafe fn text<'a>(bytes: Bytes) -> Result<Option<&'a str>, Fault> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes.as_slice() };
    let text = bytes.map(str::from_utf8).transpose();
    text.map_err(|error| Fault::bad_call(format!("the host passes a text that is not UTF-8: {error}")))
}

/// `count` values of the host.
///
/// # Safety
/// `pointer` is null or points at `count` values that live and do not change for `'a`.
pub(super) unsafe fn array<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T], Fault> {
    match (count, pointer.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(null()),
        // SAFETY: the caller's promise.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts(pointer, count) }),
    }
}

/// `count` values of the host to write to.
///
/// # Safety
/// `pointer` is null or points at `count` values that nobody else uses during `'a`.
pub(super) unsafe fn array_mut<'a, T>(pointer: *mut T, count: usize) -> Result<&'a mut [T], Fault> {
    match (count, pointer.is_null()) {
        (0, _) => Ok(&mut []),
        (_, true) => Err(null()),
        // SAFETY: the caller's promise.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) }),
    }
}

fn null() -> Fault {
    Fault::bad_call("the host passes a null pointer")
}
