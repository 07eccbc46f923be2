//! Some images back through a network: from the derivative by the logits to those by all weights and shifts, as they are folded.

use super::memory::Memory;
use super::network::{Kind, Network, Step, TrainedLayer};
use super::{pointwise, pools};
use crate::buffer::Buffer;
use crate::kernel::Simd;
use crate::layer::{Epilogue, Finish};
use crate::maps::{Maps, MapsMut};

impl<S: Simd> Network<S> {
    /// Adds the raw derivatives to the memory's, which has all values of the images of `input`; `seed` is the derivative by the logits.
    pub(super) fn backward(&self, memory: &mut Memory, input: Maps<'_>, seed: &[f32], threads: usize) {
        let mut buffer = memory.buffer(seed.len());
        buffer[..seed.len()].copy_from_slice(seed);
        memory.deliver(self.roots[self.output], buffer, seed.len());
        for step in self.steps.iter().rev() {
            let Some(mut gradient) = memory.take(step.value) else { continue };
            let (shape, images) = (self.shapes[step.value], input.images());
            let len = images * shape.elements();
            if !matches!(step.kind, Kind::Bend(_)) {
                let value = self.value(&memory.values, input, step.value);
                pointwise::mask(self.simd, &mut gradient[..len], value.data(), step.epilogue.bounds);
            }
            let maps = Maps::new(&gradient, images, shape.elements(), shape);
            pointwise::add_sums(self.simd, maps, &mut memory.raw[step.sums.clone()]);
            if let Kind::Layer(layer) = &step.kind {
                self.layer(step, layer, memory, input, maps, threads);
                match step.residual {
                    Some((residual, true)) => memory.deliver(self.roots[residual], gradient, len),
                    _ => memory.release(gradient),
                }
            } else {
                self.other(step, memory, input, gradient);
            }
        }
    }

    /// The derivatives by a layer's weights and by its input.
    fn layer(
        &self,
        step: &Step<S>,
        layer: &TrainedLayer<S>,
        memory: &mut Memory,
        input: Maps<'_>,
        gradient: Maps<'_>,
        threads: usize,
    ) {
        let from = step.inputs[0];
        let value = self.value(&memory.values, input, from);
        let weights = &mut memory.raw[step.products.clone()];
        let [left, right] = &mut memory.laid;
        self.simd.vectorize(
            #[inline(always)]
            || layer.spread.add(self.simd, [value, gradient], weights, [left, right]),
        );
        let Some(backward) = &layer.backward else { return };
        let (shape, images) = (self.shapes[from], input.images());
        let len = images * shape.elements();
        // What is known already is added where the layer's own part is written.
        let known = memory.take(self.roots[from]);
        let mut output = memory.buffer(len);
        let epilogue = Epilogue::new(vec![0.0; shape.channels()], None, None);
        let residual = known.as_ref().map(|known| Maps::new(known, images, shape.elements(), shape));
        let finish = Finish { epilogue: &epilogue, residual };
        let maps = MapsMut::new(&mut output, images, shape.elements(), shape, threads);
        backward.run(self.simd, gradient, maps, &finish, (&mut memory.wide, &mut memory.workspace));
        known.into_iter().for_each(|known| memory.release(known));
        memory.deliver(self.roots[from], output, len);
    }

    /// The derivatives by the inputs of a step that is no layer.
    fn other(&self, step: &Step<S>, memory: &mut Memory, input: Maps<'_>, mut gradient: Buffer) {
        let (shape, images) = (self.shapes[step.value], input.images());
        let len = images * shape.elements();
        match &step.kind {
            Kind::Scale => {
                let value = self.value(&memory.values, input, step.inputs[0]);
                let own = Maps::new(&gradient, images, shape.elements(), shape);
                if !step.products.is_empty() {
                    pointwise::add_products(own, value, |g, x| g * x, &mut memory.raw[step.products.clone()]);
                }
                if let Some((residual, true)) = step.residual {
                    let mut copy = memory.buffer(len);
                    copy[..len].copy_from_slice(&gradient[..len]);
                    memory.deliver(self.roots[residual], copy, len);
                }
                pointwise::scale(self.simd, &mut gradient[..len], shape.positions(), &step.folded);
                self.pass_on(step, memory, gradient, len);
            }
            Kind::Bend(kind) => {
                let value = self.value(&memory.values, input, step.inputs[0]);
                pointwise::bend(self.simd, *kind, &mut gradient[..len], value.data());
                self.pass_on(step, memory, gradient, len);
            }
            Kind::Leak { slopes, .. } => {
                let value = self.value(&memory.values, input, step.inputs[0]);
                let own = Maps::new(&gradient, images, shape.elements(), shape);
                let below = |g: f32, x: f32| if x > 0.0 { 0.0 } else { g * x };
                pointwise::add_products(own, value, below, &mut memory.raw[step.products.clone()]);
                pointwise::leak(&mut gradient[..len], value, slopes);
                self.pass_on(step, memory, gradient, len);
            }
            _ => {
                for (at, (&id, _)) in
                    step.inputs.iter().zip(&step.wanted).enumerate().filter(|(_, (_, wanted))| **wanted)
                {
                    let own = images * self.shapes[id].elements();
                    let mut part = memory.buffer(own);
                    let maps = Maps::new(&gradient, images, shape.elements(), shape);
                    self.by_input(
                        step,
                        at,
                        [self.value(&memory.values, input, id), maps],
                        memory,
                        input,
                        &mut part[..own],
                    );
                    memory.deliver(self.roots[id], part, own);
                }
                memory.release(gradient);
            }
        }
    }

    /// Hands the derivative by the only input on.
    fn pass_on(&self, step: &Step<S>, memory: &mut Memory, gradient: Buffer, len: usize) {
        match step.wanted[0] {
            true => memory.deliver(self.roots[step.inputs[0]], gradient, len),
            false => memory.release(gradient),
        }
    }

    /// Writes the derivative by input `at`, which has `value`, where that by what comes out is `gradient`.
    fn by_input(
        &self,
        step: &Step<S>,
        at: usize,
        [value, gradient]: [Maps<'_>; 2],
        memory: &Memory,
        input: Maps<'_>,
        to: &mut [f32],
    ) {
        let other = |at: usize| self.value(&memory.values, input, step.inputs[at]);
        match &step.kind {
            Kind::Maximum(pool) => pools::maximum(pool, value, gradient, to),
            Kind::Average(pool) => pools::average(pool, value, gradient, to),
            Kind::GlobalAverage => pools::global_average(value.shape().positions(), gradient, to),
            Kind::Add => to.copy_from_slice(gradient.data()),
            Kind::Multiply if at == 0 => pointwise::by_value(gradient, other(1), to),
            Kind::Multiply => pointwise::by_factors(gradient, other(0), to, value.shape().positions()),
            Kind::Concat => {
                let before: usize = step.inputs[..at].iter().map(|&id| self.shapes[id].elements()).sum();
                let own = value.shape().elements();
                let images = to.chunks_exact_mut(own).enumerate();
                images.for_each(|(n, to)| to.copy_from_slice(&gradient.image(n)[before..before + own]));
            }
            Kind::Select(channels) => {
                to.fill(0.0);
                pointwise::unselect(gradient, channels, to, value.shape().channels());
            }
            Kind::Layer(_) | Kind::Scale | Kind::Bend(_) | Kind::Leak { .. } => unreachable!("these have one input"),
        }
    }
}
