//! candle as a library of tensors.

use crate::devices::failed;
use crate::layer::Layer;
use crate::{observe, transfer};
use candle_core::{Device, Error, Result, Tensor};
use mda_core::run::backend::BackendError;
use mda_core::run::backend::schedule::Step;
use mda_core::run::backend::tensor_library::TensorLibrary;
use mda_core::{Model, Tensor as Numbers};

/// candle on a device.
#[derive(Clone)]
pub(crate) struct Candle(pub(crate) Device);

impl TensorLibrary for Candle {
    type Value = Tensor;
    type Layer = Layer;
    type Error = Error;

    fn failed(error: Error) -> BackendError {
        failed(error)
    }

    fn layer(&self, model: &Model, step: &Step) -> Result<Layer> {
        Layer::new(model, step, &self.0)
    }

    fn run(&self, layer: &Layer, inputs: &[&Tensor]) -> Result<Tensor> {
        layer.run(inputs)
    }

    fn upload(&self, numbers: &Numbers) -> Result<Tensor> {
        transfer::upload(numbers, &self.0)
    }

    fn enter(&self, batch: &Numbers) -> Result<Tensor> {
        transfer::enter(batch, &self.0)
    }

    fn leave(&self, value: &Tensor) -> Result<Numbers> {
        transfer::leave(value)
    }

    fn moments(&self, value: &Tensor) -> Result<Tensor> {
        observe::moments(value)
    }

    fn window_sums(&self, map: &Tensor, covered: &[Tensor; 2]) -> Result<Tensor> {
        observe::window_sums(map, covered)
    }
}
