//! What is done to images before they are learned from: mirrors and shifts.

/// What is done to one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// Whether it is seen in a mirror.
    pub(super) flip: bool,
    /// By how many rows and columns it moves down and right.
    pub(super) shift: [isize; 2],
}

impl Change {
    /// Writes the image `from`, whose planes have the extents `[rows, columns]`, as it is changed. Black comes in.
    pub(super) fn apply(self, [rows, columns]: [usize; 2], from: &[f32], to: &mut [f32]) {
        let [down, right] = self.shift;
        let area = rows * columns;
        for (from, to) in from.chunks_exact(area).zip(to.chunks_exact_mut(area)) {
            for (y, to) in to.chunks_exact_mut(columns).enumerate() {
                let Some(source) = y.checked_add_signed(-down).filter(|&y| y < rows) else {
                    to.fill(0.0);
                    continue;
                };
                let from = &from[source * columns..(source + 1) * columns];
                for (x, to) in to.iter_mut().enumerate() {
                    let source = x.checked_add_signed(-right).filter(|&x| x < columns);
                    *to = source.map_or(0.0, |x| from[if self.flip { columns - 1 - x } else { x }]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_mirrored_and_then_shifted() {
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let changed = |flip, shift| {
            let mut to = [9.0; 6];
            Change { flip, shift }.apply([2, 3], &image, &mut to);
            to
        };
        assert_eq!(changed(false, [0, 0]), image);
        assert_eq!(changed(true, [0, 0]), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
        assert_eq!(changed(false, [1, 0]), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(changed(true, [0, -2]), [1.0, 0.0, 0.0, 4.0, 0.0, 0.0]);
        assert_eq!(changed(false, [-5, 7]), [0.0; 6]);
    }
}
