//! Layers whose inputs say nothing, and numbers that overflow.

use super::*;

/// A chain whose first channel, and with `all` every channel, says nothing.
fn dead(all: bool) -> Model {
    let source = chain();
    let mut tensors = source.parameters().clone();
    let mut weight = tensors.get("conv1.weight").unwrap().as_ref().clone();
    weight.data_mut()[..if all { 54 } else { 18 }].fill(0.0);
    tensors.insert("conv1.weight", weight);
    let others = if all { -1.0 } else { 0.2 };
    tensors.insert("conv1.bias", Tensor::vector(vec![-1.0, others, others]));
    Model::new("tiny", source.graph().clone(), tensors, source.categories().to_vec()).unwrap()
}

#[test]
fn a_dead_input_takes_more_lambda() {
    let source = dead(false);
    let (component, images) = (cut(&source, &[("conv1", 2)]), images(40, 2, 6));
    let conv2 = |lambda| run(&source, &component, &images, &ridge(lambda)).layers[1].clone();
    assert_eq!((conv2(1e-3).lambda, conv2(1e-3).degenerate), (Some(1e-3), None));
    // Nothing pulls but what rounding may hide.
    let alone = conv2(0.0);
    assert!(alone.lambda.is_some() && alone.after.is_finite(), "{alone:?}");
}

#[test]
fn dead_and_constant_layers_do_a_repair_no_harm() {
    let source = dead(true);
    let (component, mut images) = (cut(&source, &[("conv1", 2)]), images(40, 2, 6));
    let same = |images: &Images| {
        let repaired = run(&source, &component, images, &ridge(1e-3)).model;
        let of = |model: &Model| model.parameters().get("conv2.weight").unwrap().data().to_vec();
        let moved = of(&repaired).iter().zip(of(&component.model)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(moved < 1e-6, "{moved}");
        assert!(largest_difference(&logits(&repaired, images), &logits(&source, images)) < 1e-5);
    };
    same(&images);
    images.pixels.data_mut().fill(0.5);
    same(&images);
}

#[test]
fn numbers_that_overflow_are_the_plan_or_the_source_to_blame() {
    let (source, images) = (chain(), images(20, 2, 6));
    let component = cut(&source, &[("conv1", 2)]);
    let with = |model: &Model, name: &str, number: f32| {
        let mut tensors = model.parameters().clone();
        let mut tensor = tensors.get(name).unwrap().as_ref().clone();
        tensor.data_mut().fill(number);
        tensors.insert(name, tensor);
        Model::new("tiny", model.graph().clone(), tensors, model.categories().to_vec()).unwrap()
    };
    let fail = |source: &Model, component: &Component| {
        repair(&runner(), source, component, &images, &[0, 1, 2], &[3], &ridge(1e-3)).unwrap_err()
    };
    let error = fail(&with(&source, "conv1.weight", 3e38), &component);
    assert!(!error.is_of_the_plan() && error.to_string().contains("the source computes at `conv1`"), "{error}");
    // Behind a BatchNorm that nothing refits.
    let broken = Component { model: with(&component.model, "norm.weight", 3e38), plan: component.plan.clone() };
    let error = fail(&source, &broken);
    assert!(error.is_of_the_plan() && error.to_string().contains("before `fc`"), "{error}");
}
