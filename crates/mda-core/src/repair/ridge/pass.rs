//! The source and its components over the same images, from one layer to the next.

use super::Member;
use super::layer::Layer;
use crate::graph::NodeId;
use crate::model::Model;
use crate::observe::regression::{Gathered, Regression, Sampling};
use crate::repair::RepairError;
use crate::repair::frontier::{Frontier, Values};
use crate::tensor::Tensor;
use rayon::prelude::*;

/// The source over the images of one set.
pub(super) struct Pass<'a> {
    source: Frontier<'a>,
}

/// What every group of a layer is fitted on, or why there is nothing.
pub(super) type Regressions = Result<Vec<Regression>, RepairError>;

impl<'a> Pass<'a> {
    pub(super) fn new(source: Frontier<'a>) -> Self {
        Self { source }
    }

    /// What every group of `layers`, which are one layer of several components, is fitted on: what the component's filters see
    /// against what the source answers.
    pub(super) fn regressions(
        &mut self,
        source: &Model,
        origin: NodeId,
        set: usize,
        members: &mut [Member<'a>],
        layers: &[Layer],
    ) -> Result<Vec<Regressions>, RepairError> {
        let indices = self.source.indices();
        let answered = match layers.first().and_then(|layer| Some((layer, layer.joint.as_ref()?))) {
            Some((layer, joint)) => members[layer.member].work.origin(joint.sum)?.0,
            None => origin,
        };
        self.source.join(source, source.graph().node(origin).inputs[0])?;
        self.source.advance(source, answered)?;
        for layer in layers {
            let Member { model, fronts, .. } = &mut members[layer.member];
            let input = model.graph().node(layer.id).inputs[0];
            fronts[set].as_mut().map(|front| front.advance(model, input)).transpose()?;
        }
        let mut gathering = Vec::with_capacity(layers.len());
        for layer in layers {
            let Member { model, fronts, work, .. } = &members[layer.member];
            let Some(front) = &fronts[set] else { continue };
            let inputs = front.values(model, model.graph().node(layer.id).inputs[0])?;
            let sampling = Sampling::new(&layer.geometry, indices.len(), layer.positions, layer.most);
            let others = layer.joint.iter().flat_map(|joint| &joint.others);
            let others = others.map(|&other| front.values(model, other)).collect::<Result<Vec<_>, _>>()?;
            let gathered = (0..layer.geometry.groups).map(|_| layer.gatherer(sampling.rows())).collect::<Vec<_>>();
            let kept = work.origin(layer.joint.as_ref().map_or(layer.id, |joint| joint.sum))?.1;
            gathering.push(Gathering { layer, kept, inputs, others, sampling, gathered });
        }
        let mut first = 0;
        for answer in self.source.values(source, answered)? {
            let answer = answer?;
            let images = &indices[first..indices.len().min(first + answer.shape()[0])];
            gathering.iter_mut().try_for_each(|gathering| gathering.add(&answer, first, images))?;
            first += images.len();
        }
        let finished = |gathering: Gathering<'_, '_>| -> Regressions {
            let regressions: Vec<Regression> = gathering.gathered.into_par_iter().map(Gathered::finish).collect();
            if regressions.iter().all(Regression::is_finite) {
                return Ok(regressions);
            }
            let layer = source.graph().node(origin).name.clone();
            Err(if self.is_finite(source, answered)? {
                RepairError::NonFinite { what: format!("what the component computes before `{layer}`") }
            } else {
                RepairError::SourceNonFinite { layer }
            })
        };
        Ok(gathering.into_iter().map(finished).collect())
    }

    /// Whether all that the source answers at `origin` are numbers.
    fn is_finite(&self, source: &Model, origin: NodeId) -> Result<bool, RepairError> {
        for answer in self.source.values(source, origin)? {
            if answer?.first_non_finite().is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// One layer of one component while images run.
struct Gathering<'l, 'v> {
    layer: &'l Layer,
    /// The source's outputs that it answers to.
    kept: &'l [usize],
    inputs: Values<'v>,
    /// What its outputs are added to, where it is fitted to the sum.
    others: Vec<Values<'v>>,
    sampling: Sampling,
    gathered: Vec<Gathered>,
}

impl Gathering<'_, '_> {
    /// Takes up a batch: `images` are those that the source gave `answer` for, the first of which is number `first` of the set.
    fn add(&mut self, answer: &Tensor, first: usize, images: &[usize]) -> Result<(), RepairError> {
        let Some(input) = self.inputs.next().transpose()? else { return Ok(()) };
        let others = self.others.iter_mut().filter_map(Values::next).collect::<Result<Vec<_>, _>>()?;
        let Self { layer: Layer { geometry, joint, .. }, kept, sampling, gathered, .. } = self;
        let sample = sampling.of_batch(geometry, first, images);
        gathered.par_iter_mut().enumerate().for_each(|(group, gathered)| {
            let own: Vec<usize> = (group * geometry.filters..(group + 1) * geometry.filters).collect();
            let mut targets = geometry.targets(answer, &kept[own[0]..][..own.len()], &sample);
            if let Some(joint) = joint {
                let others: Vec<_> = others.iter().map(|other| geometry.targets(other, &own, &sample)).collect();
                joint.answers(&mut targets, &others, own[0], own.len());
            }
            gathered.add(&geometry.observe(&input, group, &sample), &targets);
        });
        Ok(())
    }
}
