//! Structs to which later versions append: how much of one is read.
//!
//! Such a struct begins with its own size. It is read as far as the newest version that both sides know: what lies behind is
//! absent on this side, whether the other side is older and does not have it, or newer and has more.

use crate::foreign::{Unreadable, check};
use std::mem::MaybeUninit;

/// A struct to which later versions append.
///
/// # Safety
/// It is `repr(C)` and begins with its size as a `usize`. Zero bytes are a value of every field behind the first of `SIZES`.
pub(crate) unsafe trait Growing: Copy {
    /// Its name, for messages.
    const NAME: &'static str;
    /// Its size in the oldest version, and in each that appended to it; the last is that of this struct.
    const SIZES: &'static [usize];
}

/// A copy of the struct at `pointer`. Where that ends before this version's does, what is missing is zero: no function, no
/// pointer, the number 0. A field that is only half there is missing.
///
/// # Safety
/// `pointer` is null, misaligned or points at a `T` of some version that is as large as its first field tells.
pub(crate) unsafe fn read<T: Growing>(pointer: *const T) -> Result<T, Unreadable> {
    check(pointer)?;
    // SAFETY: every version begins with its size.
    let found = unsafe { pointer.cast::<usize>().read() };
    let Some(&known) = T::SIZES.iter().rfind(|&&size| size <= found) else {
        return Err(Unreadable::TooShort { name: T::NAME, found, oldest: T::SIZES[0] });
    };
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` bytes are there, and not more than a `T` has.
    unsafe { pointer.cast::<u8>().copy_to_nonoverlapping(copy.as_mut_ptr().cast(), known) };
    // SAFETY: the oldest version has been copied, and zeroes are values of the fields behind it.
    Ok(unsafe { copy.assume_init() })
}

/// The size of the version of `T` whose last field begins at `offset` and is what `_field` answers.
pub(crate) const fn up_to<T, F>(offset: usize, _field: for<'a> fn(&'a T) -> &'a F) -> usize {
    (offset + size_of::<F>()).next_multiple_of(align_of::<T>())
}

/// Whether sizes grow up to that of `T`. A field that fits into what the compiler left free would not be seen to be there.
pub(crate) const fn grow<T>(sizes: &[usize]) -> bool {
    let mut version = 1;
    while version < sizes.len() {
        if sizes[version - 1] >= sizes[version] {
            return false;
        }
        version += 1;
    }
    sizes[sizes.len() - 1] == size_of::<T>()
}

/// Says of structs what the last field of the oldest version is, and of each version that appended to it. Appended fields
/// are functions in an `Option`, pointers and numbers.
macro_rules! growing {
    ($($name:ident: $($last:ident),+;)+) => {
        $(
            // SAFETY: a `repr(C)` struct that begins with its size; fields are appended as is said above.
            unsafe impl $crate::growing::Growing for $name {
                const NAME: &'static str = stringify!($name);
                const SIZES: &'static [usize] =
                    &[$($crate::growing::up_to(std::mem::offset_of!($name, $last), |all: &$name| &all.$last)),+];
            }
            const _: () = assert!(
                std::mem::offset_of!($name, size) == 0
                    && $crate::growing::grow::<$name>(<$name as $crate::growing::Growing>::SIZES)
            );
        )+
    };
}
pub(crate) use growing;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Compile, Failure, Host, MAJOR, MINOR, Plugin, Run, Sink};

    /// The host of a version to come.
    #[derive(Clone, Copy)]
    #[repr(C)]
    struct Grown {
        size: usize,
        major: u32,
        minor: u32,
        threads: usize,
        memory: u64,
        log: Option<unsafe extern "C" fn()>,
        seed: [u64; 2],
    }

    growing! { Grown: threads, log, seed; }

    unsafe extern "C" fn log() {}

    /// What is read of a grown host of which `size` bytes are there, exactly: the memory ends behind them.
    fn read_of(size: usize) -> Result<Grown, Unreadable> {
        let whole = Grown { size, major: MAJOR, minor: MINOR, threads: 3, memory: 4, log: Some(log), seed: [5, 6] };
        let mut words = vec![0_u64; size.div_ceil(8)].into_boxed_slice();
        // SAFETY: at most the whole struct is copied to where there is as much room; then it is as large as it tells.
        unsafe {
            (&raw const whole)
                .cast::<u8>()
                .copy_to_nonoverlapping(words.as_mut_ptr().cast(), size.min(size_of::<Grown>()));
            read(words.as_ptr().cast())
        }
    }

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn what_lies_behind_the_end_is_absent() {
        assert_eq!(Grown::SIZES, [24, 40, 56]);
        for (size, memory, logs, seed) in
            [(24, 0, false, [0, 0]), (32, 0, false, [0, 0]), (40, 4, true, [0, 0]), (48, 4, true, [0, 0])]
        {
            let grown = read_of(size).unwrap();
            assert_eq!((grown.size, grown.threads), (size, 3));
            assert_eq!((grown.memory, grown.log.is_some(), grown.seed), (memory, logs, seed), "{size} bytes");
        }
        for size in [56, 64, 4096] {
            let grown = read_of(size).unwrap();
            assert_eq!((grown.memory, grown.log.is_some(), grown.seed), (4, true, [5, 6]), "{size} bytes");
        }
        for size in [8, 16, 23] {
            assert_eq!(read_of(size).map(|_| ()), Err(Unreadable::TooShort { name: "Grown", found: size, oldest: 24 }));
        }
    }

    #[test]
    fn a_pointer_to_nothing_is_not_read() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(read::<Grown>(std::ptr::null()).map(|_| ()), Err(Unreadable::Null));
            let odd = std::ptr::without_provenance::<Grown>(align_of::<Grown>() + 1);
            assert_eq!(read(odd).map(|_| ()), Err(Unreadable::Misaligned));
        }
    }

    /// These are written into plugins that exist.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_sizes_of_version_1_0_stay() {
        let oldest = [Plugin::SIZES, Host::SIZES, Compile::SIZES, Run::SIZES, Sink::SIZES, Failure::SIZES];
        assert_eq!(oldest.map(|sizes| sizes[0]), [104, 24, 64, 64, 24, 48]);
    }
}
