//! Structured OBS: what the other input channels cannot explain (Hassibi and Stork 1993, with whole channels as in
//! Kurtic et al. 2023).
//!
//! Channels go one after another, always the one whose loss, after the rest are refitted by least squares on the images
//! of the task, changes the layer's outputs least. A channel is worth the relative error of the layer (the root of its
//! squared error over its squared outputs) without it and all that went before it: a copy of others next to nothing, the
//! last one 1. Which outputs count, and how much, is the formulation's accumulation: all alike (none), those that matter
//! (hard), or each by its score (soft).

mod elimination;

use super::{Layer, Measuring, Observed, Rows, Scope, layers};
use crate::backend::Probe;
use crate::channels::ChannelClasses;
use crate::contribution::Contributions;
use crate::graph::{NodeId, ValidGraph};
use crate::model::Model;
use crate::op::{Conv2d, Op};
use crate::relevance::Observations;
use crate::tensor::Tensor;
use elimination::{Removal, eliminate};
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};
use rayon::prelude::*;
use std::collections::HashMap;

/// The observation of a layer with D regressors (P * taps) is `[D + 1, D + 1]`: the sums over images and output positions
/// of the products of what the kernel sees, with a last regressor that is always 1.
pub(super) struct Obs;

impl Measuring for Obs {
    fn scope(&self) -> Scope {
        Scope::Task
    }

    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(Probe::Input).collect()
    }

    fn observe(&self, batch: &Observed<'_>, seen: &mut Observations) {
        for (id, input) in layers(batch.model.graph()).zip(&*batch.answers()) {
            let width = regressor_count(batch.model, id) + 1;
            let sums = seen.entry(id).or_insert_with(|| Tensor::zeros([width, width]));
            add_products(&observations(batch.model, id, input), width, sums.data_mut());
        }
    }

    fn contributions(&self, layer: &Layer<'_>, rows: &Rows<'_>) -> Contributions {
        let problem = Problem::new(layer.model, layer.id, layer.observed, rows);
        let group_of_channel = problem.group_of_channel.clone();
        let removals = problem.eliminate();
        let total: f64 = removals.iter().map(|removal| removal.cost).sum();
        let mut unexplained = vec![0.0; removals.len()];
        let mut sum = 0.0;
        for (step, removal) in removals.iter().enumerate() {
            sum += removal.cost;
            // Where nothing costs anything, the order alone tells.
            let share = if total > 0.0 { sum / total } else { (step + 1) as f64 / removals.len() as f64 };
            unexplained[removal.group] = share.sqrt() as f32;
        }
        let values: Vec<f32> = group_of_channel.iter().map(|&group| unexplained[group]).collect();
        Contributions { seen: values.len(), first: vec![0], values }
    }
}

/// One layer as a least-squares problem.
struct Problem {
    /// `[D, D]`, means taken out: the bias makes up for them.
    gram: DMatrix<f64>,
    /// `[Q, D]`, every row scaled by the root of what its output is worth.
    weight: DMatrix<f64>,
    /// The regressors of every group.
    groups: Vec<Vec<usize>>,
    /// For every input channel its group: channels of one class go together.
    group_of_channel: Vec<usize>,
}

impl Problem {
    fn new(model: &Model, id: NodeId, observed: &Tensor, rows: &Rows<'_>) -> Self {
        let graph = model.graph();
        let input = graph.node(id).inputs[0];
        let classes = ChannelClasses::of(graph);
        let (mut numbers, mut groups) = (HashMap::new(), Vec::<Vec<usize>>::new());
        let taps = regressor_count(model, id) / classes.of_value(input).len();
        let mut group_of_channel = Vec::with_capacity(classes.of_value(input).len());
        for (channel, class) in classes.of_value(input).iter().enumerate() {
            let group = *numbers.entry(class).or_insert(groups.len());
            groups.resize_with(groups.len().max(group + 1), Vec::new);
            groups[group].extend(channel * taps..(channel + 1) * taps);
            group_of_channel.push(group);
        }
        Self { gram: centred(observed), weight: dense_weight(model, id, rows, taps), groups, group_of_channel }
    }

    /// The order in which groups go, the cheapest first.
    fn eliminate(self) -> Vec<Removal> {
        eliminate(self.gram, self.weight, &self.groups)
    }
}

fn regressor_count(model: &Model, id: NodeId) -> usize {
    let node = model.graph().node(id);
    let channels = model.graph().node(node.inputs[0]).shape.channels();
    match &node.op {
        Op::Conv2d(conv) => channels * conv.window.taps(),
        _ => channels,
    }
}

/// The most output positions of one image that are looked at: neighbours tell nearly the same.
const POSITIONS: usize = 16;

/// What the kernel sees at some output positions of every image, spread evenly and shifted from image to image, and a 1:
/// `[rows, P * taps + 1]`, row-major, padding as zero.
fn observations(model: &Model, id: NodeId, input: &Tensor) -> Vec<f32> {
    let node = model.graph().node(id);
    let (all, [_, columns]) = (node.shape.positions(), node.shape.spatial());
    let count = all.min(POSITIONS);
    let width = regressor_count(model, id) + 1;
    let mut seen = vec![0.0f32; input.shape()[0] * count * width];
    seen.par_chunks_mut(count * width).enumerate().for_each(|(n, image)| {
        for (index, seen) in image.chunks_mut(width).enumerate() {
            // A stride coprime with most map sizes lets the images cover all positions together.
            let position = (index * all / count + n * 7) % all;
            let at = [position / columns, position % columns];
            match &node.op {
                Op::Conv2d(conv) => window(conv, input.row(n), [input.shape()[2], input.shape()[3]], at, seen),
                _ => seen[..width - 1].copy_from_slice(input.row(n)),
            }
            seen[width - 1] = 1.0;
        }
    });
    seen
}

fn window(conv: &Conv2d, image: &[f32], extents: [usize; 2], at: [usize; 2], seen: &mut [f32]) {
    let [kh, kw] = conv.window.kernel;
    for (plane, seen) in image.chunks(extents[0] * extents[1]).zip(seen.chunks_mut(kh * kw)) {
        for (y, ky) in (0..kh).filter_map(|ky| Some((conv.window.source(0, at[0], ky, extents[0])?, ky))) {
            for (x, kx) in (0..kw).filter_map(|kx| Some((conv.window.source(1, at[1], kx, extents[1])?, kx))) {
                seen[ky * kw + kx] = plane[y * extents[1] + x];
            }
        }
    }
}

/// Adds the products of `rows`, each of `width` numbers, to `sums` (`[width, width]`).
fn add_products(rows: &[f32], width: usize, sums: &mut [f32]) {
    const BLOCK: usize = 128;
    // Row-major observations are a column-major matrix with one observation a column; the products are symmetric.
    let seen = DMatrixView::from_slice(rows, width, rows.len() / width);
    sums.par_chunks_mut(width * BLOCK).enumerate().for_each(|(block, sums)| {
        let columns = sums.len() / width;
        let part = seen.rows(block * BLOCK, columns).transpose();
        DMatrixViewMut::from_slice(sums, width, columns).gemm(1.0, &seen, &part, 1.0);
    });
}

/// The products with the means taken out.
fn centred(observed: &Tensor) -> DMatrix<f64> {
    let size = observed.shape()[1] - 1;
    let (sums, count) = (observed.row(size), f64::from(observed.row(size)[size]));
    DMatrix::from_fn(size, size, |row, column| {
        f64::from(observed.row(column)[row]) - f64::from(sums[row]) * f64::from(sums[column]) / count
    })
}

/// The requested rows of a layer's weight over all P * taps regressors, zero where a grouped filter does not see them.
fn dense_weight(model: &Model, id: NodeId, rows: &Rows<'_>, taps: usize) -> DMatrix<f64> {
    let weight = model.node_parameters(id).get("weight");
    let regressors = regressor_count(model, id);
    let mut dense = DMatrix::zeros(rows.outputs.len(), regressors);
    for (row, (&q, &worth)) in rows.outputs.iter().zip(rows.weights).enumerate() {
        let first = match &model.graph().node(id).op {
            Op::Conv2d(conv) => conv.first_input(q, regressors / taps) * taps,
            _ => 0,
        };
        for (column, &w) in weight.row(q).iter().enumerate() {
            dense[(row, first + column)] = f64::from(w) * f64::from(worth).max(0.0).sqrt();
        }
    }
    dense
}
