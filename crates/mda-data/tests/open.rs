//! Every kind of data set that `DataSet::open` finds, and what it says where it finds none.

#![allow(clippy::unwrap_used, reason = "clippy only sees the test functions themselves as tests")]

use std::fs;
use std::path::Path;

use mda_data::archive::ArchiveError;
use mda_data::{DataError, DataSet, Preset, Reason, Split, write_categories, write_idx};

const JPEG: &[u8] = include_bytes!("../fixtures/subsampled.jpg");
const GREY_JPEG: &[u8] = include_bytes!("../fixtures/grey.jpg");
const PNG: &[u8] = include_bytes!("../fixtures/colour-32x32.png");

fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn put_tar(root: &Path, name: &str, entries: &[(&str, &[u8])]) {
    let mut builder = tar::Builder::new(Vec::new());
    for (entry, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, entry, *bytes).unwrap();
    }
    put(root, name, &builder.into_inner().unwrap());
}

/// Ten images of 2x3 pixels, one of every category.
fn put_idx(root: &Path, split: Split) {
    let images: Vec<u8> = (0..60).collect();
    write_idx(root, split, &images, 2, 3, &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]).unwrap();
}

#[test]
fn a_folder_of_idx_files() {
    let dir = tempfile::tempdir().unwrap();
    put_idx(dir.path(), Split::Train);
    let set = DataSet::open(dir.path(), Split::Train).unwrap();
    assert_eq!((set.len(), set.shape()), (10, [1, 2, 3]));
    assert_eq!(set.labels()[..3], [9, 8, 7]);
    assert_eq!(set.categories()[9], "9");
    assert_eq!(set.pixels(1).unwrap().data, [6, 7, 8, 9, 10, 11]);
    let named = set.with_categories(Preset::FashionMnist.categories()).unwrap();
    assert_eq!(named.display_name(9), Some("Ankle boot"));
    assert!(matches!(named.with_categories(&["one"]), Err(DataError::CategoryCount { expected: 10, found: 1 })));
}

#[test]
fn an_idx_category_without_an_image_is_named() {
    let dir = tempfile::tempdir().unwrap();
    write_idx(dir.path(), Split::Test, &[0; 2], 1, 1, &[0, 1]).unwrap();
    write_categories(dir.path(), &["shirt", "trouser", "shoe"]).unwrap();
    let error = DataSet::open(dir.path(), Split::Test).unwrap_err();
    assert!(matches!(&error, DataError::EmptyCategory { label: 2, category, .. } if category == "shoe"), "{error}");
}

#[test]
fn a_folder_of_folders() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train/dog/1.jpg", "train/cat/b.png", "train/cat/a.jpeg"] {
        put(dir.path(), name, if name.ends_with("png") { PNG } else { JPEG });
    }
    put(dir.path(), "classes.tsv", b"cat\ttabby, tabby cat\n\nother\tnot here\n");
    let set = DataSet::open(dir.path(), Split::Train).unwrap();
    assert_eq!(set.categories(), ["cat", "dog"]);
    assert_eq!(set.labels(), [0, 0, 1]);
    assert_eq!(set.shape(), [3, 32, 32]);
    assert!(set.image_name(0).unwrap().ends_with("a.jpeg"));
    assert_eq!(set.description(0), Some("tabby, tabby cat"));
    assert_eq!((set.display_name(0), set.display_name(1)), (Some("tabby"), Some("dog")));
    assert_eq!((set.description(1), set.display_name(2)), (None, None));
}

#[test]
fn what_is_left_out_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train/cat/1.jpg", "train/dog/1.jpg", "train/dog/2.webp", "train/dog/3.webp"] {
        put(dir.path(), name, JPEG);
    }
    put_tar(dir.path(), "test.tar", &[("test/cat/1.jpg", JPEG), ("test/cat/2.gif", JPEG), ("test/readme", b"")]);
    let train = DataSet::open(dir.path(), Split::Train).unwrap();
    let [formats] = train.left_out() else { panic!("{:?}", train.left_out()) };
    let told = formats.to_string();
    assert!(
        told.starts_with("2 files of other formats than .jpg, .jpeg and .png") && told.contains("2.webp"),
        "{told}"
    );
    assert_eq!(train.limit_per_category(1).left_out(), train.left_out());
    let test = DataSet::open(dir.path(), Split::Test).unwrap();
    let reasons: Vec<_> = test.left_out().iter().map(|left_out| (left_out.reason, left_out.count)).collect();
    assert_eq!(reasons, [(Reason::Format, 1), (Reason::Beside, 1)]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_name() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "test/cat/1.jpg", JPEG);
    put(dir.path(), "classes.tsv", "\u{feff}cat\ttabby\r\n".as_bytes());
    assert_eq!(DataSet::open(dir.path(), Split::Test).unwrap().description(0), Some("tabby"));
}

#[test]
fn a_folder_of_archives_and_an_archive_itself() {
    let dir = tempfile::tempdir().unwrap();
    put_tar(dir.path(), "test.tar", &[("test/dog/2.jpg", JPEG), ("test/cat/9.jpg", JPEG), ("test/cat/10.jpg", PNG)]);
    for path in [dir.path().to_path_buf(), dir.path().join("test.tar")] {
        let set = DataSet::open(&path, Split::Test).unwrap();
        assert_eq!(set.labels(), [0, 0, 1]);
        assert_eq!(set.image_name(0).unwrap(), "test/cat/9.jpg");
    }
    let error = DataSet::open(&dir.path().join("test.tar"), Split::Train).unwrap_err();
    assert!(matches!(error, DataError::Archive(ArchiveError::NoSplit { .. })), "{error}");
}

#[test]
fn val_stands_in_for_test_only_where_there_is_no_test() {
    let dir = tempfile::tempdir().unwrap();
    put_tar(dir.path(), "val.tar", &[("val/cat/1.jpg", JPEG)]);
    assert_eq!(DataSet::open(dir.path(), Split::Test).unwrap().image_name(0).unwrap(), "val/cat/1.jpg");
    put(dir.path(), "test/cat/2.jpg", JPEG);
    assert!(DataSet::open(dir.path(), Split::Test).unwrap().image_name(0).unwrap().ends_with("2.jpg"));
}

#[test]
fn nothing_found_lists_what_was_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    put_idx(dir.path(), Split::Train);
    let message = DataSet::open(dir.path(), Split::Test).unwrap_err().to_string();
    for part in ["no test split", "t10k-images-idx3-ubyte", "test.tar.gz", "test/<category>/", "val.tar"] {
        assert!(message.contains(part), "{message}");
    }
    let message = DataSet::open(&dir.path().join("nowhere"), Split::Train).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
}

#[test]
fn a_single_idx_file_is_an_error_that_asks_for_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    put_idx(dir.path(), Split::Test);
    let error = DataSet::open(&dir.path().join("t10k-images-idx3-ubyte.gz"), Split::Test).unwrap_err();
    assert!(matches!(error, DataError::NoArchive { .. }), "{error}");
}

#[test]
fn a_description_without_a_tab_is_an_error_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "test/cat/1.jpg", JPEG);
    put(dir.path(), "classes.tsv", b"dog\tdog\ncat tabby\n");
    let error = DataSet::open(dir.path(), Split::Test).unwrap_err();
    assert!(matches!(error, DataError::Description { line: 2, .. }), "{error}");
}

#[test]
fn views_keep_the_numbers_of_the_categories() {
    let dir = tempfile::tempdir().unwrap();
    let labels: Vec<u8> = (0..30).map(|index| index % 10).collect();
    write_idx(dir.path(), Split::Train, &(0..30).collect::<Vec<u8>>(), 1, 1, &labels).unwrap();
    let set = DataSet::open(dir.path(), Split::Train).unwrap();
    let view = set.of_categories(&[4, 7]).unwrap().limit_per_category(2).subset(&[3, 0]).unwrap();
    assert_eq!(view.labels(), [7, 4]);
    assert_eq!([view.pixels(0).unwrap().data[0], view.pixels(1).unwrap().data[0]], [17, 4]);
    assert_eq!(view.categories().len(), 10);
    assert!(matches!(set.of_categories(&[10]), Err(DataError::NoCategory { label: 10, count: 10 })));
    assert!(matches!(view.subset(&[2]), Err(DataError::NoImage { index: 2, count: 2 })));
    assert!(matches!(view.pixels(2), Err(DataError::NoImage { .. })));
}

#[test]
fn grey_pictures_of_an_image_folder_come_in_colour() {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), "test/cat/1.jpg", GREY_JPEG);
    assert_eq!(DataSet::open(dir.path(), Split::Test).unwrap().shape(), [3, 28, 28]);
}
