//! Rules shared by the operations that treat every channel alone and keep the channel order.

use super::{Join, Joined, Op, RewriteError, Rewritten};
use crate::tensor::Tensor;

/// An output channel is tied to the same channel of the only input.
pub(super) fn ties(channel: usize) -> Vec<(usize, usize)> {
    vec![(0, channel)]
}

/// Joins an operation without per-channel attributes or parameters, which must be equal in all models.
pub(super) fn join_equal(join: &Join<'_>) -> Result<Joined, RewriteError> {
    let first = join.parts[0].op;
    require_equal(join, |op| op == first)?;
    Ok(Joined { node: Rewritten::plain(first.clone()), lanes: join.lanes[0].to_vec() })
}

/// Fails with both operations' attributes where `equal` does not hold for all parts.
pub(super) fn require_equal(join: &Join<'_>, equal: impl Fn(&Op) -> bool) -> Result<(), RewriteError> {
    match join.parts.iter().find(|part| !equal(part.op)) {
        None => Ok(()),
        Some(part) => {
            Err(RewriteError::Different { left: format!("{:?}", join.parts[0].op), right: format!("{:?}", part.op) })
        }
    }
}

/// A per-channel tensor of the joined node, every lane's number taken from its model.
pub(super) fn gather<'a>(join: &Join<'a>, of: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    join.lanes[0].iter().map(|lane| of(lane.part)[lane.channel]).collect()
}

/// `gather` for the parameter `suffix`.
pub(super) fn gather_parameter(join: &Join<'_>, suffix: &'static str) -> (&'static str, Tensor) {
    (suffix, Tensor::vector(gather(join, |part| join.parts[part].parameters.get(suffix).data())))
}

/// For every channel the sum of `f(channel, a, b)` over the numbers of `left` and `right`, in f64.
pub(super) fn sums(left: &Tensor, f: impl Fn(usize, f64, f64) -> f64, right: &Tensor) -> Tensor {
    let channels = left.shape()[1];
    let positions: usize = left.shape()[2..].iter().product::<usize>().max(1);
    let mut sums = vec![0.0; channels];
    let planes = left.data().chunks(positions).zip(right.data().chunks(positions));
    for (plane, (left, right)) in planes.enumerate() {
        let c = plane % channels;
        sums[c] += left.iter().zip(right).map(|(&a, &b)| f(c, f64::from(a), f64::from(b))).sum::<f64>();
    }
    Tensor::vector(sums.into_iter().map(|sum| sum as f32).collect())
}

/// The input with every number replaced by `f(channel, number)`.
pub(super) fn map(input: &Tensor, f: impl Fn(usize, f32) -> f32) -> Tensor {
    let mut output = input.clone();
    let channels = input.shape()[1];
    let positions: usize = input.shape()[2..].iter().product();
    for (plane, numbers) in output.data_mut().chunks_mut(positions.max(1)).enumerate() {
        for number in numbers {
            *number = f(plane % channels, *number);
        }
    }
    output
}
