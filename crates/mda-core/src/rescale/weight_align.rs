//! Weight aligning: equal mean norms of the rows of the components' last layers, without images.

use super::{RescaleError, last_layer};
use crate::model::Model;
use crate::model::affine::LogitAffine;

pub(super) fn scales(components: &[&Model]) -> Result<LogitAffine, RescaleError> {
    let norms = components.iter().map(|model| mean_row_norm(model)).collect::<Result<Vec<f64>, _>>()?;
    let mean = norms.iter().sum::<f64>() / norms.len().max(1) as f64;
    let repeated = |(model, norm): (&&Model, &f64)| vec![(mean / norm) as f32; model.categories().len()];
    let scale: Vec<f32> = components.iter().zip(&norms).flat_map(repeated).collect();
    Ok(LogitAffine { shift: vec![0.0; scale.len()], scale })
}

fn mean_row_norm(model: &Model) -> Result<f64, RescaleError> {
    let layer = last_layer(model)?;
    let weight = model.node_parameters(layer).get("weight");
    let rows = weight.shape()[0];
    let norm = |row: usize| weight.row(row).iter().map(|&w| f64::from(w).powi(2)).sum::<f64>().sqrt();
    let mean = (0..rows).map(norm).sum::<f64>() / rows as f64;
    if mean > 0.0 {
        return Ok(mean);
    }
    let found = format!("`{}`, whose weights are zero", model.graph().node(layer).name);
    Err(RescaleError::NoWeights { model: model.name().into(), found })
}
