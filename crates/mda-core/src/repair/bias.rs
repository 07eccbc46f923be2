//! Mean replacement: what the removed inputs of a layer add on average goes into its bias.

use super::rewrite::with_layer;
use super::{RepairError, Work};
use crate::attribute::contribution_probes;
use crate::graph::NodeId;
use crate::graph::is_layer;
use crate::model::Model;
use crate::op::Op;
use crate::run::backend::Probe;
use std::collections::HashMap;

pub(super) fn repair(work: &Work<'_>) -> Result<Model, RepairError> {
    let means = mean_window_sums(work)?;
    let mut model = work.component.model.clone();
    let cut = work.component.model.graph();
    for id in (0..cut.nodes().len()).filter(|&id| is_layer(cut, id)) {
        let (origin, kept) = work.origin(id)?;
        if let Some(means) = means.get(&origin) {
            let shift = removed(work, origin, kept, means);
            model = with_layer(&model, id, None, &shift)?;
        }
    }
    Ok(model)
}

/// For every layer of the source, the mean over images and output positions of what each kernel tap sees, `[P * taps]`.
fn mean_window_sums(work: &Work<'_>) -> Result<HashMap<NodeId, Vec<f64>>, RepairError> {
    let graph = work.source.graph();
    let probes = contribution_probes(graph);
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); probes.len()];
    work.runner.run(work.source, &probes, work.images, work.calibration, |images, answers| {
        for (sums, answer) in sums.iter_mut().zip(&answers) {
            sums.resize(answer.len() / images.len().max(1), 0.0);
            for row in answer.data().chunks(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(sum, &seen)| *sum += f64::from(seen));
            }
        }
    })?;
    let mean = |(probe, mut sums): (&Probe, Vec<f64>)| {
        let observed = work.calibration.len() * graph.node(probe.node()).shape.positions();
        sums.iter_mut().for_each(|sum| *sum /= observed as f64);
        (probe.node(), sums)
    };
    Ok(probes.iter().zip(sums).map(mean).collect())
}

/// What the removed inputs of source layer `id` add on average to each of its `kept` outputs.
fn removed(work: &Work<'_>, id: NodeId, kept: &[usize], means: &[f64]) -> Vec<f64> {
    let (node, weight) = (work.source.graph().node(id), work.source.node_parameters(id).get("weight"));
    let input = node.inputs[0];
    let channels = work.source.graph().node(input).shape.channels();
    let (seen, taps) = (weight.shape()[1], means.len() / channels);
    let stayed = work.component.plan.kept(input);
    let added = |&q: &usize| {
        let first = match &node.op {
            Op::Conv2d(conv) => conv.first_input(q, channels),
            _ => 0,
        };
        let lost = (0..seen).filter(|p| stayed.binary_search(&(first + p)).is_err());
        let kernel = |p: usize| weight.row(q)[p * taps..(p + 1) * taps].iter().zip(&means[(first + p) * taps..]);
        lost.flat_map(kernel).map(|(&w, mean)| f64::from(w) * mean).sum()
    };
    kept.iter().map(added).collect()
}
