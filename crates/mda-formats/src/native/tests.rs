//! Model files that come back, and model files that are refused.

mod integrity;

use super::*;
use crate::test_models::{every_operation, fill, images, logits, tiny};
use mda_core::graph::Graph;
use mda_core::model::provenance::{ComponentOrigin, ComponentRecord, Provenance};
use mda_core::op::{BatchNorm, Clamp, Flatten, Input, Normalize, Op};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fs;

/// Name, type, shape and bytes of a tensor.
type RawTensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn origin() -> Provenance {
    Provenance::Component(ComponentOrigin {
        source: "LeNet \"5\"".into(),
        source_sha256: Some("ab".repeat(32)),
        task: vec![3, 1],
        formulation: json!({ "threshold": 0.1 + 0.2, "top": null }),
        images_per_category: 100,
        images: None,
        repair: None,
        tuning: None,
        kept: BTreeMap::from([("conv".into(), vec![0])]),
    })
}

/// A file with the metadata and tensors given.
fn file(metadata: &[(&str, String)], tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
    let metadata: HashMap<String, String> = metadata.iter().map(|(k, v)| ((*k).into(), v.clone())).collect();
    let views: Vec<_> = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap()))
        .collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// The file of [`tiny`], its description and tensors changed by `edit`.
fn edited(edit: impl FnOnce(&mut Value, &mut Vec<RawTensor>)) -> Result<Model, NativeError> {
    let bytes = to_bytes(&tiny()).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let parsed = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut description = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["mda.model"]).unwrap();
    let mut tensors: Vec<_> = parsed
        .iter()
        .map(|(name, view)| (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    edit(&mut description, &mut tensors);
    let tensors: Vec<_> =
        tensors.iter().map(|(name, d, shape, data)| (name.as_str(), *d, &shape[..], data.clone())).collect();
    from_bytes(&file(&[("mda.format", "1".into()), ("mda.model", description.to_string())], &tensors))
}

#[test]
fn a_model_with_every_operation_comes_back() {
    let model = every_operation().with_provenance(Provenance::Assembled {
        form: "parallel".into(),
        rescaling: "none".into(),
        fitted_on: None,
        tuning: None,
        components: vec![ComponentRecord {
            name: "LeNet".into(),
            categories: vec!["3".into()],
            origin: Some(Box::new(origin())),
        }],
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write(&model, &path).unwrap();
    let back = read(&path).unwrap();
    assert_eq!(back, model);
    assert_eq!(logits(&back, &images(&model, 2)), logits(&model, &images(&model, 2)));
    assert_eq!(from_bytes(&fs::read(&path).unwrap()).unwrap(), model);
    assert_eq!(from_bytes(&to_bytes(&model).unwrap()).unwrap(), model);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn any_safetensors_reader_opens_the_file() {
    let model = tiny().with_provenance(origin());
    let bytes = to_bytes(&model).unwrap();
    let parsed = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(parsed.len(), model.parameters().len());
    assert_eq!(parsed.tensor("conv.weight").unwrap().shape(), [2, 1, 3, 3]);
    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
}

#[test]
fn the_digest_is_that_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    fs::write(&path, "abc").unwrap();
    assert_eq!(sha256(&path).unwrap(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(sha256(&folder.path().join("none")).unwrap_err().to_string().contains("none: cannot be read"));
}

#[test]
fn a_folder_and_an_empty_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not a file"), "{error}");
    let path = folder.path().join("empty");
    fs::write(&path, "").unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("0 bytes"), "{error}");
}

#[test]
fn a_model_outlives_what_replaces_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write(&every_operation(), &path).unwrap();
    // SAFETY: only `write` touches the file, and it leaves the mapped one as it was.
    let (mapped, model) = (unsafe { read_mapped(&path) }.unwrap(), read(&path).unwrap());
    write(&tiny(), &path).unwrap();
    assert_eq!(mapped, every_operation());
    assert_eq!(model, every_operation());
    assert_eq!(read(&path).unwrap(), tiny());
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("model.safetensors");
    let error = write(&tiny(), &path).unwrap_err();
    assert!(matches!(error, NativeError::Write { .. }));
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn with_attributes(mean: f32, std: f32, eps: f32, max: f32) -> Graph {
    let mut graph = Graph::new();
    graph.push("images", Input { channels: 1, height: 1, width: 1 }, &[]);
    graph.push("normalize", Normalize { mean: vec![mean], std: vec![std] }, &["images"]);
    graph.push("bn", BatchNorm { eps }, &["normalize"]);
    graph.push("clamp", Clamp { min: None, max: Some(max) }, &["bn"]);
    graph.push("flatten", Flatten {}, &["clamp"]);
    graph
}

fn attributes_survive(numbers: [f32; 4]) {
    let [mean, std, eps, max] = numbers;
    let model = fill("attributes", &with_attributes(mean, std, eps.abs(), max));
    let back = from_bytes(&to_bytes(&model).unwrap()).unwrap();
    let bits = |model: &Model| -> Vec<u32> {
        let of = |op: &Op| match op {
            Op::Normalize(Normalize { mean, std }) => vec![mean[0].to_bits(), std[0].to_bits()],
            Op::BatchNorm(BatchNorm { eps }) => vec![eps.to_bits()],
            Op::Clamp(Clamp { max: Some(max), .. }) => vec![max.to_bits()],
            _ => Vec::new(),
        };
        model.graph().nodes().iter().flat_map(|node| of(&node.op)).collect()
    };
    assert_eq!(bits(&back), bits(&model));
    assert_eq!(bits(&back).len(), 4);
}

#[test]
fn numbers_that_the_shortest_form_would_change_survive() {
    attributes_survive([7.038_531e-26, -7.038_531e-26, 1e-5, f32::MAX]);
    attributes_survive([-0.0, f32::MIN_POSITIVE, 1e-45, 0.1]);
}

proptest! {
    #[test]
    fn random_models_come_back(model in mda_testkit::generate::models()) {
        prop_assert_eq!(from_bytes(&to_bytes(&model.0).unwrap()).unwrap(), model.0);
    }

    #[test]
    fn every_f32_attribute_survives(numbers in prop::array::uniform4(prop::num::f32::NORMAL | prop::num::f32::SUBNORMAL)) {
        attributes_survive(numbers);
    }

    #[test]
    fn damaged_bytes_never_panic(at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = to_bytes(&tiny()).unwrap();
        prop_assert!(from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = from_bytes(&bytes);
    }
}

#[test]
fn what_is_no_safetensors_file_is_refused() {
    let refused = |bytes: &[u8]| from_bytes(bytes).unwrap_err().to_string();
    assert!(refused(b"").contains("0 bytes"));
    assert!(refused(b"PK\x03\x04 a PyTorch file").contains("hint: `mda import`"));
    assert!(refused(b"\x02\0\0\0\0\0\0\0[]").contains("header, from byte 8 on"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = [&(deep.len() as u64).to_le_bytes(), deep.as_bytes()].concat();
    assert!(refused(&deep).contains("not a model file"));
}

#[test]
fn a_file_that_is_cut_off_tells_how_much_is_missing() {
    let bytes = to_bytes(&tiny()).unwrap();
    let error = from_bytes(&bytes[..bytes.len() - 3]).unwrap_err();
    let total = tiny().parameters().iter().map(|(_, tensor)| tensor.len() as u64 * 4).sum::<u64>();
    assert!(matches!(error, NativeError::Length { expected, found } if expected == total && found == total - 3));
    assert!(from_bytes(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn a_safetensors_file_without_a_graph_gets_the_hint() {
    let error = from_bytes(&file(&[], &[("a", Dtype::F32, &[1], vec![0; 4])])).unwrap_err();
    assert!(matches!(error, NativeError::NoModel("mda.format")));
    assert!(error.to_string().contains("hint: `mda import`"));
    let error = from_bytes(&file(&[("mda.format", "1".into())], &[])).unwrap_err();
    assert!(matches!(error, NativeError::NoModel("mda.model")));
}

#[test]
fn another_version_is_refused() {
    let error = from_bytes(&file(&[("mda.format", "2".into()), ("mda.model", "{}".into())], &[])).unwrap_err();
    assert!(matches!(error, NativeError::Version { found } if found == "2"));
}

#[test]
fn a_broken_description_tells_where() {
    for broken in ["{", "{}", "[]", "{\"name\": 3}"] {
        let error = from_bytes(&file(&[("mda.format", "1".into()), ("mda.model", broken.into())], &[])).unwrap_err();
        assert!(error.to_string().contains("line 1 column"), "{error}");
    }
    let error = edited(|description, _| description["graph"]["nodes"][1]["op"] = json!("Softmax")).unwrap_err();
    assert!(error.to_string().contains("unknown variant `Softmax`"), "{error}");
}

#[test]
fn every_problem_of_the_graph_is_told() {
    let error = edited(|description, _| {
        description["graph"]["nodes"][1]["groups"] = json!(5);
        description["graph"]["nodes"][2]["inputs"] = json!(["nowhere"]);
    });
    let Err(NativeError::Graph(errors)) = error else { panic!("{error:?}") };
    assert!(errors.0.iter().any(|problem| problem.node == "conv"));
    assert!(errors.0.iter().any(|problem| problem.node == "relu"));
}

#[test]
fn parameters_that_do_not_fit_are_told() {
    let told = |edit: fn(&mut Vec<RawTensor>)| edited(|_, t| edit(t)).unwrap_err().to_string();
    assert!(told(|t| t.retain(|t| t.0 != "fc.bias")).contains("`fc.bias` [3], got none"));
    assert!(told(|t| t.push(("extra".into(), Dtype::F32, vec![1], vec![0; 4]))).contains("`extra` [1]"));
    let nan = |t: &mut Vec<RawTensor>| {
        let weight = t.iter_mut().find(|t| t.0 == "conv.weight").unwrap();
        weight.3[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    };
    assert!(told(nan).contains("finite numbers in `conv.weight`, got NaN at position 2"));
    for (dtype, name) in [(Dtype::F16, "F16"), (Dtype::BF16, "BF16")] {
        let half = edited(|_, t| t.push(("half".into(), dtype, vec![1], vec![0; 2]))).unwrap_err().to_string();
        assert!(half.contains(&format!("`half` is {name}")), "{half}");
    }
    assert!(edited(|d, _| d["categories"] = json!(["a", "b"])).unwrap_err().to_string().contains("3 category names"));
}

#[test]
fn images_that_the_graph_does_not_take_are_told() {
    for (key, value) in [("width", json!(5)), ("value_range", json!([0.0, 255.0])), ("colour_order", json!("RGB"))] {
        let error = edited(|description, _| description["input"][key] = value).unwrap_err();
        assert!(matches!(error, NativeError::Contract { .. }), "{error}");
    }
}

#[test]
fn an_origin_nested_too_deeply_is_not_written() {
    let nested = (0..200).fold(origin(), |origin, depth| Provenance::Assembled {
        form: "parallel".into(),
        rescaling: "none".into(),
        fitted_on: None,
        tuning: None,
        components: vec![ComponentRecord {
            name: depth.to_string(),
            categories: Vec::new(),
            origin: Some(Box::new(origin)),
        }],
    });
    assert!(matches!(to_bytes(&tiny().with_provenance(nested)), Err(NativeError::Undescribable(_))));
}
