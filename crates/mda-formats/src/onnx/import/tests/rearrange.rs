//! Reshapes, transposes and flattening.

use super::*;
use mda_core::op::{Flatten, SelectChannels};

/// A file over images of two channels, two rows, three columns, and a weight for their twelve features.
fn file() -> File {
    let weight: Vec<f32> = (0..12).map(|index| 10f32.powi(index % 6) * if index < 6 { 1.0 } else { -1.0 }).collect();
    File::new(13, [2, 2, 3]).floats("w", &[12, 1], &weight)
}

const IMAGE: [f32; 12] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
const IN_ORDER: f32 = 654_321.0 - 101_010.0;

#[test]
fn reshapes_to_features_are_flattenings() {
    for target in [[0, -1], [-1, 12], [0, 12]] {
        let file = file().ints("t", &target).node("Reshape", "flat", &["x", "t"], &[]);
        let file = file.node("MatMul", "fc", &["flat", "w"], &[]);
        assert_eq!(file.clone().ops()[0], ("flat".into(), Flatten {}.into()));
        assert_eq!(file.logits(&IMAGE), [IN_ORDER]);
    }
}

#[test]
fn a_fixed_batch_stands_for_any() {
    for (batch, target) in [(1, [1, -1]), (1, [1, 12]), (4, [4, 12]), (4, [-1, 12])] {
        let file = file().with_batch(batch).ints("t", &target).node("Reshape", "flat", &["x", "t"], &[]);
        let imported = file.node("MatMul", "fc", &["flat", "w"], &[]).import();
        assert_eq!(imported.notes.iter().any(|note| note.contains("batch at 4")), batch == 4);
    }
    let open = file().ints("t", &[1, 12]).node("Reshape", "flat", &["x", "t"], &[]);
    assert!(open.refused().contains("keeps or merges whole axes, got [N, 2, 2, 3] to [1, 12]"));
}

#[test]
fn the_shape_that_a_traced_view_computes_is_followed() {
    let file = file().node("Shape", "shape", &["x"], &[]).int("zero", 0).ints("axes", &[0]).ints("rest", &[-1]);
    let file = file.node("Gather", "size", &["shape", "zero"], &[]).node("Unsqueeze", "n", &["size", "axes"], &[]);
    let file = file.node("Concat", "t", &["n", "rest"], &[int("axis", 0)]).node("Reshape", "flat", &["x", "t"], &[]);
    assert_eq!(file.node("MatMul", "fc", &["flat", "w"], &[]).logits(&IMAGE), [IN_ORDER]);
}

#[test]
fn extents_are_multiplied_and_divided() {
    let mut file = file().node("Shape", "shape", &["x"], &[]);
    for (name, at) in [("n", 0), ("c", 1), ("h", -2), ("w3", 3)] {
        let index = format!("i{name}");
        file = file.ints(&index, &[at]).node("Gather", name, &["shape", &index], &[int("axis", 0)]);
    }
    let file = file.node("Mul", "ch", &["c", "h"], &[]).node("Mul", "chw", &["ch", "w3"], &[]);
    let file = file.node("Mul", "nchw", &["n", "chw"], &[]).node("Div", "again", &["nchw", "chw"], &[]);
    let file = file.node("Concat", "t", &["again", "chw"], &[int("axis", 0)]).node("Reshape", "flat", &["x", "t"], &[]);
    assert_eq!(file.node("MatMul", "fc", &["flat", "w"], &[]).logits(&IMAGE), [IN_ORDER]);
}

#[test]
fn transpositions_cancel() {
    let file = file().node("Transpose", "last", &["x"], &[ints("perm", &[0, 2, 3, 1])]);
    let file = file.node("Relu", "relu", &["last"], &[]);
    let file = file.node("Transpose", "first", &["relu"], &[ints("perm", &[0, 3, 1, 2])]);
    let file = file.node("Flatten", "flat", &["first"], &[]).node("MatMul", "fc", &["flat", "w"], &[]);
    assert_eq!(file.clone().ops().len(), 3);
    assert_eq!(file.logits(&IMAGE), [IN_ORDER]);
}

#[test]
fn features_of_channels_last_are_brought_in_their_order() {
    let file = File::new(13, [2, 1, 3]).node("Relu", "relu", &["x"], &[]);
    let file = file.node("Transpose", "last", &["relu"], &[ints("perm", &[0, 2, 3, 1])]);
    let file =
        file.ints("t", &[-1, 6]).node("Reshape", "flat", &["last", "t"], &[]).node("Relu", "end", &["flat"], &[]);
    let order = SelectChannels { channels: [0, 3, 1, 4, 2, 5].map(Some).into() };
    assert!(file.clone().ops().iter().any(|(_, op)| *op == order.clone().into()));
    assert_eq!(file.logits(&[1.0, 2.0, 3.0, 10.0, 20.0, 30.0]), [1.0, 10.0, 2.0, 20.0, 3.0, 30.0]);
}

#[test]
fn a_map_that_stays_transposed_is_refused() {
    let file = file().counted("k", &[1, 3, 1, 1]).node("Relu", "relu", &["x"], &[]);
    let file = file.node("Transpose", "last", &["relu"], &[ints("perm", &[0, 3, 1, 2])]);
    let told = file.node("Conv", "conv", &["last", "k"], &[]).node("Flatten", "flat", &["conv"], &[]).refused();
    assert!(
        told.contains("node `conv` (Conv)") && told.contains("[N, 3, 2, 2], which is [N, 2, 2, 3] rearranged"),
        "{told}"
    );
}

#[test]
fn positions_of_extent_one_are_dropped_and_inserted() {
    let file = File::new(11, [3, 2, 2]).node("GlobalAveragePool", "gap", &["x"], &[]);
    let file = file.node("Squeeze", "squeezed", &["gap"], &[ints("axes", &[2, -1])]);
    let file = file.node("Unsqueeze", "back", &["squeezed"], &[ints("axes", &[2, 3])]);
    let file = file.counted("k", &[2, 3, 1, 1]).node("Conv", "conv", &["back", "k"], &[]);
    let names: Vec<String> =
        file.node("Squeeze", "end", &["conv"], &[]).ops().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["gap", "conv", "end"]);
}

#[test]
fn a_shuffle_of_channels_is_refused() {
    let file = File::new(13, [4, 2, 2]).ints("t", &[0, 2, 2, 2, 2]).node("Reshape", "split", &["x", "t"], &[]);
    let told = file.node("Transpose", "turned", &["split"], &[ints("perm", &[0, 2, 1, 3, 4])]).refused();
    assert!(told.contains("node `split` (Reshape)") && told.contains("keeps or merges whole axes"), "{told}");
}
