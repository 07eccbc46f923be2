//! Disassembling: from a source, its images and a task to a component.

mod budget;
mod choice;
mod effort;
mod images;
mod job;
mod name;
mod settings;

pub use budget::{BudgetTextError, budget, percent, points};
pub use choice::Spending;
pub(crate) use choice::quick;
pub use images::TaskImages;
pub use job::{Glance, Job};
pub use settings::{FINALISTS, Settings};

use crate::accuracy::Accuracies;
use crate::data::{Data, match_labels};
use crate::error::Error;
use crate::progress::{Progress, Silent, Stoppable};
use crate::runtime::Runtime;
use crate::source::Source;
use crate::statistics::Statistics;
use crate::tune::Tuned;
use mda_core::Model;
use mda_core::attribute::Selection;
use mda_core::budget::{Budget, Explanation};
use mda_core::cut::{Component as Cut, Logits};
use mda_core::method::{Competition, Formulation};
use mda_core::method::{Repair, Tuning};
use mda_core::model::provenance::{PartsRecord, Provenance};
use mda_core::model::task::{Task, parse_task};
use mda_core::repair::LayerRepair;
use mda_core::run::ImageSource as _;
use mda_data::{PartSizes, Parts, Role};
use std::path::Path;

/// More calibration images than this, over all categories, cost time and gain nothing.
const CALIBRATION_IMAGES: usize = 6000;
/// Nor do those that the source needs more multiply-adds for, all together: a network that is so large tells thousands of things
/// about every image. So many of a category are always worth it.
const CALIBRATION_MACS: u64 = 100_000_000_000;
const LEAST_CALIBRATION: usize = 50;
/// The surest images are picked from as many as the source runs with so many multiply-adds, and so many of a category at least.
const PICKING_MACS: u64 = 250_000_000_000;
const LEAST_CANDIDATES: usize = 100;

/// A component, and how it came about.
#[derive(Clone, Debug)]
pub struct Component {
    /// The stand-alone model; as repaired, where it was.
    pub model: Model,
    /// The same as cut, and what was kept of the source.
    pub cut: Cut,
    /// What the repair did, layer by layer.
    pub repaired: Vec<LayerRepair>,
    /// What tuning came to, where it was tuned; its model is the component's.
    pub tuned: Option<Tuned>,
    /// Whose channels stayed.
    pub formulation: Formulation,
    /// How a budget was spent.
    pub explanation: Option<Explanation>,
    /// The images that spoke.
    pub selection: Selection,
    /// The categories, as the source numbers them.
    pub task: Task,
}

impl Component {
    /// Writes the model, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Model`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::source::save(&self.model, path.as_ref())
    }

    /// Writes the model as an ONNX file: opset 17, any batch size, pixel values in 0 to 1 in, logits out.
    ///
    /// # Errors
    /// [`Error::Export`].
    pub fn export_onnx(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        crate::source::export_onnx(&self.model, path.as_ref())
    }
}

/// A component that is about to be made. Without a budget the formulation's thresholds say how much stays.
#[derive(Clone)]
pub struct Disassembly<'a> {
    source: &'a Source,
    data: &'a Data,
    task: Option<Task>,
    settings: Settings,
    sizes: PartSizes,
    listed: Vec<usize>,
    seed: u64,
    name: Option<String>,
    statistics: Option<&'a Statistics>,
    tuning: Option<Tuning>,
    progress: &'a dyn Progress,
}

/// Begins a component of `source`; [`Disassembly::task`] says for what.
pub fn disassemble<'a>(source: &'a Source, data: &'a Data) -> Disassembly<'a> {
    Disassembly {
        source,
        data,
        task: None,
        settings: Settings::default(),
        sizes: PartSizes { attribution: Some(1000), calibration: 300 },
        listed: Vec::new(),
        seed: 0,
        name: None,
        statistics: None,
        tuning: None,
        progress: &Silent,
    }
}

impl<'a> Disassembly<'a> {
    /// For these categories: numbers, ranges or names, as in `0-2,7` or `Bag,Sneaker`.
    ///
    /// # Errors
    /// [`Error::Task`].
    pub fn task(self, task: &str) -> Result<Self, Error> {
        let task = parse_task(task, self.source.model().categories())?;
        Ok(Self { task: Some(task), ..self })
    }

    /// For these categories, as the source numbers them.
    #[must_use]
    pub fn categories(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }

    /// Keeps at most this share, in 0 to 1, of the source's parameters.
    #[must_use]
    pub fn keep_params(self, share: f64) -> Self {
        self.budget(Budget::Params(share))
    }

    /// Keeps at most this share, in 0 to 1, of the source's multiply-adds.
    #[must_use]
    pub fn keep_macs(self, share: f64) -> Self {
        self.budget(Budget::Macs(share))
    }

    /// Keeps as little as loses at most so many points of accuracy on the choice images.
    #[must_use]
    pub fn max_drop(self, points: f64) -> Self {
        self.budget(Budget::MaxDrop(points))
    }

    /// Keeps what a budget allows, instead of thresholds.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = Some(budget);
        self
    }

    /// What decides which channels matter: `auto`, a preset with changes behind it, or several that compete within a budget.
    ///
    /// # Errors
    /// [`Error::Formulation`].
    pub fn formulation(self, text: &str) -> Result<Self, Error> {
        let formulations: Competition = text.parse()?;
        Ok(self.formulations(formulations))
    }

    /// As [`Disassembly::formulation`], from values.
    #[must_use]
    pub fn formulations(mut self, formulations: Competition) -> Self {
        self.settings.formulations = formulations;
        self
    }

    /// What makes up for what was cut.
    #[must_use]
    pub fn repair(mut self, repair: Repair) -> Self {
        self.settings.repair = repair;
        self
    }

    /// Lets the repaired component learn the source's answers.
    #[must_use]
    pub fn tune(mut self, tuning: Option<Tuning>) -> Self {
        self.tuning = tuning;
        self
    }

    /// Which logits the component keeps.
    #[must_use]
    pub fn logits(mut self, logits: Logits) -> Self {
        self.settings.logits = logits;
        self
    }

    /// How many images speak for a category: those of which the source is surest.
    #[must_use]
    pub fn top_k(mut self, images: usize) -> Self {
        self.settings.top_k = images;
        self
    }

    /// How many of the plans for a budget are repaired quickly and compared on images: those that are expected to lose least.
    #[must_use]
    pub fn finalists(mut self, plans: usize) -> Self {
        self.settings.finalists = plans;
        self
    }

    /// How many train images of a category the surest are picked from, at most; all where `None`.
    #[must_use]
    pub fn candidates(mut self, images: Option<usize>) -> Self {
        self.sizes.attribution = images;
        self
    }

    /// How many train images of a category repair, at most.
    #[must_use]
    pub fn calibration(mut self, images: usize) -> Self {
        self.sizes.calibration = images;
        self
    }

    /// The positions of the train images that speak, instead of the surest. They do nothing else.
    #[must_use]
    pub fn listed(mut self, images: Vec<usize>) -> Self {
        self.listed = images;
        self
    }

    /// What draws the images that speak, repair and choose.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What the component is called; after its source and its task where nothing is said.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Reads what was seen of the source before, instead of looking again: which images speak and what draws the parts of the
    /// train images is then as it was there.
    #[must_use]
    pub fn statistics(mut self, statistics: &'a Statistics) -> Self {
        self.statistics = Some(statistics);
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// How it is made, all at once.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Makes the component.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run(&self, runtime: &Runtime) -> Result<Component, Error> {
        let mut component = self.with_job(runtime, |job| {
            self.data.notes(job.images.labels)?.into_iter().for_each(|note| self.progress.note(note));
            let component = job.disassemble(&self.settings)?;
            let name = self.name.clone().unwrap_or_else(|| name::of_component(job.source.name(), job.images.task));
            Ok(component.with_origin(name, self.source.sha256(), job.images.parts.record()))
        })?;
        if let Some(tuning) = &self.tuning {
            let tune = crate::tune(&component.model).sources([self.source]).data([self.data]);
            let tuned = tune.tuning(tuning.clone()).progress(self.progress).run(runtime)?;
            component.model = tuned.model.clone();
            component.tuned = Some(tuned);
        }
        Ok(component)
    }

    /// Measures a component and its source on the test images, as [`Component::measure`] does, and tells how it goes.
    ///
    /// # Errors
    /// As [`Component::measure`].
    pub fn measure(&self, component: &Component, runtime: &Runtime) -> Result<Accuracies, Error> {
        component.measured(self.source, self.data, &runtime.runner(), self.progress)
    }

    /// What `component` is compared with: as many channels of every layer, but those that `formulation` puts first,
    /// repaired alike.
    ///
    /// # Errors
    /// [`Error`].
    pub fn same_size(
        &self,
        component: &Component,
        formulation: &Formulation,
        runtime: &Runtime,
    ) -> Result<Model, Error> {
        self.with_job(runtime, |job| {
            let (logits, selection) = (self.settings.logits, &component.selection);
            let cut = job.same_size(formulation, logits, selection, &component.cut.plan)?;
            Ok(job.repair(&self.settings.repair, &cut)?.model)
        })
    }

    /// The source with the task's logits and every channel.
    ///
    /// # Errors
    /// [`Error`].
    pub fn uncut(&self, runtime: &Runtime) -> Result<Model, Error> {
        self.with_job(runtime, |job| job.uncut())
    }

    /// Does `work` with everything that it needs, checked before it begins.
    fn with_job<T>(&self, runtime: &Runtime, work: impl FnOnce(&Job<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let task = self.task.as_ref().ok_or(Error::NoTask)?;
        self.settings.check()?;
        let (source, progress) = (self.source.model(), self.progress);
        let train = Stoppable { images: self.data.train()?, progress };
        let labels = match_labels(&train, source.categories())?;
        labels.positions(train.labels(), task, train.categories(), source.categories())?;
        let macs = source.size().macs;
        let sizes = PartSizes {
            attribution: self.sizes.attribution.map(|images| candidates(images, task.len(), macs)),
            calibration: calibration(self.sizes.calibration, task.len(), macs),
        };
        let parts = match self.statistics {
            Some(statistics) => statistics.parts(self.source, &train)?,
            None => Parts::new(&train, sizes, self.seed, &self.listed)?,
        };
        let images = TaskImages { source: &train, labels: &labels, parts: &parts, task };
        images.require(&self.settings.roles())?;
        let seen = self.statistics.map(|own| Glance { seen: own.seen(), quick: false });
        work(&Job { runner: &runtime.runner(), source, images: &images, progress, seen })
    }
}

/// How many images of a category calibrate where a task has so many categories and its source takes so many multiply-adds an
/// image.
pub fn calibration(images: usize, categories: usize, macs: u64) -> usize {
    let affordable = affordable(CALIBRATION_MACS, macs, categories, LEAST_CALIBRATION);
    images.min(CALIBRATION_IMAGES / categories.max(1)).min(affordable).max(1)
}

/// From how many images of a category the surest are picked, alike.
fn candidates(images: usize, categories: usize, macs: u64) -> usize {
    images.min(affordable(PICKING_MACS, macs, categories, LEAST_CANDIDATES))
}

/// How many images of a category a source of `macs` multiply-adds an image runs with `all` of them, and `least` at least.
fn affordable(all: u64, macs: u64, categories: usize, least: usize) -> usize {
    ((all / macs.max(1)) as usize / categories.max(1)).max(least)
}

impl Component {
    /// The component under `name` with what its provenance tells of its source and of the images that made it.
    #[must_use]
    pub fn with_origin(mut self, name: String, source: Option<&str>, images: &PartsRecord) -> Self {
        if let Some(Provenance::Component(mut origin)) = self.model.provenance().cloned() {
            origin.source_sha256 = source.map(str::to_owned);
            origin.images = Some(images.clone());
            if let Some(repair) = &mut origin.repair {
                repair.fitted_on.seed = Some(images.seed);
            }
            self.model = self.model.with_provenance(Provenance::Component(origin));
        }
        self.model = self.model.with_name(name);
        self
    }
}

impl Settings {
    /// The roles that every category of a task needs images for.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let mut roles = vec![Role::Attribution];
        if self.repair != Repair::None {
            roles.extend([Role::Calibration, Role::Tuning]);
        }
        if self.budget.is_some() {
            roles.extend([Role::Choice]);
        }
        roles
    }
}
