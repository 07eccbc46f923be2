//! A loaded plugin as a backend.

use super::answers::{Fault, Pairs};
use super::functions::{Functions, Library, Owned};
use super::program::{PluginProgram, Shared};
use crate::abi::{self, Bytes, Code};
use mda_core::Model;
use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, Unsupported};
use mda_formats::native;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

/// A backend in a library of its own.
///
/// Models cross as native model files without their provenance. What the plugin answers is checked; what it writes beyond
/// the room that it is given is not, since nothing can check that.
pub struct PluginBackend {
    id: String,
    version: String,
    handle: Arc<Owned<abi::Backend>>,
    library: Arc<Library>,
}

impl PluginBackend {
    pub(super) fn new(id: String, version: String, handle: Owned<abi::Backend>, library: Arc<Library>) -> Self {
        Self { id, version, handle: Arc::new(handle), library }
    }

    /// The plugin's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The library's absolute path.
    pub fn path(&self) -> &Path {
        &self.library.path
    }

    fn functions(&self) -> Functions {
        self.library.functions
    }

    fn failed(&self, message: impl Into<String>) -> BackendError {
        BackendError::Failed { backend: self.id.clone(), message: message.into() }
    }

    fn listed_devices(&self) -> Result<Vec<Device>, Fault> {
        // SAFETY: the handle lives, the sink lives until the call returns.
        let pairs = Pairs::ask(|sink| unsafe { (self.functions().devices)(self.handle.as_ptr(), sink) })?;
        Ok(pairs.into_iter().map(|(id, description)| Device { id, description }).collect())
    }

    fn listed_unsupported(&self, bytes: &[u8]) -> Result<Vec<Unsupported>, Fault> {
        let (unsupported, handle) = (self.functions().unsupported, self.handle.as_ptr());
        // SAFETY: the handle lives, bytes and sink live until the call returns.
        let pairs = Pairs::ask(|sink| unsafe { unsupported(handle, Bytes::of(bytes), sink) })?;
        Ok(pairs.into_iter().map(|(node, reason)| Unsupported { node, reason }).collect())
    }

    /// The bytes of `model` without its provenance, which no backend needs.
    fn bytes(&self, model: &Model) -> Result<Vec<u8>, BackendError> {
        let (graph, parameters) = (model.graph().clone(), model.parameters().clone());
        let bare = Model::new(model.name(), graph, parameters, model.categories().to_vec());
        let bare = bare.map_err(|error| self.failed(format!("handing over the model: {error}")))?;
        native::to_bytes(&bare).map_err(|error| self.failed(format!("handing over the model: {error}")))
    }

    /// The error that a backend in this process would have answered; `details` came beside the failure.
    fn refusal(
        &self,
        fault: Fault,
        details: Vec<(String, String)>,
        device: Option<&str>,
        probes: &[Probe],
    ) -> BackendError {
        let backend = self.id.clone();
        let probe = usize::try_from(fault.detail).ok().and_then(|position| probes.get(position).copied());
        match (fault.code, probe) {
            (Code::Unsupported, _) => {
                let nodes = details.into_iter().map(|(node, reason)| Unsupported { node, reason }).collect();
                BackendError::Unsupported { backend, nodes }
            }
            (Code::NoDevice, _) => {
                let available = details.into_iter().map(|(device, _)| device).collect();
                BackendError::NoDevice { backend, device: device.unwrap_or("default").into(), available }
            }
            (Code::BadProbe, Some(probe)) => BackendError::BadProbe { probe, reason: fault.text },
            (Code::BadProbe | Code::Failed | Code::BadBatch | Code::Panicked | Code::BadCall, _) => {
                self.failed(fault.text)
            }
        }
    }
}

impl Backend for PluginBackend {
    fn id(&self) -> &str {
        &self.id
    }

    /// None where the plugin fails to list them; [`Backend::unavailable`] says why.
    fn devices(&self) -> Vec<Device> {
        self.listed_devices().unwrap_or_default()
    }

    fn unavailable(&self) -> Option<String> {
        if let Err(fault) = self.listed_devices() {
            return Some(format!("its devices cannot be listed: {}", fault.text));
        }
        // SAFETY: the handle lives, the sink lives until the call returns.
        match Pairs::ask(|sink| unsafe { (self.functions().unavailable)(self.handle.as_ptr(), sink) }) {
            Ok(reasons) => reasons.into_iter().next().map(|(reason, _)| reason),
            Err(fault) => Some(fault.text),
        }
    }

    /// A plugin that fails to answer runs no node.
    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        let listed = self.bytes(model).map_err(|error| error.to_string());
        listed.and_then(|bytes| self.listed_unsupported(&bytes).map_err(|fault| fault.text)).unwrap_or_else(|reason| {
            let nodes = model.graph().nodes().iter();
            nodes.map(|node| Unsupported { node: node.name.clone(), reason: reason.clone() }).collect()
        })
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        let mut answers = vec![vec![1, model.graph().category_count()]];
        for probe in probes {
            answers.push(probe.shape(model, 1)?);
        }
        let bytes = self.bytes(model)?;
        let requested: Vec<abi::Probe> = probes.iter().map(|&probe| number(probe)).collect();
        let (functions, mut program) = (self.functions(), std::ptr::null_mut());
        let (compiled, details) = Pairs::beside(|details| {
            let request = abi::Compile {
                size: size_of::<abi::Compile>(),
                model: Bytes::of(&bytes),
                device: device.map_or(Bytes::ABSENT, |device| Bytes::of(device.as_bytes())),
                probes: requested.as_ptr(),
                probe_count: requested.len(),
                details,
            };
            // SAFETY: the handle lives, the request and what it points at live until the call returns.
            unsafe { (functions.compile)(self.handle.as_ptr(), &raw const request, &raw mut program) }
        });
        compiled.map_err(|fault| self.refusal(fault, details, device, probes))?;
        let program = NonNull::new(program).ok_or_else(|| self.failed("the plugin answers a null program"))?;
        let program = Owned::new(program, functions.free_program, Arc::clone(&self.library));
        let (backend, library) = (Arc::clone(&self.handle), Arc::clone(&self.library));
        let shared = Shared { program, _backend: backend, id: self.id.clone(), library };
        Ok(Box::new(PluginProgram::new(shared, model.input_shape(), answers)))
    }
}

fn number(probe: Probe) -> abi::Probe {
    let kind = match probe {
        Probe::WindowSum(_) => 0,
        Probe::Input(_) => 1,
        Probe::Value(_) => 2,
        Probe::Moments(_) => 3,
    };
    abi::Probe { kind, reserved: 0, node: probe.node() as u64 }
}
