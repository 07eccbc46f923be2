//! Tuning a small component of an embedded sample.

use super::*;
use crate::samples::MNIST;
use mda_core::method::Repair;
use mda_core::tensor::Parameters;
use std::sync::atomic::AtomicUsize;

struct Bench {
    folder: tempfile::TempDir,
    source: Source,
    data: Data,
    component: Model,
}

/// Little of everything, so that it takes no time.
fn quick() -> Tuning {
    Tuning { epochs: 3, images: 40, batch: 16, ..Tuning::default() }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = MNIST.unpack(folder.path()).unwrap();
        let source = Source::read(&unpacked.model).unwrap();
        let data = Data::open(&unpacked.data, source.model()).unwrap();
        let disassembly = crate::disassemble(&source, &data).task("3-6").unwrap().keep_params(0.1);
        // A ridge leaves little to learn.
        let disassembly = disassembly.formulation("l1").unwrap().repair(Repair::Bias);
        let component = disassembly.run(&Runtime::cpu()).unwrap().model;
        Self { folder, source, data, component }
    }

    fn tune(&self) -> Tune<'_> {
        tune(&self.component).sources([&self.source]).data([&self.data]).tuning(quick())
    }

    fn parameters(&self, threads: usize, tune: &Tune<'_>) -> Parameters {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| tune.run(&Runtime::cpu()).unwrap().model.parameters().clone())
    }
}

#[test]
fn answers_to_held_out_images_get_better_and_the_file_tells() {
    let bench = Bench::new();
    let tuned = bench.tune().run(&Runtime::cpu()).unwrap();
    assert!(tuned.after < tuned.before && tuned.best_epoch > 0, "{tuned:?}");
    assert_eq!((tuned.epochs.len(), tuned.images[0]), (3, 160));
    let Some(Provenance::Component(origin)) = tuned.model.provenance() else { panic!("a component stays one") };
    let record = origin.tuning.as_ref().unwrap();
    assert_eq!((record.epoch, record.fitted_on.images), (tuned.best_epoch, 160));
    assert_eq!(origin.images.as_ref().unwrap().tuned, Some(40));
    let saved = bench.folder.path().join("tuned.safetensors");
    crate::source::save(&tuned.model, &saved).unwrap();
    assert_eq!(crate::source::read(&saved).unwrap(), tuned.model);
}

#[test]
fn equal_seeds_give_equal_models_whatever_the_threads() {
    let bench = Bench::new();
    let one = bench.parameters(1, &bench.tune());
    assert_eq!(one, bench.parameters(2, &bench.tune()));
    assert_ne!(one, bench.parameters(2, &bench.tune().tuning(Tuning { seed: 1, ..quick() })));
}

/// Stops after some batches of images.
struct Patient(AtomicUsize);

impl Progress for Patient {
    fn on(&self, _event: crate::Event<'_>) {}

    fn is_cancelled(&self) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

#[test]
fn a_tuning_that_was_stopped_goes_on() {
    let bench = Bench::new();
    let checkpoint = checkpoint_beside(&bench.folder.path().join("tuned.safetensors"));
    let whole = bench.tune().run(&Runtime::cpu()).unwrap();
    let keeping = || bench.tune().checkpoint(&checkpoint);
    let missing = keeping().resume(true).run(&Runtime::cpu()).unwrap_err();
    assert!(missing.to_string().ends_with("there is none") && missing.hint().is_some(), "{missing}");
    let patient = Patient(AtomicUsize::new(40));
    let stopped = keeping().progress(&patient).run(&Runtime::cpu());
    assert!(matches!(stopped, Err(Error::Cancelled(_))), "{stopped:?}");
    let resumed = keeping().resume(true).run(&Runtime::cpu()).unwrap();
    assert_eq!((&resumed.model, &resumed.epochs), (&whole.model, &whole.epochs));
    assert!(!checkpoint.exists(), "a tuning that is over needs none");
}

#[test]
fn what_is_no_checkpoint_of_this_tuning_is_told() {
    let bench = Bench::new();
    let checkpoint = bench.folder.path().join("t.tuning");
    let keeping = |tuning| bench.tune().tuning(tuning).checkpoint(&checkpoint);
    let patient = Patient(AtomicUsize::new(40));
    keeping(quick()).progress(&patient).run(&Runtime::cpu()).unwrap_err();
    let told = |tuning| keeping(tuning).resume(true).run(&Runtime::cpu()).unwrap_err().to_string();
    assert!(told(Tuning { rate: 0.5, ..quick() }).contains("it is of another tuning"));
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    for cut in [0, 7, 20, bytes.len() - 1] {
        std::fs::write(&checkpoint, &bytes[..cut]).unwrap();
        assert!(told(quick()).contains("it is damaged"), "cut to {cut}");
    }
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&checkpoint, &bytes).unwrap();
    assert!(told(quick()).contains("it is damaged"));
}

#[test]
fn whose_answers_are_to_be_learned_is_asked() {
    let bench = Bench::new();
    let told = |tune: Tune<'_>| tune.run(&Runtime::cpu()).unwrap_err();
    let nobody = told(bench.tune().sources([]));
    assert!(nobody.to_string().starts_with("nothing is to be learned") && nobody.hint().unwrap().contains("--source"));
    let stranger =
        Source::from(bench.component.clone().with_categories(["a", "b", "c", "d"].map(String::from).into()).unwrap());
    assert!(
        told(tune(bench.source.model()).sources([&stranger]).data([&bench.data]))
            .to_string()
            .contains("has the categories of")
    );
    assert!(told(bench.tune().data([])).to_string().contains("1 components need 1 data sets"));
    let taught = bench.tune().sources([]).tuning(Tuning { labels: 1.0, ..quick() }).run(&Runtime::cpu()).unwrap();
    assert!(taught.after < taught.before, "labels teach as well");
}

/// Components of one source, assembled, learn together.
#[test]
fn an_assembled_model_is_tuned_as_a_whole() {
    let bench = Bench::new();
    let other = crate::disassemble(&bench.source, &bench.data).task("0-2").unwrap().keep_params(0.1);
    let other = other.formulation("l1").unwrap().repair(Repair::Bias).run(&Runtime::cpu()).unwrap();
    let both = crate::assemble([bench.component.clone().into(), crate::assemble::Part::from(&other)]);
    let both = both.run(&Runtime::cpu()).unwrap().model;
    let tuned = tune(&both).sources([&bench.source]).data([&bench.data]).tuning(quick()).run(&Runtime::cpu()).unwrap();
    assert!(tuned.after < tuned.before, "{tuned:?}");
    assert_eq!(tuned.images[0], 7 * 40);
    let Some(Provenance::Assembled { tuning, components, .. }) = tuned.model.provenance() else {
        panic!("it stays assembled")
    };
    assert!(tuning.is_some() && components.len() == 2);
}
