//! What `mda evaluate` and the accuracies of a component say.

use super::{Bench, asset};
use mda_data::{Split, write_categories, write_idx};
use std::fs;

/// Test images in the folder `data`: `each` of every label of `names`, all grey of one shade.
fn put_images(bench: &Bench, names: &[&str], each: usize) {
    let folder = bench.path("data");
    let labels: Vec<u8> = (0..names.len() * each).map(|n| (n % names.len()) as u8).collect();
    let pixels: Vec<u8> = labels.iter().flat_map(|&label| [label * 20; 64]).collect();
    write_idx(&folder, Split::Test, &pixels, 8, 8, &labels).unwrap();
    write_categories(&folder, names).unwrap();
}

/// What `mda evaluate` prints and what it notes beside it.
fn evaluated(bench: &Bench, model: &str, flags: &[&str]) -> (String, String) {
    let output = bench.mda(&[&["evaluate", model][..], flags].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn categories_that_the_data_lacks_are_no_part_of_the_task() {
    let bench = Bench::new();
    put_images(&bench, &["3", "5", "x"], 4);
    let model = asset("lenet5-mnist.safetensors");
    let (said, notes) = evaluated(&bench, &model, &["--data=data"]);
    assert!(said.contains("8 test images of its categories 3,5 (2 of 10)"), "{said}");
    assert!(notes.contains("note: data: 4 images of 1 category that the model lacks left out, such as `x`"), "{notes}");
    let (said, notes) = evaluated(&bench, &model, &["--data=data", "--task=3-6"]);
    assert!(said.contains("its categories 3-6 (4 of 10)"), "{said}");
    assert!(notes.contains("note: no image of 2 of the task's categories, such as `4`"), "{notes}");
}

#[test]
fn one_category_is_measured_by_what_it_is_told_from() {
    let bench = Bench::new();
    let (model, data) = (asset("lenet5-mnist.safetensors"), format!("--data={}", asset("mnist")));
    let cut = ["disassemble", &model, &data, "--task=7", "--keep-params=30%", "--formulation=l1", "-o=seven"];
    let table = bench.succeeds(&cut);
    assert!(table.contains("area under the ROC curve") && table.contains("(base)"), "{table}");
    assert!(!table.contains("base-restricted"), "{table}");
    assert_eq!(table.matches("component, repair ridge").count(), 1, "among the areas only: {table}");
    let (said, notes) = evaluated(&bench, "seven", &[&data]);
    assert!(said.contains("of its category 0") && said.contains("area under the ROC curve"), "{said}");
    assert!(!said.contains("accuracy"), "{said}");
    assert!(!notes.contains("lacks"), "images of other categories are used: {notes}");
    let (said, _) = evaluated(&bench, &model, &[&data, "--task=7"]);
    assert!(said.contains("of its category 7 (1 of 10)") && said.contains("area under"), "{said}");
    assert!(said.contains("accuracy ") && !said.contains("limited"), "{said}");
    put_images(&bench, &["7"], 3);
    let (said, _) = evaluated(&bench, "seven", &["--data=data"]);
    assert!(said.contains("nothing to choose from"), "{said}");
}

#[test]
fn what_is_left_out_of_a_folder_is_noted() {
    let bench = Bench::new();
    let jpeg = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../mda-data/fixtures/grey.jpg")).unwrap();
    for name in ["0/a.jpg", "1/a.jpg", "1/b.webp", "1/c.webp"] {
        let path = bench.path("folder/test").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &jpeg).unwrap();
    }
    let model = asset("lenet5-mnist.safetensors");
    let (_, notes) = evaluated(&bench, &model, &["--data=folder"]);
    assert!(notes.contains("note: folder: 2 files of other formats") && notes.contains("b.webp"), "{notes}");
    let said = bench.fails(&["evaluate", &model, "--data=folder", "--data=./folder"]);
    assert!(said.contains("--data ./folder is given twice"), "{said}");
}
