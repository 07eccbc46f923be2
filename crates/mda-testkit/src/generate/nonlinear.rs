//! Clamps, activations and gates.

use super::builder::{Builder, Value};
use mda_core::op::{Activation, ActivationKind, Clamp, Flatten, GlobalAvgPool, Linear, Multiply, Op, PRelu};

impl Builder<'_> {
    pub(super) fn activation(&mut self, x: &Value) -> Value {
        let bounded = |min, max| Clamp { min, max };
        let op: Op = match self.structure.below(16) {
            0..=2 => Clamp::relu().into(),
            3 => Clamp::relu6().into(),
            4 => bounded(Some(-0.5), None).into(),
            5 => bounded(None, Some(0.75)).into(),
            6 => bounded(Some(-1.0), Some(1.0)).into(),
            7 => bounded(None, None).into(),
            8 => PRelu {}.into(),
            _ => self.bend(),
        };
        self.push("act", op, &[x])
    }

    /// An activation that is no clamp.
    fn bend(&mut self) -> Op {
        let kind = match self.structure.below(10) {
            0 => ActivationKind::Sigmoid,
            1 => ActivationKind::hard_sigmoid(),
            2 => ActivationKind::HardSigmoid { slope: 0.2, offset: 0.4 },
            3 => ActivationKind::Silu,
            4 => ActivationKind::HardSwish,
            5 => ActivationKind::LeakyRelu { slope: self.structure.pick(&[0.01, 0.2]) },
            6 => ActivationKind::Elu { alpha: self.structure.pick(&[1.0, 0.7]) },
            7 => ActivationKind::Gelu,
            8 => ActivationKind::GeluTanh,
            _ => ActivationKind::Tanh,
        };
        Activation { kind }.into()
    }

    /// A value times what is between -1 and 1: squeeze-and-excitation by convolutions or by linear layers, or a gate for
    /// every number.
    pub(super) fn gated(&mut self, x: &Value) -> Value {
        let channels = x.shape.channels();
        let gate = match self.structure.below(3) {
            0 => {
                let mean = self.push("gap", GlobalAvgPool {}, &[x]);
                let width = self.width();
                let narrow = self.square(&mean, width, 1, 1);
                let narrow = self.activation(&narrow);
                self.square(&narrow, channels, 1, 1)
            }
            1 => {
                let mean = self.push("gap", GlobalAvgPool {}, &[x]);
                let flat = self.push("flatten", Flatten {}, &[&mean]);
                let narrow = self.width();
                let narrow = self.push("fc", Linear { out_features: narrow, bias: true }, &[&flat]);
                let narrow = self.activation(&narrow);
                self.push("fc", Linear { out_features: channels, bias: false }, &[&narrow])
            }
            _ => self.square(x, channels, 3, 1),
        };
        let kinds = [ActivationKind::Sigmoid, ActivationKind::hard_sigmoid(), ActivationKind::Tanh];
        let kind = self.structure.pick(&kinds);
        let gate = self.push("gate", Activation { kind }, &[&gate]);
        let product = self.push("product", Multiply {}, &[x, &gate]);
        self.followed(&product)
    }
}
