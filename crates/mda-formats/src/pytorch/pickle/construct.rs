//! What the listed functions and classes make of their arguments.

use super::global::Global;
use super::{Heap, Object, PickleError, StorageRef, TensorRef, Value};

/// The most axes of a PyTorch tensor that every operation takes.
const MOST_AXES: usize = 64;

/// The result of calling `callable` with the tuple `arguments`, as the opcode at `offset` asks.
pub(super) fn call<'a>(
    heap: &mut Heap<'a>,
    callable: Value<'a>,
    arguments: Value<'a>,
    offset: usize,
) -> Result<Value<'a>, PickleError> {
    let Value::Global(global) = callable else {
        return Err(heap.unexpected(callable, "a function or class to call", offset));
    };
    let Some(items) = heap.tuple(arguments) else {
        return Err(heap.unexpected(arguments, "a tuple of arguments", offset));
    };
    let first = items.first().copied().unwrap_or(Value::None);
    match global {
        Global::OrderedDict => {
            let pairs = if items.is_empty() { Vec::new() } else { pairs(heap, first, offset)? };
            Ok(heap.add(Object::Dict(pairs)))
        }
        Global::RebuildTensor => {
            let tensor = tensor(heap, items, offset)?;
            Ok(heap.add(Object::Tensor(Box::new(tensor))))
        }
        Global::RebuildParameter => match heap.tensor(first) {
            Some(_) => Ok(first),
            None => Err(heap.unexpected(first, "the tensor of a parameter", offset)),
        },
        Global::Size => match heap.tuple(first) {
            Some(_) => Ok(first),
            None => Err(heap.unexpected(first, "the tuple of a torch.Size", offset)),
        },
        Global::Storage(_) => Err(heap.unexpected(callable, "a function, not a storage type, to call", offset)),
        Global::Opaque => Ok(heap.add(Object::Opaque)),
    }
}

/// The storage that the persistent id `id` names: `('storage', type, key, location, numel[, view])`.
pub(super) fn storage<'a>(heap: &mut Heap<'a>, id: Value<'a>, offset: usize) -> Result<Value<'a>, PickleError> {
    let expected = "a storage's id ('storage', type, key, location, numel)";
    let (scalar, key, numel, view) = match heap.tuple(id) {
        Some(&[Value::Text("storage"), Value::Global(Global::Storage(scalar)), Value::Text(key), _, numel]) => {
            (scalar, key, numel, Value::None)
        }
        Some(&[Value::Text("storage"), Value::Global(Global::Storage(scalar)), Value::Text(key), _, numel, view]) => {
            (scalar, key, numel, view)
        }
        _ => return Err(heap.unexpected(id, expected, offset)),
    };
    let total = count(heap, numel, offset)?;
    let (first, length) = match (view, heap.tuple(view)) {
        (Value::None, _) => (0, total),
        (_, Some(&[_, first, length])) => (count(heap, first, offset)?, count(heap, length, offset)?),
        _ => return Err(heap.unexpected(view, "a storage's view (key, offset, size)", offset)),
    };
    if first.checked_add(length).is_none_or(|end| end > total) {
        return Err(heap.unexpected(view, "a view inside its storage", offset));
    }
    Ok(heap.add(Object::Storage(Box::new(StorageRef { key, scalar, total, first, length }))))
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])`; `_rebuild_tensor` has the
/// first four.
fn tensor<'a>(heap: &Heap<'a>, arguments: &[Value<'a>], offset: usize) -> Result<TensorRef<'a>, PickleError> {
    let &[storage, first, size, stride, ref rest @ ..] = arguments else {
        return Err(PickleError::Missing { wanted: "four arguments of a tensor or more", offset });
    };
    let Some(Object::Storage(storage)) = heap.object(storage) else {
        return Err(heap.unexpected(storage, "the storage of a tensor", offset));
    };
    let shape = counts(heap, size, offset)?;
    let strides = counts(heap, stride, offset)?;
    if shape.len() != strides.len() {
        return Err(heap.unexpected(stride, "one stride for each axis", offset));
    }
    // The metadata marks tensors whose numbers are to be negated or conjugated when they are read.
    if let Some(&metadata) = rest.get(2)
        && heap.dict(metadata).is_some_and(|marks| !marks.is_empty())
    {
        return Err(heap.unexpected(metadata, "a tensor without negation or conjugation marks", offset));
    }
    Ok(TensorRef { storage: (**storage).clone(), offset: count(heap, first, offset)?, shape, strides })
}

fn pairs<'a>(heap: &Heap<'a>, list: Value<'a>, offset: usize) -> Result<Vec<(Value<'a>, Value<'a>)>, PickleError> {
    let expected = "the (key, value) pairs of an OrderedDict";
    let items = heap.sequence(list).ok_or_else(|| heap.unexpected(list, expected, offset))?;
    let pair = |&item| match heap.sequence(item) {
        Some(&[key, value]) => Ok((key, value)),
        _ => Err(heap.unexpected(item, expected, offset)),
    };
    items.iter().map(pair).collect()
}

fn counts<'a>(heap: &Heap<'a>, value: Value<'a>, offset: usize) -> Result<Vec<usize>, PickleError> {
    let items = heap.sequence(value).ok_or_else(|| heap.unexpected(value, "a tuple of sizes or strides", offset))?;
    if items.len() > MOST_AXES {
        return Err(heap.unexpected(value, "no more than 64 axes", offset));
    }
    items.iter().map(|&item| count(heap, item, offset)).collect()
}

fn count<'a>(heap: &Heap<'a>, value: Value<'a>, offset: usize) -> Result<usize, PickleError> {
    let count = if let Value::Int(count) = value { usize::try_from(count).ok() } else { None };
    count.ok_or_else(|| heap.unexpected(value, "a whole number of 0 or more", offset))
}
