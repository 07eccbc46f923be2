//! LibTorch as a library of tensors.

use crate::devices::failed;
use crate::layer::Layer;
use crate::observe;
use crate::transfer::{self, Result, Shared};
use mda_core::run::backend::BackendError;
use mda_core::run::backend::schedule::Step;
use mda_core::run::backend::tensor_library::TensorLibrary;
use mda_core::{Model, Tensor as Numbers};
use tch::{Device, TchError, Tensor};

/// LibTorch on a device.
#[derive(Clone)]
pub(crate) struct LibTorch(pub(crate) Device);

impl TensorLibrary for LibTorch {
    type Value = Shared;
    type Layer = Layer;
    type Error = TchError;

    fn failed(error: TchError) -> BackendError {
        failed(error)
    }

    fn layer(&self, model: &Model, step: &Step) -> Result<Layer> {
        Layer::new(model, step, self.0)
    }

    fn run(&self, layer: &Layer, inputs: &[&Shared]) -> Result<Shared> {
        let _inference = tch::no_grad_guard();
        let inputs: Vec<&Tensor> = inputs.iter().map(|&input| &**input).collect();
        layer.run(&inputs).map(Shared::from)
    }

    fn upload(&self, numbers: &Numbers) -> Result<Shared> {
        transfer::upload(numbers, self.0)
    }

    fn enter(&self, batch: &Numbers) -> Result<Shared> {
        transfer::upload(batch, self.0)
    }

    fn leave(&self, value: &Shared) -> Result<Numbers> {
        transfer::leave(value)
    }

    fn moments(&self, value: &Shared) -> Result<Shared> {
        observe::moments(value).map(Shared::from)
    }

    fn window_sums(&self, map: &Shared, [rows, columns]: &[Shared; 2]) -> Result<Shared> {
        observe::window_sums(map, rows, columns).map(Shared::from)
    }
}
