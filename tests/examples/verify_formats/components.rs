//! Components of a model, cut at random and by attribution, and what slicing must agree with.

use anyhow::Context;
use mda_backend_cpu::CpuBackend;
use mda_core::attribute::{Selection, attribute};
use mda_core::cut::KeepPlan;
use mda_core::cut::Logits;
use mda_core::graph::ChannelClasses;
use mda_core::graph::is_layer;
use mda_core::method::Formulation;
use mda_core::model::task::Task;
use mda_core::op::Op;
use mda_core::run::Runner;
use mda_core::tensor::Parameters;
use mda_core::{Model, Tensor};
use mda_testkit::Random;
use mda_testkit::labelled::LabelledImages;

/// Keeps about half of the channel classes, and at least one channel of every value.
pub(crate) fn cut_at_random(model: &Model, task: &[usize]) -> KeepPlan {
    let graph = model.graph();
    let classes = ChannelClasses::of(graph);
    let mut random = Random::new(17);
    let mut keep = classes.each(|| random.below(2) == 0);
    for value in 0..graph.nodes().len() {
        let of_value = classes.of_value(value);
        if !of_value.iter().any(|&class| keep[class]) {
            keep[of_value[random.below(of_value.len())]] = true;
        }
    }
    let each = |value: usize| classes.of_value(value).iter();
    let wanted: Vec<Vec<bool>> =
        (0..graph.nodes().len()).map(|value| each(value).map(|&class| keep[class]).collect()).collect();
    let score: Vec<Vec<f32>> =
        wanted.iter().map(|flags| flags.iter().map(|_| random.uniform(0.0, 1.0)).collect()).collect();
    KeepPlan::new(graph, &wanted, &score, task)
}

/// `model` with all its channels, but weights of zero wherever a layer reads a removed one, and only the kept logits.
pub(crate) fn masked(model: &Model, plan: &KeepPlan) -> anyhow::Result<Model> {
    let graph = model.graph();
    let mut parameters = Parameters::new();
    for (name, tensor) in model.parameters().iter() {
        parameters.insert(name.to_owned(), tensor.clone());
    }
    for id in (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)) {
        let node = graph.node(id);
        let kept = plan.kept(node.inputs[0]);
        let weight = model.node_parameters(id).get("weight");
        let channels = graph.input_shapes(id)[0].channels();
        let (seen, taps) = (weight.shape()[1], weight.shape()[2..].iter().product::<usize>());
        let mut zeroed = weight.clone();
        for (index, kernel) in zeroed.data_mut().chunks_mut(taps).enumerate() {
            let first = match &node.op {
                Op::Conv2d(conv) => conv.first_input(index / seen, channels),
                _ => 0,
            };
            if kept.binary_search(&(first + index % seen)).is_err() {
                kernel.fill(0.0);
            }
        }
        parameters.insert(format!("{}.weight", node.name), zeroed);
    }
    let zeroed = Model::new(model.name(), graph.clone(), parameters, model.categories().to_vec())?;
    // Whole classes stay, so keeping all channels but those of the logits is a plan that cuts nothing else.
    let wanted: Vec<Vec<bool>> = graph.nodes().iter().map(|node| vec![true; node.shape.channels()]).collect();
    let score: Vec<Vec<f32>> = graph.nodes().iter().map(|node| vec![0.0; node.shape.channels()]).collect();
    let all = KeepPlan::new(graph, &wanted, &score, plan.kept(graph.output()));
    Ok(mda_core::cut::slice(&zeroed, &all)?)
}

/// The component that the default method finds for `task`.
pub(crate) fn cut_by_attribution(model: &Model, images: &Tensor, task: &Task) -> anyhow::Result<Model> {
    let names: Vec<String> = task.iter().map(|&category| model.categories()[category].clone()).collect();
    let source = LabelledImages::new(images.clone(), &names);
    let parts = source.selection().categories.into_iter().zip(&**task);
    let selection = Selection::new(parts.map(|((_, images), &category)| (category, images)).collect());
    let backend = CpuBackend::new();
    let runner = Runner { backend: &backend, device: None, batch_size: 8 };
    let attribution = attribute(&runner, model, &source, &selection, &Formulation::graph())?;
    Ok(attribution.component(model, task, Logits::Task).context("cutting")?.model)
}
