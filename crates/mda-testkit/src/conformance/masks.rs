//! Masks: what thresholds decide from a backend's answers has to be what they decide from the reference's.
//!
//! With hard accumulation every decision goes back to comparisons of a normalised contribution with `alpha`; what follows
//! only counts. So masks may differ only where such a contribution is so near to `alpha` that the suite's tolerance on the
//! observations reaches across: a tie. Every layer is asked with the outputs that matter in the reference's walk, because
//! one tie may change all that lies behind it.

use super::case::{unexpected, unsupported};
use super::compare::LAYERS;
use super::report::{Failure, Outcome};
use super::scale::largest;
use crate::generate::random_images;
use crate::labelled::LabelledImages;
use mda_core::Model;
use mda_core::attribute::AttributeError;
use mda_core::attribute::Relevance;
use mda_core::attribute::{attribute, observe};
use mda_core::graph::NodeId;
use mda_core::graph::is_layer;
use mda_core::method::Formulation;
use mda_core::observe::Observations;
use mda_core::observe::contribution::relative_contributions;
use mda_core::op::Op;
use mda_core::run::backend::Backend;
use mda_core::run::reference::Reference;
use mda_core::run::{RunError, Runner};

/// How far a contribution may move across `alpha` at most and still tie. Normalised contributions span 0 to 1. Where a row's
/// range is so small that the tolerance reaches farther, what rounding moves (some hundredth of the tolerance) does not.
const CLOSEST: f32 = 1e-3;

/// How many comparisons may tie in the masks of one model of so many bits. Contributions are no round numbers, so one within
/// 1e-3 of `alpha` is rare, and rounding carries only every hundredth of those across. Two formulations may tie at one.
fn most_ties(bits: usize) -> usize {
    2 + bits / 1000
}

/// How many bits may differ by those ties. What a tied bit keeps counts for what lies behind it, down to the images.
fn most_differing(bits: usize) -> usize {
    4 + bits / 50
}

/// How many bits may differ in the masks of all models together: the bound of a single model is there for the one model in
/// which something ties.
pub(super) fn most_differing_in_all(bits: usize) -> usize {
    4 + bits / 2000
}

/// In two batches, the second one smaller.
const IMAGES_A_CATEGORY: usize = 5;
const BATCH: usize = 3;

/// Compares all masks of `model` on random images.
pub(super) fn check(model: &Model, backend: &dyn Backend, device: Option<&str>) -> Result<Outcome, Failure> {
    let images = random_images(model, IMAGES_A_CATEGORY * model.categories().len(), 11);
    check_on(&LabelledImages::new(images, model.categories()), model, backend, device)
}

fn check_on(
    images: &LabelledImages,
    model: &Model,
    backend: &dyn Backend,
    device: Option<&str>,
) -> Result<Outcome, Failure> {
    if let Some(outcome) = unsupported(backend, model, device)? {
        return Ok(outcome);
    }
    let both = Both { images, model, backend, device };
    let (mut bits, mut differing, mut ties) = (0, 0, 0);
    for (name, formulation) in [("graph", Formulation::graph()), ("model-lego", Formulation::model_lego())] {
        let [expected, got] = both.runners().map(|runner| {
            attribute(&runner, model, images, &images.selection(), &formulation).map_err(|error| match error {
                AttributeError::Run(error) => refused(error),
                error => Failure::Wrong(error.to_string()),
            })
        });
        for ((category, expected), (_, got)) in expected?.categories.iter().zip(&got?.categories) {
            let decisions = || expected.relevant.iter().flatten().zip(got.relevant.iter().flatten());
            bits += decisions().count();
            let unequal = decisions().filter(|(expected, got)| expected != got).count();
            if unequal > 0 {
                differing += unequal;
                ties += both.ties(&formulation, *category, expected).map_err(|failure| match failure {
                    Failure::Wrong(what) => Failure::Wrong(format!("masks by `{name}`: {what}")),
                    failure => failure,
                })?;
            }
        }
    }
    if ties > most_ties(bits) || differing > most_differing(bits) {
        return Err(Failure::Wrong(format!(
            "{differing} of {bits} bits of the masks differ, at {ties} ties; at most {} may differ, at {} ties",
            most_differing(bits),
            most_ties(bits)
        )));
    }
    Ok(Outcome::Agreed { bits, differing, ties })
}

fn refused(error: RunError) -> Failure {
    match error {
        RunError::Backend(error) => unexpected(error),
        error => Failure::Wrong(error.to_string()),
    }
}

/// One model and its images, on the reference and on a backend.
struct Both<'a> {
    images: &'a LabelledImages,
    model: &'a Model,
    backend: &'a dyn Backend,
    device: Option<&'a str>,
}

impl Both<'_> {
    fn runners(&self) -> [Runner<'_>; 2] {
        [
            Runner { backend: &Reference, device: None, batch_size: BATCH },
            Runner { backend: self.backend, device: self.device, batch_size: BATCH },
        ]
    }

    /// How many comparisons tie in the masks of `category`, which differ; `relevance` is the reference's.
    fn ties(&self, formulation: &Formulation, category: usize, relevance: &Relevance) -> Result<usize, Failure> {
        let mut parts = self.images.selection().categories;
        parts.retain(|part| part.0 == category);
        let [expected, got] = self
            .runners()
            .map(|runner| observe(&runner, self.model, self.images, &parts, formulation).map_err(refused));
        let (expected, got) = (expected?, got?);
        let graph = self.model.graph();
        let mut ties = 0;
        for id in (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)) {
            let outputs: Vec<usize> =
                (0..graph.node(id).shape.channels()).filter(|&q| relevance.relevant[id][q]).collect();
            if !outputs.is_empty() {
                ties += self.ties_of_layer(formulation, id, &outputs, [&expected, &got], category)?;
            }
        }
        if ties == 0 {
            return Err(Failure::Wrong(format!(
                "those of category {category} differ though no layer decides otherwise"
            )));
        }
        Ok(ties)
    }

    fn ties_of_layer(
        &self,
        formulation: &Formulation,
        id: NodeId,
        outputs: &[usize],
        observations: [&Observations; 2],
        category: usize,
    ) -> Result<usize, Failure> {
        let node = self.model.graph().node(id);
        let alpha = if matches!(node.op, Op::Linear(_)) { formulation.linear.alpha } else { formulation.conv.alpha };
        let [expected, got] = observations.map(|all| relative_contributions(self.model, id, &all[&id], outputs));
        let inputs = self.model.graph().node(node.inputs[0]).shape.channels();
        let scales = largest(&observations[0][&id], vec![0.0; inputs]);
        let mut ties = 0;
        for (index, &output) in outputs.iter().enumerate() {
            let seen = &scales[expected.first[index]..][..expected.seen];
            let weights = self.model.node_parameters(id).get("weight").row(output);
            let reach = reach(observations[0][&id].shape()[0], weights, seen, expected.row(index));
            let [expected, got] = [&expected, &got].map(|contributions| {
                let mut row = contributions.row(index).to_vec();
                formulation.normalization.apply(&mut row);
                row
            });
            for (input, (&expected, &got)) in expected.iter().zip(&got).enumerate() {
                if (expected > alpha) == (got > alpha) {
                    continue;
                }
                // On either side of alpha and so near to each other, both are near to alpha.
                if (got - expected).abs() > reach {
                    return Err(Failure::Wrong(format!(
                        "what input {input} adds to output {output} of `{}` for category {category} is {got} after \
                         normalisation, above or below alpha = {alpha} where {expected} is not; a tie differs by at most \
                         {reach:.1e}",
                        node.name
                    )));
                }
                ties += 1;
            }
        }
        Ok(ties)
    }
}

/// How far a normalised contribution to one output may move while what is observed of every input moves by [`LAYERS`] of its
/// largest number, one of `scales`; at most [`CLOSEST`].
///
/// Contributions `s` are sums over `images` and taps of weight times observation, so they move by at most `E`: that sum of
/// the weights' magnitudes, times the tolerance. In `(s - min) / (max - min)` each of the three moves by `E`.
fn reach(images: usize, weights: &[f32], scales: &[f32], contributions: &[f32]) -> f32 {
    let kernels = weights.chunks(weights.len() / scales.len()).zip(scales);
    let moved = kernels.map(|(kernel, scale)| kernel.iter().map(|w| w.abs()).sum::<f32>() * scale).fold(0.0, f32::max);
    let moved = images as f32 * LAYERS.relative * moved;
    let fold = |pick: fn(f32, f32) -> f32| contributions.iter().copied().reduce(pick).unwrap_or(0.0);
    let range = fold(f32::max) - fold(f32::min);
    if range > 2.0 * moved { (4.0 * moved / (range - 2.0 * moved)).min(CLOSEST) } else { CLOSEST }
}

#[cfg(test)]
mod tests {
    use super::super::defective::Defective;
    use super::*;
    use mda_core::Tensor;
    use mda_core::graph::Graph;
    use mda_core::op::{Flatten, Input, Linear};
    use mda_core::run::backend::RunOutput;

    /// Inputs that add so much an image to the only category, and four images.
    fn adding(weights: Vec<f32>) -> (Model, LabelledImages) {
        let mut graph = Graph::new();
        graph.push("images", Input { channels: weights.len(), height: 1, width: 1 }, &[]);
        graph.push("flat", Flatten {}, &["images"]);
        graph.push("logits", Linear { out_features: 1, bias: false }, &["flat"]);
        let ones = Tensor::new([4, weights.len(), 1, 1], vec![1.0; 4 * weights.len()]).unwrap();
        let weight = Tensor::new([1, weights.len()], weights).unwrap();
        let parameters = [("logits.weight".to_owned(), weight)].into_iter().collect();
        let model = Model::new("at alpha", graph.validate().unwrap(), parameters, vec!["all".into()]).unwrap();
        let images = LabelledImages::new(ones, model.categories());
        (model, images)
    }

    /// Multiplies what the second input is in every image.
    fn second_input(output: &mut RunOutput, by: f32) {
        let seconds = output.probes.iter_mut().flat_map(|probe| probe.data_mut()).skip(1).step_by(3);
        seconds.for_each(|number| *number *= by);
    }

    #[test]
    fn a_tie_is_counted_and_more_is_a_failure() {
        // The second one lies at alpha.
        let (model, images) = adding(vec![1.0, 0.4, 0.0]);
        let check = |defect| check_on(&images, &model, &Defective(defect), None);
        // Two formulations, each with three bits for the images, three for the features and one for the logit.
        assert_eq!(check(|_, _, _| ()), Ok(Outcome::Agreed { bits: 14, differing: 0, ties: 0 }));
        let tied = check(|_, _, output| second_input(output, 1.0 + 1e-5)).unwrap();
        assert!(matches!(tied, Outcome::Agreed { bits: 14, differing: 1.., ties: 2 }), "{tied:?}");
        let failure = check(|_, _, output| second_input(output, 1.01)).unwrap_err().to_string();
        assert!(failure.contains("input 1 adds to output 0 of `logits`"), "{failure}");
    }

    /// All but the first and the last input lie at alpha, and a backend moves them across.
    #[test]
    fn many_ties_are_a_failure() {
        let (model, images) = adding([vec![1.0], vec![0.4; 100], vec![0.0]].concat());
        let defect = |_: &Model, _: usize, output: &mut RunOutput| {
            for probe in &mut output.probes {
                let inputs = probe.len() / probe.shape()[0];
                let tied = probe.data_mut().iter_mut().enumerate().filter(|(at, _)| !matches!(at % inputs, 0 | 101));
                tied.for_each(|(_, number)| *number *= 1.0 + 1e-5);
            }
        };
        let failure = check_on(&images, &model, &Defective(defect), None).unwrap_err().to_string();
        assert!(failure.contains("200 ties"), "{failure}");
    }

    /// The inputs add almost the same, so that the tolerance decides nothing between them; rounding does.
    #[test]
    fn a_tie_is_close() {
        let (model, images) = adding(vec![1.0, 1.0 - 1e-5, 1.0 - 2e-5]);
        let check = |defect| check_on(&images, &model, &Defective(defect), None);
        assert!(check(|_, _, _| ()).is_ok());
        let failure = check(|_, _, output| second_input(output, 0.9999)).unwrap_err().to_string();
        assert!(failure.contains("a tie differs by at most 1.0e-3"), "{failure}");
    }
}
