//! Inputs, outputs and category names.

use super::*;
use mda_core::op::Normalize;

fn with(file: File, options: &ImportOptions) -> Result<Imported, OnnxError> {
    import_bytes(&file.bytes(), options)
}

/// A file whose images have extents that are not told.
fn open() -> File {
    let mut file = File::new(13, [3, 2, 2]).node("GlobalAveragePool", "gap", &["x"], &[]);
    file = file.node("Flatten", "flat", &["gap"], &[]);
    let parameter = |name: &str| Extent::Parameter(name.into());
    let extents = [parameter("N"), Extent::Value(3), parameter("height"), Extent::Value(-1)];
    file.graph.input[0] = value_info("x", data_type::FLOAT, &extents);
    file
}

#[test]
fn extents_that_the_file_leaves_open_are_asked_for() {
    let told = with(open(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(told.contains("(height); give the size of the images"), "{told}");
    let options = ImportOptions { extents: Some([8, 9]), ..ImportOptions::default() };
    let model = with(open(), &options).unwrap().model;
    assert_eq!(model.input_shape().batched(1), [1, 3, 8, 9]);
    let options = ImportOptions { channels: Some(1), ..options };
    let told = with(open(), &options).unwrap_err().to_string();
    assert!(told.contains("1 as the channels, as asked for, got 3 in the file"), "{told}");
}

#[test]
fn channels_that_the_file_leaves_open_are_those_of_the_first_layer() {
    let parameter = |name: &str| Extent::Parameter(name.into());
    let all_open = |mut file: File| {
        file.graph.input[0] = value_info("x", data_type::FLOAT, &["N", "C", "H", "W"].map(parameter));
        file
    };
    let options = ImportOptions { extents: Some([2, 2]), ..ImportOptions::default() };
    let channels = |file: File| with(all_open(file), &options).map(|imported| imported.model.input_shape().channels());
    let start = || File::new(13, [1, 2, 2]).floats("half", &[], &[0.5]).node("Sub", "centred", &["x", "half"], &[]);
    let conv = start().counted("w", &[2, 1, 1, 1]).node("Conv", "conv", &["centred", "w"], &[]);
    assert_eq!(channels(conv.node("Flatten", "flat", &["conv"], &[])).unwrap(), 1);
    let depthwise = start().counted("w", &[4, 1, 1, 1]).node("Conv", "conv", &["centred", "w"], &[int("group", 4)]);
    assert_eq!(channels(depthwise.node("Flatten", "flat", &["conv"], &[])).unwrap(), 4);
    let unknown = || start().node("Flatten", "flat", &["centred"], &[]);
    assert!(channels(unknown()).unwrap_err().to_string().contains("(channels); give"));
    let options = ImportOptions { channels: Some(2), ..options.clone() };
    assert_eq!(with(all_open(unknown()), &options).unwrap().model.input_shape().channels(), 2);
}

#[test]
fn images_of_channels_last_are_taken_as_channels_first() {
    let mut file = File::new(13, [1, 3, 2]).floats("mean", &[2], &[0.5, 0.25]);
    file = file.node("Sub", "centred", &["x", "mean"], &[]);
    file = file.node("Transpose", "first", &["centred"], &[ints("perm", &[0, 3, 1, 2])]).node(
        "Flatten",
        "flat",
        &["first"],
        &[],
    );
    let imported = file.clone().import();
    assert_eq!(imported.model.input_shape().batched(1), [1, 2, 1, 3]);
    assert!(imported.notes.iter().any(|note| note.contains("[N, H, W, C]")), "{:?}", imported.notes);
    assert_eq!(file.logits(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]), [0.5, 1.5, 2.5, 0.75, 1.75, 2.75]);
}

#[test]
fn inputs_that_are_constants_are_none() {
    let mut file = File::new(13, [1, 1, 2]).floats("c", &[], &[2.0]).node("Sub", "shifted", &["x", "c"], &[]);
    file.graph.input.insert(0, value_info("c", data_type::FLOAT, &[]));
    file.graph.input.push(value_info("unused", data_type::INT64, &[]));
    assert_eq!(file.node("Flatten", "flat", &["shifted"], &[]).logits(&[1.0, 2.0]), [-1.0, 0.0]);
}

#[test]
fn other_inputs_are_refused() {
    let mut two = File::new(13, [1, 1, 2]).node("Sum", "sum", &["x", "y"], &[]);
    two.graph.input.push(value_info("y", data_type::FLOAT, &[1; 4].map(Extent::Value)));
    assert!(two.refused().contains("expected one input, the images, got 2 (x, y)"));
    let mut bytes = File::new(13, [1, 1, 2]).node("Flatten", "flat", &["x"], &[]);
    bytes.graph.input[0].kind.as_mut().unwrap().tensor.as_mut().unwrap().elem_type = 2;
    assert!(bytes.refused().contains("floating-point images, got data type 2"));
    let mut sequence = File::new(13, [1, 1, 2]).node("Flatten", "flat", &["x"], &[]);
    sequence.graph.input[0].kind = Some(Type { tensor: None });
    assert!(sequence.refused().contains("a tensor of images"));
    let mut flat = File::new(13, [1, 1, 2]).node("Relu", "relu", &["x"], &[]);
    flat.graph.input[0] = value_info("x", data_type::FLOAT, &[Extent::Parameter("N".into()), Extent::Value(784)]);
    assert!(flat.refused().contains("four axes, [N, C, H, W], got 2 axes"));
    assert!(File::new(13, [1 << 40, 1, 2]).node("Flatten", "flat", &["x"], &[]).refused().contains("1 to 65536"));
}

#[test]
fn only_what_the_first_output_needs_is_read() {
    let mut file = File::new(13, [1, 1, 2]).node("Flatten", "flat", &["x"], &[]);
    file = file.node("NonMaxSuppression", "boxes", &["x"], &[]);
    file.graph.output.push(value_info("flat", data_type::FLOAT, &[]));
    file.graph.output.push(value_info("boxes", data_type::FLOAT, &[]));
    let notes = file.import().notes;
    assert!(notes.contains(&"only output `flat` is taken, not boxes".to_owned()), "{notes:?}");
}

#[test]
fn categories_come_from_the_options_then_the_file_then_are_numbered() {
    let file = |categories: &str| {
        let mut message = File::new(13, [2, 1, 1]).node("Flatten", "flat", &["x"], &[]).message();
        message.metadata_props.push(proto::StringEntry { key: "categories".into(), value: categories.into() });
        message.encode_to_vec()
    };
    let import = |categories: &str, options: &ImportOptions| import_bytes(&file(categories), options);
    let none = ImportOptions::default();
    assert_eq!(import("[\"cat\", \"dog\"]", &none).unwrap().model.categories(), ["cat", "dog"]);
    for broken in ["[\"cat\"]", "{", "[1, 2]"] {
        let imported = import(broken, &none).unwrap();
        assert_eq!(imported.model.categories(), ["0", "1"]);
        assert!(imported.notes.iter().any(|note| note.contains("categories")), "{:?}", imported.notes);
    }
    let own = |names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        ImportOptions { categories: Some(names), ..ImportOptions::default() }
    };
    assert_eq!(import("[\"cat\", \"dog\"]", &own(&["a", "b"])).unwrap().model.categories(), ["a", "b"]);
    assert!(import("", &own(&["a"])).unwrap_err().to_string().contains("2 category names"));
}

#[test]
fn images_are_normalised_where_the_caller_asks() {
    let file = File::new(13, [2, 1, 1]).node("Flatten", "flat", &["x"], &[]);
    assert!(file.clone().import().notes.iter().any(|note| note.contains("does not normalise")));
    let normalize = Normalize { mean: vec![0.5, 0.25], std: vec![0.5, 0.25] };
    let options = ImportOptions { normalize: Some(normalize.clone()), ..ImportOptions::default() };
    let imported = with(file.clone(), &options).unwrap();
    assert_eq!(imported.model.graph().node(1).op, normalize.into());
    assert_eq!(imported.notes, ["pixel values are assumed to go into the file's graph in the range 0-1"]);
    let grey = Normalize { mean: vec![0.5], std: vec![0.25] };
    let options = ImportOptions { normalize: Some(grey), ..ImportOptions::default() };
    let both = Normalize { mean: vec![0.5; 2], std: vec![0.25; 2] };
    assert_eq!(with(file.clone(), &options).unwrap().model.graph().node(1).op, both.into(), "one for every channel");
    let colour = Normalize { mean: vec![0.5; 3], std: vec![0.5; 3] };
    let options = ImportOptions { normalize: Some(colour), ..ImportOptions::default() };
    assert!(with(file, &options).unwrap_err().to_string().contains("2 means and stds"));
}
