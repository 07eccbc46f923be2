//! What a pickle builds: values, and a heap of the objects they refer to.
//!
//! Objects refer to one another by number. A pickle can therefore share objects and make cycles without anything here
//! recursing, and a value is a small copy.

use super::PickleError;
use super::global::Global;
use crate::scalar::ScalarType;

/// A value on the machine's stack or inside an object. Floating-point numbers, bytes and integers beyond 64 bits say
/// nothing about weights, so only their kind is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    HugeInt,
    Float,
    Text(&'a str),
    Bytes,
    Global(Global),
    Object(ObjectId),
}

/// The number of an object on its heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ObjectId(usize);

/// An object that a pickle built.
#[derive(Debug)]
pub(crate) enum Object<'a> {
    Tuple(Vec<Value<'a>>),
    List(Vec<Value<'a>>),
    /// In order of insertion; a key may occur twice.
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Storage(Box<StorageRef<'a>>),
    Tensor(Box<TensorRef<'a>>),
    /// Something that a checkpoint may hold beside its weights, whose content nobody asks for.
    Opaque,
}

/// A run of numbers in the file, shared by the tensors that view it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StorageRef<'a> {
    /// Its name in the file.
    pub(crate) key: &'a str,
    pub(crate) scalar: ScalarType,
    /// How many numbers the whole storage has.
    pub(crate) total: usize,
    /// The first number of the storage that this reference covers.
    pub(crate) first: usize,
    /// How many numbers this reference covers.
    pub(crate) length: usize,
}

/// A strided view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorRef<'a> {
    pub(crate) storage: StorageRef<'a>,
    /// The position of the first number in the storage reference, in numbers.
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    /// Steps of each axis, in numbers.
    pub(crate) strides: Vec<usize>,
}

impl Value<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::HugeInt => "an integer beyond 64 bits",
            Self::Float => "a floating-point number",
            Self::Text(_) => "a text",
            Self::Bytes => "bytes",
            Self::Global(_) => "a function or class",
            Self::Object(_) => "an object",
        }
    }
}

/// The objects of a pickle.
#[derive(Debug, Default)]
pub(crate) struct Heap<'a> {
    objects: Vec<Object<'a>>,
}

impl<'a> Heap<'a> {
    pub(crate) fn add(&mut self, object: Object<'a>) -> Value<'a> {
        self.objects.push(object);
        Value::Object(ObjectId(self.objects.len() - 1))
    }

    /// The object that `value` refers to, where it refers to one.
    pub(crate) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(ObjectId(index)) => self.objects.get(index),
            _ => None,
        }
    }

    pub(crate) fn object_mut(&mut self, value: Value<'a>) -> Option<&mut Object<'a>> {
        match value {
            Value::Object(ObjectId(index)) => self.objects.get_mut(index),
            _ => None,
        }
    }

    pub(crate) fn tuple(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.object(value) {
            Some(Object::Tuple(items)) => Some(items),
            _ => None,
        }
    }

    /// The items of a tuple or a list.
    pub(crate) fn sequence(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.object(value) {
            Some(Object::Tuple(items) | Object::List(items)) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self.object(value) {
            Some(Object::Dict(items)) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn tensor(&self, value: Value<'a>) -> Option<&TensorRef<'a>> {
        match self.object(value) {
            Some(Object::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// Every storage that the pickle refers to.
    pub(crate) fn storages(&self) -> impl Iterator<Item = &StorageRef<'a>> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(&**storage),
            _ => None,
        })
    }

    /// What `value` is, in words.
    pub(crate) fn kind(&self, value: Value<'a>) -> &'static str {
        match self.object(value) {
            Some(Object::Tuple(_)) => "a tuple",
            Some(Object::List(_)) => "a list",
            Some(Object::Dict(_)) => "a dict",
            Some(Object::Storage(_)) => "a storage",
            Some(Object::Tensor(_)) => "a tensor",
            Some(Object::Opaque) => "an object without weights",
            None => value.kind(),
        }
    }

    /// The error that `value` is not what its use at `offset` asks for.
    pub(super) fn unexpected(&self, value: Value<'a>, expected: &'static str, offset: usize) -> PickleError {
        PickleError::Unexpected { expected, found: self.kind(value), offset }
    }
}
