//! A restricted pickle machine: it builds plain data and executes nothing.
//!
//! Opcodes as in Python's `pickletools`. Whatever a pickle asks to import must be on the list in `global.rs`; anything
//! else is an error that names it. What the listed constructors make is built here, never by calling code.

mod construct;
mod cursor;
mod global;
mod machine;
mod opcode;
mod value;

use thiserror::Error;

pub(super) use value::{Heap, Object, StorageRef, TensorRef, Value};

/// What is wrong with a pickle. Offsets are bytes from the start of the pickle's file or zip entry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PickleError {
    /// The pickle asks for a function or class that is not on the list.
    #[error(
        "byte {offset}: refused: the pickle asks for `{global}`, which is not one of the constructors of plain weight files \
         (nothing was run): if you trust the file, load it in PyTorch and save `model.state_dict()` alone"
    )]
    Refused {
        /// Module and name as the pickle gives them, such as `posix.system`.
        global: String,
        /// Where it asks.
        offset: usize,
    },
    /// The pickle holds a whole module, not its parameters.
    #[error(
        "byte {offset}: refused: the file holds a whole pickled module (it asks for the class `{class}`), which only Python \
         code can rebuild (nothing was run): save its parameters instead, \
         `torch.save(model.state_dict(), \"weights.pth\")`"
    )]
    WholeModule {
        /// Module and name of the class that the pickle asks for first.
        class: String,
        /// Where it asks.
        offset: usize,
    },
    /// The pickle ends too early.
    #[error(
        "byte {offset}: the pickle ends here, but {wanted} more bytes were expected: the file is cut short or damaged"
    )]
    Truncated {
        /// Where the read began.
        offset: usize,
        /// How many bytes it wanted, as far as is known.
        wanted: u64,
    },
    /// An opcode that checkpoints do not use.
    #[error(
        "byte {offset}: the pickle opcode {opcode:#04x} does not occur in weight files; the file is damaged or no checkpoint"
    )]
    Opcode {
        /// The opcode.
        opcode: u8,
        /// Where it stands.
        offset: usize,
    },
    /// An opcode that needs something which is not there: an empty stack, no mark, an unset memo slot.
    #[error("byte {offset}: the pickle needs {wanted} here; the file is damaged")]
    Missing {
        /// What it needs.
        wanted: &'static str,
        /// Where.
        offset: usize,
    },
    /// A value of another kind than its use asks for.
    #[error("byte {offset}: expected {expected}, found {found}")]
    Unexpected {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: &'static str,
        /// Where it was used.
        offset: usize,
    },
    /// More opcodes than a file of this size has any use for.
    #[error("byte {offset}: the pickle has more than {limit} opcodes, too many for a checkpoint of this size")]
    TooLong {
        /// The most that are run: 65,536 and one for every eight bytes of the file, 4,194,304 at most.
        limit: usize,
        /// Where the limit was reached.
        offset: usize,
    },
}

/// A pickle that was read: its value, and where it ends.
#[derive(Debug)]
pub(super) struct Pickle<'a> {
    pub(super) root: Value<'a>,
    pub(super) heap: Heap<'a>,
    /// The byte after the pickle.
    pub(super) end: usize,
}

/// Reads the pickle that begins at `start` of `bytes`. `file_size` bounds the work, see [`PickleError::TooLong`].
pub(super) fn load(bytes: &[u8], start: usize, file_size: usize) -> Result<Pickle<'_>, PickleError> {
    machine::Machine::new(cursor::Cursor::new(bytes, start), file_size).run()
}

#[cfg(test)]
mod tests;
