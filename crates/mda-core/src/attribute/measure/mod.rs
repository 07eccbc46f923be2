//! What can be measured of a layer's input channels: one file a measure, one variant of [`Measure`] each.
//!
//! A measure either answers one number for every pair of output and input (relative contribution), or one for every
//! input. Numbers of one layer are comparable with one another; across layers only after normalisation.

mod filters;
mod fpgm;
mod frat;
mod hrank;
mod l1;
mod mean_activation;
mod obs;
mod random;
mod relative_contribution;
mod taylor;
#[cfg(test)]
mod tests;

pub use obs::elimination;

use crate::graph::{NodeId, ValidGraph};
use crate::method::Measure;
use crate::model::Model;
use crate::observe::Observations;
use crate::observe::contribution::Contributions;
use crate::observe::regression::Regression;
use crate::run::backend::Probe;
use crate::tensor::Tensor;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

impl Measure {
    pub(crate) fn measuring(self) -> Box<dyn Measuring> {
        match self {
            Self::RelativeContribution => Box::new(relative_contribution::RelativeContribution),
            Self::Frat => Box::new(frat::Frat),
            Self::MeanActivation => Box::new(mean_activation::MeanActivation),
            Self::L1 => Box::new(l1::L1),
            Self::Fpgm => Box::new(fpgm::Fpgm),
            Self::Hrank => Box::new(hrank::HRank),
            Self::Taylor => Box::new(taylor::Taylor),
            Self::Obs => Box::new(obs::Obs),
            Self::Random { seed } => Box::new(random::Random { seed }),
        }
    }
}

/// The most output positions of one image that are looked at: neighbours tell nearly the same.
pub(crate) const POSITIONS: usize = 16;

impl Measure {
    /// Whether it sees every category by itself, so that what matters to a task is what matters to its categories.
    pub fn is_by_category(self) -> bool {
        self.measuring().scope() == Scope::Category
    }
}

/// Whose images an observation sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those of one category; categories are united after the walk.
    Category,
    /// Those of all selected categories together.
    Task,
}

/// How one measure is taken. What a measure leaves out is that of a per-channel measure without images.
pub(crate) trait Measuring: Sync {
    /// Whose images it sums up.
    fn scope(&self) -> Scope {
        Scope::Category
    }

    /// What a backend must answer; without a probe no image is run.
    fn probes(&self, _graph: &ValidGraph) -> Vec<Probe> {
        Vec::new()
    }

    /// What the parameters alone tell, by layer.
    fn start(&self, _model: &Model) -> Observations {
        Observations::new()
    }

    /// What it keeps of every image of a batch, `[images, ...]` by layer: all that it ever needs of them.
    fn look(&self, _batch: &BatchView<'_>) -> Looks {
        Looks::new()
    }

    /// How many numbers are kept of an image at a layer, of up to so many output positions.
    fn kept(&self, model: &Model, layer: NodeId, _positions: usize) -> usize {
        inputs(model, layer)
    }

    /// Takes up what was kept of some images: adds their numbers, `[images, P]`.
    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        shown.add(seen, 1.0);
    }

    /// Concludes after the last batch.
    fn finish(&self, _seen: &mut Observations) {}

    /// Whether it answers a row of its own for every output, so that outputs can be handled apart.
    fn by_output(&self) -> bool {
        false
    }

    /// What the inputs of a layer are worth to the outputs `rows`: for a per-channel measure a single row, the
    /// observation `[P]` itself.
    fn contributions(&self, layer: &Layer<'_>, _rows: &Rows<'_>) -> Contributions {
        let values = layer.observed().data().to_vec();
        Contributions { seen: values.len(), first: vec![0], values }
    }
}

/// How many channels enter a layer.
fn inputs(model: &Model, layer: NodeId) -> usize {
    model.graph().node(model.graph().node(layer).inputs[0]).shape.channels()
}

/// What a measure keeps of images: by layer `[images, ...]`.
pub(crate) type Looks = BTreeMap<NodeId, Tensor>;

/// A batch as a measure sees it.
pub(crate) struct BatchView<'a> {
    pub model: &'a Model,
    /// What was asked for, [`Measuring::probes`].
    pub probes: &'a [Probe],
    /// The answers to it, of the whole batch.
    pub batch: &'a [Tensor],
    /// Which of its rows these images are.
    pub rows: Range<usize>,
    /// The category whose images these are; the first one where they are of several.
    pub category: usize,
    /// How many images the whole observation has.
    pub images: usize,
    /// Where they stand in their source.
    pub indices: &'a [usize],
    /// The most output positions of an image that are looked at.
    pub positions: usize,
}

impl BatchView<'_> {
    /// The answers for these images alone.
    fn answers(&self) -> Cow<'_, [Tensor]> {
        if self.batch.iter().all(|answer| answer.shape()[0] == self.rows.len()) {
            return Cow::Borrowed(self.batch);
        }
        let rows: Vec<usize> = self.rows.clone().collect();
        Cow::Owned(self.batch.iter().map(|answer| answer.select(0, &rows)).collect())
    }

    /// One number for every input channel of a layer and every image, from that channel's numbers in `values`, `[N, P, ...]`.
    fn by_channel(
        &self,
        layer: NodeId,
        values: &Tensor,
        number: impl Fn(&[f32]) -> f32 + Send + Sync,
    ) -> (NodeId, Tensor) {
        let (images, channels) = (self.rows.len(), inputs(self.model, layer));
        let each = values.len() / (images * channels).max(1);
        let numbers = values.data().par_chunks(each.max(1)).map(number).collect();
        let looked = Tensor::new([images, channels], numbers).expect("one number a channel");
        (layer, looked)
    }
}

/// What was kept of some of the images of an observation.
pub(crate) struct Shown<'a> {
    pub model: &'a Model,
    pub looks: &'a Looks,
    /// Which rows of them.
    pub rows: Range<usize>,
    /// How many images the whole observation has.
    pub images: usize,
    /// Which of them these are.
    pub positions: Range<usize>,
    /// Where they stand in their source.
    pub indices: &'a [usize],
    /// The most rows of one layer that an observation takes.
    pub most_rows: usize,
}

impl Shown<'_> {
    /// Adds the numbers of these images, times `share`, to the sums of every layer.
    fn add(&self, seen: &mut Observations, share: f32) {
        for (&layer, numbers) in self.looks {
            let channels = numbers.shape()[1];
            let sums = seen.numbers.entry(layer).or_insert_with(|| Tensor::zeros([channels]));
            for row in self.rows.clone() {
                sums.data_mut().iter_mut().zip(numbers.row(row)).for_each(|(sum, number)| *sum += number * share);
            }
        }
    }

    /// Puts the numbers of these images into their place among those of all images, `[images, ...]`.
    fn append(&self, seen: &mut Observations) {
        for (&layer, numbers) in self.looks {
            let mut shape = numbers.shape().to_vec();
            shape[0] = self.images;
            let all = seen.numbers.entry(layer).or_insert_with(|| Tensor::zeros(shape));
            let stride = numbers.len() / numbers.shape()[0].max(1);
            let of = |images: &Range<usize>| images.start * stride..images.end * stride;
            all.data_mut()[of(&self.positions)].copy_from_slice(&numbers.data()[of(&self.rows)]);
        }
    }
}

/// A layer and what was observed of it.
pub(crate) struct Layer<'a> {
    pub model: &'a Model,
    pub id: NodeId,
    pub seen: &'a Observations,
}

impl<'a> Layer<'a> {
    /// The numbers that were observed of it.
    fn observed(&self) -> &'a Tensor {
        self.seen.numbers.get(&self.id).unwrap_or_else(|| self.unseen())
    }

    /// The rows that were observed of it.
    fn regression(&self) -> &'a Regression {
        self.seen.regressions.get(&self.id).unwrap_or_else(|| self.unseen())
    }

    fn unseen(&self) -> ! {
        panic!("observations of `{}`", self.model.graph().node(self.id).name)
    }
}

/// The outputs of a layer that something is worth something to.
pub(crate) struct Rows<'a> {
    /// Channels, ascending.
    pub outputs: &'a [usize],
    /// How much each of them matters.
    pub weights: &'a [f32],
}
