//! The backend traits over plans.

use crate::kernel::{Portable, Simd};
use crate::observe::Observation;
use crate::plan::{Memory, Plan};
use mda_core::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported, check_batch};
use mda_core::graph::Shape;
use mda_core::{Model, Tensor};
use std::sync::Arc;

/// The embedded CPU backend, `cpu`.
///
/// Sessions work on rayon's current pool: install one around [`Session::run`] to choose the number of threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuBackend {
    portable: bool,
}

const ID: &str = "cpu";

impl CpuBackend {
    /// The backend with the best instruction set that this processor has.
    pub fn new() -> Self {
        Self::default()
    }

    /// The backend without any special instruction set, as it runs on a processor that has none.
    pub fn portable() -> Self {
        Self { portable: true }
    }

    fn instructions(self) -> &'static str {
        #[cfg(target_arch = "x86_64")]
        if self.avx2().is_some() {
            return crate::kernel::Avx2::NAME;
        }
        Portable::NAME
    }

    #[cfg(target_arch = "x86_64")]
    fn avx2(self) -> Option<crate::kernel::Avx2> {
        if self.portable { None } else { crate::kernel::Avx2::detect() }
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

    fn unsupported(&self, _model: &Model) -> Vec<Unsupported> {
        Vec::new()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        if let Some(device) = device.filter(|&device| device != ID) {
            return Err(BackendError::NoDevice {
                backend: ID.into(),
                device: device.into(),
                available: vec![ID.into()],
            });
        }
        let observations = probes.iter().map(|&probe| Observation::new(model, probe)).collect::<Result<_, _>>()?;
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = self.avx2() {
            return Ok(Box::new(Compiled::new(avx2, model, observations)));
        }
        Ok(Box::new(Compiled::new(Portable, model, observations)))
    }
}

struct Compiled<S> {
    plan: Arc<Plan<S>>,
    input: Shape,
    categories: usize,
}

impl<S: Simd> Compiled<S> {
    fn new(simd: S, model: &Model, observations: Vec<Observation>) -> Self {
        Self {
            plan: Arc::new(Plan::new(simd, model, observations)),
            input: model.input_shape(),
            categories: model.graph().category_count(),
        }
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
        let part = self.plan.part(count);
        for start in (0..count).step_by(part) {
            let images = part.min(count - start);
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
