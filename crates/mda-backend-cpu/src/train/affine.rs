//! What follows a layer without bending: bias, normalisation with fixed numbers, BatchNorm with fixed statistics. Folded into the
//! layer for the forward pass; unfolded by the chain rule for the gradients, so that nothing between them is ever computed.

use mda_core::Model;
use mda_core::graph::NodeId;
use mda_core::op::Op;
use mda_core::run::backend::TrainedNumbers;
use std::ops::Range;

/// One link, from what comes out of the one before.
#[derive(Clone, Debug)]
enum Link {
    /// `x + bias`
    Bias(Range<usize>),
    /// `scale * x + shift`
    Fixed(Vec<(f64, f64)>),
    /// `(x - mean) / deviation * weight + bias`
    BatchNorm { weight: Range<usize>, bias: Range<usize>, normalization: Vec<(f64, f64)> },
}

/// All links behind one another, for every channel.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    links: Vec<Link>,
    channels: usize,
}

impl Affine {
    /// The links of `nodes`, which follow one another.
    pub(super) fn new(model: &Model, nodes: &[NodeId], trained: &TrainedNumbers) -> Self {
        let graph = model.graph();
        let mut links = Vec::new();
        for &id in nodes {
            let range = |suffix: &str| trained.range(id, suffix);
            match &graph.node(id).op {
                Op::Conv2d(_) | Op::Linear(_) => links.extend(range("bias").map(Link::Bias)),
                Op::Normalize(op) => {
                    let numbers = op.mean.iter().zip(&op.std).map(|(&mean, &std)| (f64::from(mean), f64::from(std)));
                    links.push(Link::Fixed(numbers.map(|(mean, std)| (1.0 / std, -mean / std)).collect()));
                }
                Op::BatchNorm(op) => {
                    let normalization = op.normalization(model.node_parameters(id));
                    let own = range("weight").zip(range("bias"));
                    links.extend(own.map(|(weight, bias)| Link::BatchNorm { weight, bias, normalization }));
                }
                _ => {}
            }
        }
        Self { links, channels: nodes.first().map_or(0, |&id| graph.node(id).shape.channels()) }
    }

    /// Whether any link is trained.
    pub(super) fn is_trained(&self) -> bool {
        self.links.iter().any(|link| !matches!(link, Link::Fixed(_)))
    }

    /// What a channel is multiplied with and what is added then, from one link on to the next: `[links, channels]`.
    fn steps(&self, numbers: &[f32]) -> Vec<Vec<(f64, f64)>> {
        let of = |link: &Link| match link {
            Link::Bias(range) => numbers[range.clone()].iter().map(|&bias| (1.0, f64::from(bias))).collect(),
            Link::Fixed(fixed) => fixed.clone(),
            Link::BatchNorm { weight, bias, normalization } => {
                let own = numbers[weight.clone()].iter().zip(&numbers[bias.clone()]).zip(normalization);
                let step = |((&weight, &bias), &(mean, deviation)): ((&f32, &f32), &(f64, f64))| {
                    let scale = f64::from(weight) / deviation;
                    (scale, f64::from(bias) - scale * mean)
                };
                own.map(step).collect()
            }
        };
        self.links.iter().map(of).collect()
    }

    /// All links together: what a channel is multiplied with and what is added then.
    pub(super) fn composed(&self, numbers: &[f32]) -> Vec<(f64, f64)> {
        let mut all = vec![(1.0, 0.0); self.channels];
        for step in self.steps(numbers) {
            all.iter_mut().zip(step).for_each(|(all, (a, b))| *all = (all.0 * a, all.1 * a + b));
        }
        all
    }

    /// The derivatives by the links' trained numbers. For every channel are given `sums`, the sum of the derivatives by what comes out of
    /// the last link, and `products`, their sum times what went into the first.
    pub(super) fn unfold(&self, numbers: &[f32], sums: &[f32], products: &[f64], gradient: &mut [f32]) {
        let steps = self.steps(numbers);
        for c in 0..self.channels {
            let (sum, product) = (f64::from(sums[c]), products[c]);
            // What came into a link is `a` times what went into the first, and `b`.
            let (mut a, mut b) = (1.0, 0.0);
            for (index, (link, step)) in self.links.iter().zip(&steps).enumerate() {
                let (scale, shift) = step[c];
                let behind: f64 = steps[index + 1..].iter().map(|step| step[c].0).product();
                match link {
                    Link::Bias(range) => gradient[range.start + c] = (behind * sum) as f32,
                    Link::Fixed(_) => {}
                    Link::BatchNorm { weight, bias, normalization } => {
                        let (mean, deviation) = normalization[c];
                        let normalized = (a * product + (b - mean) * sum) / deviation;
                        gradient[weight.start + c] = (behind * normalized) as f32;
                        gradient[bias.start + c] = (behind * sum) as f32;
                    }
                }
                (a, b) = (a * scale, b * scale + shift);
            }
        }
    }
}
