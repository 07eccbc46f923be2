//! In which order a backend runs a model's nodes: which BatchNorm the layer before it takes up, and when a value is free.
//!
//! A backend that keeps values as tensors of another library needs no more planning than this.

use super::Probe;
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;
use crate::tensor::Tensor;
use std::collections::BTreeSet;

/// One node to compute, with the BatchNorm that it takes up where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The node.
    pub node: NodeId,
    /// Its inputs, in its order.
    pub inputs: Vec<NodeId>,
    /// The value that it completes: its own, or that of the BatchNorm that it takes up.
    pub output: NodeId,
    /// Values that no later step reads; the logits are never among them.
    pub freed: Vec<NodeId>,
    /// Scale and shift a channel of the BatchNorm that a Conv2d or Linear takes up.
    affine: Option<Vec<(f64, f64)>>,
}

impl Step {
    /// The weight of a Conv2d or Linear, `[Q, ...]`, scaled by the BatchNorm that it takes up.
    ///
    /// # Panics
    /// Where the step's node in `model` has no weight.
    pub fn weight(&self, model: &Model) -> Tensor {
        let mut weight = model.node_parameters(self.node).get("weight").clone();
        if let Some(affine) = &self.affine {
            let filter = weight.len() / affine.len().max(1);
            for (numbers, &(scale, _)) in weight.data_mut().chunks_mut(filter.max(1)).zip(affine) {
                numbers.iter_mut().for_each(|w| *w = (scale * f64::from(*w)) as f32);
            }
        }
        weight
    }

    /// The bias of a Conv2d or Linear, `[Q]`, where it has one or the BatchNorm that it takes up gives it one.
    pub fn bias(&self, model: &Model) -> Option<Tensor> {
        let has_bias = match &model.graph().node(self.node).op {
            Op::Conv2d(op) => op.bias,
            Op::Linear(op) => op.bias,
            _ => false,
        };
        let bias = has_bias.then(|| model.node_parameters(self.node).get("bias"));
        let Some(affine) = &self.affine else { return bias.cloned() };
        let shifted = |(q, &(scale, shift)): (usize, &(f64, f64))| {
            (scale * bias.map_or(0.0, |bias| f64::from(bias.data()[q])) + shift) as f32
        };
        Some(Tensor::vector(affine.iter().enumerate().map(shifted).collect()))
    }
}

/// The steps of `model` behind the images, in order. A Conv2d or Linear takes up the BatchNorm that alone reads it, unless
/// a probe looks at the value between them.
pub fn schedule(model: &Model, probes: &[Probe]) -> Vec<Step> {
    let graph = model.graph();
    let observed: BTreeSet<NodeId> = probes.iter().filter_map(|probe| probe.value(model)).collect();
    let consumers = graph.consumers();
    let mut taken = BTreeSet::new();
    let mut steps: Vec<Step> = Vec::with_capacity(graph.nodes().len());
    for (node, described) in graph.nodes().iter().enumerate().filter(|&(id, _)| id != graph.input()) {
        if taken.contains(&node) {
            continue;
        }
        let hidden = !observed.contains(&node) && node != graph.output();
        let follower = match (&described.op, consumers[node].as_slice()) {
            (Op::Conv2d(_) | Op::Linear(_), &[only]) if hidden => Some(only),
            _ => None,
        };
        let batch_norm = follower.and_then(|only| match &graph.node(only).op {
            Op::BatchNorm(op) => Some((only, op.affine(model.node_parameters(only)))),
            _ => None,
        });
        let (output, affine) = batch_norm.map_or((node, None), |(only, affine)| (only, Some(affine)));
        taken.insert(output);
        steps.push(Step { node, inputs: described.inputs.clone(), output, freed: Vec::new(), affine });
    }
    let mut read_later = BTreeSet::from([graph.output()]);
    for step in steps.iter_mut().rev() {
        let unread = (!read_later.contains(&step.output)).then_some(step.output);
        let inputs: BTreeSet<NodeId> = step.inputs.iter().copied().collect();
        step.freed = inputs.into_iter().filter(|&input| read_later.insert(input)).chain(unread).collect();
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::op::{Add, BatchNorm, Clamp, Flatten, Input, Linear};
    use crate::tensor::Parameters;

    /// Linear 1 to 1 with weight 3 and bias 1, BatchNorm with scale 2 and shift 5, ReLU, and a sum of both.
    fn model() -> Model {
        let mut graph = Graph::new();
        graph.push("x", Input { channels: 1, height: 1, width: 1 }, &[]);
        graph.push("flat", Flatten {}, &["x"]);
        graph.push("fc", Linear { out_features: 1, bias: true }, &["flat"]);
        graph.push("bn", BatchNorm { eps: 0.0 }, &["fc"]);
        graph.push("relu", Clamp::relu(), &["bn"]);
        graph.push("sum", Add {}, &["relu", "bn"]);
        let mut parameters = Parameters::new();
        let numbers = [("fc.bias", 1.0), ("bn.weight", 4.0), ("bn.bias", 5.0), ("bn.running_mean", 0.0)];
        for (name, number) in numbers.into_iter().chain([("bn.running_var", 4.0)]) {
            parameters.insert(name, Tensor::vector(vec![number]));
        }
        parameters.insert("fc.weight", Tensor::new([1, 1], vec![3.0]).unwrap());
        Model::new("m", graph.validate().unwrap(), parameters, vec!["a".into()]).unwrap()
    }

    #[test]
    fn a_layer_takes_up_its_batch_norm() {
        let model = model();
        let steps = schedule(&model, &[Probe::Input(2)]);
        let order: Vec<(NodeId, NodeId)> = steps.iter().map(|step| (step.node, step.output)).collect();
        assert_eq!(order, [(1, 1), (2, 3), (4, 4), (5, 5)]);
        assert_eq!(steps[1].weight(&model).data(), [6.0]);
        assert_eq!(steps[1].bias(&model).unwrap().data(), [7.0]);
    }

    #[test]
    fn a_value_that_a_probe_sees_is_computed() {
        let model = model();
        for probe in [Probe::Value(2), Probe::Moments(2), Probe::Input(3)] {
            let steps = schedule(&model, &[probe]);
            assert_eq!(steps.len(), 5);
            assert_eq!(steps[1].weight(&model).data(), [3.0]);
            assert_eq!(steps[1].bias(&model).unwrap().data(), [1.0]);
        }
    }

    #[test]
    fn values_are_freed_after_their_last_reader() {
        let freed: Vec<Vec<NodeId>> = schedule(&model(), &[]).into_iter().map(|step| step.freed).collect();
        assert_eq!(freed, [vec![0], vec![1], vec![], vec![3, 4]]);
    }
}
