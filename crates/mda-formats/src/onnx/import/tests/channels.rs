//! Concatenated, sliced and gathered channels.

use super::*;
use mda_core::op::{Concat, Conv2d, MaxPool, Padding, SelectChannels, Window};

fn select(channels: &[Option<usize>]) -> Op {
    SelectChannels { channels: channels.into() }.into()
}

#[test]
fn channels_and_features_are_joined() {
    let file = File::new(13, [1, 1, 2]).node("Relu", "relu", &["x"], &[]);
    let file = file.node("Concat", "joined", &["relu", "x"], &[int("axis", -3)]);
    let file = file.node("Flatten", "flat", &["joined"], &[]).node("Flatten", "other", &["x"], &[]);
    let file = file.node("Concat", "all", &["flat", "other"], &[int("axis", 1)]);
    assert_eq!(file.clone().ops()[1], ("joined".into(), Concat {}.into()));
    assert_eq!(file.logits(&[1.0, -2.0]), [1.0, 0.0, 1.0, -2.0, 1.0, -2.0]);
    let rows = File::new(13, [1, 2, 2]).node("Concat", "rows", &["x", "x"], &[int("axis", 2)]);
    assert!(rows.refused().contains("joined along their channels"));
}

#[test]
fn every_other_position_is_a_pool_of_one() {
    let sliced = |step: i64, starts: [i64; 2], ends: [i64; 2]| {
        let file =
            File::new(13, [1, 4, 5]).ints("s", &starts).ints("e", &ends).ints("a", &[2, 3]).ints("t", &[step, step]);
        file.node("Slice", "cut", &["x", "s", "e", "a", "t"], &[]).node("Flatten", "flat", &["cut"], &[])
    };
    let window = Window { stride: [2, 2], ..Window::square(1, 1, 0) };
    for ends in [[i64::MAX, i64::MAX], [4, 5], [100, 5]] {
        assert_eq!(sliced(2, [0, 0], ends).ops()[0].1, MaxPool { window, ceil_mode: false }.into());
    }
    assert_eq!(sliced(1, [0, 0], [4, 5]).ops().len(), 1);
    let image: Vec<f32> = (0..20u8).map(f32::from).collect();
    assert_eq!(sliced(2, [0, 0], [4, 5]).logits(&image), [0.0, 2.0, 4.0, 10.0, 12.0, 14.0]);
    for cropped in [sliced(2, [1, 0], [4, 5]), sliced(1, [0, 0], [3, 5]), sliced(-1, [-1, -1], [i64::MIN, i64::MIN])] {
        assert!(cropped.refused().contains("every so many rows and columns"));
    }
}

#[test]
fn channels_are_sliced() {
    let old = File::new(9, [4, 1, 1]);
    let old = old.node("Slice", "cut", &["x"], &[ints("starts", &[1]), ints("ends", &[-1]), ints("axes", &[1])]);
    assert_eq!(old.node("Flatten", "flat", &["cut"], &[]).ops()[0].1, select(&[Some(1), Some(2)]));
    let new = File::new(13, [4, 1, 1]).ints("s", &[-1]).ints("e", &[i64::MIN]).ints("a", &[1]).ints("t", &[-2]);
    let new = new.node("Slice", "cut", &["x", "s", "e", "a", "t"], &[]).node("Flatten", "flat", &["cut"], &[]);
    assert_eq!(new.ops()[0].1, select(&[Some(3), Some(1)]));
}

#[test]
fn channels_are_gathered_one_or_many() {
    let many = File::new(13, [3, 1, 1]).ints("i", &[2, 0, -1]).node("Gather", "some", &["x", "i"], &[int("axis", 1)]);
    assert_eq!(many.node("Flatten", "flat", &["some"], &[]).ops()[0].1, select(&[Some(2), Some(0), Some(2)]));
    let one = File::new(13, [3, 1, 2]).int("i", 1).node("Gather", "one", &["x", "i"], &[int("axis", 1)]);
    let one = one.ints("a", &[1]).node("Unsqueeze", "back", &["one", "a"], &[]);
    let one = one.node("Concat", "joined", &["back", "x"], &[int("axis", 1)]).node("Flatten", "flat", &["joined"], &[]);
    assert_eq!(one.logits(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let outside = File::new(13, [3, 1, 1]).ints("i", &[3]).node("Gather", "some", &["x", "i"], &[int("axis", 1)]);
    assert!(outside.refused().contains("indices within 3"));
}

#[test]
fn zeros_around_a_map_become_padding_of_what_follows() {
    let padded = |file: File, name: &str, pads: &[i64]| file.ints(name, pads);
    let file = padded(File::new(13, [1, 5, 5]), "p", &[0, 0, 0, 1, 0, 0, 2, 3]).counted("w", &[1, 1, 3, 3]);
    let file = file.node("Pad", "pad", &["x", "p"], &[]);
    let file = file.node("Conv", "conv", &["pad", "w"], &[ints("pads", &[1, 1, 0, 0])]);
    let ops = file.node("Flatten", "flat", &["conv"], &[]).ops();
    let padding = Padding { top: 1, left: 2, bottom: 2, right: 3 };
    let window = Window { padding, ..Window::square(3, 1, 0) };
    assert_eq!(ops[0].1, Conv2d { out_channels: 1, window, groups: 1, bias: false }.into());
}

#[test]
fn zeros_before_a_maximum_need_values_that_are_not_negative() {
    let pool = |file: File, value: &str| {
        let file = file.ints("p", &[0, 0, 1, 1, 0, 0, 1, 1]).node("Pad", "pad", &[value, "p"], &[]);
        let file = file.node("MaxPool", "pool", &["pad"], &[ints("kernel_shape", &[2, 2])]);
        file.node("Flatten", "flat", &["pool"], &[])
    };
    let image = File::new(13, [1, 2, 2]);
    assert!(pool(image.clone(), "x").refused().contains("never is the maximum"));
    let behind_relu = pool(image.node("Relu", "relu", &["x"], &[]), "relu");
    assert_eq!(behind_relu.logits(&[-1.0, 2.0, 3.0, -4.0]), [0.0, 2.0, 2.0, 3.0, 3.0, 2.0, 3.0, 3.0, 0.0]);
    let lowest = File::new(13, [1, 2, 2]).ints("p", &[0, 0, 1, 1, 0, 0, 1, 1]).floats("low", &[], &[f32::NEG_INFINITY]);
    let lowest = lowest.node("Pad", "pad", &["x", "p", "low"], &[]);
    let lowest = lowest.node("MaxPool", "pool", &["pad"], &[ints("kernel_shape", &[2, 2])]);
    assert_eq!(lowest.node("Flatten", "flat", &["pool"], &[]).logits(&[-1.0; 4]), [-1.0; 9]);
}

#[test]
fn zeros_before_a_mean_count() {
    let file = File::new(10, [1, 2, 2]).node("Pad", "pad", &["x"], &[ints("pads", &[0, 0, 1, 1, 0, 0, 0, 0])]);
    let file = file.node("AveragePool", "pool", &["pad"], &[ints("kernel_shape", &[2, 2])]);
    assert_eq!(file.node("Flatten", "flat", &["pool"], &[]).logits(&[4.0, 8.0, 12.0, 16.0]), [1.0, 3.0, 4.0, 10.0]);
    let both = File::new(10, [1, 3, 3]).node("Pad", "pad", &["x"], &[ints("pads", &[0, 0, 1, 1, 0, 0, 0, 0])]);
    let attributes = [ints("kernel_shape", &[2, 2]), ints("pads", &[1, 1, 0, 0])];
    let both = both.node("AveragePool", "pool", &["pad"], &attributes);
    assert!(both.node("Flatten", "flat", &["pool"], &[]).refused().contains("not both"));
}

#[test]
fn channels_of_zeros_are_selected() {
    let file = File::new(13, [2, 1, 1]).ints("p", &[0, 1, 0, 0, 0, 2, 0, 0]).node("Pad", "pad", &["x", "p"], &[]);
    let flat = file.clone().node("Flatten", "flat", &["pad"], &[]);
    assert_eq!(flat.ops()[0].1, select(&[None, Some(0), Some(1), None, None]));
    // A gathering of what was padded is one selection.
    let file = file.ints("i", &[4, 2, 0, 1]).node("Gather", "some", &["pad", "i"], &[int("axis", 1)]);
    let ops = file.node("Flatten", "flat", &["some"], &[]).ops();
    assert_eq!(ops[0], ("some".into(), select(&[None, Some(1), None, Some(0)])));
    assert_eq!(ops.len(), 2);
}

#[test]
fn borders_that_no_window_takes_are_refused() {
    let file = File::new(13, [1, 2, 2]).ints("p", &[0, 0, 1, 1, 0, 0, 1, 1]).node("Pad", "pad", &["x", "p"], &[]);
    assert!(file.clone().node("Relu", "relu", &["pad"], &[]).refused().contains("a Conv or pool behind a Pad"));
    assert!(file.node("Flatten", "flat", &["pad"], &[]).refused().contains("a Conv or pool behind a Pad"));
    let negative = File::new(13, [1, 4, 4]).ints("p", &[0, 0, -1, 0, 0, 0, 0, 0]).node("Pad", "pad", &["x", "p"], &[]);
    assert!(negative.refused().contains("extents of 0 to 65536 in `pads`, got -1, 0"));
    let mirrored =
        File::new(13, [1, 4, 4]).ints("p", &[0; 8]).node("Pad", "pad", &["x", "p"], &[string("mode", "reflect")]);
    assert!(mirrored.refused().contains("expected constant padding, got reflect"));
}

#[test]
fn a_split_is_a_selection_for_each_part_that_is_read() {
    let image = [1.0, 2.0, 3.0, 4.0, 5.0];
    let split = |opset: i64, inputs: &[&str], attributes: &[Attribute], parts: &[&str]| {
        let attributes = [attributes, &[int("axis", 1)]].concat();
        let mut file = File::new(opset, [5, 1, 1]).ints("sizes", &[1, 3, 1]);
        file = file.node("Split", "split", inputs, &attributes);
        file.graph.node[0].output = parts.iter().map(|&part| part.into()).collect();
        file
    };
    let last_first = |file: File, parts: [&str; 2]| {
        file.node("Concat", "turned", &parts, &[int("axis", 1)]).node("Flatten", "flat", &["turned"], &[])
    };
    let sizes = split(13, &["x", "sizes"], &[], &["a", "b", "c"]);
    assert_eq!(last_first(sizes.clone(), ["b", "a"]).logits(&image), [2.0, 3.0, 4.0, 1.0]);
    assert_eq!(last_first(sizes.clone(), ["c", "a"]).ops().len(), 4);
    let old = split(11, &["x"], &[ints("split", &[2, 3])], &["a", "b"]);
    assert_eq!(last_first(old, ["b", "a"]).logits(&image), [3.0, 4.0, 5.0, 1.0, 2.0]);
    let equal = split(18, &["x"], &[int("num_outputs", 2)], &["a", "b"]);
    assert_eq!(last_first(equal, ["b", "a"]).logits(&image), [4.0, 5.0, 1.0, 2.0, 3.0]);
    let told = last_first(split(13, &["x", "sizes"], &[], &["a", "b"]), ["b", "a"]).refused();
    assert!(told.contains("node `split_1` (Split): expected 2 sizes of parts of 5 channels, got [1, 3, 1]"), "{told}");
}
