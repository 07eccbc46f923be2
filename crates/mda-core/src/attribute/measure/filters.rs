//! Measures of filters: a channel counts as much as the filters that compute it.

use crate::graph::{ChannelClass, ChannelClasses, layers};
use crate::model::Model;
use crate::observe::Observations;
use crate::op::Op;
use crate::tensor::Tensor;

/// For every layer, a number for each of its input channels: the mean of `of_filters` over the filters that compute the
/// channel or another of its class. `of_filters` answers one number a filter of a weight `[Q, ...]`. Channels that no
/// filter computes, those of images, count 1.
pub(super) fn by_producer(model: &Model, of_filters: impl Fn(&Tensor) -> Vec<f32>) -> Observations {
    let graph = model.graph();
    let classes = ChannelClasses::of(graph);
    let mut sums = classes.each(|| (0.0f32, 0u32));
    for (id, node) in graph.nodes().iter().enumerate() {
        if matches!(node.op, Op::Conv2d(_) | Op::Linear(_)) {
            let numbers = of_filters(model.node_parameters(id).get("weight"));
            for (&class, number) in classes.of_value(id).iter().zip(numbers) {
                sums[class].0 += number;
                sums[class].1 += 1;
            }
        }
    }
    let of_class = |&class: &ChannelClass| match sums[class] {
        (_, 0) => 1.0,
        (sum, count) => sum / count as f32,
    };
    let of_layer = |id: usize| {
        let inputs = classes.of_value(graph.node(id).inputs[0]).iter();
        (id, Tensor::vector(inputs.map(of_class).collect()))
    };
    layers(graph).map(of_layer).collect()
}
