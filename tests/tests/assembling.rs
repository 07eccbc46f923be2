//! Assembled models: parallel components give the components' own logits, and merging them layer by layer gives the same.

use mda_core::assemble::{AssembleError, Form, assemble};
use mda_core::graph::Graph;
use mda_core::op::{Conv2d, Flatten, GlobalAvgPool, Input, Op, Window};
use mda_core::run::reference::evaluate;
use mda_core::{Model, Tensor};
use mda_testkit::generate::{RandomModel, families, random_images, relatives, with_random_parameters};
use proptest::prelude::*;

fn logits(model: &Model, batch: &Tensor) -> Tensor {
    evaluate(model, batch, |_, _| {}).swap_remove(model.graph().output())
}

/// The components' logits, one component behind another.
fn joined_logits(components: &[RandomModel], batch: &Tensor) -> Tensor {
    let parts: Vec<Tensor> = components.iter().map(|component| logits(component, batch)).collect();
    let batch = batch.shape()[0];
    let data: Vec<f32> = (0..batch).flat_map(|n| parts.iter().flat_map(move |part| part.row(n))).copied().collect();
    Tensor::new([batch, data.len() / batch], data).expect("every image has all logits")
}

fn references(components: &[RandomModel]) -> Vec<&Model> {
    components.iter().map(|component| &component.0).collect()
}

/// The largest difference, relative to the largest magnitude (at least 1).
fn difference(expected: &Tensor, got: &Tensor) -> f32 {
    assert_eq!(expected.shape(), got.shape());
    let magnitude = expected.data().iter().fold(1.0f32, |m, x| m.max(x.abs()));
    expected.data().iter().zip(got.data()).fold(0.0, |worst: f32, (a, b)| worst.max((a - b).abs() / magnitude))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn parallel_gives_the_components_logits(components in families(2)) {
        let batch = random_images(&components[0], 2, 1);
        let assembled = assemble("both", &references(&components), Form::Parallel).unwrap();
        prop_assert_eq!(logits(&assembled, &batch), joined_logits(&components, &batch));
        let categories: Vec<String> = components.iter().flat_map(|c| c.categories().iter().cloned()).collect();
        prop_assert_eq!(assembled.categories(), categories);
    }

    /// The sums of a merged layer hold the same products with zeros between; lanes may be permuted, so the order of the
    /// additions differs.
    #[test]
    fn block_diagonal_equals_parallel(components in (2usize..4).prop_flat_map(families)) {
        let batch = random_images(&components[0], 2, 1);
        let merged = assemble("merged", &references(&components), Form::BlockDiagonal);
        let merged = merged.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let worst = difference(&joined_logits(&components, &batch), &logits(&merged, &batch));
        prop_assert!(worst < 1e-5, "differs by {}", worst);
        prop_assert_eq!(merged.categories().len(), components.iter().map(|c| c.categories().len()).sum::<usize>());
    }

    /// Whatever two models are, merging them either gives their logits or says why not.
    #[test]
    fn merging_relatives_is_an_error_or_right(components in relatives()) {
        merged_or_refused(&components)?;
    }
}

fn merged_or_refused(components: &[RandomModel]) -> Result<(), TestCaseError> {
    let mismatch = components[0].input_shape() != components[1].input_shape();
    for form in [Form::Parallel, Form::BlockDiagonal] {
        match assemble("merged", &references(components), form) {
            Err(AssembleError::InputMismatch { .. }) => prop_assert!(mismatch),
            Err(AssembleError::ArchitectureMismatch { .. } | AssembleError::Rewrite { .. }) => {
                prop_assert_eq!(form, Form::BlockDiagonal);
            }
            Err(error) => prop_assert!(false, "{}", error),
            Ok(assembled) => {
                let batch = random_images(&components[0], 1, 1);
                let worst = difference(&joined_logits(components, &batch), &logits(&assembled, &batch));
                prop_assert!(worst < 1e-5, "{:?} differs by {}", form, worst);
            }
        }
    }
    Ok(())
}

/// The multiplier of a depthwise convolution is no attribute of its own, so nothing but a look at the channels tells; and one
/// that was cut down to a single channel looks dense.
#[test]
fn depthwise_convolutions_of_any_widths_and_multipliers_are_merged_right() {
    let model = |name: &str, channels: usize, multiplier: usize| {
        let mut graph = Graph::new();
        graph.push("images", Input { channels: 3, height: 5, width: 5 }, &[]);
        graph.push("stem", Conv2d::dense(channels, 1, 1, 0, false), &["images"]);
        let window = Window::square(3, 1, 1);
        let depthwise = Conv2d { out_channels: channels * multiplier, window, groups: channels, bias: true };
        graph.push("depthwise", depthwise, &["stem"]);
        graph.push("score", Conv2d::dense(2, 1, 1, 0, true), &["depthwise"]);
        graph.push("pool", GlobalAvgPool {}, &["score"]);
        graph.push("logits", Flatten {}, &["pool"]);
        RandomModel(with_random_parameters(name, &graph, multiplier as u64).unwrap())
    };
    let kinds = [(3, 1), (3, 2), (2, 2), (1, 1), (1, 2), (1, 3)];
    for (left, right) in kinds.into_iter().flat_map(|left| kinds.map(|right| (left, right))) {
        let models = [model("left", left.0, left.1), model("right", right.0, right.1)];
        let batch = random_images(&models[0], 2, 1);
        let merged = assemble("merged", &references(&models), Form::BlockDiagonal).unwrap();
        let worst = difference(&joined_logits(&models, &batch), &logits(&merged, &batch));
        assert!(worst < 1e-5, "{left:?} with {right:?} differs by {worst}");
        let depthwise = &merged.graph().node(merged.graph().find("depthwise").unwrap()).op;
        let stays = left.1 == right.1 && left.0 + right.0 > 2;
        assert_eq!(matches!(depthwise, Op::Conv2d(conv) if conv.groups > 1), stays, "{left:?} with {right:?}");
    }
}
