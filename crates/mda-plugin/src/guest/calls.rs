//! The functions of the table: pointers in, a backend's methods in between, answers out.

use super::fault::Fault;
use super::guard::guarded;
use crate::abi::{self, Bytes, Failure, Sink};
use crate::foreign::{place, slice, slice_mut, value};
use crate::growing::read;
use mda_core::run::backend::{Backend, BackendError, Probe, Program, Session};
use mda_core::tensor::element_count;
use mda_core::{Model, Tensor};
use mda_formats::native;

/// What a backend's handle points at.
pub(super) struct Exported {
    pub(super) backend: Box<dyn Backend>,
    pub(super) version: &'static str,
}

/// What a session's handle points at.
struct Open {
    session: Box<dyn Session>,
    /// Set while a run is under way, and for good by one that panicked: nobody knows what it left behind.
    running: bool,
}

/// The model in the host's bytes.
///
/// # Safety
/// As [`slice`].
unsafe fn model(bytes: Bytes) -> Result<Model, Fault> {
    if bytes.data.is_null() {
        return Err(Fault::bad_call("the host passes no model"));
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice(bytes.data, bytes.len) }?;
    native::from_bytes(bytes).map_err(|error| Fault::bad_call(format!("the host passes a model that is none: {error}")))
}

/// The text of the host, absent where it is null.
///
/// # Safety
/// As [`slice`].
unsafe fn text<'a>(bytes: Bytes) -> Result<Option<&'a str>, Fault> {
    if bytes.data.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let text = str::from_utf8(unsafe { slice(bytes.data, bytes.len) }?);
    text.map(Some).map_err(|error| Fault::bad_call(format!("the host passes a text that is not UTF-8: {error}")))
}

/// The probe behind its number.
fn probe(probe: &abi::Probe) -> Result<Probe, Fault> {
    let node =
        usize::try_from(probe.node).map_err(|_| Fault::bad_call(format!("no node has number {}", probe.node)))?;
    match probe.kind {
        0 => Ok(Probe::WindowSum(node)),
        1 => Ok(Probe::Input(node)),
        2 => Ok(Probe::Value(node)),
        3 => Ok(Probe::Moments(node)),
        kind => Err(Fault::bad_call(format!("the host asks for a probe of kind {kind}, which is not known"))),
    }
}

/// Hands pairs of texts to the host.
///
/// # Safety
/// As [`read`], and `put` may be called with `context`.
unsafe fn put<'a>(sink: *const Sink, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), Fault> {
    // SAFETY: the caller's promise.
    let sink = unsafe { read(sink) }?;
    for (first, second) in pairs {
        // SAFETY: the texts live until the call returns.
        unsafe { (sink.put)(sink.context, Bytes::of(first.as_bytes()), Bytes::of(second.as_bytes())) };
    }
    Ok(())
}

/// What of an error is neither kind nor text.
fn details(error: &BackendError) -> Vec<(&str, &str)> {
    match error {
        BackendError::Unsupported { nodes, .. } => {
            nodes.iter().map(|node| (node.node.as_str(), node.reason.as_str())).collect()
        }
        BackendError::NoDevice { available, .. } => available.iter().map(|device| (device.as_str(), "")).collect(),
        BackendError::BadProbe { .. } | BackendError::BadBatch { .. } | BackendError::Failed { .. } => Vec::new(),
    }
}

/// The backend behind its handle.
///
/// # Safety
/// The handle is null or one that [`super::create`] made and nobody freed.
unsafe fn backend<'a>(handle: *const abi::Backend) -> Result<&'a Exported, Fault> {
    // SAFETY: the caller's promise.
    Ok(unsafe { value(handle.cast()) }?)
}

/// Frees what a handle points at.
///
/// # Safety
/// `handle` is null or came from a `Box<T>` and is not used again.
unsafe fn free<T>(handle: *mut T) -> *mut Failure {
    guarded(|| {
        if handle.is_null() {
            return Err(Fault::bad_call("the host frees a null handle"));
        }
        // SAFETY: the caller's promise.
        drop(unsafe { Box::from_raw(handle) });
        Ok(())
    })
}

pub(super) unsafe extern "C" fn free_backend(handle: *mut abi::Backend) -> *mut Failure {
    // SAFETY: the host frees handles of its own once.
    unsafe { free(handle.cast::<Exported>()) }
}

pub(super) unsafe extern "C" fn identity(handle: *const abi::Backend, sink: *const Sink) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle and a sink.
        unsafe {
            let exported = backend(handle)?;
            put(sink, [(exported.backend.id(), exported.version)])
        }
    })
}

pub(super) unsafe extern "C" fn devices(handle: *const abi::Backend, sink: *const Sink) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle and a sink.
        unsafe {
            let devices = backend(handle)?.backend.devices();
            put(sink, devices.iter().map(|device| (device.id.as_str(), device.description.as_str())))
        }
    })
}

pub(super) unsafe extern "C" fn unavailable(handle: *const abi::Backend, sink: *const Sink) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle and a sink.
        unsafe {
            let reason = backend(handle)?.backend.unavailable();
            put(sink, reason.iter().map(|reason| (reason.as_str(), "")))
        }
    })
}

pub(super) unsafe extern "C" fn unsupported(
    handle: *const abi::Backend,
    bytes: Bytes,
    sink: *const Sink,
) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle, bytes that live until the call returns, and a sink.
        unsafe {
            let nodes = backend(handle)?.backend.unsupported(&model(bytes)?);
            put(sink, nodes.iter().map(|node| (node.node.as_str(), node.reason.as_str())))
        }
    })
}

pub(super) unsafe extern "C" fn compile(
    handle: *const abi::Backend,
    request: *const abi::Compile,
    program: *mut *mut abi::Program,
) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle, a request whose contents live until the call returns, and a place.
        let (exported, request, program) = unsafe { (backend(handle)?, read(request)?, place(program)?) };
        // SAFETY: as above.
        let (model, device) = unsafe { (model(request.model)?, text(request.device)?) };
        // SAFETY: as above.
        let probes = unsafe { slice(request.probes, request.probe_count) }?;
        let probes = probes.iter().map(probe).collect::<Result<Vec<Probe>, Fault>>()?;
        match exported.backend.compile(&model, device, &probes) {
            Ok(compiled) => {
                *program = Box::into_raw(Box::new(compiled)).cast();
                Ok(())
            }
            Err(error) => {
                // SAFETY: the host passes a sink that lives until the call returns.
                unsafe { put(request.details, details(&error)) }?;
                Err(Fault::of(&error, &probes))
            }
        }
    })
}

pub(super) unsafe extern "C" fn free_program(handle: *mut abi::Program) -> *mut Failure {
    // SAFETY: the host frees handles of its own once.
    unsafe { free(handle.cast::<Box<dyn Program>>()) }
}

pub(super) unsafe extern "C" fn session(handle: *const abi::Program, session: *mut *mut abi::Session) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle and a place.
        let (program, place) = unsafe { (value(handle.cast::<Box<dyn Program>>())?, place(session)?) };
        let session = program.session().map_err(|error| Fault::of(&error, &[]))?;
        *place = Box::into_raw(Box::new(Open { session, running: false })).cast();
        Ok(())
    })
}

pub(super) unsafe extern "C" fn free_session(handle: *mut abi::Session) -> *mut Failure {
    // SAFETY: the host frees handles of its own once.
    unsafe { free(handle.cast::<Open>()) }
}

pub(super) unsafe extern "C" fn run(handle: *mut abi::Session, request: *const abi::Run) -> *mut Failure {
    guarded(|| {
        // SAFETY: the host passes a live handle that no other thread uses, and a request.
        let (open, request) = unsafe { (place(handle.cast::<Open>())?, read(request)?) };
        if open.running {
            return Err(Fault::bad_call("an earlier run of this session panicked; take a new session"));
        }
        let count = element_count(&request.shape).ok_or_else(|| Fault::bad_call("the batch is larger than memory"))?;
        // SAFETY: as many numbers as the shape tells lie there until the call returns, as many outputs as are counted.
        let (images, outputs) =
            unsafe { (slice(request.images, count)?, slice_mut(request.outputs, request.output_count)?) };
        let batch = Tensor::new(request.shape, images.to_vec()).map_err(|error| Fault::bad_call(error.to_string()))?;
        open.running = true;
        let answer = open.session.run(&batch);
        open.running = false;
        let answer = answer.map_err(|error| Fault::of(&error, &[]))?;
        // SAFETY: every output has room for as many numbers as it says.
        unsafe { write(std::iter::once(&answer.logits).chain(&answer.probes), outputs) }
    })
}

/// Copies what was computed to where the host wants it.
///
/// # Safety
/// Every output's `data` may take `len` numbers.
unsafe fn write<'a>(tensors: impl Iterator<Item = &'a Tensor>, outputs: &mut [abi::Output]) -> Result<(), Fault> {
    let tensors: Vec<&Tensor> = tensors.collect();
    if tensors.len() != outputs.len() {
        let (found, expected) = (tensors.len(), outputs.len());
        return Err(Fault::new(abi::Code::Failed, format!("it answers {found} tensors, {expected} were asked for")));
    }
    for (tensor, output) in tensors.into_iter().zip(outputs) {
        output.written = tensor.len();
        if tensor.len() == output.len {
            // SAFETY: the caller's promise; the host's memory is not the tensor's.
            unsafe { std::ptr::copy_nonoverlapping(tensor.data().as_ptr(), output.data, output.len) };
        }
    }
    Ok(())
}
