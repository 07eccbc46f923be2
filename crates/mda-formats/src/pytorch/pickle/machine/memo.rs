//! Opcodes that keep a value under a number and fetch it again.

use super::super::{PickleError, Value};
use super::*;

impl Machine<'_> {
    pub(super) fn recall(&mut self, opcode: u8) -> Result<(), PickleError> {
        let slot = match opcode {
            BINGET => self.cursor.unsigned::<1>()?,
            LONG_BINGET => self.cursor.unsigned::<4>()?,
            _ => self.line_number()?,
        };
        let value = usize::try_from(slot).ok().and_then(|slot| self.memo.get(slot).copied().flatten());
        self.push(value.ok_or_else(|| self.missing("a memo slot that was filled before"))?);
        Ok(())
    }

    pub(super) fn memorize(&mut self, opcode: u8) -> Result<(), PickleError> {
        let slot = match opcode {
            BINPUT => self.cursor.unsigned::<1>()?,
            LONG_BINPUT => self.cursor.unsigned::<4>()?,
            MEMOIZE => self.memo.len() as u64,
            _ => self.line_number()?,
        };
        // Picklers number their slots one after another, so a slot beyond the opcodes so far is none of theirs.
        let slot = usize::try_from(slot).ok().filter(|&slot| slot <= self.spent);
        let slot = slot.ok_or_else(|| self.missing("a memo slot near the last one"))?;
        let top = self.top()?;
        if slot >= self.memo.len() {
            self.memo.resize(slot + 1, None);
        }
        self.memo[slot] = Some(top);
        Ok(())
    }

    /// A slot in decimal; `decimal` reads the slots 0 and 1 as truth values only when they have a leading zero.
    fn line_number(&mut self) -> Result<u64, PickleError> {
        match self.decimal()? {
            Value::Int(number @ 0..) => Ok(number.unsigned_abs()),
            other => Err(self.heap.unexpected(other, "a memo slot", self.offset)),
        }
    }
}
