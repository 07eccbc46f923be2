//! Images that write down who reads them, and what the readings say.

use mda::core::Model;
use mda::core::run::{Batches, ImageSource};
use mda::data::open;
use mda::samples::Unpacked;
use mda::{Data, Event, Progress, Split};
use mda_data::{Parts, Role};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

/// The steps that measure, by which nothing is decided any more.
pub(crate) const MEASURING: [&str; 2] = ["measuring on test images", "measuring on validation images"];

/// Some images that were read at once.
struct Reading {
    step: String,
    /// Which time of a step.
    turn: usize,
    data: &'static str,
    split: Split,
    images: HashSet<usize>,
}

/// The steps that are going on, one within the other, and what was read during them, in this order.
#[derive(Default)]
pub(crate) struct Diary {
    steps: Mutex<(usize, Vec<String>)>,
    read: Mutex<Vec<Reading>>,
}

impl Progress for Diary {
    fn on(&self, event: Event<'_>) {
        let (turn, steps) = &mut *self.steps.lock().unwrap();
        match event {
            Event::Begins { step, .. } => steps.push(step.to_owned()),
            Event::Ends { .. } => drop(steps.pop()),
            _ => return,
        }
        *turn += 1;
    }
}

impl Diary {
    fn enter(&self, data: &'static str, split: Split, images: &[usize]) {
        let (turn, steps) = &*self.steps.lock().unwrap();
        let step = steps.last().cloned().unwrap_or_else(|| "between steps".to_owned());
        let images = images.iter().copied().collect();
        self.read.lock().unwrap().push(Reading { step, turn: *turn, data, split, images });
    }

    fn images(&self, wanted: impl Fn(&Reading) -> bool) -> HashSet<usize> {
        let read = self.read.lock().unwrap();
        read.iter().filter(|reading| wanted(reading)).flat_map(|reading| &reading.images).copied().collect()
    }

    /// The train images of `data` that were read during `step`.
    pub(crate) fn during(&self, step: &str, data: &'static str) -> HashSet<usize> {
        self.images(|own| own.step == step && own.data == data && own.split == Split::Train)
    }

    /// The train images of `data` that were read in any other step.
    pub(crate) fn but_during(&self, step: &str, data: &'static str) -> HashSet<usize> {
        self.images(|own| own.step != step && own.data == data && own.split == Split::Train)
    }

    pub(crate) fn reads_no_test_image(&self) {
        self.reads_test_images_only_during(&[]);
    }

    /// That steps of other names than these read train images only.
    pub(crate) fn reads_test_images_only_during(&self, steps: &[&str]) {
        let read = self.read.lock().unwrap();
        assert!(!read.is_empty(), "the diary was kept");
        let test = read.iter().filter(|own| own.split == Split::Test && !steps.contains(&own.step.as_str()));
        let strange: Vec<_> = test.map(|own| (&own.step, own.data)).collect();
        assert!(strange.is_empty(), "test images were read: {strange:?}");
        let measured = |step: &&str| read.iter().any(|own| own.split == Split::Test && own.step == **step);
        assert!(steps.iter().all(measured), "{steps:?} measure");
    }

    /// That no train image is read any more once a step has looked at test images.
    pub(crate) fn measures_last(&self) {
        let read = self.read.lock().unwrap();
        for (index, test) in read.iter().enumerate().filter(|(_, own)| own.split == Split::Test) {
            let later = read[index..].iter().find(|own| own.turn == test.turn && own.split == Split::Train);
            assert!(later.is_none(), "{} reads train images of {} after test images", test.step, test.data);
        }
    }

    /// That the steps of a disassembly looked at train images of their own roles only.
    pub(crate) fn keeps_to(&self, data: &'static str, parts: &Parts) {
        for (step, roles) in [
            ("picking the surest images", &[Role::Attribution][..]),
            ("attributing", &[Role::Attribution]),
            ("observing the source", &[Role::Attribution]),
            ("choosing what stays", &[Role::Calibration, Role::Tuning, Role::Choice]),
            ("repairing", &[Role::Calibration, Role::Tuning]),
            ("tuning", &[Role::Attribution, Role::Calibration, Role::Training, Role::Tuning, Role::Choice]),
            ("measuring on test images", &[]),
            ("between steps", &[]),
        ] {
            let own: HashSet<usize> = roles.iter().flat_map(|&role| parts.of(role)).copied().collect();
            let read = self.during(step, data);
            let strange: Vec<_> = read.difference(&own).collect();
            assert!(strange.is_empty(), "{step} read images of other roles than {roles:?}: {strange:?}");
        }
    }
}

/// Images that write down who reads them.
struct Recorded {
    images: Box<dyn ImageSource + Send>,
    diary: Arc<Diary>,
    data: &'static str,
    split: Split,
}

impl ImageSource for Recorded {
    fn categories(&self) -> &[String] {
        self.images.categories()
    }

    fn labels(&self) -> &[usize] {
        self.images.labels()
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        self.diary.enter(self.data, self.split, indices);
        self.images.batches(indices, batch_size)
    }
}

/// The images of a sample, called `data` in the `diary`.
pub(crate) fn recorded(unpacked: &Unpacked, model: &Model, data: &'static str, diary: &Arc<Diary>) -> Data {
    let of = |split: Split| {
        let images = Box::new(open(&unpacked.data, split, model.input_shape()).unwrap());
        Box::new(Recorded { images, diary: Arc::clone(diary), data, split })
    };
    Data::new(of(Split::Train), Some(of(Split::Test)))
}
