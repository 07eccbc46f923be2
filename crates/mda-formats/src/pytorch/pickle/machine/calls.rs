//! Opcodes that name functions and classes, and those that would call them.

use super::super::global::Global;
use super::super::{Object, PickleError, Value, construct};
use super::*;

/// How much of a refused name an error shows.
const LONGEST_NAME: usize = 200;

impl<'a> Machine<'a> {
    pub(super) fn global(&mut self, opcode: u8) -> Result<(), PickleError> {
        let global = if opcode == GLOBAL {
            self.named_global()?
        } else {
            let names = self.pop_many(2)?;
            let &[Value::Text(module), Value::Text(name)] = names.as_slice() else {
                return Err(self.missing("a module and a name"));
            };
            self.find(module, name)?
        };
        self.push(global);
        Ok(())
    }

    /// The listed function or class that two lines name.
    fn named_global(&mut self) -> Result<Value<'a>, PickleError> {
        let (module, name) = (self.cursor.line()?, self.cursor.line()?);
        self.find(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name))
    }

    fn find(&self, module: &str, name: &str) -> Result<Value<'a>, PickleError> {
        if let Some(global) = Global::find(module, name) {
            return Ok(Value::Global(global));
        }
        let names = module.chars().chain(['.']).chain(name.chars());
        let global = names.take(LONGEST_NAME).flat_map(char::escape_debug).collect();
        let offset = self.offset;
        // The attributes that every torch.nn.Module pickles.
        if self.cursor.comes_upon(b"_parameters") && self.cursor.comes_upon(b"_modules") {
            return Err(PickleError::WholeModule { class: global, offset });
        }
        Err(PickleError::Refused { global, offset })
    }

    pub(super) fn call(&mut self, opcode: u8) -> Result<(), PickleError> {
        let (callable, arguments) = if opcode == INST {
            let callable = self.named_global()?;
            let arguments = self.pop_to_mark()?;
            (callable, self.heap.add(Object::Tuple(arguments)))
        } else {
            if opcode == NEWOBJ_EX {
                self.pop()?;
            }
            let arguments = self.pop()?;
            (self.pop()?, arguments)
        };
        // The one argument that may be copied is paid for, so that a short pickle cannot copy a long list again and again.
        let copied = self.heap.tuple(arguments).and_then(|items| self.heap.sequence(*items.first()?));
        self.spend(copied.map_or(0, <[_]>::len))?;
        let result = construct::call(&mut self.heap, callable, arguments, self.offset)?;
        self.push(result);
        Ok(())
    }

    /// The state that is set on an object is dropped: `_metadata` of a state dict, the byte order of a numpy dtype, and
    /// the three flags (requires_grad, volatile, hooks) of a parameter before PyTorch 0.4.
    pub(super) fn build(&mut self) -> Result<(), PickleError> {
        let state = self.pop()?;
        let target = self.top()?;
        let flags = || self.heap.tuple(state).is_some_and(|state| state.len() == 3);
        match self.heap.object(target) {
            Some(Object::Dict(_) | Object::Opaque) => Ok(()),
            Some(Object::Tensor(_)) if flags() => Ok(()),
            _ => Err(self.heap.unexpected(target, "something whose state is not its weights", self.offset)),
        }
    }

    pub(super) fn storage(&mut self) -> Result<(), PickleError> {
        let id = self.pop()?;
        let storage = construct::storage(&mut self.heap, id, self.offset)?;
        self.push(storage);
        Ok(())
    }
}
