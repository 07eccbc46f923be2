//! Weights as the kernels read them, cut into parts that a shader can see.

use crate::limits::Limits;

/// Some filters of a convolution: those from `first_filter` on, `filters` of them, in each of `groups` groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub first_group: usize,
    pub groups: usize,
    pub first_filter: usize,
    pub filters: usize,
}

/// Filters of the whole layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filters<'a> {
    /// `[groups * filters, depth]`
    pub weight: &'a [f32],
    /// What every filter is multiplied with, and what is added to its sums.
    pub affine: &'a [(f64, f64)],
    pub groups: usize,
    /// Filters of a group.
    pub filters: usize,
    /// Products of a sum.
    pub depth: usize,
}

/// Filters in a block of the packed form.
const BLOCK: usize = 4;
const NUMBER: u64 = size_of::<f32>() as u64;

impl Filters<'_> {
    /// Parts whose packed form fits a shader's view; `None` where a single block of filters does not.
    pub(super) fn parts(&self, limits: Limits) -> Option<Vec<Part>> {
        let block = (BLOCK * self.depth) as u64 * NUMBER;
        let blocks = self.filters.div_ceil(BLOCK);
        let fitting = usize::try_from(limits.bytes / block).unwrap_or(usize::MAX);
        let groups_a_part = fitting / blocks;
        if fitting == 0 {
            return None;
        }
        let parts = if groups_a_part > 0 {
            let part = |first_group: usize| Part {
                first_group,
                groups: groups_a_part.min(self.groups - first_group),
                first_filter: 0,
                filters: self.filters,
            };
            (0..self.groups).step_by(groups_a_part).map(part).collect()
        } else {
            let of_group = |first_group: usize| {
                let part = move |first_filter: usize| Part {
                    first_group,
                    groups: 1,
                    first_filter,
                    filters: (fitting * BLOCK).min(self.filters - first_filter),
                };
                (0..self.filters).step_by(fitting * BLOCK).map(part)
            };
            (0..self.groups).flat_map(of_group).collect()
        };
        Some(parts)
    }

    /// Numbers in the packed form of a part.
    pub(super) fn blocked_size(&self, part: Part) -> usize {
        part.groups * self.depth * part.filters.next_multiple_of(BLOCK)
    }

    /// `[groups, depth, filters]` of a part, the filters filled up with zeros to whole blocks.
    pub(super) fn blocked(&self, part: Part) -> Vec<f32> {
        let padded = part.filters.next_multiple_of(BLOCK);
        let mut packed = vec![0.0; self.blocked_size(part)];
        for (group, packed) in packed.chunks_exact_mut(self.depth * padded).enumerate() {
            for filter in 0..part.filters {
                let source = (part.first_group + group) * self.filters + part.first_filter + filter;
                let scaled = self.scaled(source);
                packed[filter..].iter_mut().step_by(padded).zip(scaled).for_each(|(to, weight)| *to = weight);
            }
        }
        packed
    }

    /// Parts in the filters' own order, across groups; `None` where a single filter does not fit a shader's view.
    pub(super) fn ranges(&self, limits: Limits) -> Option<Vec<Part>> {
        let fitting = usize::try_from(limits.bytes / (self.depth as u64 * NUMBER)).unwrap_or(usize::MAX);
        let count = self.groups * self.filters;
        let part = |first_filter: usize| Part {
            first_group: 0,
            groups: 1,
            first_filter,
            filters: fitting.min(count - first_filter),
        };
        (fitting > 0).then(|| (0..count).step_by(fitting).map(part).collect())
    }

    /// Numbers of a range.
    pub(super) fn plain_size(&self, part: Part) -> usize {
        part.filters * self.depth
    }

    /// The filters of a range, scaled, in their own order.
    pub(super) fn plain(&self, part: Part) -> Vec<f32> {
        (part.first_filter..part.first_filter + part.filters).flat_map(|filter| self.scaled(filter)).collect()
    }

    /// What is added to every filter's sums.
    pub(super) fn shift(&self) -> Vec<f32> {
        self.affine.iter().map(|&(_, shift)| shift as f32).collect()
    }

    fn scaled(&self, filter: usize) -> impl Iterator<Item = f32> {
        let scale = self.affine[filter].0;
        let weight = &self.weight[filter * self.depth..][..self.depth];
        weight.iter().map(move |&weight| (f64::from(weight) * scale) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(bytes: u64) -> Limits {
        Limits { bytes, buffer: u64::MAX, workgroups: 65_535, alignment: 256 }
    }

    fn part([first_group, groups, first_filter, filters]: [usize; 4]) -> Part {
        Part { first_group, groups, first_filter, filters }
    }

    #[test]
    fn parts_fit_and_cover_all_filters() {
        // A block of 4 filters takes 3 * 16 = 48 bytes, a group of 6 filters two of them.
        let affine = [(1.0, 0.0); 18];
        let filters = Filters { weight: &[0.0; 54], affine: &affine, groups: 3, filters: 6, depth: 3 };
        assert_eq!(filters.parts(limits(47)), None);
        let single = [[0, 1, 0, 4], [0, 1, 4, 2], [1, 1, 0, 4], [1, 1, 4, 2], [2, 1, 0, 4], [2, 1, 4, 2]];
        assert_eq!(filters.parts(limits(95)), Some(single.map(part).into()));
        assert_eq!(filters.parts(limits(200)), Some([[0, 2, 0, 6], [2, 1, 0, 6]].map(part).into()));
        assert_eq!(filters.parts(limits(1 << 20)), Some(vec![part([0, 3, 0, 6])]));
    }

    #[test]
    fn blocks_are_transposed_scaled_and_filled_up() {
        let weight: Vec<f32> = (1u8..=4).map(f32::from).collect();
        let filters = Filters { weight: &weight, affine: &[(10.0, 0.5), (1.0, -1.0)], groups: 1, filters: 2, depth: 2 };
        assert_eq!(filters.blocked(part([0, 1, 0, 2])), [10.0, 3.0, 0.0, 0.0, 20.0, 4.0, 0.0, 0.0]);
        assert_eq!(filters.blocked(part([0, 1, 1, 1])), [3.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!((filters.blocked_size(part([0, 1, 0, 2])), filters.plain_size(part([0, 1, 0, 2]))), (8, 4));
        assert_eq!(filters.plain(part([0, 1, 0, 2])), [10.0, 20.0, 3.0, 4.0]);
        assert_eq!(filters.shift(), [0.5, -1.0]);
    }

    #[test]
    fn ranges_cover_all_filters() {
        let affine = [(1.0, 0.0); 5];
        let filters = Filters { weight: &[0.0; 10], affine: &affine, groups: 5, filters: 1, depth: 2 };
        assert_eq!(filters.ranges(limits(16)), Some([[0, 1, 0, 2], [0, 1, 2, 2], [0, 1, 4, 1]].map(part).into()));
        assert!(filters.ranges(limits(7)).is_none());
    }
}
