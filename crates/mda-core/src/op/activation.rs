//! Activations that bend or leak: one function of one number, the same for all.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise, only};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// `y = f(x)` for every number, where `f` need not keep zero: a sigmoid of 0 is a half.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// The function.
    pub kind: ActivationKind,
}

/// A function of one number. Names and definitions are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActivationKind {
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `min(max(slope * x + offset, 0), 1)`; PyTorch has 1/6 and 0.5, Keras 0.2 and 0.5.
    HardSigmoid {
        /// What `x` is multiplied with.
        slope: f32,
        /// What is added then.
        offset: f32,
    },
    /// `x / (1 + exp(-x))`, also called Swish.
    Silu,
    /// `x * min(max(x / 6 + 0.5, 0), 1)`
    HardSwish,
    /// `x` above zero, `slope * x` below.
    LeakyRelu {
        /// The factor below zero.
        slope: f32,
    },
    /// `x` above zero, `alpha * (exp(x) - 1)` below.
    Elu {
        /// How deep it goes.
        alpha: f32,
    },
    /// `x` times the probability that a standard normal number is below `x`.
    Gelu,
    /// The same with that probability as `(1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2`.
    GeluTanh,
    /// `tanh(x)`
    Tanh,
}

impl ActivationKind {
    /// `sqrt(2 / pi)`, of [`Self::GeluTanh`].
    pub const GELU_SCALE: f64 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    /// The factor of the cube in [`Self::GeluTanh`].
    pub const GELU_CUBE: f64 = 0.044_715;

    /// PyTorch's hard sigmoid.
    pub fn hard_sigmoid() -> Self {
        Self::HardSigmoid { slope: 1.0 / 6.0, offset: 0.5 }
    }

    /// Its name as the field writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "Sigmoid",
            Self::HardSigmoid { .. } => "HardSigmoid",
            Self::Silu => "SiLU",
            Self::HardSwish => "HardSwish",
            Self::LeakyRelu { .. } => "LeakyReLU",
            Self::Elu { .. } => "ELU",
            Self::Gelu => "GELU",
            Self::GeluTanh => "GELU (tanh)",
            Self::Tanh => "Tanh",
        }
    }

    /// The function at `x`; NaN stays NaN, so that a broken input shows.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => sigmoid(x),
            Self::HardSigmoid { slope, offset } => (f64::from(slope) * x + f64::from(offset)).clamp(0.0, 1.0),
            Self::Silu => x * sigmoid(x),
            Self::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::LeakyRelu { slope } => leaky(slope, x),
            Self::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    f64::from(alpha) * x.exp_m1()
                }
            }
            Self::Gelu => x * normal(x),
            Self::GeluTanh => 0.5 * x * (1.0 + gelu_argument(x).tanh()),
            Self::Tanh => x.tanh(),
        }
    }

    /// Its derivative at `x`; at a kink that of the side below, or of the flat side where one is flat.
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::HardSigmoid { slope, offset } => {
                let y = f64::from(slope) * x + f64::from(offset);
                if y > 0.0 && y < 1.0 { f64::from(slope) } else { 0.0 }
            }
            Self::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Self::HardSwish => {
                if x <= -3.0 {
                    0.0
                } else if x <= 3.0 {
                    x / 3.0 + 0.5
                } else {
                    1.0
                }
            }
            Self::LeakyRelu { slope } => leaky_derivative(slope, x),
            Self::Elu { alpha } => {
                if x > 0.0 {
                    1.0
                } else {
                    f64::from(alpha) * x.exp()
                }
            }
            Self::Gelu => normal(x) + x * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * 0.5 * (-0.5 * x * x).exp(),
            Self::GeluTanh => {
                let t = gelu_argument(x).tanh();
                let inner = Self::GELU_SCALE * (1.0 + 3.0 * Self::GELU_CUBE * x * x);
                0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner
            }
            Self::Tanh => 1.0 - x.tanh().powi(2),
        }
    }

    /// Its numbers, by name.
    fn numbers(self) -> Vec<(&'static str, f32)> {
        match self {
            Self::HardSigmoid { slope, offset } => vec![("slope", slope), ("offset", offset)],
            Self::LeakyRelu { slope } => vec![("slope", slope)],
            Self::Elu { alpha } => vec![("alpha", alpha)],
            _ => Vec::new(),
        }
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The standard normal distribution up to `x`.
fn normal(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

fn gelu_argument(x: f64) -> f64 {
    ActivationKind::GELU_SCALE * (x + ActivationKind::GELU_CUBE * x.powi(3))
}

/// `x` above zero, `slope * x` below.
pub(super) fn leaky(slope: f32, x: f64) -> f64 {
    if x > 0.0 { x } else { f64::from(slope) * x }
}

/// The derivative of [`leaky`] by `x`; at zero that of the side below.
pub(super) fn leaky_derivative(slope: f32, x: f64) -> f64 {
    if x > 0.0 { 1.0 } else { f64::from(slope) }
}

impl Operation for Activation {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        match self.kind.numbers().into_iter().find(|(_, number)| !number.is_finite()) {
            None => only(inputs),
            Some((name, number)) => Err(ShapeError::new(format!("a finite {name}"), number.to_string())),
        }
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        channelwise::ties(channel)
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        channelwise::map(inputs[0], |_, x| self.kind.value(f64::from(x)) as f32)
    }

    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let mut gradient = backward.gradient.clone();
        for (g, &x) in gradient.data_mut().iter_mut().zip(backward.inputs[0].data()) {
            *g = (f64::from(*g) * self.kind.derivative(f64::from(x))) as f32;
        }
        vec![gradient]
    }
}

#[cfg(test)]
mod tests {
    use super::ActivationKind::{Elu, Gelu, GeluTanh, HardSigmoid, HardSwish, LeakyRelu, Sigmoid, Silu, Tanh};
    use super::*;

    const ALL: [ActivationKind; 9] = [
        Sigmoid,
        HardSigmoid { slope: 0.2, offset: 0.5 },
        Silu,
        HardSwish,
        LeakyRelu { slope: 0.1 },
        Elu { alpha: 1.5 },
        Gelu,
        GeluTanh,
        Tanh,
    ];

    /// Values that PyTorch 2.9 gives in double precision, `f(1)` and `f(-2)`.
    #[test]
    fn values_are_those_of_pytorch() {
        let expected = [
            (0.731_058_578_630_004_9, 0.119_202_922_022_117_57),
            (0.7, 0.1),
            (0.731_058_578_630_004_9, -0.238_405_844_044_235_13),
            (0.666_666_666_666_666_6, -0.333_333_333_333_333_3),
            (1.0, -0.2),
            (1.0, -1.296_997_075_145_081),
            (0.841_344_746_068_542_9, -0.045_500_263_896_358_41),
            (0.841_191_990_608_305_2, -0.045_402_305_912_225_04),
            (0.761_594_155_955_764_9, -0.964_027_580_075_816_9),
        ];
        for (kind, (at_one, at_minus_two)) in ALL.into_iter().zip(expected) {
            for (x, expected) in [(1.0, at_one), (-2.0, at_minus_two)] {
                let value = kind.value(x);
                // Slopes are f32.
                assert!((value - expected).abs() < 1e-8, "{kind:?} at {x}: {value}, not {expected}");
            }
        }
    }

    #[test]
    fn derivatives_agree_with_finite_differences() {
        const STEP: f64 = 1e-5;
        for kind in ALL {
            for x in [-4.0, -2.2, -0.7, -1e-3, 0.4, 1.3, 2.9, 5.0] {
                let difference = (kind.value(x + STEP) - kind.value(x - STEP)) / (2.0 * STEP);
                let derivative = kind.derivative(x);
                assert!((difference - derivative).abs() < 1e-8, "{kind:?} at {x}: {derivative}, not {difference}");
            }
        }
    }

    #[test]
    fn a_kink_has_the_derivative_of_the_side_below_or_the_flat_one() {
        assert_eq!([-3.0, 3.0].map(|x| HardSwish.derivative(x)), [0.0, 1.5]);
        assert_eq!(LeakyRelu { slope: 0.5 }.derivative(0.0), 0.5);
        let hard = HardSigmoid { slope: 0.25, offset: 0.5 };
        assert_eq!([-2.0, 0.0, 2.0].map(|x| hard.derivative(x)), [0.0, 0.25, 0.0]);
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let map = [Shape::Map { channels: 2, height: 1, width: 1 }];
        let refused = |kind| Activation { kind }.shape(&map).unwrap_err().to_string();
        assert_eq!(refused(Elu { alpha: f32::INFINITY }), "expected a finite alpha, got inf");
        assert_eq!(refused(HardSigmoid { slope: 0.2, offset: f32::NAN }), "expected a finite offset, got NaN");
        assert!(ALL.into_iter().all(|kind| Activation { kind }.shape(&map) == Ok(map[0])));
    }
}
