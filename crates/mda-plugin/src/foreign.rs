//! Memory of the other side, checked as far as a pointer can be checked before anything is read from it or made of it.

use crate::abi::MAJOR;
use thiserror::Error;

/// What the other side passes, where it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// Nothing.
    #[error("a null pointer")]
    Null,
    /// A pointer at which nothing of that type can lie.
    #[error("a pointer that is not aligned")]
    Misaligned,
    /// More than an address space has.
    #[error("{count} values of {width} bytes each, more than memory can hold")]
    TooMany {
        /// How many there should be.
        count: usize,
        /// Bytes of one.
        width: usize,
    },
    /// A struct that is shorter than in the oldest version.
    #[error("a `{name}` of {found} bytes, it has at least {oldest} in version {MAJOR}.0")]
    TooShort {
        /// The name of the struct.
        name: &'static str,
        /// The size that it tells.
        found: usize,
        /// The size in the oldest version.
        oldest: usize,
    },
}

/// Checks that a `T` may lie at `pointer`.
pub(crate) fn check<T>(pointer: *const T) -> Result<(), Unreadable> {
    if pointer.is_null() {
        return Err(Unreadable::Null);
    }
    if pointer.is_aligned() { Ok(()) } else { Err(Unreadable::Misaligned) }
}

/// Checks that `count` values of `T` may lie at `pointer`.
pub(crate) fn check_span<T>(pointer: *const T, count: usize) -> Result<(), Unreadable> {
    check(pointer)?;
    let (width, most) = (size_of::<T>(), isize::MAX.unsigned_abs());
    let end =
        count.checked_mul(width).filter(|&bytes| bytes <= most).and_then(|bytes| pointer.addr().checked_add(bytes));
    if end.is_some() { Ok(()) } else { Err(Unreadable::TooMany { count, width }) }
}

/// What a pointer points at.
///
/// # Safety
/// It is null, misaligned or points at a `T` that lives for `'a`.
pub(crate) unsafe fn value<'a, T>(pointer: *const T) -> Result<&'a T, Unreadable> {
    check(pointer)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { &*pointer })
}

/// Where an answer goes.
///
/// # Safety
/// It is null, misaligned or points at a `T` that nobody else uses during `'a`.
pub(crate) unsafe fn place<'a, T>(pointer: *mut T) -> Result<&'a mut T, Unreadable> {
    check(pointer)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { &mut *pointer })
}

/// `count` values.
///
/// # Safety
/// `pointer` points at `count` values that live and do not change for `'a`, where it passes for a pointer that may.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, count: usize) -> Result<&'a [T], Unreadable> {
    if count == 0 {
        return Ok(&[]);
    }
    check_span(pointer, count)?;
    // SAFETY: aligned, not null and not longer than memory; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// `count` values to write to.
///
/// # Safety
/// `pointer` points at `count` values that nobody else uses during `'a`, where it passes for a pointer that may.
pub(crate) unsafe fn slice_mut<'a, T>(pointer: *mut T, count: usize) -> Result<&'a mut [T], Unreadable> {
    if count == 0 {
        return Ok(&mut []);
    }
    check_span(pointer, count)?;
    // SAFETY: aligned, not null and not longer than memory; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::without_provenance;

    /// What is said of values that would lie at an address; a slice that passes would be made of nothing.
    fn said<T>(address: usize, count: usize) -> Result<(), Unreadable> {
        check_span(without_provenance::<T>(address), count)
    }

    #[test]
    fn no_slice_is_made_of_what_memory_cannot_hold() {
        let most = isize::MAX.unsigned_abs();
        assert_eq!(said::<f32>(0, 1), Err(Unreadable::Null));
        assert_eq!(said::<f32>(6, 1), Err(Unreadable::Misaligned));
        assert_eq!(said::<f32>(8, most / 4), Ok(()));
        assert_eq!(said::<f32>(8, most / 4 + 1), Err(Unreadable::TooMany { count: most / 4 + 1, width: 4 }));
        assert_eq!(said::<f32>(8, usize::MAX), Err(Unreadable::TooMany { count: usize::MAX, width: 4 }));
        // Nothing lies behind the last address.
        assert_eq!(said::<u8>(usize::MAX - 3, 3), Ok(()));
        assert_eq!(said::<u8>(usize::MAX - 3, 4), Err(Unreadable::TooMany { count: 4, width: 1 }));
    }

    #[test]
    fn nothing_may_lie_anywhere() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(slice::<f32>(std::ptr::null(), 0), Ok([].as_slice()));
            assert_eq!(slice_mut::<f32>(without_provenance::<f32>(1).cast_mut(), 0), Ok([].as_mut_slice()));
            assert_eq!(value::<u32>(without_provenance(2)), Err(Unreadable::Misaligned));
            assert_eq!(place::<u32>(std::ptr::null_mut()), Err(Unreadable::Null));
        }
    }
}
