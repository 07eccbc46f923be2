//! Damaged and hostile files.

use super::*;
use crate::onnx::to_bytes;
use crate::test_models::{every_operation, tiny};
use proptest::prelude::*;

proptest! {
    #[test]
    fn damaged_bytes_never_panic(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
        let bytes = to_bytes(&tiny()).unwrap();
        let _ = import_bytes(&bytes[..cut.index(bytes.len())], &ImportOptions::default());
        let mut damaged = bytes;
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let _ = import_bytes(&damaged, &ImportOptions::default());
    }

    #[test]
    fn damaged_structure_never_panics(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        // Without the numbers of the weights, most changes hit the structure.
        let mut message = proto::Model::decode(to_bytes(&every_operation()).unwrap().as_slice()).unwrap();
        for tensor in &mut message.graph.as_mut().unwrap().initializer {
            let count = tensor.raw_data.take().unwrap().len();
            if tensor.data_type == data_type::FLOAT {
                tensor.dims.clear();
                tensor.float_data = vec![count as f32];
            }
        }
        let mut bytes = message.encode_to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = import_bytes(&bytes, &ImportOptions::default());
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(import_bytes(&bytes, &ImportOptions::default()).is_err());
    }
}

fn is_refused_for_memory(file: File) {
    let error = import_bytes(&file.bytes(), &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, OnnxError::TooMuchMemory { .. }), "{error}");
}

#[test]
fn a_constant_that_grows_at_every_node_is_refused() {
    let mut file = File::new(13, [1, 1, 1]).ints("i0", &[1; 8]);
    for step in 0..40 {
        let (from, to) = (format!("i{step}"), format!("i{}", step + 1));
        file = file.node("Concat", &to, &[&from, &from], &[int("axis", 0)]);
    }
    is_refused_for_memory(file.node("Reshape", "flat", &["x", "i40"], &[]));
}

#[test]
fn one_weight_of_many_layers_is_refused() {
    let mut file = File::new(13, [512, 1, 1]).counted("w", &[512, 512]).node("Flatten", "l0", &["x"], &[]);
    for step in 0..200 {
        file = file.node("MatMul", &format!("l{}", step + 1), &[&format!("l{step}"), "w"], &[]);
    }
    is_refused_for_memory(file);
}

#[test]
fn constants_and_channels_beyond_the_file_are_refused() {
    let repeated = File::new(13, [1, 1, 1]).ints("s", &[1 << 40]).node("ConstantOfShape", "c", &["s"], &[]);
    is_refused_for_memory(repeated.node("Sub", "d", &["x", "c"], &[]));
    let mut wide = File::new(13, [65_536, 1, 1]);
    for step in 0..200 {
        let (from, to) = (if step == 0 { "x".into() } else { format!("s{step}") }, format!("s{}", step + 1));
        wide = wide.floats(&format!("c{step}"), &[], &[2.0]).node("Mul", &to, &[&from, &format!("c{step}")], &[]);
    }
    is_refused_for_memory(wide);
    let overflowing = File::new(13, [1, 1, 1]).ints("s", &[i64::MAX, i64::MAX]);
    let overflowing = overflowing.node("ConstantOfShape", "c", &["s"], &[]).node("Sub", "d", &["x", "c"], &[]);
    assert!(overflowing.refused().contains("extents of 0 or more"));
}

#[test]
fn numbers_without_bounds_are_refused() {
    let pool = |name: &str, numbers: &[i64]| {
        let attributes = [ints("kernel_shape", &[1, 1]), ints(name, numbers)];
        File::new(12, [1, 4, 4]).node("MaxPool", "pool", &["x"], &attributes).refused()
    };
    for number in [i64::MAX, i64::MIN, -1, 1 << 20] {
        assert!(pool("strides", &[number, 1]).contains("in `strides`"));
        assert!(pool("dilations", &[1, number]).contains("in `dilations`"));
        assert!(pool("pads", &[0, 0, number, 0]).contains("in `pads`"));
    }
    assert!(pool("strides", &[0, 1]).contains("at least 1"));
    for axis in [i64::MAX, i64::MIN, 4, -5] {
        let told = File::new(13, [1, 4, 4]).node("Concat", "c", &["x", "x"], &[int("axis", axis)]).refused();
        assert!(told.contains("an axis of a value of rank 4"), "{told}");
        File::new(13, [1, 4, 4]).ints("i", &[axis]).node("Gather", "g", &["x", "i"], &[int("axis", 1)]).refused();
        File::new(13, [1, 4, 4]).ints("i", &[axis]).node("Unsqueeze", "u", &["x", "i"], &[]).refused();
        File::new(13, [1, 4, 4]).ints("i", &[axis, 1]).node("Reshape", "r", &["x", "i"], &[]).refused();
        File::new(13, [1, 4, 4]).node("Flatten", "f", &["x"], &[int("axis", axis), int("axis", 1)]);
    }
    let shape = File::new(13, [1, 4, 4]).node("Shape", "s", &["x"], &[int("start", i64::MIN), int("end", i64::MAX)]);
    assert_eq!(shape.node("Reshape", "same", &["x", "s"], &[]).node("Flatten", "f", &["same"], &[]).ops().len(), 1);
}

#[test]
fn ranks_do_not_grow_without_bound() {
    let mut file = File::new(13, [1, 1, 1]).ints("a", &[1]);
    for step in 0..20 {
        let from = if step == 0 { "x".into() } else { format!("u{step}") };
        file = file.node("Unsqueeze", &format!("u{}", step + 1), &[&from, "a"], &[]);
    }
    assert!(file.refused().contains("axes in range"));
}
