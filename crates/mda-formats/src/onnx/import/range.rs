//! The range of the pixel values that a file takes: what is done about it, and what is said.

use super::PixelRange;
use super::signature::MAX_ARITHMETIC;
use mda_core::graph::{Graph, GraphNode};
use mda_core::op::{BatchNorm, Normalize, Op};
use mda_core::tensor::Parameters;

/// White in files that take 0 to 255.
const WHITE: f64 = 255.0;

/// No normalisation of pixel values in 0 to 1 subtracts or divides by as much: their means are at most 1, their standard
/// deviations at most 0.5. Those of 0 to 255 are above it unless every image is nearly black.
const MOST: f64 = 8.0;

/// Lets `graph`, which takes 0 to 255, take 0 to 1: the Normalize at its head does the rest, or a new one does.
pub(super) fn stretch(graph: &mut Graph) {
    let Some(input) = graph.nodes.iter().position(|node| matches!(node.op, Op::Input(_))) else { return };
    let Op::Input(images) = &graph.nodes[input].op else { return };
    let (name, channels) = (graph.nodes[input].name.clone(), images.channels);
    let consumers: Vec<usize> = (0..graph.nodes.len()).filter(|&id| graph.nodes[id].inputs.contains(&name)).collect();
    if let [only] = consumers[..]
        && let Op::Normalize(Normalize { mean, std }) = &mut graph.nodes[only].op
    {
        // (255 x - mean) / std
        mean.iter_mut().chain(std).for_each(|number| *number = (f64::from(*number) / WHITE) as f32);
        return;
    }
    let is_free = |candidate: &String| graph.nodes.iter().all(|node| node.name != *candidate);
    let names = std::iter::once("normalize".to_owned()).chain((2..).map(|n| format!("normalize_{n}")));
    let Some(stretched) = names.into_iter().find(is_free) else { return };
    for node in &mut graph.nodes {
        node.inputs.iter_mut().filter(|of| **of == name).for_each(|of| of.clone_from(&stretched));
    }
    let op = Normalize { mean: vec![0.0; channels], std: vec![(1.0 / WHITE) as f32; channels] }.into();
    graph.nodes.insert(input + 1, GraphNode { name: stretched, op, inputs: vec![name] });
}

/// What is to be said about the range that was taken for granted or asked for.
pub(super) fn notes(graph: &Graph, parameters: &Parameters, range: PixelRange) -> Vec<String> {
    match range {
        PixelRange::Bytes => vec!["pixel values go into the file's graph in the range 0-255, as asked for".into()],
        PixelRange::Unit => {
            let assumed = "pixel values are assumed to go into the file's graph in the range 0-1".to_owned();
            std::iter::once(assumed).chain(suspicion(graph, parameters)).collect()
        }
    }
}

/// What the first operations do, where that is unusual for pixel values in 0 to 1.
fn suspicion(graph: &Graph, parameters: &Parameters) -> Option<String> {
    let (mean, std) = head(graph, parameters);
    let largest = |numbers: &[f64]| numbers.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    let (mean, std) = (largest(&mean), largest(&std));
    (mean.abs() > MOST || std.abs() > MOST).then(|| {
        format!(
            "the first operations subtract {mean:.4} and divide by {std:.4}, as files do that take pixel values of 0 to 255: \
             if this one does, import it with the range 0-255"
        )
    })
}

/// What the normalisations that come first, alone and one behind the other, subtract and divide by, a channel each. A BatchNorm
/// is the last: what its weights make of its output says nothing of the images.
fn head(graph: &Graph, parameters: &Parameters) -> (Vec<f64>, Vec<f64>) {
    let Some(input) = graph.nodes.iter().find(|node| matches!(node.op, Op::Input(_))) else { return (vec![], vec![]) };
    let Op::Input(images) = &input.op else { return (vec![], vec![]) };
    let (mut mean, mut std) = (vec![0.0; images.channels], vec![1.0; images.channels]);
    let mut value = &input.name;
    for _ in 0..MAX_ARITHMETIC {
        let mut consumers = graph.nodes.iter().filter(|node| node.inputs.contains(value));
        let (Some(node), None) = (consumers.next(), consumers.next()) else { break };
        let Some((next_mean, next_std)) = normalization(node, parameters) else { break };
        for ((mean, std), (next_mean, next_std)) in mean.iter_mut().zip(&mut std).zip(next_mean.iter().zip(&next_std)) {
            *mean += *std * next_mean;
            *std *= next_std;
        }
        if matches!(node.op, Op::BatchNorm(_)) {
            break;
        }
        value = &node.name;
    }
    (mean, std)
}

/// What `node` subtracts and divides by, where it does no more than that. A BatchNorm counts by its statistics, which tell
/// what it saw in training.
fn normalization(node: &GraphNode, parameters: &Parameters) -> Option<(Vec<f64>, Vec<f64>)> {
    let wide = |numbers: &[f32]| numbers.iter().copied().map(f64::from).collect::<Vec<f64>>();
    match &node.op {
        Op::Normalize(Normalize { mean, std }) => Some((wide(mean), wide(std))),
        Op::BatchNorm(BatchNorm { eps }) => {
            let statistic = |suffix: &str| parameters.get(&format!("{}.{suffix}", node.name));
            let (mean, var) = (statistic("running_mean")?, statistic("running_var")?);
            let std = var.data().iter().map(|&var| (f64::from(var) + f64::from(*eps)).sqrt()).collect();
            Some((wide(mean.data()), std))
        }
        _ => None,
    }
}
