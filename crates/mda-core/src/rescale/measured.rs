//! Scales read off the logits: the published ratio and filter magnitude.

use super::RescaleError;
use crate::evaluate::arg_max;
use crate::run::LabelledLogits;
use std::ops::Range;

pub(super) fn ratio(blocks: &[Range<usize>], calibration: &LabelledLogits) -> Result<Vec<f32>, RescaleError> {
    let mut scale = Vec::new();
    for block in blocks {
        let mut sums = vec![(0.0f64, 0usize); block.len()];
        for (n, &label) in calibration.labels.iter().enumerate().filter(|(_, label)| block.contains(label)) {
            let own = &calibration.logits.row(n)[block.clone()];
            if arg_max(own, None) == Some(label - block.start) {
                let (sum, correct) = &mut sums[label - block.start];
                *sum += f64::from(own[label - block.start]);
                *correct += 1;
            }
        }
        for (offset, (sum, correct)) in sums.into_iter().enumerate() {
            if correct == 0 || sum <= 0.0 {
                return Err(RescaleError::NoRatio { category: block.start + offset, correct });
            }
            scale.push((correct as f64 / sum) as f32);
        }
    }
    Ok(scale)
}

pub(super) fn magnitude(count: usize, calibration: &LabelledLogits) -> Result<Vec<f32>, RescaleError> {
    let mut magnitudes = vec![0.0f64; count];
    for row in calibration.logits.data().chunks(count.max(1)) {
        magnitudes.iter_mut().zip(row).for_each(|(sum, logit)| *sum += f64::from(logit.abs()));
    }
    if let Some(category) = magnitudes.iter().position(|&m| m <= 0.0) {
        return Err(RescaleError::NoMagnitude { category });
    }
    let mean = magnitudes.iter().sum::<f64>() / count as f64;
    Ok(magnitudes.iter().map(|m| (mean / m) as f32).collect())
}
