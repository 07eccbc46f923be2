//! Where values live: few buffers, shared by values that are not needed at the same time.
//!
//! Values that a Concat joins are computed inside the joined value where that is possible; Flatten is another name for the
//! same numbers.

use super::fusion::Chain;
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;

/// Where a value lives. All numbers count f32 of one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which buffer.
    pub slot: usize,
    /// Where the value starts within an image.
    pub offset: usize,
    /// From one image to the next.
    pub stride: usize,
}

/// The places of all values.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Where each value lives, by node; `None` for the graph's input and for values that never exist.
    pub places: Vec<Option<Place>>,
    /// The size of each buffer.
    pub slots: Vec<usize>,
    /// The stretch of chains that alone uses a buffer; `None` where values in it outlive one.
    pub owners: Vec<Option<usize>>,
}

/// The node whose value `id` is another name of.
pub fn root(model: &Model, mut id: NodeId) -> NodeId {
    while let Op::Flatten(_) = model.graph().node(id).op {
        id = model.graph().node(id).inputs[0];
    }
    id
}

/// A value inside another one.
#[derive(Clone, Copy)]
struct Inside {
    container: NodeId,
    offset: usize,
}

struct Values<'a> {
    model: &'a Model,
    /// The step that computes a value, and the roots that it reads.
    step: Vec<Option<usize>>,
    reads: Vec<Vec<NodeId>>,
    inside: Vec<Option<Inside>>,
}

/// Finds a place for the value of every chain.
pub fn place(model: &Model, chains: &[Chain]) -> Placement {
    place_in_stretches(model, chains, &vec![0; chains.len()])
}

/// The same where neighbouring chains form stretches, `stretches[chain]`, that run over a few images of a batch at a time:
/// values that only one stretch sees are in buffers of its own. Values in other buffers are all as far apart, from one image
/// to the next, as the buffer is large, so that images do not meet there.
pub fn place_in_stretches(model: &Model, chains: &[Chain], stretches: &[usize]) -> Placement {
    let nodes = model.graph().nodes();
    let mut step = vec![None; nodes.len()];
    chains.iter().enumerate().for_each(|(index, chain)| step[chain.end] = Some(index));
    let reads = chains.iter().map(|chain| {
        let inputs = nodes[chain.head].inputs.iter().copied();
        inputs.chain(chain.residual).map(|input| root(model, input)).collect()
    });
    let mut values = Values { model, step, reads: reads.collect(), inside: vec![None; nodes.len()] };
    for concat in (0..nodes.len()).rev().filter(|&id| matches!(nodes[id].op, Op::Concat(_))) {
        values.fill(concat);
    }
    values.assign(chains, stretches)
}

impl Values<'_> {
    /// The outermost value that holds `id`, and where.
    fn container(&self, id: NodeId) -> (NodeId, usize) {
        self.inside[id].map_or((id, 0), |inside| (inside.container, inside.offset))
    }

    /// Places the inputs of `concat` inside it.
    fn fill(&mut self, concat: NodeId) {
        let Some(own) = self.step[concat] else { return };
        let (container, mut offset) = self.container(concat);
        for &input in &self.model.graph().node(concat).inputs {
            let value = root(self.model, input);
            if self.may_join(value, own, container) {
                self.inside[value] = Some(Inside { container, offset });
            }
            offset += self.model.graph().node(input).shape.elements();
        }
    }

    /// Whether `value` can live inside `container` for the sake of the step `own`. No other step may read and write one
    /// buffer.
    fn may_join(&self, value: NodeId, own: usize, container: NodeId) -> bool {
        let Some(step) = self.step[value] else { return false };
        let holds = |other: NodeId| self.container(other).0 == container;
        let once = self.reads[own].iter().filter(|&&read| read == value).count() == 1;
        let reads_container = self.reads[step].iter().any(|&read| holds(read));
        let written: Vec<usize> = (0..self.step.len()).filter(|&id| holds(id)).filter_map(|id| self.step[id]).collect();
        let read_by_writer = written.iter().any(|&other| other != own && self.reads[other].contains(&value));
        once && self.inside[value].is_none() && !reads_container && !read_by_writer
    }

    /// Gives every outermost value a buffer that is free from its first write to its last use.
    fn assign(&self, chains: &[Chain], stretches: &[usize]) -> Placement {
        let graph = self.model.graph();
        let mut life = vec![None::<(usize, usize)>; graph.nodes().len()];
        let mut touch = |id: NodeId, step: usize| {
            let span = life[self.container(id).0].get_or_insert((step, step));
            *span = (span.0.min(step), span.1.max(step));
        };
        for (index, chain) in chains.iter().enumerate() {
            touch(chain.end, index);
            self.reads[index].iter().for_each(|&read| touch(read, index));
        }
        touch(root(self.model, graph.output()), chains.len());
        let mut order: Vec<(NodeId, (usize, usize))> =
            life.iter().enumerate().filter_map(|(id, span)| Some((id, (*span)?))).collect();
        order.retain(|&(id, _)| self.step[id].is_some());
        order.sort_by_key(|&(_, (first, _))| first);
        let mut slots: Vec<(usize, usize)> = Vec::new();
        let mut owners = Vec::new();
        let mut slot_of = vec![None; graph.nodes().len()];
        for (id, (first, last)) in order {
            let size = graph.node(id).shape.elements();
            let owner = Some(stretches[first]).filter(|_| stretches[first] == stretches[last.min(chains.len() - 1)]);
            let free = slots.iter().enumerate().filter(|&(index, slot)| slot.1 < first && owners[index] == owner);
            // The smallest that is large enough, or else the largest, which then grows.
            let best = free.min_by_key(|(_, slot)| if slot.0 >= size { (0, slot.0) } else { (1, size - slot.0) });
            let slot = best.map_or(slots.len(), |(slot, _)| slot);
            if slot == slots.len() {
                slots.push((0, 0));
                owners.push(owner);
            }
            slots[slot] = (slots[slot].0.max(size), last);
            slot_of[id] = Some(slot);
        }
        let place = |id: NodeId| {
            let (container, offset) = self.container(id);
            let slot = slot_of[container].filter(|_| self.step[id].is_some())?;
            let own = graph.node(container).shape.elements();
            Some(Place { slot, offset, stride: if owners[slot].is_some() { own } else { slots[slot].0 } })
        };
        Placement {
            places: (0..graph.nodes().len()).map(|id| place(root(self.model, id))).collect(),
            slots: slots.iter().map(|slot| slot.0).collect(),
            owners: owners.clone(),
        }
    }
}
