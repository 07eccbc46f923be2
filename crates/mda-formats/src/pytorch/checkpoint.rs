//! Which dict of a checkpoint is the state dict.
//!
//! 1. The dict under `state_dict`, `model_state_dict`, `model_state`, `model` or `net`, tried in this order, if by these
//!    same rules it is or holds a state dict.
//! 2. Otherwise the dict itself, if it has a tensor.
//! 3. Otherwise the only one of its entries that is a dict with a tensor.
//!
//! The first rule leaves out an optimizer, an epoch, an accuracy or arguments that a training script keeps beside the
//! model, whether or not some of them are tensors.

use super::PytorchError;
use super::pickle::{Heap, Pickle, Value};

const WRAPPERS: [&str; 5] = ["state_dict", "model_state_dict", "model_state", "model", "net"];
/// How many dicts deep the first rule looks.
const DEEPEST: usize = 3;
/// How many keys an error lists.
const MOST_KEYS: usize = 12;

/// The items of a dict.
type Items<'h, 'a> = &'h [(Value<'a>, Value<'a>)];

/// The state dict of a checkpoint.
#[derive(Debug)]
pub(super) struct Selection<'h, 'a> {
    pub(super) items: Items<'h, 'a>,
    /// The keys that lead to it, outermost first; empty where the checkpoint is itself a state dict.
    pub(super) path: Vec<String>,
}

/// The state dict of the checkpoint that `pickle` holds.
pub(super) fn select<'h, 'a>(pickle: &'h Pickle<'a>) -> Result<Selection<'h, 'a>, PytorchError> {
    let heap = &pickle.heap;
    let top = heap.dict(pickle.root).ok_or_else(|| PytorchError::NotADict { found: heap.kind(pickle.root) })?;
    find(heap, top, 0)?.ok_or_else(|| PytorchError::NoStateDict { keys: keys(top.iter().map(|&(key, _)| key)) })
}

fn find<'h, 'a>(
    heap: &'h Heap<'a>,
    items: Items<'h, 'a>,
    depth: usize,
) -> Result<Option<Selection<'h, 'a>>, PytorchError> {
    for wrapper in WRAPPERS.into_iter().filter(|_| depth < DEEPEST) {
        let value = items.iter().find(|(key, _)| *key == Value::Text(wrapper)).map(|&(_, value)| value);
        let Some(inner) = value.and_then(|value| heap.dict(value)) else { continue };
        if let Some(mut found) = find(heap, inner, depth + 1)? {
            found.path.insert(0, wrapper.to_owned());
            return Ok(Some(found));
        }
    }
    if has_tensor(heap, items) {
        return Ok(Some(Selection { items, path: vec![] }));
    }
    let dicts = items.iter().filter_map(|&(key, value)| Some((key, heap.dict(value)?)));
    let candidates: Vec<_> = dicts.filter(|(_, inner)| has_tensor(heap, inner)).collect();
    match candidates[..] {
        [] => Ok(None),
        [(key, items)] => Ok(Some(Selection { items, path: vec![text(key)] })),
        _ => Err(PytorchError::Ambiguous { keys: keys(candidates.iter().map(|&(key, _)| key)) }),
    }
}

fn has_tensor<'a>(heap: &Heap<'a>, items: Items<'_, 'a>) -> bool {
    items.iter().any(|&(_, value)| heap.tensor(value).is_some())
}

fn keys<'a>(keys: impl Iterator<Item = Value<'a>>) -> Vec<String> {
    keys.take(MOST_KEYS).map(text).collect()
}

fn text(key: Value<'_>) -> String {
    match key {
        Value::Text(text) => text.to_owned(),
        Value::Int(number) => number.to_string(),
        _ => "?".to_owned(),
    }
}
