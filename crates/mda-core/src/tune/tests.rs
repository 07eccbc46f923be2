//! Tuning small models on the reference backend.

use super::*;
use crate::evaluate::LabelMap;
use crate::graph::Graph;
use crate::method::Tuning;
use crate::model::Model;
use crate::op::{Clamp, Conv2d, Flatten, GlobalAvgPool, Input, Linear};
use crate::run::backend::{Backend, BackendError, Device, Probe, Program, Unsupported};
use crate::run::reference::Reference;
use crate::run::{Batch, Batches, ImageSource, Runner};
use crate::tensor::{Tensor, Uniform};
use crate::test_graphs::{random_batch, with_random_parameters};

/// Images with labels in turn.
struct Images {
    images: Tensor,
    names: Vec<String>,
    labels: Vec<usize>,
}

impl ImageSource for Images {
    fn categories(&self) -> &[String] {
        &self.names
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size).map(|indices| {
            let labels = indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { images: self.images.select(0, indices), labels, indices: indices.to_vec() })
        }))
    }
}

fn network(width: usize, seed: u64) -> Model {
    let mut graph = Graph::new();
    graph.push("input", Input { channels: 1, height: 4, width: 4 }, &[]);
    graph.push("conv", Conv2d::dense(width, 3, 1, 1, true), &["input"]);
    graph.push("relu", Clamp::relu(), &["conv"]);
    graph.push("pool", GlobalAvgPool {}, &["relu"]);
    graph.push("flat", Flatten {}, &["pool"]);
    graph.push("fc", Linear { out_features: 3, bias: true }, &["flat"]);
    with_random_parameters(&graph, &mut Uniform::new(seed))
}

/// The teacher's first and last logits are learned by a model of fewer channels and two logits of three.
struct Setting {
    teacher: Model,
    student: Model,
    images: Images,
}

impl Setting {
    fn new() -> Self {
        let (teacher, student) = (network(6, 1), network(4, 2));
        let images = random_batch(&teacher, 48, &mut Uniform::new(3));
        let (names, labels) = (teacher.categories().to_vec(), (0..48).map(|n| n % 3).collect());
        Self { teacher, student, images: Images { images, names, labels } }
    }

    fn lessons(&self, taught: bool) -> Vec<Lesson<'_>> {
        let teacher = taught.then(|| Teacher { model: &self.teacher, logits: vec![0, 2] });
        let labels = LabelMap::new(vec![Some(0), None, Some(1)]);
        let (train, held_out) = ((0..36).collect(), (36..48).collect());
        vec![Lesson { images: &self.images, train, held_out, block: 0..2, teacher, labels }]
    }
}

const RUNNER: Runner<'static> = Runner { backend: &Reference, device: None, batch_size: 16 };

fn tuning() -> Tuning {
    Tuning { epochs: 4, batch: 8, rate: 0.05, shift: 1, ..Default::default() }
}

fn tuned(setting: &Setting, tuning: &Tuning, state: Option<State>, epochs: usize) -> (State, Model) {
    let mut tuner = Tuner::new(&RUNNER, &setting.student, setting.lessons(true), tuning, state).unwrap();
    for _ in 0..epochs {
        tuner.epoch().unwrap();
    }
    (tuner.state().clone(), tuner.best().unwrap())
}

#[test]
fn a_student_learns_its_teachers_answers() {
    let setting = Setting::new();
    let (state, model) = tuned(&setting, &tuning(), None, 4);
    let (epoch, least) = state.least();
    assert!(epoch > 0 && least < 0.7 * state.before, "{state:?}");
    // The logit that nobody asks for becomes improbable, and the best numbers are the model's.
    let run = RUNNER.logits(&model, &setting.images, &(36..48).collect::<Vec<_>>()).unwrap();
    assert!((0..12).filter(|&n| run.logits.row(n)[2] < run.logits.row(n)[0]).count() > 6);
    assert_ne!(model.parameters(), setting.student.parameters());
}

#[test]
fn a_tuning_goes_on_where_it_stopped() {
    let setting = Setting::new();
    let (whole, _) = tuned(&setting, &tuning(), None, 4);
    let (half, _) = tuned(&setting, &tuning(), None, 2);
    let lists = half.lists().map(<[f32]>::to_vec);
    let half = State::resumed(half.before, half.epochs.clone(), half.steps(), lists);
    assert_eq!(tuned(&setting, &tuning(), Some(half), 2).0, whole);
}

#[test]
fn nothing_gets_worse() {
    let setting = Setting::new();
    let wild = Tuning { rate: 1e6, patience: 2, ..tuning() };
    let mut tuner = Tuner::new(&RUNNER, &setting.student, setting.lessons(true), &wild, None).unwrap();
    while !tuner.is_over() {
        tuner.epoch().unwrap();
    }
    assert!(tuner.state().epochs.len() <= 2 && tuner.state().least().0 == 0, "{:?}", tuner.state().epochs);
    assert_eq!(tuner.best().unwrap(), setting.student);
}

#[test]
fn labels_teach_where_nobody_else_does() {
    let setting = Setting::new();
    let labelled = Tuning { labels: 1.0, ..tuning() };
    let mut tuner = Tuner::new(&RUNNER, &setting.student, setting.lessons(false), &labelled, None).unwrap();
    let before = tuner.state().before;
    assert!(tuner.epoch().unwrap().held_out_loss < before);
}

/// A backend that only runs.
struct Runs;

impl Backend for Runs {
    fn id(&self) -> &str {
        "runs"
    }

    fn devices(&self) -> Vec<Device> {
        Reference.devices()
    }

    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        Reference.unsupported(model)
    }

    fn compile(&self, model: &Model, d: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        Reference.compile(model, d, probes)
    }
}

#[test]
fn what_cannot_be_tuned_is_told_before_the_first_step() {
    let setting = Setting::new();
    let told = |runner: &Runner<'_>, lessons, tuning: &Tuning, state| {
        Tuner::new(runner, &setting.student, lessons, tuning, state).err().expect("a refusal").to_string()
    };
    assert!(told(&RUNNER, setting.lessons(false), &tuning(), None).starts_with("nothing is to be learned"));
    let mut nothing = setting.lessons(true);
    nothing[0].held_out.clear();
    assert_eq!(told(&RUNNER, nothing, &tuning(), None), "tuning needs held-out images, got none");
    let runs = Runner { backend: &Runs, ..RUNNER };
    assert!(told(&runs, setting.lessons(true), &tuning(), None).contains("`runs` cannot train this model"));
    assert!(Runs.train(&setting.student, None).is_err());
    let other = State::resumed(1.0, Vec::new(), 0, Default::default());
    assert!(told(&RUNNER, setting.lessons(true), &tuning(), Some(other)).contains("it is of another model"));
    assert!(told(&RUNNER, setting.lessons(true), &Tuning { epochs: 0, ..tuning() }, None).contains("epochs"));
}
