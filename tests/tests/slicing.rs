//! The golden rule of slicing: a sliced model gives exactly the kept logits of its source with every removed channel forced
//! to zero where a convolution or a linear layer reads it.

use mda_core::cut::KeepPlan;
use mda_core::cut::slice;
use mda_core::graph::ChannelClasses;
use mda_core::graph::is_layer;
use mda_core::run::reference::evaluate;
use mda_core::{Model, Tensor};
use mda_testkit::Random;
use mda_testkit::generate::{RandomModel, models, random_images};
use proptest::prelude::*;

/// Wants about `share` of all channels, at least one of every value, and some of the categories.
fn random_plan(model: &Model, share: f32, seed: u64) -> (Vec<Vec<bool>>, KeepPlan) {
    let mut random = Random::new(seed);
    let mut wanted = Vec::new();
    let mut score = Vec::new();
    for node in model.graph().nodes() {
        let count = node.shape.channels();
        let mut flags: Vec<bool> = (0..count).map(|_| random.uniform(0.0, 1.0) < share).collect();
        flags[random.below(count)] = true;
        wanted.push(flags);
        score.push((0..count).map(|_| random.uniform(0.0, 1.0)).collect());
    }
    let categories = model.graph().category_count();
    let mut task: Vec<usize> = (0..categories).filter(|_| random.below(2) == 0).collect();
    if task.is_empty() {
        task.push(random.below(categories));
    }
    let plan = KeepPlan::new(model.graph(), &wanted, &score, &task);
    (wanted, plan)
}

/// The source's kept logits, the removed channels zero in every value that a layer reads.
///
/// Zeroing such a value for its other readers too changes nothing: through the channels of a class that is removed, a reader
/// that is no layer reaches only channels of that class.
fn masked_logits(model: &Model, plan: &KeepPlan, batch: &Tensor) -> Tensor {
    let graph = model.graph();
    let mut read_by_layer = vec![false; graph.nodes().len()];
    for id in (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)) {
        read_by_layer[graph.node(id).inputs[0]] = true;
    }
    let values = evaluate(model, batch, |id, value| {
        if !read_by_layer[id] {
            return;
        }
        let channels = graph.node(id).shape.channels();
        let positions = graph.node(id).shape.positions();
        for (plane, numbers) in value.data_mut().chunks_mut(positions).enumerate() {
            if plan.kept(id).binary_search(&(plane % channels)).is_err() {
                numbers.fill(0.0);
            }
        }
    });
    values[graph.output()].select(1, plan.kept(graph.output()))
}

fn logits(model: &Model, batch: &Tensor) -> Tensor {
    evaluate(model, batch, |_, _| {}).swap_remove(model.graph().output())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Both evaluations add the same products in the same order, one of them with zeros between, so they agree exactly.
    #[test]
    fn sliced_equals_masked(model in models(), share in 0.05f32..0.95, seed: u64) {
        let (_, plan) = random_plan(&model, share, seed);
        let sliced = slice(&model, &plan).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let batch = random_images(&model, 2, seed);
        prop_assert_eq!(logits(&sliced, &batch), masked_logits(&model, &plan, &batch));
        prop_assert!(sliced.size().parameters <= model.size().parameters);
    }

    #[test]
    fn keeping_everything_changes_nothing(model in models()) {
        let everything = slice(&model, &KeepPlan::everything(model.graph()));
        prop_assert_eq!(RandomModel(everything.unwrap()), model);
    }

    #[test]
    fn slicing_twice_is_slicing_once(model in models(), seed: u64) {
        let (_, plan) = random_plan(&model, 0.5, seed);
        let once = slice(&model, &plan).unwrap();
        let twice = slice(&once, &KeepPlan::everything(once.graph())).unwrap();
        prop_assert_eq!(RandomModel(twice), RandomModel(once));
    }

    #[test]
    fn a_plan_keeps_what_is_wanted_and_whole_classes(model in models(), share in 0.0f32..0.5, seed: u64) {
        let (wanted, plan) = random_plan(&model, share, seed);
        let (graph, classes) = (model.graph(), ChannelClasses::of(model.graph()));
        let mut kept = classes.each(|| None);
        for (value, wanted) in wanted.iter().enumerate() {
            for (channel, &class) in classes.of_value(value).iter().enumerate() {
                let keeps = plan.kept(value).binary_search(&channel).is_ok();
                prop_assert_eq!(*kept[class].get_or_insert(keeps), keeps, "{:?} of {}", class, graph.node(value).name);
                let is_logit = classes.of_value(graph.output()).contains(&class);
                prop_assert!(keeps || !wanted[channel] || is_logit);
            }
        }
        prop_assert_eq!(plan.kept(graph.input()).len(), model.input_shape().channels());
    }
}
