//! Keep plans: which channels of every value a component retains.

use crate::graph::{ChannelClass, ChannelClasses, NodeId, PerClass, ValidGraph};
use crate::op::{Connectivity, Op};

/// The kept channels of every value, ascending; no channel class is cut apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepPlan {
    kept: Vec<Vec<usize>>,
}

impl KeepPlan {
    /// Keeps a class where any of its channels is wanted: `wanted[value][channel]`.
    ///
    /// Image channels always stay. Of the logits exactly `categories` stay. Where the groups of a grouped convolution
    /// would keep different numbers of channels, the groups with fewer keep more, best `score[value][channel]` first.
    ///
    /// # Panics
    /// Where `wanted` or `score` does not have one entry for every channel of every value, or a category is out of
    /// range.
    pub fn new(graph: &ValidGraph, wanted: &[Vec<bool>], score: &[Vec<f32>], categories: &[usize]) -> Self {
        let classes = ChannelClasses::of(graph);
        let mut keep = classes.each(|| false);
        for (value, wanted) in wanted.iter().enumerate() {
            for (&class, &wanted) in classes.of_value(value).iter().zip(wanted) {
                keep[class] |= wanted;
            }
        }
        pin(graph, &classes, &mut keep, categories);
        while balance_groups(graph, &classes, &mut keep, score) {}
        let kept = (0..graph.nodes().len()).map(|value| kept_channels(classes.of_value(value), &keep)).collect();
        Self { kept }
    }

    /// Keeps everything.
    pub fn everything(graph: &ValidGraph) -> Self {
        Self { kept: graph.nodes().iter().map(|node| (0..node.shape.channels()).collect()).collect() }
    }

    /// The kept channels of a value, ascending.
    pub fn kept(&self, value: NodeId) -> &[usize] {
        &self.kept[value]
    }
}

fn kept_channels(classes: &[ChannelClass], keep: &PerClass<bool>) -> Vec<usize> {
    classes.iter().enumerate().filter(|&(_, &class)| keep[class]).map(|(channel, _)| channel).collect()
}

fn pin(graph: &ValidGraph, classes: &ChannelClasses, keep: &mut PerClass<bool>, categories: &[usize]) {
    for &class in classes.of_value(graph.output()) {
        keep[class] = false;
    }
    let logits = categories.iter().map(|&category| classes.class(graph.output(), category));
    for class in logits.chain(classes.of_value(graph.input()).iter().copied()) {
        keep[class] = true;
    }
}

/// Evens out the kept counts of grouped convolutions; answers whether anything changed.
fn balance_groups(graph: &ValidGraph, classes: &ChannelClasses, keep: &mut PerClass<bool>, score: &[Vec<f32>]) -> bool {
    let mut changed = false;
    for (id, node) in graph.nodes().iter().enumerate() {
        let Op::Conv2d(conv) = &node.op else { continue };
        let input = node.inputs[0];
        if conv.connectivity(graph.node(input).shape.channels()) != Connectivity::Grouped {
            continue;
        }
        let any = |value: NodeId, group: usize, keep: &PerClass<bool>| {
            let classes = classes.of_value(value);
            let size = classes.len() / conv.groups;
            classes[group * size..(group + 1) * size].iter().any(|&class| keep[class])
        };
        let alive: Vec<usize> = (0..conv.groups).filter(|&g| any(input, g, keep) || any(id, g, keep)).collect();
        for value in [input, id] {
            changed |= fill_groups(classes.of_value(value), conv.groups, &alive, keep, &score[value]);
        }
    }
    changed
}

fn fill_groups(
    classes: &[ChannelClass],
    groups: usize,
    alive: &[usize],
    keep: &mut PerClass<bool>,
    score: &[f32],
) -> bool {
    let size = classes.len() / groups;
    let count = |group: usize, keep: &PerClass<bool>| (0..size).filter(|i| keep[classes[group * size + i]]).count();
    let target = alive.iter().map(|&group| count(group, keep)).max().unwrap_or(0).max(1);
    let mut changed = false;
    for &group in alive {
        let mut rest: Vec<usize> = (group * size..(group + 1) * size).filter(|&c| !keep[classes[c]]).collect();
        rest.sort_by(|&a, &b| score[b].total_cmp(&score[a]).then(a.cmp(&b)));
        let missing = target.saturating_sub(size - rest.len());
        for &channel in rest.iter().take(missing) {
            keep[classes[channel]] = true;
            changed = true;
        }
    }
    changed
}
