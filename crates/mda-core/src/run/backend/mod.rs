//! What a backend is: it compiles a model into a program, whose sessions answer batches with logits and probes.
//!
//! Everything behind a probe is host mathematics in this crate and the same for every backend. [`fusion`] and
//! [`placement`] plan what backends with kernels of their own do alike; [`tensor_library`] is all that backends over a library
//! of tensors do alike, in the order of [`schedule`].

pub mod fusion;
pub mod placement;
mod reading;
pub mod schedule;
pub mod tensor_library;
mod training;

pub use reading::{Reading, ReadingKind};
pub use training::{Loss, TrainedNumbers, TrainedTensor, Trainer};

use crate::graph::NodeId;
use crate::model::Model;
use crate::tensor::Shape;
use crate::tensor::Tensor;
use thiserror::Error;

/// A place where a backend can compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The name that selects it: `cpu`, `cuda:0`.
    pub id: String,
    /// What it is, in words.
    pub description: String,
}

/// A node that a backend cannot run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The node's name.
    pub node: String,
    /// Why.
    pub reason: String,
}

/// Something to observe while a batch runs, at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// The window sums of a Conv2d's input: `[N, P, KH*KW]`, where `U[n, p, k]` is the sum over all output positions of
    /// the zero-padded input under tap `k` (row-major taps).
    WindowSum(NodeId),
    /// The value that enters a node, its first input: `[N, ...]` in that value's shape.
    Input(NodeId),
    /// The value that a node computes: `[N, ...]` in its shape.
    Value(NodeId),
    /// Sum and sum of squares over the positions of a node's value, `[N, C, 2]`.
    Moments(NodeId),
}

impl Probe {
    /// The node that the probe observes.
    pub fn node(self) -> NodeId {
        match self {
            Self::WindowSum(id) | Self::Input(id) | Self::Value(id) | Self::Moments(id) => id,
        }
    }

    /// The value that the probe looks at; `None` where the node does not exist or has no input to look at.
    pub fn value(self, model: &Model) -> Option<NodeId> {
        let node = model.graph().nodes().get(self.node())?;
        match self {
            Self::Value(id) | Self::Moments(id) => Some(id),
            Self::Input(_) | Self::WindowSum(_) => node.inputs.first().copied(),
        }
    }

    /// The shape of the probe's answer for a batch of `batch` images of `model`.
    ///
    /// # Errors
    /// [`BackendError::BadProbe`] where the node does not exist or has no such observation.
    pub fn shape(self, model: &Model, batch: usize) -> Result<Vec<usize>, BackendError> {
        let graph = model.graph();
        let bad = |reason: &str| BackendError::BadProbe { probe: self, reason: reason.into() };
        let node = graph.nodes().get(self.node()).ok_or_else(|| bad("the graph has no such node"))?;
        let input = node.inputs.first().map(|&input| graph.node(input).shape);
        match (self, &node.op, input) {
            (Self::WindowSum(_), crate::op::Op::Conv2d(conv), Some(input)) => {
                Ok(vec![batch, input.channels(), conv.window.taps()])
            }
            (Self::WindowSum(_), ..) => Err(bad("window sums exist only for a Conv2d")),
            (Self::Input(_), _, Some(input)) => Ok(input.batched(batch)),
            (Self::Input(_), _, None) => Err(bad("the node has no input")),
            (Self::Value(_), ..) => Ok(node.shape.batched(batch)),
            (Self::Moments(_), ..) => Ok(vec![batch, node.shape.channels(), 2]),
        }
    }
}

/// What a session answers.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOutput {
    /// `[N, K]`, f32.
    pub logits: Tensor,
    /// One tensor a probe, in the order in which the program was compiled with them.
    pub probes: Vec<Tensor>,
}

/// Why a backend cannot do what it is asked. The plugin ABI has a code for every variant, so it is closed: a new one must stop the
/// compiler there.
#[derive(Debug, Error)]
pub enum BackendError {
    /// Nodes that the backend does not run.
    #[error("backend `{backend}` cannot run {}", list(.nodes))]
    Unsupported {
        /// The backend's name.
        backend: String,
        /// The nodes.
        nodes: Vec<Unsupported>,
    },
    /// A device that is not there.
    #[error("backend `{backend}` has no device `{device}`; it has {}", available.join(", "))]
    NoDevice {
        /// The backend's name.
        backend: String,
        /// What was asked for.
        device: String,
        /// What there is.
        available: Vec<String>,
    },
    /// A probe that does not fit its node.
    #[error("{probe:?} cannot be observed: {reason}")]
    BadProbe {
        /// The probe.
        probe: Probe,
        /// Why.
        reason: String,
    },
    /// A batch of the wrong shape.
    #[error("the model takes images of {expected}, the batch is {got:?}")]
    BadBatch {
        /// The shape of the model's input.
        expected: Shape,
        /// The shape of the batch.
        got: Vec<usize>,
    },
    /// Anything else, in the backend's own words.
    #[error("backend `{backend}`: {message}")]
    Failed {
        /// The backend's name.
        backend: String,
        /// What went wrong.
        message: String,
    },
}

impl BackendError {
    /// `backend`, which has `devices`, has none called `wanted`, or none at all.
    pub fn no_device(backend: &str, wanted: Option<&str>, devices: Vec<Device>) -> Self {
        Self::NoDevice {
            backend: backend.into(),
            device: wanted.unwrap_or("default").into(),
            available: devices.into_iter().map(|device| device.id).collect(),
        }
    }
}

fn list(nodes: &[Unsupported]) -> String {
    nodes.iter().map(|n| format!("`{}` ({})", n.node, n.reason)).collect::<Vec<_>>().join(", ")
}

/// A way to run models.
pub trait Backend: Send + Sync {
    /// The name that selects it: `cpu`, `candle`, `tch`, `wgpu`.
    fn id(&self) -> &str;

    /// Where it can compute, the default first; empty where it cannot run here.
    fn devices(&self) -> Vec<Device>;

    /// What it could use but does not find here, and why, in words: a driver, a library, a device. `None` where nothing
    /// is missing. `mda backends` prints it.
    fn unavailable(&self) -> Option<String> {
        None
    }

    /// The nodes of `model` that it cannot run.
    fn unsupported(&self, model: &Model) -> Vec<Unsupported>;

    /// Prepares `model` for `device` (a [`Device::id`], or the default where `None`), observing `probes`.
    ///
    /// # Errors
    /// [`BackendError`] where a node, the device or a probe is not to be had.
    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError>;

    /// Why it cannot train `model`, in words; `None` where it can.
    fn untrainable(&self, _model: &Model) -> Option<String> {
        Some("it runs models and does not train them".into())
    }

    /// Prepares `model` for being trained on `device`, or the default.
    ///
    /// # Errors
    /// [`BackendError`] where [`untrainable`](Self::untrainable) says why, or the device is not to be had.
    fn train(&self, model: &Model, _device: Option<&str>) -> Result<Box<dyn Trainer>, BackendError> {
        let message = self.untrainable(model).unwrap_or_else(|| "it does not train models".into());
        Err(BackendError::Failed { backend: self.id().into(), message })
    }
}

/// A compiled model: immutable, shared between threads.
pub trait Program: Send + Sync {
    /// A new session with buffers of its own.
    ///
    /// # Errors
    /// [`BackendError`] where the device refuses.
    fn session(&self) -> Result<Box<dyn Session>, BackendError>;
}

/// A running program; one thread at a time.
pub trait Session: Send {
    /// Runs a batch `[N, C, H, W]`, f32, row-major; `N` may differ from call to call and is at least 1.
    ///
    /// # Errors
    /// [`BackendError::BadBatch`] for a batch of another shape, and whatever the device reports.
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError>;
}

/// Checks a batch against what `model` takes and answers `N`; every session begins with it.
///
/// # Errors
/// [`BackendError::BadBatch`].
pub fn check_batch(input: Shape, batch: &Tensor) -> Result<usize, BackendError> {
    let count = batch.shape().first().copied().unwrap_or(0);
    if count > 0 && batch.shape() == input.batched(count) {
        Ok(count)
    } else {
        Err(BackendError::BadBatch { expected: input, got: batch.shape().to_vec() })
    }
}
