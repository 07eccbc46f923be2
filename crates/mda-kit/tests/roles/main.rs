//! Who looked at which images, told by the images themselves: an image source that records every reading.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;
mod diary;
mod study;

use diary::Diary;
use mda::assemble::{Calibration, Part};
use mda::core::method::{Repair, Tuning};
use mda::samples::{FASHION_MNIST, MNIST, Sample};
use mda::{Component, Data, Disassembly, Event, Progress, Runtime, Source};
use mda_data::Parts;
use std::collections::HashSet;
use std::sync::Arc;

/// A sample whose images write into a diary.
struct Bench {
    diary: Arc<Diary>,
    source: Source,
    data: Data,
    name: &'static str,
}

fn bench(sample: &Sample, diary: &Arc<Diary>) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let unpacked = sample.unpack(folder.path()).unwrap();
    let source = Source::read(&unpacked.model).unwrap();
    let data = diary::recorded(&unpacked, source.model(), sample.data, diary);
    Bench { diary: Arc::clone(diary), source, data, name: sample.data }
}

impl Bench {
    fn disassembly(&self) -> Disassembly<'_> {
        mda::disassemble(&self.source, &self.data).progress(&*self.diary)
    }

    /// Makes the component and checks that every step looked at images of its own role only.
    fn run(&self, disassembly: &Disassembly<'_>, runtime: &Runtime) -> Component {
        let component = disassembly.run(runtime).unwrap();
        self.diary.keeps_to(self.name, &parts_of(&component, &self.data));
        let spoke = self.diary.during("attributing", self.name);
        assert!(!spoke.is_empty());
        let fitted: HashSet<usize> =
            ["choosing what stays", "repairing"].iter().flat_map(|step| self.diary.during(step, self.name)).collect();
        assert!(spoke.is_disjoint(&fitted), "what spoke did not fit or choose");
        component
    }
}

/// The parts that a component says it was made of.
fn parts_of(component: &Component, data: &Data) -> Parts {
    let Some(mda::core::model::provenance::Provenance::Component(origin)) = component.model.provenance() else {
        panic!("a component tells its origin")
    };
    Parts::recorded(data.train().unwrap(), origin.images.clone().unwrap()).unwrap()
}

/// Assembles both components and checks that nothing that they looked at calibrates.
fn assemble(diary: &Arc<Diary>, benches: [&Bench; 2], components: [&Component; 2], calibration: Calibration) {
    let data = benches.map(|bench| &bench.data);
    let parts: Vec<Part> = components.iter().map(|&component| component.into()).collect();
    let assembly = mda::assemble(parts).calibrated(data).calibration(calibration).progress(&**diary);
    assembly.run(&Runtime::cpu()).unwrap();
    for (bench, component) in benches.iter().zip(components) {
        let calibrated = diary.during("rescaling", bench.name);
        assert!(!calibrated.is_empty());
        let looked_at: HashSet<usize> = parts_looked_at(component, bench);
        let both: Vec<_> = calibrated.intersection(&looked_at).collect();
        assert!(both.is_empty(), "{calibration:?}: images that spoke or repaired calibrate {}: {both:?}", bench.name);
    }
}

fn parts_looked_at(component: &Component, bench: &Bench) -> HashSet<usize> {
    let recorded: HashSet<usize> = parts_of(component, &bench.data).looked_at().collect();
    // Tuning images are read while a repair chooses its strength, but nothing is fitted to them: they may calibrate.
    let steps = ["picking the surest images", "attributing"];
    recorded.into_iter().chain(steps.iter().flat_map(|step| bench.diary.during(step, bench.name))).collect()
}

#[test]
fn the_whole_job_keeps_roles_apart() {
    let diary = Arc::new(Diary::default());
    let (mnist, fashion) = (bench(&MNIST, &diary), bench(&FASHION_MNIST, &diary));
    let runtime = Runtime::cpu();
    // As the demo does: all that nothing else needs may speak.
    let greedy = |bench: &Bench, task: &str| {
        let disassembly = bench.disassembly().task(task).unwrap().keep_params(0.25);
        bench.run(&disassembly.candidates(None).calibration(usize::MAX), &runtime)
    };
    let components = [&greedy(&mnist, "0-2"), &greedy(&fashion, "3-9")];
    assemble(
        &diary,
        [&mnist, &fashion],
        components,
        Calibration { per_category: usize::MAX, ..Calibration::default() },
    );
    diary.reads_no_test_image();
}

#[test]
fn odd_wishes_keep_roles_apart() {
    let diary = Arc::new(Diary::default());
    let (mnist, fashion) = (bench(&MNIST, &diary), bench(&FASHION_MNIST, &diary));
    let runtime = Runtime::cpu();
    // Listed images would be in other parts; another seed and more calibration images than there are.
    let listed: Vec<usize> = (0..mnist.data.train().unwrap().labels().len()).filter(|index| index % 7 == 0).collect();
    let first = mnist.disassembly().task("0-2").unwrap().listed(listed).seed(5);
    let second = fashion.disassembly().task("8").unwrap().seed(3).calibration(10).candidates(Some(20)).max_drop(2.0);
    let components = [&mnist.run(&first, &runtime), &fashion.run(&second, &runtime)];
    let calibration = Calibration { per_category: 500, seed: 99, ..Calibration::default() };
    assemble(&diary, [&mnist, &fashion], components, calibration);
    diary.reads_no_test_image();
}

#[test]
fn components_of_one_data_set_spare_what_either_looked_at() {
    let diary = Arc::new(Diary::default());
    let bench = bench(&MNIST, &diary);
    let runtime = Runtime::cpu();
    let of = |task: &str, seed| {
        let disassembly = bench.disassembly().task(task).unwrap().seed(seed).repair(Repair::Bias).candidates(Some(10));
        disassembly.run(&runtime).unwrap()
    };
    let components = [&of("0-4", 1), &of("5-9", 2)];
    assemble(&diary, [&bench, &bench], components, Calibration::default());
}

#[test]
fn what_tuned_a_component_does_not_calibrate() {
    let diary = Arc::new(Diary::default());
    let (mnist, fashion) = (bench(&MNIST, &diary), bench(&FASHION_MNIST, &diary));
    let runtime = Runtime::cpu();
    let tuned = |bench: &Bench, task: &str| {
        let disassembly = bench.disassembly().task(task).unwrap().repair(Repair::Bias).candidates(Some(10));
        bench.run(
            &disassembly.calibration(10).tune(Some(Tuning { epochs: 1, images: 50, ..Tuning::default() })),
            &runtime,
        )
    };
    let components = [&tuned(&mnist, "0-2"), &tuned(&fashion, "3-5")];
    for (component, bench) in components.into_iter().zip([&mnist, &fashion]) {
        let taught = diary.during("tuning", bench.name);
        let spoke: HashSet<usize> = parts_of(component, &bench.data).looked_at().collect();
        assert!(spoke.iter().any(|image| taught.contains(image)), "images that spoke teach");
    }
    assemble(&diary, [&mnist, &fashion], components, Calibration::default());
    diary.reads_no_test_image();
}

#[test]
fn what_an_assembled_model_was_made_of_is_spared_too() {
    let diary = Arc::new(Diary::default());
    let bench = bench(&MNIST, &diary);
    let runtime = Runtime::cpu();
    let of = |task: &str, seed| {
        let disassembly = bench.disassembly().task(task).unwrap().seed(seed).repair(Repair::Bias).candidates(Some(10));
        disassembly.run(&runtime).unwrap()
    };
    let components = [of("0-1", 1), of("2-3", 2), of("4-9", 3)];
    // Joined as they are, so that nothing calibrates yet.
    let inner = mda::assemble(&components[..2]).run(&runtime).unwrap();
    let parts = [Part::from(inner.model), Part::from(&components[2])];
    mda::assemble(parts).calibrated([&bench.data; 2]).progress(&*diary).run(&runtime).unwrap();
    let calibrated = diary.during("rescaling", bench.name);
    assert!(!calibrated.is_empty());
    for component in &components {
        let looked_at: HashSet<usize> = parts_of(component, &bench.data).looked_at().collect();
        let both: Vec<_> = calibrated.intersection(&looked_at).collect();
        assert!(both.is_empty(), "{}: {both:?}", component.model.name());
    }
}

#[test]
fn a_stop_is_heard() {
    struct Impatient;
    impl Progress for Impatient {
        fn on(&self, _event: Event<'_>) {}
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let bench = bench(&MNIST, &Arc::new(Diary::default()));
    let stopped = bench.disassembly().task("0-2").unwrap().keep_params(0.2).progress(&Impatient).run(&Runtime::cpu());
    assert!(matches!(stopped, Err(mda::Error::Cancelled(_))), "{stopped:?}");
}
