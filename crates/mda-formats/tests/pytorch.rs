//! Checkpoints that PyTorch wrote (`fixtures/make.py`): every value, every name, every refusal.

use std::path::PathBuf;

use mda_core::Tensor;
use mda_formats::pytorch::{ArchiveError, PickleError};
use mda_formats::{Format, PytorchError, StateDict, StateDictError};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(name: &str) -> StateDict {
    StateDict::read(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

/// `start`, `start` + 1, ... in eighths, as `ramp` in make.py.
fn ramp(shape: &[usize], start: i16) -> Tensor {
    let count = i16::try_from(shape.iter().product::<usize>()).expect("fixtures are small");
    let numbers = (start..start + count).map(|number| f32::from(number) / 8.0).collect();
    Tensor::new(shape, numbers).expect("as many numbers as the shape has")
}

const TINY: [(&str, &[usize]); 8] = [
    ("features.0.weight", &[2, 1, 2, 2]),
    ("features.0.bias", &[2]),
    ("features.1.weight", &[2]),
    ("features.1.bias", &[2]),
    ("features.1.running_mean", &[2]),
    ("features.1.running_var", &[2]),
    ("classifier.weight", &[3, 2]),
    ("classifier.bias", &[3]),
];

fn assert_tiny(file: &str, state_dict: &StateDict) {
    assert_eq!(state_dict.names, TINY.map(|(name, _)| name), "{file}");
    assert_eq!(state_dict.entries.len(), TINY.len(), "{file}");
    for (name, shape) in TINY {
        let expected = match name {
            "features.1.running_mean" => Tensor::vector(vec![0.0; 2]),
            "features.1.running_var" => Tensor::vector(vec![1.0; 2]),
            _ => ramp(shape, 0),
        };
        assert_eq!(state_dict.entries[name], expected, "{file}: {name}");
    }
    assert_eq!(state_dict.ignored, ["features.1.num_batches_tracked"], "{file}");
}

#[test]
fn a_state_dict_reads_the_same_in_every_protocol_and_both_formats() {
    for (file, format) in [
        ("state_dict.pth", Format::PytorchZip),
        ("state_dict_protocol4.pth", Format::PytorchZip),
        ("state_dict_protocol5_legacy.pth", Format::PytorchLegacy),
        ("state_dict_protocol1_legacy.pth", Format::PytorchLegacy),
    ] {
        let state_dict = read(file);
        assert_tiny(file, &state_dict);
        assert_eq!(state_dict.format, format, "{file}");
        assert_eq!((state_dict.nested_under.len(), state_dict.stripped_prefix.as_str()), (0, ""), "{file}");
    }
}

#[test]
fn parameters_are_tensors() {
    let state_dict = read("parameters_legacy.pth");
    assert_eq!(state_dict.names.len(), 6);
    assert_eq!(state_dict.entries["classifier.weight"], ramp(&[3, 2], 0));
}

#[test]
fn shared_strided_and_empty_tensors_become_dense() {
    for file in ["views.pth", "views_legacy.pth"] {
        let state_dict = read(file);
        let expected = ["head", "every_third", "transposed", "scalar", "empty", "expanded"];
        assert_eq!(state_dict.names, expected, "{file}");
        let eighths = |shape: &[usize], numbers: &[f32]| {
            Tensor::new(shape, numbers.iter().map(|number| number / 8.0).collect()).unwrap()
        };
        let entries = &state_dict.entries;
        assert_eq!(entries["head"], ramp(&[4], 0), "{file}");
        assert_eq!(entries["every_third"], eighths(&[4], &[2.0, 5.0, 8.0, 11.0]), "{file}");
        let transposed = [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0];
        assert_eq!(entries["transposed"], eighths(&[2, 2, 3], &transposed), "{file}");
        assert_eq!(entries["scalar"], eighths(&[], &[5.0]), "{file}");
        assert_eq!(entries["empty"], eighths(&[0, 3], &[]), "{file}");
        assert_eq!(entries["expanded"], eighths(&[2, 3], &[3.0, 3.0, 3.0, 4.0, 4.0, 4.0]), "{file}");
    }
}

#[test]
fn every_float_type_is_read_and_integers_are_set_aside() {
    for file in ["dtypes.pth", "dtypes_legacy.pth"] {
        let state_dict = read(file);
        assert_eq!(state_dict.names, ["half", "bfloat16", "float", "double"], "{file}");
        for (name, tensor) in &state_dict.entries {
            assert_eq!(*tensor, ramp(&[2, 2], -1), "{file}: {name}");
        }
        assert_eq!(state_dict.ignored, ["long", "byte", "flag"], "{file}");
    }
}

#[test]
fn a_training_checkpoint_gives_its_model() {
    for file in ["training.pth", "training_legacy.pth"] {
        let state_dict = read(file);
        assert_tiny(file, &state_dict);
        assert_eq!(state_dict.nested_under, ["state_dict"], "{file}");
        assert_eq!(state_dict.stripped_prefix, "module.", "{file}");
    }
}

#[test]
fn a_number_that_is_not_finite_is_named() {
    match StateDict::read(fixture("not_finite.pth")) {
        Err(StateDictError::NonFinite { tensor, index, value }) => {
            assert_eq!((tensor.as_str(), index), ("bad", vec![1, 0]));
            assert!(value.is_nan());
        }
        other => panic!("{other:?}"),
    }
}

fn pickle_error(name: &str) -> PickleError {
    match StateDict::read(fixture(name)) {
        Err(StateDictError::Pytorch(PytorchError::Pickle { source, .. })) => source,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_hostile_pickle_is_refused_by_the_name_of_what_it_asks_for() {
    for file in ["hostile.pth", "hostile_legacy.pth"] {
        let error = pickle_error(file);
        assert!(matches!(&error, PickleError::Refused { global, .. } if global == "posix.system"), "{error:?}");
        assert!(error.to_string().contains("refused: the pickle asks for `posix.system`"), "{error}");
    }
}

#[test]
fn a_whole_module_is_refused_with_a_hint() {
    for (file, expected) in [("module.pth", "__main__.TinyNet"), ("module_legacy.pth", "__main__.Lone")] {
        let error = pickle_error(file);
        assert!(matches!(&error, PickleError::WholeModule { class, .. } if class == expected), "{error:?}");
        assert!(error.to_string().contains("model.state_dict()"), "{error}");
    }
}

#[test]
fn other_kinds_of_file_are_told_apart() {
    let mut tar = vec![0; 512];
    tar[257..262].copy_from_slice(b"ustar");
    let tar = StateDict::from_bytes(&tar);
    assert!(matches!(tar, Err(StateDictError::Pytorch(PytorchError::Tar))), "{tar:?}");

    let bare = StateDict::from_bytes(b"\x80\x04}.");
    assert!(matches!(bare, Err(StateDictError::Pytorch(PytorchError::BarePickle))), "{bare:?}");

    let missing = StateDict::read(fixture("no such file"));
    assert!(matches!(missing, Err(StateDictError::Io { .. })), "{missing:?}");
}

#[test]
fn the_format_is_told_by_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    std::fs::copy(fixture("state_dict.pth"), &path).unwrap();
    assert_eq!(StateDict::read(&path).unwrap().format, Format::PytorchZip);
}

#[test]
fn a_flipped_bit_in_a_weight_fails_the_checksum() {
    let mut file = std::fs::read(fixture("state_dict.pth")).unwrap();
    let weights: Vec<u8> = ramp(&[2, 1, 2, 2], 0).data().iter().flat_map(|number| number.to_le_bytes()).collect();
    let start = file.windows(weights.len()).position(|window| window == weights).unwrap();
    file[start + 5] ^= 1;
    match StateDict::from_bytes(&file) {
        Err(StateDictError::Pytorch(PytorchError::Archive(ArchiveError::Checksum { entry, .. }))) => {
            assert_eq!(entry, "state_dict/data/0");
        }
        other => panic!("{other:?}"),
    }
}
