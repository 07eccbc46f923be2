//! Activations to ONNX: one operator where operator set 17 has one, otherwise the nodes that others write, too.

use super::super::proto;
use super::nodes::{Writer, float};
use mda_core::graph::Node;
use mda_core::op::ActivationKind;
use std::f64::consts::FRAC_1_SQRT_2;

impl Writer {
    /// The last operator of `kind`, with its attributes, over `inputs`, which begin as the only one of `node`.
    pub(super) fn activation(
        &mut self,
        node: &Node,
        kind: ActivationKind,
        inputs: &mut Vec<String>,
    ) -> (&'static str, Vec<proto::Attribute>) {
        match kind {
            ActivationKind::Sigmoid => ("Sigmoid", Vec::new()),
            ActivationKind::HardSigmoid { slope, offset } => {
                ("HardSigmoid", vec![float("alpha", slope), float("beta", offset)])
            }
            ActivationKind::HardSwish => ("HardSwish", Vec::new()),
            ActivationKind::LeakyRelu { slope } => ("LeakyRelu", vec![float("alpha", slope)]),
            ActivationKind::Elu { alpha } => ("Elu", vec![float("alpha", alpha)]),
            ActivationKind::Tanh => ("Tanh", Vec::new()),
            ActivationKind::Silu => {
                let gate = self.step(node, "Sigmoid", inputs);
                inputs.push(gate);
                ("Mul", Vec::new())
            }
            ActivationKind::Gelu => {
                let scaled = self.scaled(node, &inputs[0], FRAC_1_SQRT_2);
                let erf = self.step(node, "Erf", &[scaled]);
                self.half_of_product(node, erf, inputs)
            }
            ActivationKind::GeluTanh => {
                let x = inputs[0].clone();
                let square = self.step(node, "Mul", &[x.clone(), x.clone()]);
                let cube = self.step(node, "Mul", &[square, x.clone()]);
                let cube = self.scaled(node, &cube, ActivationKind::GELU_CUBE);
                let sum = self.step(node, "Add", &[x, cube]);
                let argument = self.scaled(node, &sum, ActivationKind::GELU_SCALE);
                let tanh = self.step(node, "Tanh", &[argument]);
                self.half_of_product(node, tanh, inputs)
            }
        }
    }

    /// `0.5 * x * (1 + value)`
    fn half_of_product(
        &mut self,
        node: &Node,
        value: String,
        inputs: &mut Vec<String>,
    ) -> (&'static str, Vec<proto::Attribute>) {
        let one = self.scalar(node, 1.0);
        let sum = self.step(node, "Add", &[value, one]);
        let product = self.step(node, "Mul", &[inputs[0].clone(), sum]);
        *inputs = vec![product, self.scalar(node, 0.5)];
        ("Mul", Vec::new())
    }

    fn scaled(&mut self, node: &Node, value: &str, factor: f64) -> String {
        let factor = self.scalar(node, factor as f32);
        self.step(node, "Mul", &[value.to_owned(), factor])
    }

    fn scalar(&mut self, node: &Node, number: f32) -> String {
        let name = self.unique(&format!("{}.constant", node.name));
        self.floats(name.clone(), &[], &[number]);
        name
    }
}
