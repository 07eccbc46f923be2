//! Elementwise product: gates, such as those of squeeze-and-excitation, and values of one shape.

use super::{Backward, Cut, Join, Joined, Operation, RewriteError, Rewritten, ShapeError, channelwise};
use crate::tensor::Tensor;
use crate::tensor::{NodeParameters, Shape};
use serde::{Deserialize, Serialize};

/// The first input times the second, which has the same shape, or is a gate: one number a channel of a map, `[N, C, 1, 1]`
/// or `[N, C]`. A channel and its gate are kept or cut together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Multiply {}

impl Multiply {
    /// Whether `gate` has one number for every channel of `value`.
    pub fn is_gate(gate: Shape, value: Shape) -> bool {
        gate.positions() == 1 && gate.channels() == value.channels() && matches!(value, Shape::Map { .. })
    }
}

/// Calls `f` with every plane of `value`, `[N, C, ...]`, and what it is multiplied with: as many numbers, or one.
fn planes<'a>(value: &'a Tensor, factors: &'a Tensor) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
    let positions = |tensor: &Tensor| tensor.shape()[2..].iter().product::<usize>().max(1);
    value.data().chunks(positions(value)).zip(factors.data().chunks(positions(factors)))
}

/// `value` times `factors`, which are as many or one a plane.
fn product(value: &Tensor, factors: &Tensor) -> Tensor {
    let times = |(plane, factors): (&[f32], &[f32])| {
        let factor = |index: usize| factors[if factors.len() == 1 { 0 } else { index }];
        plane.iter().enumerate().map(|(index, x)| x * factor(index)).collect::<Vec<_>>()
    };
    Tensor::new(value.shape(), planes(value, factors).flat_map(times).collect()).expect("as many numbers as before")
}

impl Operation for Multiply {
    fn shape(&self, inputs: &[Shape]) -> Result<Shape, ShapeError> {
        match inputs {
            [value, factors] if value == factors || Self::is_gate(*factors, *value) => Ok(*value),
            _ => {
                let got = inputs.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
                Err(ShapeError::new("a value, and one of its shape or with one number a channel", got))
            }
        }
    }

    fn ties(&self, _inputs: &[Shape], channel: usize) -> Vec<(usize, usize)> {
        vec![(0, channel), (1, channel)]
    }

    fn cut(&self, _cut: &Cut<'_>) -> Result<Rewritten, RewriteError> {
        Ok(Rewritten::plain(self.clone()))
    }

    /// The joining pass hands over inputs whose lanes agree.
    fn join(&self, join: &Join<'_>) -> Result<Joined, RewriteError> {
        channelwise::join_equal(join)
    }

    fn evaluate(&self, inputs: &[&Tensor], _output: Shape, _parameters: NodeParameters<'_>) -> Tensor {
        product(inputs[0], inputs[1])
    }

    /// The product rule; a gate collects what all positions of its channel say.
    fn backward(&self, backward: &Backward<'_>) -> Vec<Tensor> {
        let (value, factors) = (backward.inputs[0], backward.inputs[1]);
        let mut by_factors = product(backward.gradient, value);
        if factors.len() < value.len() {
            let sum = |(plane, _): (&[f32], &[f32])| plane.iter().map(|&g| f64::from(g)).sum::<f64>() as f32;
            let sums = planes(&by_factors, factors).map(sum).collect();
            by_factors = Tensor::new(factors.shape(), sums).expect("one number a channel");
        }
        vec![product(backward.gradient, factors), by_factors]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: Shape = Shape::Map { channels: 2, height: 1, width: 2 };

    #[test]
    fn shapes_are_equal_or_that_of_a_gate() {
        let of = |factors| Multiply {}.shape(&[MAP, factors]);
        assert_eq!(of(MAP), Ok(MAP));
        assert_eq!(of(Shape::Map { channels: 2, height: 1, width: 1 }), Ok(MAP));
        assert_eq!(of(Shape::Features(2)), Ok(MAP));
        let told = of(Shape::Features(4)).unwrap_err().to_string();
        assert!(told.contains("one number a channel, got [N, 2, 1, 2] and [N, 4]"), "{told}");
        assert!(Multiply {}.shape(&[Shape::Features(2), MAP]).is_err());
        assert!(Multiply {}.shape(&[Shape::Features(2), Shape::Features(1)]).is_err());
        assert!(Multiply {}.shape(&[MAP]).is_err());
    }

    /// Two images of two channels of two positions: 1 2 | 3 4, 5 6 | 7 8, gated by 10 | 20, 30 | 40.
    #[test]
    fn a_gate_multiplies_its_channel_and_collects_its_derivative() {
        let value = Tensor::new([2, 2, 1, 2], (1..=8).map(|x| x as f32).collect()).unwrap();
        for shape in [vec![2, 2, 1, 1], vec![2, 2]] {
            let gate = Tensor::new(shape.clone(), vec![10.0, 20.0, 30.0, 40.0]).unwrap();
            assert_eq!(product(&value, &gate).data(), [10.0, 20.0, 60.0, 80.0, 150.0, 180.0, 280.0, 320.0]);
            let gradient = Tensor::new([2, 2, 1, 2], vec![1.0, 0.0, 1.0, 1.0, 0.0, -1.0, 2.0, 0.5]).unwrap();
            let parameters = crate::tensor::Parameters::new();
            let parameters = NodeParameters::new("product", &parameters);
            let backward = Backward { inputs: &[&value, &gate], gradient: &gradient, parameters };
            let [by_value, by_gate] = &Multiply {}.backward(&backward)[..] else { panic!("two inputs") };
            assert_eq!(by_value.data(), [10.0, 0.0, 20.0, 20.0, 0.0, -30.0, 80.0, 20.0]);
            assert_eq!((by_gate.shape(), by_gate.data()), (&shape[..], &[1.0, 7.0, -6.0, 18.0][..]));
        }
    }
}
