//! Backward accumulation: from the logits of a category to the channels of every value that matter to it.

use crate::attribute::measure::{Layer, Rows};
use crate::graph::is_layer;
use crate::graph::{NodeId, ValidGraph};
use crate::method::{Accumulation, Formulation, Propagation, Threshold};
use crate::model::Model;
use crate::observe::Observations;
use crate::op::Op;
use rayon::prelude::*;

/// What matters to one category (or, united, to a task): a decision and a score for every channel of every value.
#[derive(Clone, Debug, PartialEq)]
pub struct Relevance {
    /// `relevant[value][channel]`.
    pub relevant: Vec<Vec<bool>>,
    /// `score[value][channel]`: the normalised allocation, summed over consumers (and over categories once united).
    pub score: Vec<Vec<f32>>,
}

impl Relevance {
    fn none(graph: &ValidGraph) -> Self {
        let channels = || graph.nodes().iter().map(|node| node.shape.channels());
        Self {
            relevant: channels().map(|count| vec![false; count]).collect(),
            score: channels().map(|count| vec![0.0; count]).collect(),
        }
    }

    /// The relevance of several categories together: relevant to any, scores summed.
    ///
    /// # Panics
    /// Where the parts belong to different graphs.
    pub fn united<'a>(graph: &ValidGraph, parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::none(graph);
        for part in parts {
            for value in 0..graph.nodes().len() {
                for channel in 0..all.relevant[value].len() {
                    all.add(value, channel, part.relevant[value][channel], part.score[value][channel]);
                }
            }
        }
        all
    }

    fn add(&mut self, value: NodeId, channel: usize, relevant: bool, score: f32) {
        self.relevant[value][channel] |= relevant;
        self.score[value][channel] += score;
    }

    fn outputs_that_matter(&self, value: NodeId) -> Vec<usize> {
        let flags = self.relevant[value].iter().enumerate();
        flags.filter(|&(_, &relevant)| relevant).map(|(channel, _)| channel).collect()
    }
}

/// Walks from the logits `categories` back to the images.
///
/// # Panics
/// Where `observations` lacks a layer that the walk meets, or a category is out of range.
pub fn accumulate(
    model: &Model,
    formulation: &Formulation,
    observations: &Observations,
    categories: &[usize],
) -> Relevance {
    let graph = model.graph();
    let mut relevance = Relevance::none(graph);
    categories.iter().for_each(|&category| relevance.add(graph.output(), category, true, 1.0));
    for id in (0..graph.nodes().len()).rev() {
        if !relevance.relevant[id].contains(&true) {
            continue;
        }
        if is_layer(graph, id) {
            through_layer(model, formulation, observations, id, &mut relevance);
        } else {
            through_operation(graph, formulation.propagation, id, &mut relevance);
        }
    }
    relevance
}

/// Outputs whose contributions are in memory at a time, on every thread.
const OUTPUTS: usize = 256;

fn through_layer(model: &Model, formulation: &Formulation, seen: &Observations, id: NodeId, relevance: &mut Relevance) {
    let node = model.graph().node(id);
    let rows = match formulation.accumulation {
        Accumulation::None => (0..node.shape.channels()).collect::<Vec<_>>(),
        Accumulation::Hard | Accumulation::Soft => relevance.outputs_that_matter(id),
    };
    let threshold = match node.op {
        Op::Linear(_) => formulation.linear,
        _ => formulation.conv,
    };
    let weights: Vec<f32> = match formulation.accumulation {
        Accumulation::Soft => rows.iter().map(|&q| relevance.score[id][q]).collect(),
        Accumulation::Hard | Accumulation::None => vec![1.0; rows.len()],
    };
    let layer = Layer { model, id, seen };
    let measuring = formulation.measure.measuring();
    let input = node.inputs[0];
    let channels = model.graph().node(input).shape.channels();
    let piece = if measuring.by_output() { OUTPUTS } else { rows.len().max(1) };
    let pieces: Vec<Vec<f32>> = rows
        .par_chunks(piece)
        .zip(weights.par_chunks(piece))
        .map(|(outputs, weights)| {
            let mut contributions = measuring.contributions(&layer, &Rows { outputs, weights });
            let mut allocated = vec![0.0f32; channels];
            for (row, &first) in contributions.values.chunks_mut(contributions.seen).zip(&contributions.first) {
                formulation.normalization.apply(row);
                for (sum, &r) in allocated[first..].iter_mut().zip(row.iter()) {
                    *sum += allocation(formulation.accumulation, threshold, r);
                }
            }
            allocated
        })
        .collect();
    let mut allocated = vec![0.0f32; channels];
    for piece in &pieces {
        allocated.iter_mut().zip(piece).for_each(|(sum, part)| *sum += part);
    }
    formulation.normalization.apply(&mut allocated);
    for (channel, &score) in allocated.iter().enumerate() {
        relevance.add(input, channel, score > threshold.beta, score);
    }
}

fn allocation(accumulation: Accumulation, threshold: Threshold, r: f32) -> f32 {
    match (r > threshold.alpha, accumulation) {
        (false, _) => 0.0,
        (true, Accumulation::Soft | Accumulation::None) => r,
        (true, Accumulation::Hard) => 1.0,
    }
}

fn through_operation(graph: &ValidGraph, propagation: Propagation, id: NodeId, relevance: &mut Relevance) {
    let node = graph.node(id);
    let shapes = graph.input_shapes(id);
    let changes = node.inputs.iter().any(|&input| graph.node(input).shape.channels() != node.shape.channels());
    if propagation == Propagation::Reset && changes {
        for &input in &node.inputs {
            (0..graph.node(input).shape.channels()).for_each(|channel| relevance.add(input, channel, true, 1.0));
        }
        return;
    }
    for channel in 0..node.shape.channels() {
        let (relevant, score) = (relevance.relevant[id][channel], relevance.score[id][channel]);
        for (input, source) in node.op.operation().ties(&shapes, channel) {
            relevance.add(node.inputs[input], source, relevant, score);
        }
    }
}
