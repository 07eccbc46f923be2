//! Training: the derivative of a loss by every trained number.
//!
//! A batch is cut into parts of a few images, as many as fit the caches. Each goes forward and back through the whole network on a thread
//! of its own, into derivatives of its own, which are added up in the order of the parts: so no result depends on how many threads
//! there are. Layers are fused with what follows them as when a model runs. Derivatives are taken by the folded weights and shifts and
//! unfolded by the chain rule once a batch.

mod affine;
mod backward;
mod forward;
mod input_gradient;
mod memory;
mod network;
mod pointwise;
mod pools;
mod spread;

use crate::kernel::Simd;
use crate::maps::Maps;
use mda_core::run::backend::{BackendError, Loss, TrainedNumbers, Trainer, Unsupported, check_batch};
use mda_core::tensor::Shape;
use mda_core::{Model, Tensor};
use memory::Memory;
use network::Network;
use rayon::prelude::*;
use std::ops::Range;

/// Bytes of values that a part of a batch aims to stay within: both ways it reads them once more.
const PART_BYTES: usize = 24 << 20;
/// Images of a part, at most.
const PART: usize = 16;

/// A model that is trained.
pub(crate) struct Training<S> {
    network: Network<S>,
    trained: TrainedNumbers,
    input: Shape,
    categories: usize,
    /// Images of a part.
    together: usize,
    /// One for every thread that works on a part.
    memories: Vec<Memory>,
    /// The sum of the raw derivatives of all parts.
    raw: Vec<f32>,
}

impl<S: Simd> Training<S> {
    /// Prepares `model`.
    ///
    /// # Errors
    /// The nodes that cannot be trained.
    pub(crate) fn new(simd: S, model: &Model) -> Result<Self, Vec<Unsupported>> {
        let graph = model.graph();
        let trained = TrainedNumbers::new(graph);
        let network = Network::new(simd, model, &trained)?;
        let image: usize = network.steps.iter().map(|step| network.shapes[step.value].elements()).sum();
        let together = (PART_BYTES / (image.max(1) * size_of::<f32>())).clamp(1, PART);
        let (input, categories) = (model.input_shape(), graph.category_count());
        Ok(Self { network, trained, input, categories, together, memories: Vec::new(), raw: Vec::new() })
    }
}

impl<S: Simd> Trainer for Training<S> {
    fn step(
        &mut self,
        batch: &Tensor,
        numbers: &[f32],
        loss: &Loss<'_>,
        gradient: &mut [f32],
    ) -> Result<f64, BackendError> {
        let count = check_batch(self.input, batch)?;
        assert!(numbers.len() == self.trained.len() && gradient.len() == numbers.len(), "all trained numbers");
        self.network.set(numbers);
        self.raw.clear();
        self.raw.resize(self.network.raw, 0.0);
        let together = count.div_ceil(count.div_ceil(self.together));
        let parts: Vec<Range<usize>> =
            (0..count).step_by(together).map(|first| first..(first + together).min(count)).collect();
        let threads = rayon::current_num_threads();
        let at_once = threads.min(parts.len());
        self.memories.resize_with(at_once.max(self.memories.len()), Memory::default);
        let network = &self.network;
        let mut sum = 0.0;
        for wave in parts.chunks(at_once) {
            let own = (threads / wave.len()).max(1);
            let run = |(part, memory): (&Range<usize>, &mut Memory)| {
                part_of(network, memory, batch, part.clone(), [self.categories, own], loss)
            };
            let losses: Vec<f64> = if wave.len() == 1 {
                wave.iter().zip(&mut self.memories).map(run).collect()
            } else {
                wave.par_iter().zip(&mut self.memories[..wave.len()]).with_max_len(1).map(run).collect()
            };
            sum += losses.iter().sum::<f64>();
            for memory in &self.memories[..wave.len()] {
                self.raw.iter_mut().zip(&memory.raw).for_each(|(sum, own)| *sum += own);
            }
        }
        gradient.fill(0.0);
        network.unfold(numbers, &self.raw, gradient);
        Ok(sum)
    }
}

/// The loss of the images `part` of a batch; their raw derivatives are in the memory then.
fn part_of<S: Simd>(
    network: &Network<S>,
    memory: &mut Memory,
    batch: &Tensor,
    part: Range<usize>,
    [categories, threads]: [usize; 2],
    loss: &Loss<'_>,
) -> f64 {
    memory.begin(network.shapes.len(), network.raw);
    let shape = network.shapes[network.input];
    let numbers = &batch.data()[part.start * shape.elements()..part.end * shape.elements()];
    let input = Maps::new(numbers, part.len(), shape.elements(), shape);
    network.forward(memory, input, threads);
    let logits = network.value(&memory.values, input, network.output);
    let logits = Tensor::new([part.len(), categories], logits.data().to_vec()).expect("logits of every image");
    let (loss, seed) = loss(part, &logits);
    network.backward(memory, input, seed.data(), threads);
    loss
}
