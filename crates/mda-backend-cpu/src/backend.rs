//! The backend traits over plans.

#[cfg(target_arch = "aarch64")]
use crate::kernel::Neon;
#[cfg(target_arch = "x86_64")]
use crate::kernel::{Avx2, Avx512};
use crate::kernel::{Portable, Simd};
use crate::observe::Observation;
use crate::plan::Plan;
use crate::run::Memory;
use crate::train::Training;
use mda_core::run::backend::{
    Backend, BackendError, Device, Probe, Program, RunOutput, Session, Trainer, Unsupported, check_batch,
};
use mda_core::tensor::Shape;
use mda_core::{Model, Tensor};
use std::sync::Arc;

/// The embedded CPU backend, `cpu`.
///
/// Sessions work on rayon's current pool: install one around [`Session::run`] to choose the number of threads.
#[derive(Clone, Copy, Debug)]
pub struct CpuBackend {
    instructions: Instructions,
}

/// The instruction sets, each with the proof that this processor has it.
#[derive(Clone, Copy, Debug)]
enum Instructions {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable,
}

const ID: &str = "cpu";

impl CpuBackend {
    /// The backend with the best instruction set that this processor has.
    pub fn new() -> Self {
        Self::available()[0]
    }

    /// The backend without any special instruction set, as it runs on a processor that has none.
    pub fn portable() -> Self {
        Self { instructions: Instructions::Portable }
    }

    /// The backend with every instruction set that runs here, the best first: they give the same results up to rounding.
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            sets.extend(Avx512::detect().map(Instructions::Avx512));
            sets.extend(Avx2::detect().map(Instructions::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        sets.extend(Neon::detect().map(Instructions::Neon));
        sets.push(Instructions::Portable);
        sets.into_iter().map(|instructions| Self { instructions }).collect()
    }

    /// The name of the instruction set.
    pub fn instructions(&self) -> &'static str {
        match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(_) => Avx512::NAME,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => Avx2::NAME,
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon(_) => Neon::NAME,
            Instructions::Portable => Portable::NAME,
        }
    }
}

impl Default for CpuBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Backend for CpuBackend {
    fn id(&self) -> &str {
        ID
    }

    fn devices(&self) -> Vec<Device> {
        let threads = rayon::current_num_threads();
        vec![Device { id: ID.into(), description: format!("{}, {threads} threads", self.instructions()) }]
    }

    /// Every operation runs. Whether an image's values are too many depends on the probes, so `compile` says it.
    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        check_device(device)?;
        let observations = probes.iter().map(|&probe| Observation::new(model, probe)).collect::<Result<_, _>>()?;
        Ok(match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(avx512) => Box::new(Compiled::new(avx512, model, observations)?),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => Box::new(Compiled::new(avx2, model, observations)?),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon(neon) => Box::new(Compiled::new(neon, model, observations)?),
            Instructions::Portable => Box::new(Compiled::new(Portable, model, observations)?),
        })
    }

    fn untrainable(&self, model: &Model) -> Option<String> {
        self.train(model, None).err().map(|error| error.to_string())
    }

    fn train(&self, model: &Model, device: Option<&str>) -> Result<Box<dyn Trainer>, BackendError> {
        check_device(device)?;
        match self.instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(avx512) => training(avx512, model),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => training(avx2, model),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon(neon) => training(neon, model),
            Instructions::Portable => training(Portable, model),
        }
    }
}

fn check_device(device: Option<&str>) -> Result<(), BackendError> {
    match device.filter(|&device| device != ID) {
        None => Ok(()),
        Some(device) => {
            Err(BackendError::NoDevice { backend: ID.into(), device: device.into(), available: vec![ID.into()] })
        }
    }
}

fn training<S: Simd>(simd: S, model: &Model) -> Result<Box<dyn Trainer>, BackendError> {
    let refused = |nodes| BackendError::Unsupported { backend: ID.into(), nodes };
    Ok(Box::new(Training::new(simd, model).map_err(refused)?))
}

struct Compiled<S> {
    plan: Arc<Plan<S>>,
    input: Shape,
    categories: usize,
}

impl<S: Simd> Compiled<S> {
    fn new(simd: S, model: &Model, observations: Vec<Observation>) -> Result<Self, BackendError> {
        let plan = Plan::new(simd, model, observations)
            .map_err(|node| BackendError::Unsupported { backend: ID.into(), nodes: vec![node] })?;
        Ok(Self { plan: Arc::new(plan), input: model.input_shape(), categories: model.graph().category_count() })
    }
}

impl<S: Simd> Program for Compiled<S> {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        let (plan, memory) = (Arc::clone(&self.plan), Memory::default());
        Ok(Box::new(Running { plan, memory, input: self.input, categories: self.categories }))
    }
}

struct Running<S> {
    plan: Arc<Plan<S>>,
    memory: Memory,
    input: Shape,
    categories: usize,
}

impl<S: Simd> Session for Running<S> {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let count = check_batch(self.input, batch)?;
        let mut logits = Tensor::zeros([count, self.categories]);
        let axes = self.plan.observations().iter().map(|observation| {
            let mut axes = observation.axes.clone();
            axes[0] = count;
            axes
        });
        let mut probes: Vec<Tensor> = axes.map(Tensor::zeros).collect();
        let share = self.plan.share(count);
        for start in (0..count).step_by(share) {
            let images = share.min(count - start);
            let rows = |tensor: &Tensor| {
                let row = tensor.len() / count;
                start * row..(start + images) * row
            };
            let answers = probes.iter_mut().map(|tensor| {
                let range = rows(tensor);
                &mut tensor.data_mut()[range]
            });
            let mut answers: Vec<&mut [f32]> = answers.collect();
            let (input, range) = (&batch.data()[rows(batch)], rows(&logits));
            self.plan.run(&mut self.memory, input, images, &mut logits.data_mut()[range], &mut answers);
        }
        Ok(RunOutput { logits, probes })
    }
}
