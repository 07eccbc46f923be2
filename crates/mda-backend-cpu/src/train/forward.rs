//! Some images through a network, all values kept.

use super::memory::Memory;
use super::network::{Kind, Network, Step};
use crate::buffer::{Buffer, Workspace};
use crate::kernel::Simd;
use crate::layer::{
    Finish, activate, add, average, concat, global_average, leak, maximum, multiply, normalize, select,
};
use crate::maps::{Maps, MapsMut};
use mda_core::graph::NodeId;

impl<S: Simd> Network<S> {
    /// A value of `images` images.
    pub(super) fn value<'a>(&self, values: &'a [Buffer], input: Maps<'a>, id: NodeId) -> Maps<'a> {
        let (shape, images) = (self.shapes[id], input.images());
        let numbers = match self.roots[id] {
            root if root == self.input => input.data(),
            root => &values[root],
        };
        Maps::new(numbers, images, shape.elements(), shape)
    }

    /// Computes every value of the images of `input`, on so many threads.
    pub(super) fn forward(&self, memory: &mut Memory, input: Maps<'_>, threads: usize) {
        for step in &self.steps {
            let shape = self.shapes[step.value];
            let mut buffer = std::mem::take(&mut memory.values[step.value]);
            buffer.reserve(input.images() * shape.elements());
            let output = MapsMut::new(&mut buffer, input.images(), shape.elements(), shape, threads);
            self.step(step, &memory.values, input, &mut memory.workspace, output);
            if let Kind::Bend(kind) = step.kind {
                let output = MapsMut::new(&mut buffer, input.images(), shape.elements(), shape, threads);
                activate(self.simd, kind, output);
            }
            memory.values[step.value] = buffer;
        }
    }

    fn step(&self, step: &Step<S>, values: &[Buffer], input: Maps<'_>, workspace: &mut Workspace, output: MapsMut<'_>) {
        let value = |id: NodeId| self.value(values, input, id);
        let first = || value(step.inputs[0]);
        let finish = Finish { epilogue: &step.epilogue, residual: step.residual.map(|(id, _)| value(id)) };
        match &step.kind {
            Kind::Layer(layer) => layer.forward.run(first(), output, &finish, workspace),
            Kind::Scale | Kind::Bend(_) => {
                let scales: Vec<f32> = step.folded.iter().map(|&(scale, _)| scale as f32).collect();
                normalize(self.simd, &scales, first(), output, &finish);
            }
            Kind::Leak { slopes, .. } => leak(self.simd, slopes, first(), output),
            Kind::Maximum(pool) => maximum(self.simd, pool, first(), output),
            Kind::Average(pool) => average(self.simd, pool, first(), output),
            Kind::GlobalAverage => global_average(self.simd, first(), output),
            Kind::Add => {
                let inputs: Vec<Maps<'_>> = step.inputs.iter().map(|&id| value(id)).collect();
                add(self.simd, &inputs, output, step.epilogue.bounds);
            }
            Kind::Multiply => multiply(self.simd, first(), value(step.inputs[1]), output, step.epilogue.bounds),
            Kind::Concat => {
                let mut channel = 0;
                let inputs = step.inputs.iter().map(|&id| {
                    let maps = value(id);
                    channel += maps.shape().channels();
                    (channel - maps.shape().channels(), maps)
                });
                concat(&inputs.collect::<Vec<_>>(), output);
            }
            Kind::Select(channels) => select(channels, first(), output),
        }
    }
}
