//! Which images excite a channel most: those with the largest mean of its value, behind the activation where there is one.

use crate::error::Error;
use mda_core::Model;
use mda_core::graph::{NodeId, ValidGraph, layers};
use mda_core::op::Op;
use mda_core::run::backend::Probe;
use mda_core::run::{ImageSource, Runner};
use std::collections::HashMap;

/// How many images a channel shows.
const SHOWN: usize = 4;
/// How many different images a report shows.
const MOST: usize = 200;

/// The images that are shown, in the order of their tiles: a part, and a position in its train images.
#[derive(Default)]
pub(super) struct Tiles {
    order: Vec<(usize, usize)>,
    place: HashMap<(usize, usize), usize>,
}

impl Tiles {
    /// The tile of an image; `None` where it is not shown yet and there are too many.
    fn of(&mut self, part: usize, position: usize) -> Option<usize> {
        if let Some(&tile) = self.place.get(&(part, position)) {
            return Some(tile);
        }
        (self.order.len() < MOST).then(|| {
            self.order.push((part, position));
            self.place.insert((part, position), self.order.len() - 1);
            self.order.len() - 1
        })
    }

    pub(super) fn images(&self) -> impl Iterator<Item = (usize, usize)> {
        self.order.iter().copied()
    }
}

/// How much some images excite every channel of every layer.
pub(super) struct Exciting {
    positions: Vec<usize>,
    /// For every layer the means of its channels, `[images, channels]`.
    means: HashMap<NodeId, Vec<f32>>,
}

impl Exciting {
    /// # Errors
    /// [`Error::Run`].
    pub(super) fn observe(
        runner: &Runner<'_>,
        model: &Model,
        images: &dyn ImageSource,
        parts: &[(usize, Vec<usize>)],
    ) -> Result<Self, Error> {
        let graph = model.graph();
        let positions: Vec<usize> = parts.iter().flat_map(|(_, positions)| positions.iter().copied()).collect();
        let layers: Vec<NodeId> = layers(graph).collect();
        let consumers = graph.consumers();
        let probes: Vec<Probe> = layers.iter().map(|&id| Probe::Moments(activated(graph, &consumers, id))).collect();
        let mut means: Vec<Vec<f32>> = vec![Vec::new(); layers.len()];
        runner.run(model, &probes, images, &positions, |_, answers| {
            for (means, answer) in means.iter_mut().zip(&answers) {
                means.extend(answer.data().chunks(2).map(|pair| pair[0]));
            }
        })?;
        Ok(Self { positions, means: layers.into_iter().zip(means).collect() })
    }

    /// The tiles of the images of `part` that excite a channel most, the strongest first.
    pub(super) fn tiles(&self, part: usize, node: NodeId, channel: usize, tiles: &mut Tiles) -> Vec<usize> {
        let Some(means) = self.means.get(&node) else { return Vec::new() };
        let channels = means.len() / self.positions.len().max(1);
        let mean = |image: usize| means[image * channels + channel];
        let mut order: Vec<usize> = (0..self.positions.len()).collect();
        order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)).then(a.cmp(&b)));
        let strongest = order.into_iter().take(SHOWN);
        strongest.filter_map(|image| tiles.of(part, self.positions[image])).collect()
    }
}

/// The value of a layer behind its BatchNorm and its activation, where nothing else reads what is in between.
fn activated(graph: &ValidGraph, consumers: &[Vec<NodeId>], layer: NodeId) -> NodeId {
    let mut id = layer;
    while let [next] = consumers[id][..]
        && matches!(graph.node(next).op, Op::BatchNorm(_) | Op::Clamp(_) | Op::Activation(_) | Op::PRelu(_))
    {
        id = next;
    }
    id
}
