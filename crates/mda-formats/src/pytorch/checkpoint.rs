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

#[cfg(test)]
mod tests {
    use super::super::pickle::{Object, StorageRef, TensorRef};
    use super::*;
    use crate::scalar::{FloatType, ScalarType};

    /// A tree of dicts to build on a heap.
    enum Tree {
        Tensor,
        Number,
        Dict(Vec<(&'static str, Tree)>),
    }

    use Tree::{Dict, Number, Tensor};

    fn build(heap: &mut Heap<'static>, tree: Tree) -> Value<'static> {
        match tree {
            Number => Value::Int(1),
            Tensor => {
                let scalar = ScalarType::Float(FloatType::F32);
                let storage = StorageRef { key: "0", scalar, total: 1, first: 0, length: 1 };
                heap.add(Object::Tensor(Box::new(TensorRef { storage, offset: 0, shape: vec![], strides: vec![] })))
            }
            Dict(items) => {
                let items = items.into_iter().map(|(key, tree)| (Value::Text(key), build(heap, tree))).collect();
                heap.add(Object::Dict(items))
            }
        }
    }

    fn path(tree: Tree) -> Result<Vec<String>, PytorchError> {
        let mut heap = Heap::default();
        let root = build(&mut heap, tree);
        select(&Pickle { root, heap, end: 0 }).map(|selection| selection.path)
    }

    fn weights() -> Tree {
        Dict(vec![("weight", Tensor)])
    }

    #[test]
    fn a_dict_of_tensors_is_the_state_dict() {
        assert!(path(weights()).unwrap().is_empty());
        assert!(path(Dict(vec![("epoch", Number), ("weight", Tensor), ("other", weights())])).unwrap().is_empty());
    }

    #[test]
    fn the_usual_keys_win_in_their_order() {
        let both = Dict(vec![("model", weights()), ("best", Tensor), ("state_dict", weights()), ("ema", weights())]);
        assert_eq!(path(both).unwrap(), ["state_dict"]);
        let hollow = Dict(vec![("state_dict", Dict(vec![("epoch", Number)])), ("net", weights())]);
        assert_eq!(path(hollow).unwrap(), ["net"]);
        let nested = Dict(vec![("model", Dict(vec![("state_dict", weights())])), ("epoch", Number)]);
        assert_eq!(path(nested).unwrap(), ["model", "state_dict"]);
    }

    #[test]
    fn the_only_dict_of_tensors_is_found_under_any_key() {
        let optimizer = Dict(vec![("state", Dict(vec![("0", weights())]))]);
        assert_eq!(path(Dict(vec![("optimizer", optimizer), ("encoder", weights())])).unwrap(), ["encoder"]);
        let error = path(Dict(vec![("generator", weights()), ("critic", weights())])).unwrap_err();
        assert!(matches!(&error, PytorchError::Ambiguous { keys } if *keys == ["generator", "critic"]), "{error}");
    }

    #[test]
    fn what_has_no_tensors_is_an_error_that_lists_its_keys() {
        let error = path(Dict(vec![("epoch", Number), ("loss", Number)])).unwrap_err();
        assert!(matches!(&error, PytorchError::NoStateDict { keys } if *keys == ["epoch", "loss"]), "{error}");
        assert!(matches!(path(Tensor), Err(PytorchError::NotADict { found: "a tensor" })));
    }

    #[test]
    fn a_dict_that_holds_itself_comes_to_an_end() {
        let mut heap = Heap::default();
        let root = heap.add(Object::Dict(vec![]));
        if let Some(Object::Dict(items)) = heap.object_mut(root) {
            items.extend(WRAPPERS.map(|wrapper| (Value::Text(wrapper), root)));
        }
        assert!(matches!(select(&Pickle { root, heap, end: 0 }), Err(PytorchError::NoStateDict { .. })));
    }
}
