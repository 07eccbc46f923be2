//! Which images of a labelled set: by category, and some of each.

/// The indices of the images whose label is among `categories`, in order.
pub fn of_categories(labels: &[usize], categories: &[usize]) -> Vec<usize> {
    (0..labels.len()).filter(|&index| categories.contains(&labels[index])).collect()
}

/// The indices of the first `limit` images of every category, in order. Labels from `categories` on are passed over.
pub fn first_per_category(labels: &[usize], categories: usize, limit: usize) -> Vec<usize> {
    let mut taken = vec![0; categories];
    let mut take = |&index: &usize| match taken.get_mut(labels[index]) {
        Some(count) if *count < limit => {
            *count += 1;
            true
        }
        _ => false,
    };
    (0..labels.len()).filter(|index| take(index)).collect()
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
        assert_eq!(first_per_category(&LABELS, 3, 2), [0, 1, 2, 3, 4]);
        assert_eq!(first_per_category(&LABELS, 2, 9), [1, 3, 4]);
        assert_eq!(first_per_category(&LABELS, 3, 0), [0usize; 0]);
    }

    #[test]
    fn counts() {
        assert_eq!(count_per_category(&LABELS, 4), [2, 1, 4, 0]);
    }
}
