//! The stack machine that reads a pickle's opcodes.

mod calls;
mod containers;
mod literals;
mod memo;

use super::cursor::Cursor;
use super::opcode::*;
use super::{Heap, Object, Pickle, PickleError, Value};

/// However large the file, no more than this many opcodes are run; a thousand-layer checkpoint with its optimizer's state
/// has some hundred thousand.
const MOST_OPCODES: usize = 1 << 22;
/// Every file may have this many, however small.
const FREE_OPCODES: usize = 1 << 16;
const BYTES_PER_OPCODE: usize = 8;

/// A pickle half read.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    cursor: Cursor<'a>,
    heap: Heap<'a>,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at the marks that are still open; the stack is never lower than the last.
    marks: Vec<usize>,
    memo: Vec<Option<Value<'a>>>,
    limit: usize,
    spent: usize,
    /// Where the current opcode stands.
    offset: usize,
}

impl<'a> Machine<'a> {
    pub(super) fn new(cursor: Cursor<'a>, file_size: usize) -> Self {
        let limit = MOST_OPCODES.min(FREE_OPCODES + file_size / BYTES_PER_OPCODE);
        let offset = cursor.position();
        Self { cursor, heap: Heap::default(), stack: vec![], marks: vec![], memo: vec![], limit, spent: 0, offset }
    }

    pub(super) fn run(mut self) -> Result<Pickle<'a>, PickleError> {
        loop {
            self.offset = self.cursor.position();
            self.spend(1)?;
            match self.cursor.byte()? {
                STOP => break,
                opcode => self.step(opcode)?,
            }
        }
        let root = self.pop()?;
        Ok(Pickle { root, heap: self.heap, end: self.cursor.position() })
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            PROTO => drop(self.cursor.byte()?),
            FRAME => drop(self.cursor.take(8)?),
            MARK => self.marks.push(self.stack.len()),
            POP if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            POP => drop(self.pop()?),
            POP_MARK => drop(self.pop_to_mark()?),
            DUP => {
                let top = self.top()?;
                self.push(top);
            }
            NONE => self.push(Value::None),
            NEWTRUE => self.push(Value::Bool(true)),
            NEWFALSE => self.push(Value::Bool(false)),
            INT | BININT | BININT1 | BININT2 | LONG | LONG1 | LONG4 => self.integer(opcode)?,
            FLOAT | BINFLOAT => self.float(opcode)?,
            BINSTRING | SHORT_BINSTRING | BINUNICODE | SHORT_BINUNICODE | BINUNICODE8 => self.text(opcode)?,
            BINBYTES | SHORT_BINBYTES | BINBYTES8 | BYTEARRAY8 => self.bytes(opcode)?,
            EMPTY_TUPLE | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 => self.tuple(opcode)?,
            EMPTY_LIST | LIST | APPEND | APPENDS => self.list(opcode)?,
            EMPTY_DICT | DICT | SETITEM | SETITEMS => self.dict(opcode)?,
            EMPTY_SET | FROZENSET | ADDITEMS => self.set(opcode)?,
            GET | BINGET | LONG_BINGET => self.recall(opcode)?,
            PUT | BINPUT | LONG_BINPUT | MEMOIZE => self.memorize(opcode)?,
            GLOBAL | STACK_GLOBAL => self.global(opcode)?,
            INST | REDUCE | NEWOBJ | NEWOBJ_EX => self.call(opcode)?,
            BUILD => self.build()?,
            BINPERSID => self.storage()?,
            _ => return Err(PickleError::Opcode { opcode, offset: self.offset }),
        }
        Ok(())
    }

    /// Counts work that takes memory: opcodes, and items that are copied.
    fn spend(&mut self, opcodes: usize) -> Result<(), PickleError> {
        self.spent = self.spent.saturating_add(opcodes);
        if self.spent > self.limit {
            return Err(PickleError::TooLong { limit: self.limit, offset: self.offset });
        }
        Ok(())
    }

    fn missing(&self, wanted: &'static str) -> PickleError {
        PickleError::Missing { wanted, offset: self.offset }
    }

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(value);
    }

    fn push_object(&mut self, object: Object<'a>) {
        let value = self.heap.add(object);
        self.push(value);
    }

    /// How many values lie above the last mark.
    fn depth(&self) -> usize {
        self.stack.len() - self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value<'a>, PickleError> {
        let top = if self.depth() > 0 { self.stack.last().copied() } else { None };
        top.ok_or_else(|| self.missing("a value on the stack"))
    }

    fn pop(&mut self) -> Result<Value<'a>, PickleError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>, PickleError> {
        if self.depth() < count {
            return Err(self.missing("more values on the stack"));
        }
        Ok(self.stack.drain(self.stack.len() - count..).collect())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value<'a>>, PickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.missing("a mark"))?;
        Ok(self.stack.drain(mark..).collect())
    }
}
