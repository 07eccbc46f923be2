//! Opcodes that build and fill tuples, lists, dicts and sets.

use super::super::{Object, PickleError};
use super::*;

impl Machine<'_> {
    pub(super) fn tuple(&mut self, opcode: u8) -> Result<(), PickleError> {
        let items = match opcode {
            EMPTY_TUPLE => vec![],
            TUPLE1 => self.pop_many(1)?,
            TUPLE2 => self.pop_many(2)?,
            TUPLE3 => self.pop_many(3)?,
            _ => self.pop_to_mark()?,
        };
        self.push_object(Object::Tuple(items));
        Ok(())
    }

    pub(super) fn list(&mut self, opcode: u8) -> Result<(), PickleError> {
        let values = match opcode {
            EMPTY_LIST => vec![],
            APPEND => self.pop_many(1)?,
            _ => self.pop_to_mark()?,
        };
        if matches!(opcode, EMPTY_LIST | LIST) {
            self.push_object(Object::List(values));
            return Ok(());
        }
        let target = self.top()?;
        match self.heap.object_mut(target) {
            Some(Object::List(items)) => items.extend(values),
            Some(Object::Opaque) => {}
            _ => return Err(self.heap.unexpected(target, "a list to append to", self.offset)),
        }
        Ok(())
    }

    pub(super) fn dict(&mut self, opcode: u8) -> Result<(), PickleError> {
        let values = match opcode {
            EMPTY_DICT => vec![],
            SETITEM => self.pop_many(2)?,
            _ => self.pop_to_mark()?,
        };
        let (pairs, rest) = values.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.missing("a value for every key"));
        }
        let pairs = pairs.iter().map(|&[key, value]| (key, value));
        if matches!(opcode, EMPTY_DICT | DICT) {
            self.push_object(Object::Dict(pairs.collect()));
            return Ok(());
        }
        let target = self.top()?;
        match self.heap.object_mut(target) {
            Some(Object::Dict(items)) => items.extend(pairs),
            Some(Object::Opaque) => {}
            _ => return Err(self.heap.unexpected(target, "a dict to put items into", self.offset)),
        }
        Ok(())
    }

    /// Sets hold no weights, so their members are dropped.
    pub(super) fn set(&mut self, opcode: u8) -> Result<(), PickleError> {
        if opcode != EMPTY_SET {
            self.pop_to_mark()?;
        }
        if opcode != ADDITEMS {
            self.push_object(Object::Opaque);
        }
        Ok(())
    }
}
