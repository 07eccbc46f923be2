//! HRank (Lin et al. 2020): the average rank of an input channel's map over a few images.

use super::{BatchView, Looks, Measuring, Shown};
use crate::graph::{ValidGraph, layers};
use crate::observe::Observations;
use crate::run::backend::Probe;
use crate::tensor::Tensor;

/// A feature behind a Flatten is a map of one number: its rank is the share of images in which it is not zero.
pub(super) struct HRank;

impl Measuring for HRank {
    fn probes(&self, graph: &ValidGraph) -> Vec<Probe> {
        layers(graph).map(Probe::Input).collect()
    }

    fn look(&self, batch: &BatchView<'_>) -> Looks {
        let graph = batch.model.graph();
        let ranks = |(id, maps): (usize, &Tensor)| {
            let [_, width] = graph.node(graph.node(id).inputs[0]).shape.spatial();
            batch.by_channel(id, maps, |map| rank(map, width) as f32)
        };
        layers(graph).zip(&*batch.answers()).map(ranks).collect()
    }

    fn take_up(&self, shown: &Shown<'_>, seen: &mut Observations) {
        shown.add(seen, 1.0 / shown.images as f32);
    }
}

/// The numerical rank of a row-major matrix, by Gaussian elimination with complete pivoting in f64; a pivot counts where
/// it is above `largest entry * max(rows, columns) * f32::EPSILON`, as the matrix was computed in f32.
fn rank(matrix: &[f32], width: usize) -> usize {
    let mut m: Vec<f64> = matrix.iter().map(|&x| f64::from(x)).collect();
    let height = m.len() / width;
    let largest = m.iter().fold(0.0f64, |max, x| max.max(x.abs()));
    let tolerance = largest * height.max(width) as f64 * f64::from(f32::EPSILON);
    for step in 0..height.min(width) {
        let entries = (step..height).flat_map(|y| (step..width).map(move |x| (y, x)));
        let Some((y, x)) = entries.max_by(|a, b| m[a.0 * width + a.1].abs().total_cmp(&m[b.0 * width + b.1].abs()))
        else {
            return step;
        };
        if m[y * width + x].abs() <= tolerance {
            return step;
        }
        for column in 0..width {
            m.swap(step * width + column, y * width + column);
        }
        for row in 0..height {
            m.swap(row * width + step, row * width + x);
        }
        for row in step + 1..height {
            let factor = m[row * width + step] / m[step * width + step];
            for column in step..width {
                m[row * width + column] -= factor * m[step * width + column];
            }
        }
    }
    height.min(width)
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn ranks_of_known_matrices() {
        assert_eq!(rank(&[0.0; 6], 3), 0);
        assert_eq!(rank(&[1.0, 2.0, 3.0, 2.0, 4.0, 6.0], 3), 1);
        assert_eq!(rank(&[0.0, 1.0, 1.0, 0.0], 2), 2);
        assert_eq!(rank(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], 3), 2);
        assert_eq!((rank(&[0.0], 1), rank(&[0.3], 1)), (0, 1));
    }
}
