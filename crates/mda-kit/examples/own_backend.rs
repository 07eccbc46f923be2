//! A backend of your own: this one lends its work to the reference backend and counts the images on the way.
//!
//! `cargo run --release -p mda-kit --example own_backend`

use mda::core::run::backend::{Backend, BackendError, Device, Probe, Program, RunOutput, Session, Unsupported};
use mda::core::run::reference::Reference;
use mda::core::{Model, Tensor};
use mda::{Data, Runtime, Source, Split, samples};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs models somewhere; a real one would compile them for its device.
struct Counting {
    images: Arc<AtomicUsize>,
}

struct CountingProgram {
    inner: Box<dyn Program>,
    images: Arc<AtomicUsize>,
}

struct CountingSession {
    inner: Box<dyn Session>,
    images: Arc<AtomicUsize>,
}

impl Backend for Counting {
    fn id(&self) -> &str {
        "counting"
    }

    fn devices(&self) -> Vec<Device> {
        Reference.devices()
    }

    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        Reference.unsupported(model)
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        let inner = Reference.compile(model, device, probes)?;
        Ok(Box::new(CountingProgram { inner, images: Arc::clone(&self.images) }))
    }
}

impl Program for CountingProgram {
    fn session(&self) -> Result<Box<dyn Session>, BackendError> {
        Ok(Box::new(CountingSession { inner: self.inner.session()?, images: Arc::clone(&self.images) }))
    }
}

impl Session for CountingSession {
    fn run(&mut self, batch: &Tensor) -> Result<RunOutput, BackendError> {
        self.images.fetch_add(batch.shape()[0], Ordering::Relaxed);
        self.inner.run(batch)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sample = samples::MNIST.unpack(std::env::temp_dir().join("mda-own-backend"))?;
    let source = Source::read(sample.model)?;
    let data = Data::open(sample.data, source.model())?;
    let images = Arc::new(AtomicUsize::new(0));
    let runtime = Runtime::new(Counting { images: Arc::clone(&images) });
    let test = data.split(Split::Test)?;
    let some: Vec<usize> = (0..test.labels().len()).step_by(20).collect();
    let run = runtime.runner().logits(source.model(), test, &some)?;
    println!("{} images ran, {} logits came back", images.load(Ordering::Relaxed), run.logits.data().len());
    Ok(())
}
