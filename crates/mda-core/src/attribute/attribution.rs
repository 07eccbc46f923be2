//! From a model and labelled images to what matters to each category.

use super::measure::Scope;
use super::pass::Pass;
use super::relevance::{Relevance, accumulate};
use crate::graph::ValidGraph;
use crate::method::{Formulation, FormulationError, Measure};
use crate::model::Model;
use crate::observe::{Observations, Statistics};
use crate::run::ImageSource;
use crate::run::backend::Probe;
use crate::run::{RunError, Runner};
use std::sync::Arc;
use thiserror::Error;

/// The images that speak for each category of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Category of the model and positions of its images in the source, ascending.
    pub categories: Vec<(usize, Vec<usize>)>,
    /// Positions of images of other categories. They speak for none; a measure that looks at all selected categories at
    /// once looks at them too, so that what tells its categories from others counts.
    pub contrast: Vec<usize>,
}

impl Selection {
    /// The images of every category, and no contrast.
    pub fn new(categories: Vec<(usize, Vec<usize>)>) -> Self {
        Self { categories, contrast: Vec::new() }
    }
}

/// What matters to each category of a task.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The formulation that decided.
    pub formulation: Formulation,
    /// Category of the model and its relevance.
    pub categories: Vec<(usize, Relevance)>,
    /// The largest number of images that spoke for one category.
    pub images_per_category: usize,
    /// The statistics of the source, where the measure looked at them.
    pub statistics: Option<Arc<Statistics>>,
}

/// Why nothing could be attributed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// A category that the model does not have.
    #[error("category {category} is out of range: the model has categories 0 to {}", .count - 1)]
    CategoryOutOfRange {
        /// What was asked for.
        category: usize,
        /// How many categories the model has.
        count: usize,
    },
    /// A category without images.
    #[error("no image speaks for category {category} (`{name}`)")]
    NoImages {
        /// The category.
        category: usize,
        /// Its name.
        name: String,
    },
    /// Categories that were not attributed.
    #[error("category {category} was not attributed")]
    NotAttributed {
        /// The category.
        category: usize,
    },
    /// A model that computes what is no number.
    #[error(
        "what enters `{layer}` is not finite for some image: the model itself overflows there; check its weights and the range \
         of pixel values that it expects"
    )]
    NonFinite {
        /// The layer.
        layer: String,
    },
    /// A category of which nothing was seen.
    #[error("the statistics hold {what} `{name}`; they hold {seen}")]
    NotSeen {
        /// `no image of the category` or `nothing of the measure`.
        what: &'static str,
        /// Which.
        name: String,
        /// What there is.
        seen: String,
    },
    /// A bad formulation.
    #[error(transparent)]
    Formulation(#[from] FormulationError),
    /// The model could not be run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Picks, for every category of `candidates`, the `top_k` images in which the source is surest of the label.
///
/// Sureness is the softmax probability of the label, compared in f64 logarithms so that it does not saturate at 1; ties
/// go to the earlier image. Each selection is sorted by position.
///
/// # Errors
/// [`AttributeError`] for a category out of range or without candidates, and where running fails.
pub fn select_confident(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    candidates: &[(usize, Vec<usize>)],
    top_k: usize,
) -> Result<Selection, AttributeError> {
    let chosen = surest(runner, model, source, candidates, top_k)?;
    let images =
        |(category, chosen): (usize, Vec<(usize, f64)>)| (category, chosen.into_iter().map(|(i, _)| i).collect());
    Ok(Selection::new(chosen.into_iter().map(images).collect()))
}

/// A category and its surest images, each with its sureness.
pub(super) type Surest = (usize, Vec<(usize, f64)>);

/// The same, every image with its sureness.
pub(super) fn surest(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    candidates: &[(usize, Vec<usize>)],
    top_k: usize,
) -> Result<Vec<Surest>, AttributeError> {
    let mut running = runner.start(model, &[]).map_err(RunError::from)?;
    let mut categories = Vec::with_capacity(candidates.len());
    for (category, indices) in candidates {
        require_images(model, *category, indices)?;
        let run = running.run(source, indices, |_, _| {})?;
        let sureness = |position: usize| log_softmax(run.logits.row(position), *category);
        let all = indices.iter().enumerate().map(|(position, &index)| (index, sureness(position)));
        categories.push((*category, first_by_sureness(all.collect(), top_k)));
    }
    Ok(categories)
}

/// The `top_k` of some images, each with its sureness, that are surest; of equals the earlier ones. In the order of their positions.
pub(super) fn first_by_sureness(mut images: Vec<(usize, f64)>, top_k: usize) -> Vec<(usize, f64)> {
    images.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    images.truncate(top_k);
    images.sort_unstable_by_key(|&(index, _)| index);
    images
}

fn require_images(model: &Model, category: usize, images: &[usize]) -> Result<(), AttributeError> {
    let count = model.categories().len();
    match model.categories().get(category) {
        None => Err(AttributeError::CategoryOutOfRange { category, count }),
        Some(name) if images.is_empty() => Err(AttributeError::NoImages { category, name: name.clone() }),
        Some(_) => Ok(()),
    }
}

pub(super) fn require_finite(model: &Model, observations: &Observations) -> Result<(), AttributeError> {
    match observations.first_non_finite() {
        Some(id) => Err(AttributeError::NonFinite { layer: model.graph().node(id).name.clone() }),
        None => Ok(()),
    }
}

fn log_softmax(logits: &[f32], category: usize) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let others = logits.iter().enumerate().filter(|&(k, _)| k != category);
    let rest: f64 = others.map(|(_, &x)| f64::from(x - max).exp()).sum();
    let own = f64::from(logits[category] - max);
    // ln(e^own / (e^own + rest)) = -ln(1 + rest / e^own), precise where the label is nearly certain.
    -(rest / own.exp()).ln_1p()
}

/// Takes the measure over the selected images and walks back from the logits of each category.
///
/// A measure of what the other channels cannot explain looks at all selected categories at once, and gives each of them
/// the same relevance: select the categories of the task and no others.
///
/// Batches are full, whatever categories their images are of. Memory: one category's observations at a time.
///
/// # Errors
/// [`AttributeError`] for a category out of range or without images, bad thresholds, and where running fails.
pub fn attribute(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    selection: &Selection,
    formulation: &Formulation,
) -> Result<Attribution, AttributeError> {
    formulation.check()?;
    for (category, indices) in &selection.categories {
        require_images(model, *category, indices)?;
    }
    let mut pass = Pass::new(runner, model, formulation.measure)?;
    let parts = &selection.categories;
    let mut statistics = None;
    let mut categories = Vec::with_capacity(parts.len());
    match formulation.measure.measuring().scope() {
        Scope::Task => {
            let task: Vec<usize> = parts.iter().map(|(category, _)| *category).collect();
            let observations = pass.together(source, &together(selection))?;
            (categories, statistics) = concluded(model, formulation, observations, &task)?;
        }
        Scope::Category => {
            let mut all_finite = Ok(());
            pass.apart(source, parts, |category, observations| {
                let finite = require_finite(model, &observations);
                if all_finite.is_ok() && finite.is_ok() {
                    categories.push((category, accumulate(model, formulation, &observations, &[category])));
                }
                all_finite = std::mem::replace(&mut all_finite, Ok(())).and(finite);
            })?;
            all_finite?;
        }
    }
    let images_per_category = parts.iter().map(|(_, indices)| indices.len()).max().unwrap_or(0);
    Ok(Attribution { formulation: formulation.clone(), categories, images_per_category, statistics })
}

/// What matters to every category of a task of which something was observed together, and the statistics that are left of it.
#[expect(clippy::type_complexity, reason = "two parts of one value")]
pub(super) fn concluded(
    model: &Model,
    formulation: &Formulation,
    observations: Observations,
    task: &[usize],
) -> Result<(Vec<(usize, Relevance)>, Option<Arc<Statistics>>), AttributeError> {
    require_finite(model, &observations)?;
    let shared = accumulate(model, formulation, &observations, task);
    let categories = task.iter().map(|&category| (category, shared.clone())).collect();
    Ok((categories, Some(observations.into_statistics()).filter(|all| all.layers() > 0).map(Arc::new)))
}

/// The images of a selection, its contrast among those of the first category: whose images they are tells a measure that
/// looks at all of them nothing.
fn together(selection: &Selection) -> Vec<(usize, Vec<usize>)> {
    let contrast = selection.categories.first().map(|(category, _)| (*category, selection.contrast.clone()));
    selection.categories.iter().cloned().chain(contrast).collect()
}

/// The statistics of a source on the selected images.
///
/// # Errors
/// [`AttributeError`] where running fails and where the source overflows.
pub fn statistics(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    selection: &Selection,
) -> Result<Statistics, AttributeError> {
    let observations = Pass::new(runner, model, Measure::Obs)?.together(source, &together(selection))?;
    require_finite(model, &observations)?;
    Ok(observations.into_statistics())
}

/// The probes that relative contribution needs: window sums of convolutions, inputs of linear layers.
pub fn contribution_probes(graph: &ValidGraph) -> Vec<Probe> {
    Measure::RelativeContribution.measuring().probes(graph)
}

/// What the measure of `formulation` knows of every layer, from the images of some categories.
///
/// # Errors
/// [`RunError`] from the backend or the images.
pub fn observe(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    parts: &[(usize, Vec<usize>)],
    formulation: &Formulation,
) -> Result<Observations, RunError> {
    Pass::new(runner, model, formulation.measure)?.together(source, parts)
}

impl Attribution {
    /// The relevance of a task: what matters to any of its categories.
    ///
    /// # Errors
    /// [`AttributeError::NotAttributed`] for a category that was not attributed.
    pub fn relevance(&self, graph: &ValidGraph, task: &[usize]) -> Result<Relevance, AttributeError> {
        let find = |&category: &usize| {
            let found = self.categories.iter().find(|(c, _)| *c == category).map(|(_, relevance)| relevance);
            found.ok_or(AttributeError::NotAttributed { category })
        };
        Ok(Relevance::united(graph, task.iter().map(find).collect::<Result<Vec<_>, _>>()?))
    }
}
