//! A safetensors file that the Python library wrote (`fixtures/make.py`), and files that are no state dict.

use std::path::PathBuf;

use mda_formats::{Format, SafetensorsError, StateDict, StateDictError};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A file with this header and this data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn every_float_type_is_read_and_integers_are_set_aside() {
    let state_dict = StateDict::read(fixture("dtypes.safetensors")).unwrap();
    assert_eq!(state_dict.format, Format::Safetensors);
    assert_eq!(state_dict.entries.keys().collect::<Vec<_>>(), ["bfloat16", "double", "float", "half"]);
    for (name, tensor) in &state_dict.entries {
        assert_eq!(tensor.shape(), [2, 2], "{name}");
        assert_eq!(tensor.data(), [-0.125, 0.0, 0.125, 0.25], "{name}");
    }
    let mut ignored = state_dict.ignored;
    ignored.sort();
    assert_eq!(ignored, ["byte", "flag", "long"]);
}

#[test]
fn names_keep_the_order_of_the_data() {
    let header =
        r#"{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[4,8]}}"#;
    let state_dict = StateDict::from_bytes(&file(header, &[0; 8])).unwrap();
    assert_eq!(state_dict.names, ["b", "a"]);
}

#[test]
fn a_type_that_is_no_weight_is_an_error_that_names_the_tensor() {
    let header = r#"{"w":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}"#;
    let error = StateDict::from_bytes(&file(header, &[0; 2])).unwrap_err();
    assert!(matches!(&error, StateDictError::Safetensors(SafetensorsError::Dtype { tensor, .. }) if tensor == "w"));
    assert!(error.to_string().contains("F8_E4M3"), "{error}");
}

#[test]
fn a_number_that_is_not_finite_is_named() {
    let header = r#"{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}"#;
    let data = [1.0f64, 1e300].map(f64::to_le_bytes).concat();
    match StateDict::from_bytes(&file(header, &data)) {
        Err(StateDictError::NonFinite { tensor, index, value }) => {
            assert_eq!((tensor.as_str(), index, value), ("w", vec![1], f32::INFINITY));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn headers_that_lie_are_errors() {
    for (header, data) in [
        (r#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4),
        (r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3),
        (r#"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0),
        (r#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4),
        (r#"{"w":"#, 0),
    ] {
        let read = StateDict::from_bytes(&file(header, &vec![0; data]));
        assert!(matches!(read, Err(StateDictError::Safetensors(SafetensorsError::Malformed(_)))), "{header}: {read:?}");
    }
}
