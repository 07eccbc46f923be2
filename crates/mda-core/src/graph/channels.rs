//! Channel classes: which channels of which values must be kept or cut together.

use crate::graph::{NodeId, ValidGraph};

/// The channels of all values, partitioned by the ties of the operations: BatchNorm, clamps and pools tie a channel to
/// the same channel of their input, Add to that of every input, Concat to a shifted one, Flatten ties the features of
/// one channel, a depthwise convolution its filters to what they see. Dense and grouped convolutions and linear layers
/// are barriers.
#[derive(Clone, Debug)]
pub struct ChannelClasses {
    offsets: Vec<usize>,
    class: Vec<usize>,
    count: usize,
}

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

    /// The class of a channel of a value, below [`ChannelClasses::count`].
    ///
    /// # Panics
    /// Where the value or the channel does not exist.
    pub fn class(&self, value: NodeId, channel: usize) -> usize {
        self.of_value(value)[channel]
    }

    /// The classes of a value's channels, in order.
    pub fn of_value(&self, value: NodeId) -> &[usize] {
        &self.class[self.offsets[value]..self.offsets[value + 1]]
    }

    /// How many classes there are.
    pub fn count(&self) -> usize {
        self.count
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

    fn numbered(mut self) -> (Vec<usize>, usize) {
        let mut numbers = vec![usize::MAX; self.0.len()];
        let mut count = 0;
        let mut class = Vec::with_capacity(self.0.len());
        for x in 0..self.0.len() {
            let root = self.find(x);
            if numbers[root] == usize::MAX {
                numbers[root] = count;
                count += 1;
            }
            class.push(numbers[root]);
        }
        (class, count)
    }
}
