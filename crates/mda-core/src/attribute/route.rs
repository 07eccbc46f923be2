//! Routes: through which channels the images of a category reach its logit.
//!
//! A logit begins with a flow of 1. Every layer hands what flows into an output channel on to its input channels, in the
//! shares of their relative contributions. Sums hand it on to their summands in the shares of their root mean squares. So
//! what flows through a network is 1 at every depth, but for what ends where no input contributes.

use super::attribution::contribution_probes;
use crate::graph::{NodeId, ValidGraph, is_layer, layers};
use crate::model::Model;
use crate::observe::contribution::relative_contributions;
use crate::op::Op;
use crate::run::backend::Probe;
use crate::run::{ImageSource, RunError, Runner};
use crate::tensor::Tensor;
use std::collections::HashMap;

/// What flows through less than this share of a logit is not followed link by link.
const LEAST: f32 = 1e-3;

/// A channel of the value that a node computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The node: a layer, or the images.
    pub node: NodeId,
    /// Its channel.
    pub channel: usize,
}

/// What flows from one channel into another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// Nearer to the images.
    pub from: Place,
    /// Nearer to the logit.
    pub to: Place,
    /// The share of the logit.
    pub flow: f32,
}

/// The route of one category.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The category of the model.
    pub category: usize,
    /// `flow[channel]` of the images and of every layer that something flows through, in order of computation.
    pub stations: Vec<(NodeId, Vec<f32>)>,
    /// What flows between them, but for the thinnest.
    pub links: Vec<Link>,
}

impl Route {
    /// How much of two routes is the same, in 0 to 1: the flow that they share in the layers before the logits over the flow
    /// that they have there.
    pub fn shared(&self, other: &Self, graph: &ValidGraph) -> f64 {
        let others: HashMap<NodeId, &[f32]> = other.hidden(graph).collect();
        let total = |flow: &[f32]| flow.iter().map(|&x| f64::from(x)).sum::<f64>();
        let mut all: f64 = others.values().map(|flow| total(flow)).sum();
        let mut shared = 0.0;
        for (node, flow) in self.hidden(graph) {
            all += total(flow);
            if let Some(&other) = others.get(&node) {
                shared += flow.iter().zip(other).map(|(&a, &b)| f64::from(a.min(b))).sum::<f64>();
            }
        }
        if all > 0.0 { 2.0 * shared / all } else { 0.0 }
    }

    /// The stations between the images and the layer of the logit.
    fn hidden<'a>(&'a self, graph: &ValidGraph) -> impl Iterator<Item = (NodeId, &'a [f32])> {
        let (input, last) = (graph.input(), self.stations.last().map(|(node, _)| *node));
        let between = self.stations.iter().filter(move |(node, _)| *node != input && Some(*node) != last);
        between.map(|(node, flow)| (*node, flow.as_slice()))
    }
}

/// The routes of the images of `parts`: a category and the positions of its images each.
///
/// # Errors
/// [`RunError`] from the backend or the images.
pub fn routes(
    runner: &Runner<'_>,
    model: &Model,
    source: &dyn ImageSource,
    parts: &[(usize, Vec<usize>)],
) -> Result<Vec<Route>, RunError> {
    let graph = model.graph();
    let layers: Vec<NodeId> = layers(graph).collect();
    let summands = summands(graph);
    let moments = summands.iter().map(|&id| Probe::Moments(id));
    let probes: Vec<Probe> = contribution_probes(graph).into_iter().chain(moments).collect();
    let mut running = runner.start(model, &probes)?;
    let mut routes = Vec::new();
    for (category, images) in parts {
        let mut seen: Vec<(Vec<usize>, Vec<f32>)> = vec![Default::default(); probes.len()];
        running.run(source, images, |_, answers| {
            for ((shape, all), answer) in seen.iter_mut().zip(&answers) {
                *shape = answer.shape().to_vec();
                all.extend_from_slice(answer.data());
            }
        })?;
        let mut tensors = seen.into_iter().map(|(mut shape, numbers)| {
            shape[0] = images.len();
            Tensor::new(shape, numbers).expect("answers of one shape an image")
        });
        let observed: HashMap<NodeId, Tensor> = layers.iter().copied().zip(tensors.by_ref()).collect();
        let strength = summands.iter().copied().zip(tensors.map(|moments| root_mean_squares(&moments))).collect();
        let flow = graph.nodes().iter().map(|node| vec![0.0; node.shape.channels()]).collect();
        routes.push(Walk { model, observed, strength, flow, links: Vec::new() }.from(*category));
    }
    Ok(routes)
}

/// The values that are added to others.
fn summands(graph: &ValidGraph) -> Vec<NodeId> {
    let sums = graph.nodes().iter().filter(|node| matches!(node.op, Op::Add(_)));
    let mut summands: Vec<NodeId> = sums.flat_map(|node| node.inputs.iter().copied()).collect();
    summands.sort_unstable();
    summands.dedup();
    summands
}

/// Of every channel, but for the factor that all have; `moments` is `[N, C, 2]`.
fn root_mean_squares(moments: &Tensor) -> Vec<f32> {
    let mut sums = vec![0.0f64; moments.shape()[1]];
    for image in 0..moments.shape()[0] {
        let squares = moments.row(image).chunks(2).map(|pair| f64::from(pair[1]));
        sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += square);
    }
    sums.into_iter().map(|sum| sum.sqrt() as f32).collect()
}

/// A walk from a logit back to the images.
struct Walk<'a> {
    model: &'a Model,
    /// What enters every layer.
    observed: HashMap<NodeId, Tensor>,
    /// The root mean squares of what is added to others.
    strength: HashMap<NodeId, Vec<f32>>,
    flow: Vec<Vec<f32>>,
    links: Vec<Link>,
}

impl Walk<'_> {
    fn from(mut self, category: usize) -> Route {
        let graph = self.model.graph();
        self.flow[graph.output()][category] = 1.0;
        for id in (0..graph.nodes().len()).rev() {
            if is_layer(graph, id) {
                self.through_layer(id);
            } else {
                self.through_operation(id);
            }
        }
        let is_station = |id: &NodeId| *id == graph.input() || is_layer(graph, *id);
        let stations = (0..graph.nodes().len()).filter(is_station);
        let stations = stations.map(|id| (id, std::mem::take(&mut self.flow[id])));
        let stations = stations.filter(|(_, flow)| flow.iter().any(|&flow| flow > 0.0)).collect();
        self.links.retain(|link| link.flow >= LEAST);
        Route { category, stations, links: self.links }
    }

    fn through_layer(&mut self, id: NodeId) {
        let outputs: Vec<usize> = (0..self.flow[id].len()).filter(|&q| self.flow[id][q] > 0.0).collect();
        if outputs.is_empty() {
            return;
        }
        let input = self.model.graph().node(id).inputs[0];
        let contributions = relative_contributions(self.model, id, &self.observed[&id], &outputs);
        for (index, &q) in outputs.iter().enumerate() {
            let (row, first, flow) = (contributions.row(index), contributions.first[index], self.flow[id][q]);
            let total: f32 = row.iter().sum();
            if total <= 0.0 || !total.is_finite() {
                continue;
            }
            for (at, contribution) in row.iter().enumerate() {
                let (channel, own) = (first + at, flow * contribution / total);
                self.flow[input][channel] += own;
                if own >= LEAST {
                    let to = Place { node: id, channel: q };
                    self.link(Place { node: input, channel }, to, own);
                }
            }
        }
    }

    /// Links `to` with the layers that computed the channel `from` of a value.
    fn link(&mut self, from: Place, to: Place, flow: f32) {
        let graph = self.model.graph();
        if from.node == graph.input() || is_layer(graph, from.node) {
            match self.links.iter_mut().rev().take(64).find(|link| link.from == from && link.to == to) {
                Some(link) => link.flow += flow,
                None => self.links.push(Link { from, to, flow }),
            }
            return;
        }
        for (place, share) in self.shares(from) {
            self.link(place, to, share * flow);
        }
    }

    fn through_operation(&mut self, id: NodeId) {
        for channel in 0..self.flow[id].len() {
            let flow = self.flow[id][channel];
            if flow > 0.0 {
                for (Place { node, channel }, share) in self.shares(Place { node: id, channel }) {
                    self.flow[node][channel] += share * flow;
                }
            }
        }
    }

    /// The channels that a channel of an operation is made of, and their shares, which sum to 1.
    fn shares(&self, Place { node: id, channel }: Place) -> Vec<(Place, f32)> {
        let graph = self.model.graph();
        let node = graph.node(id);
        let ties = node.op.operation().ties(&graph.input_shapes(id), channel);
        let places = ties.into_iter().map(|(input, channel)| Place { node: node.inputs[input], channel });
        let weight = |place: &Place| match node.op {
            Op::Add(_) => self.strength[&place.node][place.channel],
            _ => 1.0,
        };
        let weighted: Vec<(Place, f32)> = places.map(|place| (place, weight(&place))).collect();
        let total: f32 = weighted.iter().map(|(_, weight)| weight).sum();
        let count = weighted.len() as f32;
        let share = |weight: f32| if total > 0.0 { weight / total } else { 1.0 / count };
        weighted.into_iter().map(|(place, weight)| (place, share(weight))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Graph;
    use crate::op::{Clamp, Flatten, Input, Linear};
    use crate::run::reference::Reference;
    use crate::tensor::{Parameters, Uniform};
    use crate::test_graphs::{Images, random_batch, random_model};

    const RUNNER: Runner<'static> = Runner { backend: &Reference, device: None, batch_size: 2 };

    #[test]
    fn a_small_network_flows_as_worked_out_by_hand() {
        let mut graph = Graph::new();
        let mut value = graph.push("input", Input { channels: 2, height: 1, width: 1 }, &[]);
        value = graph.push("flatten", Flatten {}, &[&value]);
        value = graph.push("hidden", Linear { out_features: 2, bias: false }, &[&value]);
        value = graph.push("relu", Clamp::relu(), &[&value]);
        graph.push("logits", Linear { out_features: 1, bias: false }, &[&value]);
        let mut parameters = Parameters::new();
        parameters.insert("hidden.weight", Tensor::new([2, 2], vec![1.0, 2.0, 3.0, -1.0]).unwrap());
        parameters.insert("logits.weight", Tensor::new([1, 2], vec![1.0, 1.0]).unwrap());
        let model = Model::new("small", graph.validate().unwrap(), parameters, vec!["c".into()]).unwrap();
        let image = Tensor::new([1, 2, 1, 1], vec![1.0, 0.5]).unwrap();
        let images = Images { pixels: image, labels: vec![0], categories: vec!["c".into()] };
        let route = routes(&RUNNER, &model, &images, &[(0, vec![0])]).unwrap().swap_remove(0);
        // The hidden values are 2 and 2.5; the first takes as much of both pixels, the second of the first alone.
        let near = |found: &[f32], expected: &[f32]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, not {expected:?}");
        };
        near(&route.stations[0].1, &[7.0 / 9.0, 2.0 / 9.0]);
        near(&route.stations[1].1, &[4.0 / 9.0, 5.0 / 9.0]);
        assert_eq!(route.links.len(), 5);
        assert_eq!(route.shared(&route, model.graph()), 1.0);
    }

    #[test]
    fn no_network_lets_more_flow_than_its_logit() {
        let mut uniform = Uniform::new(7);
        for _ in 0..20 {
            let model = random_model(&mut uniform);
            let images = random_batch(&model, 4, &mut uniform);
            let labels = vec![0, 1, 2, 0];
            let images = Images { pixels: images, labels, categories: model.categories().to_vec() };
            let parts = [(0, vec![0, 3]), (2, vec![2])];
            for route in routes(&RUNNER, &model, &images, &parts).unwrap() {
                let total = |flow: &[f32]| flow.iter().sum::<f32>();
                let into = |place: Place| -> f32 {
                    route.links.iter().filter(|link| link.to == place).map(|link| link.flow).sum()
                };
                for (node, flow) in &route.stations {
                    assert!(total(flow) < 1.0 + 1e-4, "{}: {}", model.graph().node(*node).name, total(flow));
                    for (channel, &flow) in flow.iter().enumerate() {
                        assert!(into(Place { node: *node, channel }) < flow + 1e-4);
                    }
                }
                let (last, logit) = route.stations.last().unwrap();
                assert_eq!((*last, logit[route.category]), (model.graph().output(), 1.0));
            }
        }
    }
}
