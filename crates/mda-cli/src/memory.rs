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
