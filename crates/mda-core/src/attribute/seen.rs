//! What a source saw of the images that speak for its categories, kept image by image: taken once, read for every task.
//!
//! It is additive. What was seen of some categories, or of some of the images, and what was seen of the others are together
//! what would have been seen of all: the surest images of the whole are among the surest of its parts.

mod attributing;
mod merging;
#[cfg(test)]
mod tests;

use super::attribution::{AttributeError, Surest, surest};
use super::measure::{Looks, POSITIONS};
use super::pass::Pass;
use crate::graph::{NodeId, is_layer, layers};
use crate::method::Measure;
use crate::model::Model;
use crate::run::{ImageSource, Runner};
use crate::tensor::Tensor;
use std::collections::BTreeMap;

/// An image that speaks for a category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speaking {
    /// The category of the model.
    pub category: usize,
    /// The image's position in its source.
    pub image: usize,
    /// The logarithm of the softmax probability of the category.
    pub sureness: f64,
}

/// What was seen of some images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// The images, by category and position.
    images: Vec<Speaking>,
    /// By the name of a measure and by layer what it keeps of every image: `[images, ...]`.
    looks: BTreeMap<String, Looks>,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How many images speak for a category.
    pub top_k: usize,
    /// Up to how many output positions of an image are kept of what the kernels of a layer see.
    pub positions: usize,
}

impl Extent {
    /// So many images, and as many positions as an attribution looks at.
    pub fn new(top_k: usize) -> Self {
        Self { top_k, positions: POSITIONS }
    }
}

impl Seen {
    /// Looks at the surest of `candidates`, categories and the positions of their images, as `measures` do.
    ///
    /// Memory: what is kept, and a batch.
    ///
    /// # Errors
    /// [`AttributeError`] for a category out of range or without candidates, and where running fails.
    pub fn look(
        runner: &Runner<'_>,
        model: &Model,
        source: &dyn ImageSource,
        candidates: &[(usize, Vec<usize>)],
        measures: &[Measure],
        extent: Extent,
    ) -> Result<Self, AttributeError> {
        let mut chosen = surest(runner, model, source, candidates, extent.top_k)?;
        chosen.sort_unstable_by_key(|(category, _)| *category);
        let parts: Vec<(usize, Vec<usize>)> = chosen
            .iter()
            .map(|(category, images)| (*category, images.iter().map(|(image, _)| *image).collect()))
            .collect();
        let mut looks = BTreeMap::new();
        for &measure in measures {
            let own = Pass::new(runner, model, measure)?.looks(source, &parts, extent.top_k, extent.positions)?;
            if !own.is_empty() {
                looks.insert(measure.name().to_owned(), own);
            }
        }
        let speaking = |(category, images): Surest| {
            images.into_iter().map(move |(image, sureness)| Speaking { category, image, sureness })
        };
        Ok(Self { images: chosen.into_iter().flat_map(speaking).collect(), looks })
    }

    /// How many bytes are kept of so many images.
    pub fn bytes(model: &Model, images: usize, measures: &[Measure], positions: usize) -> usize {
        let of_measure = |measure: &Measure| {
            let measuring = measure.measuring();
            let kept = layers(model.graph()).map(|layer| measuring.kept(model, layer, positions));
            if measuring.probes(model.graph()).is_empty() { 0 } else { kept.sum() }
        };
        let numbers: usize = measures.iter().map(of_measure).sum();
        numbers.saturating_mul(images).saturating_mul(size_of::<f32>())
    }

    /// From its parts, as [`Seen::images`] and [`Seen::looks`] tell them.
    ///
    /// # Errors
    /// A sentence on what does not fit `model`: images out of order, tensors of other sizes than there are images.
    pub fn of_parts(
        model: &Model,
        images: Vec<Speaking>,
        looks: BTreeMap<String, BTreeMap<NodeId, Tensor>>,
    ) -> Result<Self, String> {
        let in_order = |pair: &[Speaking]| (pair[0].category, pair[0].image) < (pair[1].category, pair[1].image);
        if !images.windows(2).all(in_order) {
            return Err("expected the images of each category once and in ascending order".into());
        }
        if let Some(out) = images.iter().find(|one| one.category >= model.categories().len() || one.sureness.is_nan()) {
            let count = model.categories().len();
            return Err(format!("expected categories below {count} and a sureness of each image, got {out:?}"));
        }
        let graph = model.graph();
        let mut needed = vec![false; graph.nodes().len()];
        needed[graph.output()] = true;
        for id in (0..needed.len()).rev() {
            if needed[id] {
                graph.node(id).inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        for (name, looks) in &looks {
            if let Some(layer) = layers(graph).find(|layer| needed[*layer] && !looks.contains_key(layer)) {
                return Err(format!("{name} keeps nothing of `{}`", graph.node(layer).name));
            }
            for (&layer, numbers) in looks {
                let measure =
                    Measure::ALL.iter().find(|(known, _)| known == name).map(|(_, measure)| measure.measuring());
                let each = numbers.len() / images.len().max(1);
                let kept = |positions| measure.as_ref().map_or(0, |own| own.kept(model, layer, positions).max(1));
                let fits = is_layer(model.graph(), layer)
                    && each.is_multiple_of(kept(1))
                    && (1..=kept(usize::MAX)).contains(&each);
                if numbers.shape().len() < 2 || numbers.shape()[0] != images.len() || !fits {
                    let (layer, shape) = (&model.graph().node(layer).name, numbers.shape());
                    return Err(format!(
                        "what {name} keeps of `{layer}` is {shape:?}, which {} images of it are not",
                        images.len()
                    ));
                }
            }
        }
        Ok(Self { images, looks })
    }

    /// The images, by category and position.
    pub fn images(&self) -> &[Speaking] {
        &self.images
    }

    /// What is kept of them, `[images, ...]`, by the name of a measure and by layer.
    pub fn looks(&self) -> &BTreeMap<String, BTreeMap<NodeId, Tensor>> {
        &self.looks
    }

    /// The categories of which something was seen, ascending.
    pub fn categories(&self) -> Vec<usize> {
        let mut categories: Vec<usize> = self.images.iter().map(|one| one.category).collect();
        categories.dedup();
        categories
    }
}
