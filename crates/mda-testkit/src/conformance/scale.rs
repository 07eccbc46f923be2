//! How large the terms are that a channel's numbers are made of: what differences are relative to.
//!
//! The largest number of a whole tensor would hide what goes wrong in a channel far smaller than its neighbours. The largest
//! number of the channel alone would ask too much where terms cancel: rounding is relative to the terms of a sum, not to the
//! sum. So the scale of a channel is the larger of its own largest number and what terms of random signs come to, the root
//! of their squares' sum, each term being a weight times the scale of the channel that it reads. A layer that makes a
//! channel small by small weights thus makes its scale small as well.

use mda_core::graph::NodeId;
use mda_core::op::Op;
use mda_core::run::backend::{Probe, RunOutput};
use mda_core::{Model, Tensor};

/// The scale of every channel of every value in a batch.
pub(super) struct Scales(Vec<Vec<f32>>);

impl Scales {
    /// Of `model` for a batch to which the reference answers `output`, asked for `probes`, every node's value among them.
    pub(super) fn new(model: &Model, probes: &[Probe], output: &RunOutput) -> Self {
        let graph = model.graph();
        let mut scales = Self(Vec::with_capacity(graph.nodes().len()));
        for id in 0..graph.nodes().len() {
            let asked = probes.iter().position(|&probe| probe == Probe::Value(id));
            let value = &output.probes[asked.expect("the value of every node")];
            let terms = scales.terms(model, id);
            scales.0.push(largest(value, terms));
        }
        scales
    }

    /// Of the channels of a node's value.
    pub(super) fn value(&self, id: NodeId) -> &[f32] {
        &self.0[id]
    }

    /// Of what `probe` answers, `answer` being the reference's: one a channel, or one a moment of a channel.
    pub(super) fn probe(&self, model: &Model, probe: Probe, answer: &Tensor) -> Vec<f32> {
        let graph = model.graph();
        let value = probe.value(model).expect("a probe that the reference answered");
        let (scales, positions) = (self.value(value), graph.node(value).shape.positions());
        // Sums over positions of random signs.
        let sum = |positions: usize, scale: f32| (positions as f32).sqrt() * scale;
        match probe {
            Probe::Value(_) | Probe::Input(_) => scales.to_vec(),
            Probe::WindowSum(id) => {
                let seen = positions.min(graph.node(id).shape.positions());
                largest(answer, scales.iter().map(|&scale| sum(seen, scale)).collect())
            }
            Probe::Moments(_) => {
                let both = |&scale: &f32| [sum(positions, scale), sum(positions, scale * scale)];
                largest(answer, scales.iter().flat_map(both).collect())
            }
        }
    }

    /// What the terms of node `id` come to in each channel.
    fn terms(&self, model: &Model, id: NodeId) -> Vec<f32> {
        let (node, parameters) = (model.graph().node(id), model.node_parameters(id));
        let inputs: Vec<&[f32]> = node.inputs.iter().map(|&input| self.value(input)).collect();
        let affine = |numbers: Vec<(f64, f64)>| {
            let term = |((scale, shift), &x): ((f64, f64), &f32)| (scale.abs() * f64::from(x) + shift.abs()) as f32;
            numbers.into_iter().zip(inputs[0]).map(term).collect()
        };
        let layer = |bias: bool, first: &dyn Fn(usize) -> usize| {
            let weight = parameters.get("weight");
            let taps = weight.shape()[2..].iter().product::<usize>();
            let of_filter = |q: usize| {
                let kernels = weight.row(q).chunks_exact(taps).zip(&inputs[0][first(q)..]);
                let square = |w: f32, x: f32| (f64::from(w) * f64::from(x)).powi(2);
                let squares: f64 = kernels.flat_map(|(kernel, &x)| kernel.iter().map(move |&w| square(w, x))).sum();
                squares.sqrt() as f32 + if bias { parameters.get("bias").data()[q].abs() } else { 0.0 }
            };
            (0..weight.shape()[0]).map(of_filter).collect()
        };
        match &node.op {
            Op::Input(_) => vec![0.0; node.shape.channels()],
            Op::Normalize(op) => affine(
                op.mean.iter().zip(&op.std).map(|(&m, &s)| (1.0 / f64::from(s), f64::from(m) / f64::from(s))).collect(),
            ),
            Op::BatchNorm(op) => affine(op.affine(parameters)),
            Op::Conv2d(op) => layer(op.bias, &|q| op.first_input(q, inputs[0].len())),
            Op::Linear(op) => layer(op.bias, &|_| 0),
            Op::Clamp(_) | Op::Activation(_) | Op::MaxPool(_) | Op::AvgPool(_) | Op::GlobalAvgPool(_) => {
                inputs[0].to_vec()
            }
            Op::PRelu(_) => {
                affine(parameters.get("weight").data().iter().map(|&s| (f64::from(s).abs().max(1.0), 0.0)).collect())
            }
            Op::Add(_) => (0..inputs[0].len()).map(|c| inputs.iter().map(|input| input[c]).sum()).collect(),
            Op::Multiply(_) => inputs[0].iter().zip(inputs[1]).map(|(x, factor)| x * factor).collect(),
            Op::Concat(_) => inputs.concat(),
            Op::Flatten(_) => {
                let positions = node.shape.channels() / inputs[0].len();
                inputs[0].iter().flat_map(|&scale| vec![scale; positions]).collect()
            }
            Op::SelectChannels(op) => op.channels.iter().map(|from| from.map_or(0.0, |c| inputs[0][c])).collect(),
        }
    }
}

/// The larger of each scale and the largest number that belongs to it; `tensor` is `[N, ...]` and every scale stands for
/// equally many numbers of an image.
pub(super) fn largest(tensor: &Tensor, mut scales: Vec<f32>) -> Vec<f32> {
    let image = tensor.len() / tensor.shape()[0];
    let share = image / scales.len();
    for (index, x) in tensor.data().iter().enumerate() {
        let scale = &mut scales[index % image / share];
        *scale = scale.max(x.abs());
    }
    scales
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::case::{all_probes, reference};
    use mda_core::graph::Graph;
    use mda_core::op::{Clamp, Conv2d, Flatten, Input};

    /// Two 1x1 filters over channels of 1 and 2: 3 - 2 * 1.5, which cancels, and a millionth of both.
    #[test]
    fn what_cancels_keeps_the_scale_of_its_terms_and_what_is_small_its_own() {
        let mut graph = Graph::new();
        graph.push("images", Input { channels: 2, height: 1, width: 2 }, &[]);
        graph.push("conv", Conv2d::dense(2, 1, 1, 0, false), &["images"]);
        graph.push("relu", Clamp::relu(), &["conv"]);
        graph.push("flat", Flatten {}, &["relu"]);
        let weight = Tensor::new([2, 2, 1, 1], vec![3.0, -1.5, 1e-6, 1e-6]).unwrap();
        let parameters = [("conv.weight".to_owned(), weight)].into_iter().collect();
        let names = (0..4).map(|index| index.to_string()).collect();
        let model = Model::new("scales", graph.validate().unwrap(), parameters, names).unwrap();
        let batch = Tensor::new([1, 2, 1, 2], vec![1.0, 0.5, 2.0, 1.0]).unwrap();
        let probes = all_probes(&model);
        let output = reference(&model, &probes, &batch).unwrap();
        let scales = Scales::new(&model, &probes, &output);
        assert_eq!(scales.value(0), [1.0, 2.0]);
        let [cancelled, small] = [f32::sqrt(18.0), 3e-6];
        for (id, expected) in [(1, vec![cancelled, small]), (3, vec![cancelled, cancelled, small, small])] {
            let close = scales.value(id).iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5 * b);
            assert!(close, "node {id}: {:?}, not {expected:?}", scales.value(id));
        }
        let asked = probes.iter().position(|&probe| probe == Probe::Moments(0)).unwrap();
        let moments = scales.probe(&model, Probe::Moments(0), &output.probes[asked]);
        // Sums 1.5 and 3 of the numbers, 1.25 and 5 of their squares, against the root of 2 times the scales.
        let expected = [1.5, f32::sqrt(2.0), 3.0, f32::sqrt(32.0)];
        assert!(moments.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{moments:?}");
    }
}
