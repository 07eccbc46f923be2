//! Re-estimation of BatchNorm statistics on the component's own activations, from the input on.

use super::frontier::Frontier;
use super::rewrite::with_parameters;
use super::{RepairError, Work};
use crate::graph::NodeId;
use crate::model::Model;
use crate::op::Op;
use crate::tensor::Tensor;

pub(super) fn repair(work: &Work<'_>) -> Result<Model, RepairError> {
    let mut model = work.component.model.clone();
    let mut frontier = Frontier::new(work.runner, work.images, work.calibration);
    for id in 0..model.graph().nodes().len() {
        if matches!(model.graph().node(id).op, Op::BatchNorm(_)) {
            let (mean, var) = statistics(&mut frontier, &model, id)?;
            let name = model.graph().node(id).name.clone();
            let tensors = vec![(format!("{name}.running_mean"), mean), (format!("{name}.running_var"), var)];
            model = with_parameters(&model, tensors)?;
        }
    }
    Ok(model)
}

/// Mean and unbiased variance, as PyTorch keeps them, of what enters BatchNorm `id`.
fn statistics(frontier: &mut Frontier<'_>, model: &Model, id: NodeId) -> Result<(Tensor, Tensor), RepairError> {
    let input = model.graph().node(id).inputs[0];
    let shape = model.graph().node(input).shape;
    frontier.advance(model, input)?;
    let mut sums = vec![(0.0f64, 0.0f64); shape.channels()];
    let mut count = 0usize;
    for batch in frontier.values(model, input)? {
        let batch = batch?;
        for (plane, numbers) in batch.data().chunks(shape.positions()).enumerate() {
            let (sum, squares) = &mut sums[plane % shape.channels()];
            for number in numbers.iter().map(|&x| f64::from(x)) {
                *sum += number;
                *squares += number * number;
            }
        }
        count += batch.len() / shape.channels();
    }
    let count = count as f64;
    let mean = sums.iter().map(|(sum, _)| (sum / count) as f32).collect();
    let variance =
        |(sum, squares): &(f64, f64)| ((squares - sum * sum / count).max(0.0) / (count - 1.0).max(1.0)) as f32;
    let var = sums.iter().map(variance).collect();
    Ok((Tensor::vector(mean), Tensor::vector(var)))
}
