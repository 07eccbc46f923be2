//! Which images of a labelled set: by category, and some of each.

use std::collections::HashMap;

/// The indices of the images whose label is among `categories`, in order.
pub fn of_categories(labels: &[usize], categories: &[usize]) -> Vec<usize> {
    (0..labels.len()).filter(|&index| categories.contains(&labels[index])).collect()
}

/// Of `indices` the first `limit` of every category, in their order.
///
/// # Panics
/// Where an index has no label.
pub fn first_per_category(indices: impl IntoIterator<Item = usize>, labels: &[usize], limit: usize) -> Vec<usize> {
    let mut seen = HashMap::new();
    let fits = |index: &usize| {
        let count = seen.entry(labels[*index]).or_insert(0usize);
        *count += 1;
        *count <= limit
    };
    indices.into_iter().filter(fits).collect()
}

/// How many images every category has. Labels from `categories` on are passed over.
pub fn count_per_category(labels: &[usize], categories: usize) -> Vec<usize> {
    let mut counts = vec![0; categories];
    for &label in labels {
        if let Some(count) = counts.get_mut(label) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [usize; 7] = [2, 0, 2, 1, 0, 2, 2];

    #[test]
    fn picks_by_category() {
        assert_eq!(of_categories(&LABELS, &[0, 1]), [1, 3, 4]);
        assert_eq!(of_categories(&LABELS, &[]), [0usize; 0]);
    }

    #[test]
    fn picks_the_first_of_every_category() {
        assert_eq!(first_per_category(0..7, &LABELS, 2), [0, 1, 2, 3, 4]);
        assert_eq!(first_per_category([6, 4, 5, 2, 1], &LABELS, 2), [6, 4, 5, 1]);
        assert_eq!(first_per_category(0..7, &LABELS, 0), [0usize; 0]);
    }

    #[test]
    fn counts() {
        assert_eq!(count_per_category(&LABELS, 4), [2, 1, 4, 0]);
    }
}
