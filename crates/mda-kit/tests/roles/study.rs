//! Studies with usual and with odd wishes.

use super::diary::{Diary, MEASURING, recorded};
use mda::core::model::task::parse_task;
use mda::data::open;
use mda::disassemble::calibration;
use mda::samples::{FASHION_MNIST, MNIST, Sample, Unpacked};
use mda::study::{Recipe, Record, Report, Study};
use mda::{Runtime, Source, Split};
use mda_data::{PartSizes, Parts};
use std::collections::HashSet;
use std::sync::Arc;
use tempfile::TempDir;

/// A sample that lies in a folder of its own.
struct Unrecorded {
    name: &'static str,
    unpacked: Unpacked,
    source: Source,
    _folder: TempDir,
}

/// How many train images do what in a study; its recipe says the same.
#[derive(Clone, Copy)]
struct Images {
    candidates: usize,
    calibration: usize,
}

const FEW: Images = Images { candidates: 30, calibration: 20 };
/// All that there are.
const GREEDY: Images = Images { candidates: 0, calibration: 1_000_000 };

fn unpacked(sample: &Sample) -> Unrecorded {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = sample.unpack(folder.path()).unwrap();
    let source = Source::read(&unpacked.model).unwrap();
    Unrecorded { name: sample.data, unpacked, source, _folder: folder }
}

impl Unrecorded {
    /// The parts of the train images that a study makes for a task.
    fn parts(&self, task: &str, images: Images, seed: u64) -> Parts {
        let task = parse_task(task, self.source.model().categories()).unwrap();
        let train = open(&self.unpacked.data, Split::Train, self.source.model().input_shape()).unwrap();
        let sizes = PartSizes {
            attribution: (images.candidates > 0).then_some(images.candidates),
            calibration: calibration(images.calibration, task.len(), self.source.model().size().macs),
        };
        Parts::new(&train, sizes, seed, &[]).unwrap()
    }
}

/// Runs a study of one seed and tells of it in a diary.
fn study(samples: &[&Unrecorded], seed: u64, images: Images, rest: &str) -> (Arc<Diary>, Report) {
    let diary = Arc::new(Diary::default());
    let Images { candidates, calibration } = images;
    let recipe = format!(
        "name = 'roles'\nseeds = [{seed}]\n{rest}\n[images]\ncandidates = {candidates}\ncalibration = {calibration}\n"
    );
    let source = |own: &&Unrecorded| {
        let model = own.source.model().clone();
        let data = recorded(&own.unpacked, &model, own.name, &diary);
        (own.name.to_owned(), model, data)
    };
    let study = Study::of(Recipe::parse(&recipe).unwrap(), samples.iter().map(source)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    // One run at a time, so that every reading is of the step that was told last.
    let report = study.jobs(1).progress(&*diary).run(folder.path(), &Runtime::cpu()).unwrap();
    assert!(report.failures().is_empty(), "{:?}", report.failures());
    (diary, report)
}

#[test]
fn a_usual_study_keeps_roles_apart() {
    let mnist = unpacked(&MNIST);
    let (diary, report) = study(
        &[&mnist],
        1,
        FEW,
        "[[disassemble]]\nsource = 'mnist'\ntasks = ['0-2']\nformulations = ['obs+l1']\nrepairs = ['ridge']\n\
         budgets = ['30% macs', 'thresholds']\nsame-size = ['random']\n",
    );
    assert_eq!(report.records().len(), 4);
    diary.keeps_to("mnist", &mnist.parts("0-2", FEW, 1));
    diary.reads_test_images_only_during(&MEASURING[..1]);
    diary.measures_last();
}

#[test]
fn odd_studies_keep_roles_apart() {
    let fashion = unpacked(&FASHION_MNIST);
    for (seed, images, what) in [
        (
            7,
            GREEDY,
            "tasks = ['8']\nformulations = ['l1']\nrepairs = ['bias', 'batch-norm']\nbudgets = ['drop 2.0']\nall-logits = true",
        ),
        (3, GREEDY, "tasks = ['Bag,Sneaker']\nformulations = ['auto']\nbudgets = ['20%']\ncounts = 'uniform'"),
        (
            4,
            FEW,
            "tasks = ['0-9']\nformulations = ['obs']\nbudgets = ['40%']\ncounts = 'uniform'\nsame-size = ['fpgm']",
        ),
    ] {
        let entry = format!("[[disassemble]]\nsource = 'fashion-mnist'\n{what}\n");
        let (diary, _) = study(&[&fashion], seed, images, &entry);
        let task = what.split('\'').nth(1).unwrap();
        diary.keeps_to("fashion-mnist", &fashion.parts(task, images, seed));
        diary.reads_test_images_only_during(&MEASURING[..1]);
        diary.measures_last();
    }
}

#[test]
fn validation_images_do_nothing_but_measure() {
    let mnist = unpacked(&MNIST);
    let (diary, report) = study(
        &[&mnist],
        2,
        GREEDY,
        "measure = 'validation'\n[[disassemble]]\nsource = 'mnist'\ntasks = ['0-4', '7']\nformulations = ['obs+l1']\n\
         budgets = ['25%']\n",
    );
    assert_eq!(report.measured_on().name(), "validation images");
    diary.reads_no_test_image();
    let measured = diary.during(MEASURING[1], "mnist");
    // A fifth of 150 images of each of ten categories: all of them tell the area under the curve of the single one.
    assert_eq!(measured.len(), 300);
    let decided = diary.but_during(MEASURING[1], "mnist");
    assert!(!decided.is_empty() && decided.is_disjoint(&measured));
}

#[test]
fn assembling_in_a_study_calibrates_on_what_nothing_looked_at() {
    let (mnist, fashion) = (unpacked(&MNIST), unpacked(&FASHION_MNIST));
    let samples = [&mnist, &fashion];
    for (seed, images, components, rest) in [
        (0, FEW, [("mnist", "0-2"), ("fashion-mnist", "3-9")], "formulation = 'taylor'\nbudget = '30%'"),
        // Two components of one data set, whose parts are of different sizes.
        (5, GREEDY, [("mnist", "0-7"), ("mnist", "8-9")], "formulation = 'l1'\nrepair = 'bias'"),
    ] {
        let part = |(source, task)| format!("{{ source = '{source}', task = '{task}' }}");
        let parts = components.map(part).join(", ");
        let entry = format!(
            "[[assemble]]\ncomponents = [{parts}]\nrescalings = ['none', 'scale-shift-category', 'evidence']\n{rest}\n"
        );
        let (diary, report) = study(&samples, seed, images, &entry);
        assert!(matches!(report.records(), [Record::Assembly(_), ..]));
        for sample in samples {
            let of_sample = |(source, _): &&(&str, &str)| *source == sample.name;
            let tasks: Vec<&str> = components.iter().filter(of_sample).map(|(_, task)| *task).collect();
            let looked_at = |task: &&str| sample.parts(task, images, seed).looked_at().collect::<Vec<_>>();
            let looked_at: HashSet<usize> = tasks.iter().flat_map(looked_at).collect();
            let calibrated = diary.during("rescaling", sample.name);
            assert_eq!(calibrated.is_empty(), tasks.is_empty());
            assert!(calibrated.is_disjoint(&looked_at), "{components:?}: images that spoke or repaired calibrate");
            if let [task] = tasks[..] {
                diary.keeps_to(sample.name, &sample.parts(task, images, seed));
            }
        }
        diary.reads_test_images_only_during(&MEASURING[..1]);
        diary.measures_last();
    }
}

#[test]
fn uncut_sources_are_measured_last_too() {
    let (mnist, fashion) = (unpacked(&MNIST), unpacked(&FASHION_MNIST));
    let (diary, report) = study(
        &[&mnist, &fashion],
        0,
        FEW,
        "[[assemble]]\ncomponents = [{ source = 'mnist', task = '0-2' }, { source = 'fashion-mnist', task = '3-9' }]\n\
         formulation = 'l1'\nrepair = 'none'\nrescalings = ['evidence']\nuncut = true\n",
    );
    assert_eq!(report.records().len(), 2);
    diary.reads_test_images_only_during(&MEASURING[..1]);
    diary.measures_last();
}
