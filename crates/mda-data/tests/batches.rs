//! Walks over a data set: what is in the batches, and how errors and early ends come out.

#![allow(clippy::unwrap_used, reason = "clippy only sees the test functions themselves as tests")]

use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use std::{fs, thread};

use mda_core::run::ImageSource;
use mda_data::{DataError, DataSet, Preparation, Split, write_idx};

const JPEG: &[u8] = include_bytes!("../fixtures/subsampled.jpg");
const GREY_JPEG: &[u8] = include_bytes!("../fixtures/grey.jpg");

/// `count` images of one pixel, whose value is their index.
fn pixels(count: u8) -> DataSet {
    let dir = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..count).map(|index| index % 10).collect();
    write_idx(dir.path(), Split::Train, &(0..count).collect::<Vec<u8>>(), 1, 1, &labels).unwrap();
    DataSet::open(dir.path(), Split::Train).unwrap()
}

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join("test/cat").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn error_of(item: Option<Result<mda_core::run::Batch, mda_core::run::SourceError>>) -> DataError {
    *item.unwrap().unwrap_err().downcast().unwrap()
}

#[test]
fn batches_follow_the_indices() {
    let set = pixels(20);
    let indices = [12, 0, 19, 3, 3];
    let batches: Vec<_> = set.batches(&indices, 2).map(Result::unwrap).collect();
    let shapes: Vec<_> = batches.iter().map(|batch| batch.images.shape().to_vec()).collect();
    assert_eq!(shapes, [[2, 1, 1, 1], [2, 1, 1, 1], [1, 1, 1, 1]]);
    let values: Vec<f32> = batches.iter().flat_map(|batch| batch.images.data().to_vec()).collect();
    assert_eq!(values, indices.map(|index| index as f32 / 255.0));
    assert_eq!(batches.iter().flat_map(|batch| batch.indices.clone()).collect::<Vec<_>>(), indices);
    assert_eq!(batches.iter().flat_map(|batch| batch.labels.clone()).collect::<Vec<_>>(), [2, 0, 9, 3, 3]);
}

#[test]
fn no_indices_give_no_batch() {
    assert!(pixels(10).batches(&[], 4).next().is_none());
}

#[test]
fn an_index_that_is_too_large_is_an_error_and_the_end() {
    let set = pixels(10);
    let mut batches = set.batches(&[1, 10], 1);
    assert!(matches!(error_of(batches.next()), DataError::NoImage { index: 10, count: 10 }));
    assert!(batches.next().is_none());
}

#[test]
fn a_batch_size_of_zero_is_an_error() {
    assert!(matches!(error_of(pixels(10).batches(&[1], 0).next()), DataError::EmptyBatches));
}

#[test]
fn a_broken_image_is_named_after_the_batches_before_it() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["1.jpg", "2.jpg", "4.jpg"] {
        put(dir.path(), name, JPEG);
    }
    put(dir.path(), "3.jpg", &JPEG[..JPEG.len() / 2]);
    let set = DataSet::open(dir.path(), Split::Test).unwrap();
    let mut batches = set.batches(&[0, 1, 2, 3], 2);
    assert!(batches.next().unwrap().is_ok());
    let error = error_of(batches.next());
    assert!(matches!(&error, DataError::Decode { name, .. } if name.ends_with("3.jpg")), "{error}");
    assert!(batches.next().is_none());
}

#[test]
fn a_file_that_vanished_is_named() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "1.jpg", JPEG);
    put(dir.path(), "2.jpg", JPEG);
    let set = DataSet::open(dir.path(), Split::Test).unwrap();
    fs::remove_file(dir.path().join("test/cat/2.jpg")).unwrap();
    assert!(error_of(set.batches(&[1], 1).next()).to_string().contains("2.jpg"));
}

#[test]
fn mixed_sizes_need_a_preparation() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "1.jpg", JPEG);
    put(dir.path(), "2.jpg", GREY_JPEG);
    let set = DataSet::open(dir.path(), Split::Test).unwrap();
    let error = error_of(set.batches(&[0, 1], 2).next());
    assert!(matches!(error, DataError::MixedSizes { expected: (32, 32), found: (28, 28), .. }), "{error}");
    let prepared = set.prepare(Preparation::new(1, 16, 20).unwrap());
    let batch = prepared.batches(&[0, 1], 2).next().unwrap().unwrap();
    assert_eq!(batch.images.shape(), [2, 1, 16, 20]);
    let expected: Vec<f32> = prepared.pixels(1).unwrap().data.iter().map(|&value| f32::from(value) / 255.0).collect();
    assert_eq!(batch.images.row(1), expected);
}

/// Runs `body`, and fails where it has not returned after a time that is long for it.
fn within_seconds(seconds: u64, body: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        body();
        sender.send(()).unwrap();
    });
    receiver.recv_timeout(Duration::from_secs(seconds)).expect("the walk hangs or panicked");
}

#[test]
fn a_walk_that_is_dropped_early_stops() {
    within_seconds(60, || {
        let set = pixels(250);
        let indices: Vec<usize> = (0..250).collect();
        for taken in 0..4 {
            let mut batches = set.batches(&indices, 1);
            assert_eq!(batches.by_ref().take(taken).filter(|batch| batch.is_ok()).count(), taken);
        }
    });
}

#[test]
fn a_walk_inside_a_busy_thread_pool_does_not_wait_for_itself() {
    within_seconds(60, || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let images: usize = pool.install(|| {
            let set = pixels(20);
            let indices: Vec<usize> = (0..20).collect();
            set.batches(&indices, 3).map(|batch| batch.unwrap().labels.len()).sum()
        });
        assert_eq!(images, 20);
    });
}
