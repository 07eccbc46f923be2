//! The programs and sessions of a loaded plugin.

use super::answers::check;
use super::functions::{Library, Owned};
use crate::abi::{self, Code};
use mda_core::Tensor;
use mda_core::run::backend::{BackendError, Program, RunOutput, Session, check_batch};
use mda_core::tensor::Shape;
use std::ptr::NonNull;
use std::sync::Arc;

/// What a program's sessions keep alive: the program first, then the backend.
pub(super) struct Shared {
    pub(super) program: Owned<abi::Program>,
    pub(super) _backend: Arc<Owned<abi::Backend>>,
    pub(super) id: String,
    pub(super) library: Arc<Library>,
}

/// A program of a plugin.
pub(super) struct PluginProgram {
    shared: Arc<Shared>,
    input: Shape,
    /// The shapes of logits and probes for one image.
    answers: Arc<[Vec<usize>]>,
}

impl PluginProgram {
    /// The program behind a handle; `answers` are the shapes of logits and probes for one image of shape `input`.
    pub(super) fn new(shared: Shared, input: Shape, answers: Vec<Vec<usize>>) -> Self {
        Self { shared: Arc::new(shared), input, answers: answers.into() }
    }
}

impl Program for PluginProgram {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        let functions = self.shared.library.functions;
        let mut session = std::ptr::null_mut();
        // SAFETY: the program lives, and the place lives until the call returns.
        let made = unsafe { check((functions.session)(self.shared.program.as_ptr(), &raw mut session)) };
        let failed = |message| BackendError::Failed { backend: self.shared.id.clone(), message };
        made.map_err(|fault| failed(fault.text))?;
        let session = NonNull::new(session).ok_or_else(|| failed("the plugin answers a null session".into()))?;
        let session = Owned::new(session, functions.free_session, Arc::clone(&self.shared.library));
        let (shared, answers) = (Arc::clone(&self.shared), Arc::clone(&self.answers));
        Ok(Box::new(PluginSession { session, shared, input: self.input, answers }))
    }
}

struct PluginSession {
    session: Owned<abi::Session>,
    shared: Arc<Shared>,
    input: Shape,
    answers: Arc<[Vec<usize>]>,
}

impl PluginSession {
    fn failed(&self, message: String) -> BackendError {
        BackendError::Failed { backend: self.shared.id.clone(), message }
    }
}

impl Session for PluginSession {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        let count = check_batch(self.input, batch)?;
        let &[images, channels, rows, columns] = batch.shape() else {
            return Err(BackendError::BadBatch { expected: self.input, got: batch.shape().to_vec() });
        };
        let room = |answer: &Vec<usize>| Tensor::zeros([&[count], &answer[1..]].concat());
        let mut tensors: Vec<Tensor> = self.answers.iter().map(room).collect();
        let place = |tensor: &mut Tensor| {
            let len = tensor.len();
            abi::Output { data: tensor.data_mut().as_mut_ptr(), len, written: 0 }
        };
        let mut outputs: Vec<abi::Output> = tensors.iter_mut().map(place).collect();
        let request = abi::Run {
            size: size_of::<abi::Run>(),
            shape: [images, channels, rows, columns],
            images: batch.data().as_ptr(),
            outputs: outputs.as_mut_ptr(),
            output_count: outputs.len(),
        };
        // SAFETY: `&mut self` keeps other threads away; the batch and all room live until the call returns.
        let ran = unsafe { check((self.shared.library.functions.run)(self.session.as_ptr(), &raw const request)) };
        ran.map_err(|fault| match fault.code {
            Code::BadBatch => BackendError::BadBatch { expected: self.input, got: batch.shape().to_vec() },
            _ => self.failed(fault.text),
        })?;
        for (index, (output, tensor)) in outputs.iter().zip(&tensors).enumerate() {
            if output.written != tensor.len() {
                let what = if index == 0 { "logits".to_owned() } else { format!("probe {}", index - 1) };
                let (found, expected) = (output.written, tensor.shape());
                return Err(self.failed(format!("the plugin answers {found} numbers as {what}, expected {expected:?}")));
            }
        }
        let logits = tensors.remove(0);
        Ok(RunOutput { logits, probes: tensors })
    }
}
