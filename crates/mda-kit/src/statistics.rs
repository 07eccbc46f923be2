//! Statistics of a source: what one look at the images that speak for its categories tells, for every task that is cut later.

use crate::data::{Data, match_labels};
use crate::error::Error;
use crate::progress::{Progress, Silent, Stoppable};
use crate::runtime::Runtime;
use crate::source::Source;
use mda_core::attribute::{Extent, Seen};
use mda_core::method::Measure;
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_data::{PartSizes, Parts, Role};
use mda_formats::native::statistics::{self, Origin};
use std::path::Path;

/// What the formulations need that compete where components are refitted.
const MEASURES: [Measure; 3] = [Measure::Obs, Measure::RelativeContribution, Measure::Taylor];
const KIB: u64 = 1 << 10;

/// What was seen of a source, and of which images.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    origin: Origin,
    seen: Seen,
}

/// Statistics that are about to be taken.
#[derive(Clone)]
pub struct Observing<'a> {
    source: &'a Source,
    data: &'a Data,
    task: Option<Task>,
    candidates: Option<usize>,
    calibration: usize,
    top_k: usize,
    seed: u64,
    memory: Option<u64>,
    shard: (usize, usize),
    progress: &'a dyn Progress,
}

/// Begins statistics of `source`, of all its categories that `data` has images of where [`Observing::categories`] says nothing else.
pub fn observe<'a>(source: &'a Source, data: &'a Data) -> Observing<'a> {
    Observing {
        source,
        data,
        task: None,
        candidates: Some(1000),
        calibration: 300,
        top_k: 50,
        seed: 0,
        memory: None,
        shard: (1, 1),
        progress: &Silent,
    }
}

impl<'a> Observing<'a> {
    /// Of these categories alone.
    #[must_use]
    pub fn categories(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }

    /// From how many train images of a category the surest are picked, at most; all where `None`.
    #[must_use]
    pub fn candidates(mut self, images: Option<usize>) -> Self {
        self.candidates = images;
        self
    }

    /// How many train images of a category are kept for repairs, at most: they are no candidates.
    #[must_use]
    pub fn calibration(mut self, images: usize) -> Self {
        self.calibration = images;
        self
    }

    /// How many images speak for a category: those of which the source is surest.
    #[must_use]
    pub fn top_k(mut self, images: usize) -> Self {
        self.top_k = images;
        self
    }

    /// What draws the parts of the train images.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The most bytes that the statistics take; of large layers fewer output positions of an image are kept then.
    #[must_use]
    pub fn memory(mut self, bytes: u64) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Looks at every `of`-th candidate only, from number `shard` on, counted from 1. [`Statistics::merged`] puts all shards together.
    #[must_use]
    pub fn shard(mut self, shard: usize, of: usize) -> Self {
        self.shard = (shard, of);
        self
    }

    /// Who hears how it goes, and may stop it.
    #[must_use]
    pub fn progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Looks.
    ///
    /// # Errors
    /// [`Error`].
    pub fn run(&self, runtime: &Runtime) -> Result<Statistics, Error> {
        let (model, progress, (shard, of)) = (self.source.model(), self.progress, self.shard);
        if shard == 0 || shard > of {
            return Err(Error::Shard { shard, of });
        }
        let train = Stoppable { images: self.data.train()?, progress };
        let labels = match_labels(&train, model.categories())?;
        let sizes = PartSizes { attribution: self.candidates, calibration: self.calibration };
        let parts = Parts::new(&train, sizes, self.seed, &[])?;
        let mut candidates = vec![Vec::new(); model.categories().len()];
        for &image in parts.of(Role::Attribution) {
            if let Some(category) = labels.category(train.labels()[image]) {
                candidates[category].push(image);
            }
        }
        let task = match &self.task {
            Some(task) => {
                labels.positions(train.labels(), task, train.categories(), model.categories())?;
                task.clone()
            }
            None => {
                self.data.notes(&labels)?.into_iter().for_each(|note| progress.note(note));
                Task::new((0..candidates.len()).filter(|&category| !candidates[category].is_empty()))
                    .ok_or(Error::NoTask)?
            }
        };
        let images = task.iter().map(|&category| candidates[category].len().min(self.top_k)).sum();
        let positions = self.positions(images)?;
        let candidates: Vec<(usize, Vec<usize>)> = task
            .iter()
            .map(|&category| (category, candidates[category].iter().skip(shard - 1).step_by(of).copied().collect()))
            .filter(|(_, images): &(usize, Vec<usize>)| !images.is_empty())
            .collect();
        let all: usize = candidates.iter().map(|(_, images)| images.len()).sum();
        let macs = model.size().macs * (all + MEASURES.len() * images / of) as u64;
        let extent = Extent { top_k: self.top_k, positions };
        let seen = progress.running("observing the source", &runtime.runner(), macs, |runner, _| {
            Ok::<_, Error>(Seen::look(runner, model, &train, &candidates, &MEASURES, extent)?)
        })?;
        let origin = Origin {
            source: model.name().to_owned(),
            source_sha256: self.source.sha256().map(str::to_owned),
            images: parts.record().clone(),
            categories: task.to_vec(),
            top_k: self.top_k,
            positions,
            shards: vec![shard - 1],
            of,
        };
        Ok(Statistics { origin, seen })
    }

    /// How many output positions of an image fit into memory.
    fn positions(&self, images: usize) -> Result<usize, Error> {
        let bytes = |positions| Seen::bytes(self.source.model(), images, &MEASURES, positions) as u64;
        let most = self.memory.unwrap_or(u64::MAX);
        let wanted = Extent::new(self.top_k).positions;
        let fits = (1..=wanted).rev().find(|&positions| bytes(positions) <= most);
        if let Some(positions) = fits.filter(|&positions| positions < wanted) {
            let all = bytes(wanted).div_ceil(KIB);
            self.progress
                .note(format!("up to {positions} output positions of an image are kept; {wanted} take {all} KiB"));
        }
        fits.ok_or_else(|| Error::LittleMemory { images, least: bytes(1).div_ceil(KIB), most: most / KIB })
    }
}

impl Statistics {
    /// Reads statistics of `source`.
    ///
    /// # Errors
    /// [`Error::Statistics`].
    pub fn read(path: impl AsRef<Path>, source: &Source) -> Result<Self, Error> {
        let path = path.as_ref();
        let failed = |error| failed("reading the statistics", path, error);
        let (origin, seen) = statistics::read(path, source.model()).map_err(failed)?;
        Ok(Self { origin, seen })
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Statistics`].
    pub fn save(&self, source: &Source, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let failed = |error| failed("writing the statistics", path, error);
        let mut origin = self.origin.clone();
        if self.missing().is_empty() {
            // However many shards they came in.
            (origin.shards, origin.of) = (vec![0], 1);
        }
        statistics::write(source.model(), &origin, &self.seen, path).map_err(failed)
    }

    /// What was seen.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// Of which images.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The shards that are not there, counted from 1.
    pub fn missing(&self) -> Vec<usize> {
        (0..self.origin.of).filter(|shard| !self.origin.shards.contains(shard)).map(|shard| shard + 1).collect()
    }

    /// Both together: other shards of the same images, or other categories. What both have is there once, so that merging a file
    /// twice does no harm. The order makes no difference, to the bit.
    ///
    /// # Errors
    /// [`Error::Unmergeable`].
    pub fn merged(&self, other: &Self) -> Result<Self, Error> {
        let comparable = |origin: &Origin| Origin { shards: Vec::new(), categories: Vec::new(), ..origin.clone() };
        if comparable(&self.origin) != comparable(&other.origin) {
            return Err(Error::Unmergeable(format!("they are of {:?} and of {:?}", self.origin, other.origin)));
        }
        let apart = self.origin.shards != other.origin.shards;
        if apart && self.origin.categories != other.origin.categories {
            let what = "other shards must be of the same categories: merge all shards of some categories first";
            return Err(Error::Unmergeable(what.into()));
        }
        let seen = self.seen.merged(&other.seen, self.origin.top_k).map_err(Error::Unmergeable)?;
        let mut origin = self.origin.clone();
        for (own, others) in
            [(&mut origin.shards, &other.origin.shards), (&mut origin.categories, &other.origin.categories)]
        {
            own.extend(others);
            own.sort_unstable();
            own.dedup();
        }
        Ok(Self { origin, seen })
    }

    /// The parts of the train images that these are of.
    pub(crate) fn parts(&self, source: &Source, train: &dyn ImageSource) -> Result<Parts, Error> {
        let Origin { source: name, source_sha256, images, of, .. } = &self.origin;
        let own = source.sha256();
        if source_sha256.as_deref().zip(own).map_or(name != source.model().name(), |(theirs, own)| theirs != own) {
            let told = |name: &str, hash: Option<&str>| match hash {
                Some(hash) => format!("the source `{name}` (SHA-256 {})", hash.get(..8).unwrap_or(hash)),
                None => format!("the source `{name}`"),
            };
            let (expected, found) = (told(name, source_sha256.as_deref()), told(source.model().name(), own));
            return Err(Error::OtherStatistics { expected, found });
        }
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(Error::MissingShards { missing, of: *of });
        }
        let parts = Parts::recorded(train, images.clone());
        let found = mda_data::identity(train);
        if images.data != found {
            let told = |hash: &str| format!("the images {}", hash.get(..8).unwrap_or(hash));
            return Err(Error::OtherStatistics { expected: told(&images.data), found: told(&found) });
        }
        Ok(parts?)
    }
}

fn failed(what: &'static str, path: &Path, source: mda_formats::native::NativeError) -> Error {
    Error::Statistics { what, path: path.to_owned(), source: Box::new(source) }
}
