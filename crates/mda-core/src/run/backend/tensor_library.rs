//! Backends over a library of tensors. The library says how it computes a layer; in which order, what the probes see and
//! when a value is forgotten is the same for all and stands here.

use super::schedule::{Step, schedule};
use super::{BackendError, Probe, Program, Reading, ReadingKind, RunOutput, Session, check_batch};
use crate::graph::NodeId;
use crate::model::Model;
use crate::tensor::{Shape, Tensor};
use std::sync::{Mutex, PoisonError};

/// A library of tensors on one of its devices.
///
/// It keeps values in what order of axes it likes, once [`enter`](Self::enter) has brought a batch into it. A clone of a
/// value or layer is another reference to the same numbers: every session has clones of its own, so neither need be shared
/// between threads.
pub trait TensorLibrary: Clone + Send + 'static {
    /// A tensor on the device.
    type Value: Clone + Send;
    /// An operation with its numbers on the device.
    type Layer: Clone + Send;
    /// What the library reports.
    type Error;

    /// The library's error in the backend's name.
    fn failed(error: Self::Error) -> BackendError;

    /// The layer of `step`.
    ///
    /// # Errors
    /// What the library reports.
    fn layer(&self, model: &Model, step: &Step) -> Result<Self::Layer, Self::Error>;

    /// The value of `layer` over `inputs`, in the node's order.
    ///
    /// # Errors
    /// What the library reports.
    fn run(&self, layer: &Self::Layer, inputs: &[&Self::Value]) -> Result<Self::Value, Self::Error>;

    /// `numbers` on the device, in their own shape.
    ///
    /// # Errors
    /// What the library reports.
    fn upload(&self, numbers: &Tensor) -> Result<Self::Value, Self::Error>;

    /// A batch `[N, C, H, W]` as a value.
    ///
    /// # Errors
    /// What the library reports.
    fn enter(&self, batch: &Tensor) -> Result<Self::Value, Self::Error>;

    /// A value, or what was read off one, on the host: `[N, C, ...]`.
    ///
    /// # Errors
    /// What the library reports.
    fn leave(&self, value: &Self::Value) -> Result<Tensor, Self::Error>;

    /// Sum and sum of squares over the positions of every channel of `value`.
    ///
    /// # Errors
    /// What the library reports.
    fn moments(&self, value: &Self::Value) -> Result<Self::Value, Self::Error>;

    /// The window sums of `map`, as two small products: `covered` has how many windows see each row under each row of taps,
    /// `[H, KH]`, and the same for the columns, `[W, KW]`.
    ///
    /// # Errors
    /// What the library reports.
    fn window_sums(&self, map: &Self::Value, covered: &[Self::Value; 2]) -> Result<Self::Value, Self::Error>;
}

/// Compiles `model` for the device of `library`, observing `probes`.
///
/// # Errors
/// [`BackendError::BadProbe`], and whatever the library reports.
pub fn compile<L: TensorLibrary>(
    library: L,
    model: &Model,
    probes: &[Probe],
) -> Result<Box<dyn Program>, BackendError> {
    Ok(Box::new(Compiled(Mutex::new(Plan::new(library, model, probes)?))))
}

struct Compiled<L: TensorLibrary>(Mutex<Plan<L>>);

impl<L: TensorLibrary> Program for Compiled<L> {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// A model on a device, to be run by one thread: its layers in order, and what the probes look at.
#[derive(Clone)]
struct Plan<L: TensorLibrary> {
    library: L,
    steps: Vec<(L::Layer, Step)>,
    observers: Vec<Observer<L::Value>>,
    input: NodeId,
    images: Shape,
    output: NodeId,
    values: usize,
}

/// Reads off a value what a probe asks for.
#[derive(Clone)]
struct Observer<V> {
    value: NodeId,
    kind: ObserverKind<V>,
}

#[derive(Clone)]
enum ObserverKind<V> {
    Copy,
    Moments,
    WindowSums([V; 2]),
}

impl<L: TensorLibrary> Plan<L> {
    fn new(library: L, model: &Model, probes: &[Probe]) -> Result<Self, BackendError> {
        let observer = |&probe: &Probe| observer(&library, Reading::new(model, probe)?).map_err(L::failed);
        let observers = probes.iter().map(observer).collect::<Result<_, _>>()?;
        let on_device = |step: Step| Ok((library.layer(model, &step)?, step));
        let steps = schedule(model, probes).into_iter().map(on_device).collect::<Result<_, _>>().map_err(L::failed)?;
        let graph = model.graph();
        let (input, output, values) = (graph.input(), graph.output(), graph.nodes().len());
        Ok(Self { library, steps, observers, input, images: model.input_shape(), output, values })
    }

    /// Runs a batch that fits the model.
    fn outputs(&self, batch: &Tensor) -> Result<RunOutput, L::Error> {
        let mut values: Vec<Option<L::Value>> = vec![None; self.values];
        let mut answers: Vec<Option<L::Value>> = vec![None; self.observers.len()];
        let images = self.library.enter(batch)?;
        self.observe(self.input, &images, &mut answers)?;
        values[self.input] = Some(images);
        for (layer, step) in &self.steps {
            let inputs: Vec<&L::Value> = step.inputs.iter().map(|&id| computed(&values[id])).collect();
            let value = self.library.run(layer, &inputs)?;
            self.observe(step.output, &value, &mut answers)?;
            values[step.output] = Some(value);
            step.freed.iter().for_each(|&id| values[id] = None);
        }
        let leave = |value: &Option<L::Value>| self.library.leave(computed(value));
        Ok(RunOutput {
            logits: leave(&values[self.output])?,
            probes: answers.iter().map(leave).collect::<Result<_, _>>()?,
        })
    }

    /// Lets every probe that looks at the value of `id` read it.
    fn observe(&self, id: NodeId, value: &L::Value, answers: &mut [Option<L::Value>]) -> Result<(), L::Error> {
        for (observer, answer) in self.observers.iter().zip(answers).filter(|(observer, _)| observer.value == id) {
            *answer = Some(match &observer.kind {
                ObserverKind::Copy => value.clone(),
                ObserverKind::Moments => self.library.moments(value)?,
                ObserverKind::WindowSums(covered) => self.library.window_sums(value, covered)?,
            });
        }
        Ok(())
    }
}

impl<L: TensorLibrary> Session for Plan<L> {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        check_batch(self.images, batch)?;
        self.outputs(batch).map_err(L::failed)
    }
}

fn observer<L: TensorLibrary>(library: &L, reading: Reading) -> Result<Observer<L::Value>, L::Error> {
    let kind = match reading.kind {
        ReadingKind::Copy => ObserverKind::Copy,
        ReadingKind::Moments => ObserverKind::Moments,
        ReadingKind::WindowSums { window, input, output } => {
            let covered = |axis: usize| library.upload(&window.coverage(axis, input[axis], output[axis]));
            ObserverKind::WindowSums([covered(0)?, covered(1)?])
        }
    };
    Ok(Observer { value: reading.value, kind })
}

fn computed<V>(value: &Option<V>) -> &V {
    value.as_ref().expect("the schedule computes what is read, and frees it after its last reader")
}
