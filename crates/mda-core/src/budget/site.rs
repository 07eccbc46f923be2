//! Sites: the places at which a budget decides how many channels stay.

use super::size::{add, node_size};
use crate::attribute::Relevance;
use crate::cut::KeepPlan;
use crate::graph::{ChannelClass, ChannelClasses, NodeId, PerClass, ValidGraph, layers};
use crate::model::ModelSize;
use crate::op::{Connectivity, Op};
use std::collections::BTreeMap;

/// Channel classes that the same layers compute, and of which some number is kept, best first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Site {
    /// The layers' names.
    pub(super) name: String,
    /// The classes, best score first.
    pub(super) classes: Vec<ChannelClass>,
    /// Their scores, in the same order.
    pub(super) scores: Vec<f32>,
}

/// All sites of a graph. Images and logits belong to none: the former stay whole, the latter are the task's.
pub(super) struct Sites<'a> {
    graph: &'a ValidGraph,
    classes: ChannelClasses,
    relevance: &'a Relevance,
    logits: &'a [usize],
    pub(super) sites: Vec<Site>,
    /// The site of every class, and its rank there (its position in `classes`).
    places: PerClass<Option<(usize, usize)>>,
    counts: Vec<Counts>,
}

/// How many channels of a value stay.
struct Counts {
    /// Whatever is decided.
    pinned: usize,
    /// For every site that holds some: how many where the first so many of its classes stay, none to all.
    by_site: Vec<(usize, Vec<usize>)>,
}

impl<'a> Sites<'a> {
    pub(super) fn new(graph: &'a ValidGraph, relevance: &'a Relevance, logits: &'a [usize]) -> Self {
        let classes = ChannelClasses::of(graph);
        let mut producers = classes.each(Vec::new);
        for id in layers(graph) {
            classes.of_value(id).iter().for_each(|&class| producers[class].push(id));
        }
        for value in [graph.input(), graph.output()] {
            classes.of_value(value).iter().for_each(|&class| producers[class].clear());
        }
        let mut members: BTreeMap<Vec<NodeId>, Vec<ChannelClass>> = BTreeMap::new();
        for (class, mut layers) in producers.into_classes().filter(|(_, layers)| !layers.is_empty()) {
            layers.dedup();
            members.entry(layers).or_default().push(class);
        }
        let scores = class_scores(graph, &classes, relevance);
        let site = |(layers, mut members): (Vec<NodeId>, Vec<ChannelClass>)| {
            members.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
            let name = layers.iter().map(|&id| graph.node(id).name.as_str()).collect::<Vec<_>>().join(" + ");
            Site { name, scores: members.iter().map(|&class| scores[class]).collect(), classes: members }
        };
        let sites: Vec<Site> = members.into_iter().map(site).collect();
        let mut places = classes.each(|| None);
        for (index, site) in sites.iter().enumerate() {
            site.classes.iter().enumerate().for_each(|(rank, &class)| places[class] = Some((index, rank)));
        }
        let counts = channels_by_site(graph, &classes, &sites, &places, logits.len());
        Self { graph, classes, relevance, logits, sites, places, counts }
    }

    /// The site that decides on a channel of a value, and the channel's rank there.
    pub(super) fn place(&self, value: NodeId, channel: usize) -> Option<(usize, usize)> {
        self.places[self.classes.class(value, channel)]
    }

    /// How many classes every site has.
    pub(super) fn totals(&self) -> Vec<usize> {
        self.sites.iter().map(|site| site.classes.len()).collect()
    }

    /// The plan that cuts nothing but logits.
    pub(super) fn everything(&self) -> KeepPlan {
        self.plan(&self.totals())
    }

    /// The plan that keeps the best `counts[site]` classes of every site, and the best class of a value that would keep
    /// none of its own.
    pub(super) fn plan(&self, counts: &[usize]) -> KeepPlan {
        let mut keep = self.classes.each(|| false);
        for (site, &count) in self.sites.iter().zip(counts) {
            site.classes[..count].iter().for_each(|&class| keep[class] = true);
        }
        self.fill_empty(&mut keep);
        let wanted: Vec<Vec<bool>> = (0..self.graph.nodes().len())
            .map(|value| self.classes.of_value(value).iter().map(|&class| keep[class]).collect())
            .collect();
        KeepPlan::new(self.graph, &wanted, &self.relevance.score, self.logits)
    }

    /// A SelectChannels may pick none of a site's best classes.
    fn fill_empty(&self, keep: &mut PerClass<bool>) {
        let logits = self.classes.of_value(self.graph.output());
        for value in 0..self.graph.nodes().len() {
            let classes = self.classes.of_value(value);
            if classes.iter().any(|&class| keep[class] || logits.contains(&class)) {
                continue;
            }
            let score = |channel: usize| self.relevance.score[value][channel];
            let best = (0..classes.len()).max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a)));
            best.into_iter().for_each(|channel| keep[classes[channel]] = true);
        }
    }

    /// How many classes of every site `plan` keeps.
    pub(super) fn counts_of(&self, plan: &KeepPlan) -> Vec<usize> {
        let mut kept = self.classes.each(|| false);
        for value in 0..self.graph.nodes().len() {
            plan.kept(value).iter().for_each(|&channel| kept[self.classes.class(value, channel)] = true);
        }
        self.sites.iter().map(|site| site.classes.iter().filter(|&&class| kept[class]).count()).collect()
    }

    /// The size with `counts[site]` classes kept, exact but for groups of convolutions that must keep equal counts and
    /// for values that would be empty.
    pub(super) fn estimate(&self, counts: &[usize]) -> ModelSize {
        let kept = |value: NodeId| -> usize {
            let Counts { pinned, by_site } = &self.counts[value];
            pinned + by_site.iter().map(|(site, kept)| kept[counts[*site]]).sum::<usize>()
        };
        let kept: Vec<usize> = (0..self.graph.nodes().len()).map(kept).collect();
        let mut total = ModelSize { parameters: 0, macs: 0 };
        for (id, node) in self.graph.nodes().iter().enumerate() {
            let inputs = node.inputs.first().map_or(0, |&input| kept[input]);
            let groups = match &node.op {
                Op::Conv2d(conv) => match conv.connectivity(self.graph.node(node.inputs[0]).shape.channels()) {
                    Connectivity::Depthwise => inputs,
                    Connectivity::Dense | Connectivity::Grouped => conv.groups,
                },
                _ => 1,
            };
            add(&mut total, node_size(self.graph, id, inputs, kept[id], groups));
        }
        total
    }
}

/// The largest score of any channel of a class: values nearer to the images have collected the scores of all consumers.
fn class_scores(graph: &ValidGraph, classes: &ChannelClasses, relevance: &Relevance) -> PerClass<f32> {
    let mut scores = classes.each(|| 0.0f32);
    for value in 0..graph.nodes().len() {
        for (&class, &score) in classes.of_value(value).iter().zip(&relevance.score[value]) {
            scores[class] = scores[class].max(score);
        }
    }
    scores
}

fn channels_by_site(
    graph: &ValidGraph,
    classes: &ChannelClasses,
    sites: &[Site],
    places: &PerClass<Option<(usize, usize)>>,
    logits: usize,
) -> Vec<Counts> {
    let image = classes.of_value(graph.input());
    let of_value = |value: NodeId| {
        let own = classes.of_value(value);
        let pinned = if own == classes.of_value(graph.output()) {
            logits
        } else {
            own.iter().filter(|class| image.contains(class)).count()
        };
        let mut held: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (site, rank) in own.iter().filter_map(|&class| places[class]) {
            held.entry(site).or_insert_with(|| vec![0; sites[site].classes.len() + 1])[rank + 1] += 1;
        }
        for kept in held.values_mut() {
            (1..kept.len()).for_each(|rank| kept[rank] += kept[rank - 1]);
        }
        Counts { pinned, by_site: held.into_iter().collect() }
    };
    (0..graph.nodes().len()).map(of_value).collect()
}
