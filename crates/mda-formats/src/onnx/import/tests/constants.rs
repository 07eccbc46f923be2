//! Constants in all their types and folded arithmetic.

use super::*;

/// The logits of a linear layer over one feature of value 1, whose weight is `weight` as `[2, 1]`.
fn logits_of(weight: Tensor) -> Result<Vec<f32>, String> {
    let mut file = File::new(13, [1, 1, 1]).node("Flatten", "flat", &["x"], &[]);
    file.graph.initializer.push(Tensor { name: "w".into(), ..weight });
    file = file.node("Gemm", "fc", &["flat", "w"], &[int("transB", 1)]);
    match import_bytes(&file.clone().bytes(), &ImportOptions::default()) {
        Ok(_) => Ok(file.logits(&[1.0])),
        Err(error) => Err(error.to_string()),
    }
}

fn raw(data_type: i32, bytes: &[u8]) -> Tensor {
    Tensor { raw_data: Some(bytes.to_vec()), ..tensor("", data_type, &[2, 1]) }
}

#[test]
fn weights_of_every_float_type_are_read_raw_and_typed() {
    let expected = Ok(vec![1.0, -0.5]);
    let doubles = [1f64.to_le_bytes(), (-0.5f64).to_le_bytes()].concat();
    assert_eq!(logits_of(raw(data_type::FLOAT, &[1f32.to_le_bytes(), (-0.5f32).to_le_bytes()].concat())), expected);
    assert_eq!(logits_of(raw(data_type::FLOAT16, &[0x00, 0x3c, 0x00, 0xb8])), expected);
    assert_eq!(logits_of(raw(data_type::BFLOAT16, &[0x80, 0x3f, 0x00, 0xbf])), expected);
    assert_eq!(logits_of(raw(data_type::DOUBLE, &doubles)), expected);
    let typed = |data_type| tensor("", data_type, &[2, 1]);
    assert_eq!(logits_of(Tensor { float_data: vec![1.0, -0.5], ..typed(data_type::FLOAT) }), expected);
    assert_eq!(logits_of(Tensor { double_data: vec![1.0, -0.5], ..typed(data_type::DOUBLE) }), expected);
    assert_eq!(logits_of(Tensor { int32_data: vec![0x3c00, 0xb800], ..typed(data_type::FLOAT16) }), expected);
    assert_eq!(logits_of(Tensor { int32_data: vec![0x3f80, 0xbf00], ..typed(data_type::BFLOAT16) }), expected);
}

#[test]
fn tensors_whose_numbers_do_not_fit_their_shape_are_named() {
    let told = |weight| logits_of(weight).unwrap_err();
    assert!(told(raw(data_type::FLOAT, &[0; 4])).contains("tensor `w`: extents [2, 1] need 2 numbers, found 1"));
    assert!(told(raw(data_type::FLOAT, &[0; 9])).contains("tensor `w`"));
    assert!(told(tensor("", data_type::FLOAT, &[2, 1])).contains("found 0"));
    assert!(told(tensor("", data_type::FLOAT, &[-1, 1])).contains("extents [-1, 1]"));
    assert!(told(tensor("", data_type::FLOAT, &[i64::MAX, 4])).contains("tensor `w`: extents"));
    assert!(told(tensor("", 8, &[2, 1])).contains("data type 8 is not floating-point or integer"));
    assert!(told(raw(data_type::INT64, &[0; 16])).contains("constant numbers, got constant integers [2, 1]"));
}

#[test]
fn constants_are_folded_on_their_way() {
    let file = File::new(13, [2, 1, 1]).floats("fc.weight", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let file = file.node("Transpose", "t", &["fc.weight"], &[]).node("Cast", "c", &["t"], &[int("to", 1)]);
    let file = file.ints("s", &[1, -1, 2]).node("Reshape", "r", &["c", "s"], &[]).ints("a", &[0]);
    let file = file.node("Squeeze", "w", &["r", "a"], &[]).node("Flatten", "flat", &["x"], &[]);
    let file = file.node("MatMul", "product", &["flat", "w"], &[]);
    assert_eq!(file.clone().logits(&[1.0, 10.0]), [21.0, 43.0]);
    assert_eq!(file.ops()[1].0, "fc");
}

#[test]
fn constants_of_every_form_are_read() {
    let logits = |attribute: Attribute| {
        let file = File::new(13, [1, 1, 2]).node("Constant", "c", &[], &[attribute]);
        file.node("Sub", "s", &["x", "c"], &[]).node("Flatten", "flat", &["s"], &[]).logits(&[1.0, 2.0])
    };
    assert_eq!(logits(float("value_float", 0.5)), [0.5, 1.5]);
    assert_eq!(logits(Attribute { floats: vec![0.5], ..attribute("value_floats", 6) }), [0.5, 1.5]);
    assert_eq!(logits(value(Tensor { float_data: vec![0.5], ..tensor("", data_type::FLOAT, &[1, 1]) })), [0.5, 1.5]);
    let flat = |attribute: Attribute, to: i64| {
        let file = File::new(13, [1, 1, 2]).node("Constant", "c", &[], &[attribute]);
        let file = file.node("Cast", "cast", &["c"], &[int("to", to)]);
        file.node("Reshape", "flat", &["x", "cast"], &[]).logits(&[1.0, 2.0])
    };
    assert_eq!(flat(ints("value_ints", &[-1, 2]), 7), [1.0, 2.0]);
    assert_eq!(flat(Attribute { floats: vec![0.0, 2.9], ..attribute("value_floats", 6) }, 7), [1.0, 2.0]);
    let number = File::new(13, [1, 1, 2]).node("Constant", "c", &[], &[int("value_int", 1)]);
    let number = number.node("Cast", "one", &["c"], &[int("to", 1)]).node("Add", "sum", &["x", "one"], &[]);
    assert_eq!(number.node("Flatten", "flat", &["sum"], &[]).logits(&[1.0, 2.0]), [2.0, 3.0]);
    let none = File::new(13, [1, 1, 2]).node("Constant", "c", &[], &[]).node("Sub", "s", &["x", "c"], &[]);
    assert!(none.refused().contains("expected numbers as the constant, got none"));
}

fn external(entries: &[(&str, &str)]) -> Tensor {
    let entry = |&(key, value): &(&str, &str)| proto::StringEntry { key: key.into(), value: value.into() };
    let external_data = entries.iter().map(entry).collect();
    Tensor { external_data, data_location: 1, ..tensor("w", data_type::FLOAT, &[2, 1]) }
}

fn file_with(weight: Tensor) -> Vec<u8> {
    let mut file = File::new(13, [1, 1, 1]).node("Flatten", "flat", &["x"], &[]);
    file.graph.initializer.push(weight);
    file.node("Gemm", "fc", &["flat", "w"], &[int("transB", 1)]).bytes()
}

#[test]
fn weights_in_other_files_are_read_from_the_folder_only() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("model");
    fs::create_dir_all(folder.join("weights")).unwrap();
    let numbers = [9f32, 1.0, -0.5].map(f32::to_le_bytes).concat();
    fs::write(folder.join("weights/w.bin"), &numbers).unwrap();
    fs::write(outer.path().join("secret"), &numbers).unwrap();
    let path = folder.join("model.onnx");
    let import = |entries: &[(&str, &str)]| {
        fs::write(&path, file_with(external(entries))).unwrap();
        super::import(&path, &ImportOptions::default()).map_err(|error| error.to_string())
    };
    let model = import(&[("location", "weights/w.bin"), ("offset", "4"), ("length", "8")]).unwrap().model;
    assert_eq!(model.parameters().get("fc.weight").unwrap().data(), [1.0, -0.5]);
    let refused = |entries: &[(&str, &str)]| import(entries).unwrap_err();
    let absolute = outer.path().join("secret");
    for location in ["../secret", "weights/../../secret", absolute.to_str().unwrap(), "", ".", "weights"] {
        let told = refused(&[("location", location)]);
        assert!(told.contains("only files in the model's folder are read"), "{location}: {told}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outer.path().join("secret"), folder.join("link")).unwrap();
        assert!(refused(&[("location", "link")]).contains("only files in the model's folder"));
    }
    assert!(
        refused(&[("location", "weights/w.bin"), ("offset", "8")]).contains("8 bytes from 8 on, but the file has 12")
    );
    assert!(refused(&[("location", "weights/w.bin"), ("offset", "-1")]).contains("`offset` of its external data"));
    assert!(refused(&[("location", "weights/w.bin"), ("length", "4")]).contains("take 8 bytes"));
    let end = u64::MAX.to_string();
    assert!(refused(&[("location", "weights/w.bin"), ("offset", &end)]).contains("but the file has 12"));
    assert!(refused(&[("offset", "0")]).contains("without a location"));
    assert!(refused(&[("location", "none.bin")]).contains("none.bin"));
}
