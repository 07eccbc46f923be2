//! Files that are damaged, change while they are used, or are no model files.

use super::*;

#[test]
fn a_model_that_was_read_does_not_change_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    write(&every_operation(), &path).unwrap();
    let model = read(&path).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
    assert_eq!(model, every_operation());
}

/// The file of [`tiny`] with the lowest bit of its last weight's exponent flipped: still a finite number.
fn flipped(path: &Path) -> Vec<u8> {
    write(&tiny(), path).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let place = bytes.len() - 2;
    bytes[place] ^= 0x80;
    fs::write(path, &bytes).unwrap();
    bytes
}

#[test]
fn a_flipped_weight_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let bytes = flipped(&path);
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: the tensors have the SHA-256") && error.contains("damaged"), "{error}");
    assert!(matches!(from_bytes(&bytes), Err(NativeError::Digest { .. })));
    // SAFETY: nobody touches the file.
    let mapped = unsafe { read_mapped(&path) }.unwrap();
    assert_ne!(mapped, tiny(), "a mapped file is taken as it is");
}

#[test]
fn files_are_equal_where_models_are_and_name_the_digest_of_their_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let written = ["a", "b"].map(|name| {
        let path = folder.path().join(name);
        write(&tiny(), &path).unwrap();
        fs::read(path).unwrap()
    });
    assert_eq!(written[0], written[1]);
    let (size, metadata) = safetensors::SafeTensors::read_metadata(&written[0]).unwrap();
    let told = metadata.metadata().as_ref().unwrap()["mda.tensors_sha256"].clone();
    let tensors = folder.path().join("tensors");
    fs::write(&tensors, &written[0][8 + size..]).unwrap();
    assert_eq!(told, sha256(&tensors).unwrap());
}

#[test]
fn files_without_a_digest_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old");
    fs::write(&path, to_bytes(&tiny()).unwrap()).unwrap();
    assert_eq!(read(&path).unwrap(), tiny());
}

#[test]
fn model_files_are_told_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        is_model(&path).unwrap()
    };
    let model = to_bytes(&tiny()).unwrap();
    assert!(told(&model));
    assert!(told(&file(&[("mda.format", "9".into())], &[])), "of a later version");
    assert!(!told(&file(&[], &[("a", Dtype::F32, &[1], vec![0; 4])])));
    for other in [&b""[..], b"PK\x03\x04 and so on", &model[..100]] {
        assert!(!told(other));
    }
    assert!(is_model(&folder.path().join("none")).is_err());
}
