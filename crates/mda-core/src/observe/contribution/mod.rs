//! Contributions of a layer's input channels to its output channels, from window sums.
//!
//! The linear shortcut (docs/src/method.md): the sum over output positions of one kernel's response is linear in the
//! input, so `s[q, p] = sum over taps k of c[q, p][k] * U[p][k]` with the window sums `U` that a backend probes. Nothing
//! of the size of batch * outputs * inputs * positions is ever formed.

mod responses;

use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;
use crate::tensor::Tensor;

/// Contributions of the inputs that some outputs of a layer see, summed over images.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributions {
    /// How many inputs one output sees: P, or P / groups.
    pub seen: usize,
    /// For every requested output, the first input that it sees.
    pub first: Vec<usize>,
    /// `[requested outputs, seen]`, row-major: the sum over images of `max(s, 0)`.
    pub values: Vec<f32>,
}

impl Contributions {
    /// The contributions to the `index`-th requested output.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.seen..(index + 1) * self.seen]
    }
}

/// Sums `max(s[q, p], 0)` over the images of `observed` for the outputs `rows` of layer `id`.
///
/// `observed` is `[N, P, KH*KW]` window sums for a Conv2d and the input `[N, P]` for a Linear, f32.
///
/// # Panics
/// Where `id` is no layer, a row is out of range, or `observed` has another shape.
pub fn relative_contributions(model: &Model, id: NodeId, observed: &Tensor, rows: &[usize]) -> Contributions {
    let (graph, weight) = (model.graph(), model.node_parameters(id).get("weight"));
    let inputs = graph.node(graph.node(id).inputs[0]).shape.channels();
    let (seen, taps) = (weight.shape()[1], weight.shape()[2..].iter().product::<usize>());
    let first: Vec<usize> = match &graph.node(id).op {
        Op::Conv2d(conv) => rows.iter().map(|&q| conv.first_input(q, inputs)).collect(),
        _ => vec![0; rows.len()],
    };
    assert_eq!(observed.len(), observed.shape()[0] * inputs * taps, "observations of every input and tap");
    let layer = Layer { weight, rows, first: &first, seen, taps, inputs };
    let values = if taps == 1 { layer.closed_form(observed) } else { layer.positive_responses(observed.data()) };
    Contributions { seen, first, values }
}

struct Layer<'a> {
    weight: &'a Tensor,
    rows: &'a [usize],
    first: &'a [usize],
    seen: usize,
    taps: usize,
    inputs: usize,
}

impl Layer<'_> {
    /// With a single tap, `sum_n max(w * u_n, 0) = max(w, 0) * sum_n max(u_n, 0) + max(-w, 0) * sum_n max(-u_n, 0)`.
    fn closed_form(&self, observed: &Tensor) -> Vec<f32> {
        let mut positive = vec![0.0f32; self.inputs];
        let mut negative = vec![0.0f32; self.inputs];
        for sample in observed.data().chunks(self.inputs) {
            for ((p, n), &u) in positive.iter_mut().zip(&mut negative).zip(sample) {
                *p += u.max(0.0);
                *n += (-u).max(0.0);
            }
        }
        let mut values = Vec::with_capacity(self.rows.len() * self.seen);
        for (&q, &first) in self.rows.iter().zip(self.first) {
            let sums = positive[first..].iter().zip(&negative[first..]);
            values.extend(self.weight.row(q).iter().zip(sums).map(|(&w, (&p, &n))| w.max(0.0) * p + (-w).max(0.0) * n));
        }
        values
    }
}
