//! Channel classes: which channels of which values must be kept or cut together.

use crate::graph::{NodeId, ValidGraph};
use std::ops::{Index, IndexMut};

/// Channels that stay or go together, whatever values they belong to. It is no number of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelClass(usize);

/// The channels of all values, partitioned by the ties of the operations: BatchNorm, clamps and pools tie a channel to
/// the same channel of their input, Add and Multiply to that of every input, Concat to a shifted one, Flatten ties the features of
/// one channel, a depthwise convolution its filters to what they see. Dense and grouped convolutions and linear layers
/// are barriers.
#[derive(Clone, Debug)]
pub struct ChannelClasses {
    offsets: Vec<usize>,
    class: Vec<ChannelClass>,
    count: usize,
}

/// Something for every class of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct PerClass<T>(Vec<T>);

impl ChannelClasses {
    /// The classes of a graph.
    pub fn of(graph: &ValidGraph) -> Self {
        let mut offsets = Vec::with_capacity(graph.nodes().len() + 1);
        offsets.push(0);
        for node in graph.nodes() {
            offsets.push(offsets[offsets.len() - 1] + node.shape.channels());
        }
        let mut sets = DisjointSets((0..offsets[graph.nodes().len()]).collect());
        for (id, node) in graph.nodes().iter().enumerate() {
            let shapes = graph.input_shapes(id);
            for channel in 0..node.shape.channels() {
                for (input, source) in node.op.operation().ties(&shapes, channel) {
                    sets.unite(offsets[id] + channel, offsets[node.inputs[input]] + source);
                }
            }
        }
        let (class, count) = sets.numbered();
        Self { offsets, class, count }
    }

    /// The class of a channel of a value.
    ///
    /// # Panics
    /// Where the value or the channel does not exist.
    pub fn class(&self, value: NodeId, channel: usize) -> ChannelClass {
        self.of_value(value)[channel]
    }

    /// The classes of a value's channels, in order.
    pub fn of_value(&self, value: NodeId) -> &[ChannelClass] {
        &self.class[self.offsets[value]..self.offsets[value + 1]]
    }

    /// `of_class` for every class, in order.
    pub fn each<T>(&self, of_class: impl FnMut() -> T) -> PerClass<T> {
        PerClass(std::iter::repeat_with(of_class).take(self.count).collect())
    }
}

impl<T> Index<ChannelClass> for PerClass<T> {
    type Output = T;

    fn index(&self, class: ChannelClass) -> &T {
        &self.0[class.0]
    }
}

impl<T> IndexMut<ChannelClass> for PerClass<T> {
    fn index_mut(&mut self, class: ChannelClass) -> &mut T {
        &mut self.0[class.0]
    }
}

impl<T> PerClass<T> {
    /// Every class with what there is for it, in order.
    pub fn into_classes(self) -> impl Iterator<Item = (ChannelClass, T)> {
        self.0.into_iter().enumerate().map(|(class, value)| (ChannelClass(class), value))
    }
}

/// Union-find whose representative is the smallest member.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn find(&mut self, mut x: usize) -> usize {
        while self.0[x] != x {
            self.0[x] = self.0[self.0[x]];
            x = self.0[x];
        }
        x
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn numbered(mut self) -> (Vec<ChannelClass>, usize) {
        let mut numbers = vec![usize::MAX; self.0.len()];
        let mut count = 0;
        let mut class = Vec::with_capacity(self.0.len());
        for x in 0..self.0.len() {
            let root = self.find(x);
            if numbers[root] == usize::MAX {
                numbers[root] = count;
                count += 1;
            }
            class.push(ChannelClass(numbers[root]));
        }
        (class, count)
    }
}
