//! Memory that is not to be had is an error, not a crash.
//!
//! The standard library ends a program whose allocation fails by SIGABRT, without a chance to say why or to clean up. This
//! allocator is the system's, and where that one fails it says so and ends the program as every other error does.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Write as _;
use std::process::exit;

/// The system's allocator, whose failures are told.
pub(crate) struct Telling;

// SAFETY: every call goes to the system's allocator with the caller's promises; what it answers is passed on, and where it
// answers nothing the program ends.
unsafe impl GlobalAlloc for Telling {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that is asked for here.
        there(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        there(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises about the block, which came from the same allocator, and about `size`.
        there(unsafe { System.realloc(block, layout, size) }, size)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

fn there(block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() { give_up(size) } else { block }
}

/// Lets the system's allocator keep what is freed for what comes next, on any thread: values of megabytes come and go with every
/// batch, and mapping their pages anew each time costs a tenth of a long command.
pub(crate) fn keep_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::ffi::c_int;
        unsafe extern "C" {
            fn mallopt(parameter: c_int, value: c_int) -> c_int;
        }
        const TRIM_THRESHOLD: c_int = -1;
        const MMAP_THRESHOLD: c_int = -3;
        const ARENAS: c_int = -8;
        // SAFETY: glibc's function, called before there is a second thread; it refuses what it does not know.
        unsafe {
            mallopt(MMAP_THRESHOLD, 32 << 20);
            mallopt(TRIM_THRESHOLD, c_int::MAX);
            mallopt(ARENAS, 1);
        }
    }
}

thread_local! {
    /// Whether this thread is ending the program.
    static GIVING_UP: Cell<bool> = const { Cell::new(false) };
}

/// Says what is missing, removes temporary files and ends the program. Nothing here needs much memory; where even that is not
/// to be had, this function is called again and ends at once.
#[cold]
fn give_up(size: usize) -> ! {
    if !GIVING_UP.replace(true) {
        let _ = writeln!(
            std::io::stderr(),
            "error: out of memory: {size} bytes more are not to be had\nhint: a smaller --batch and fewer --threads need less"
        );
        mda_formats::atomic::abandon_if_free();
    }
    exit(1)
}
