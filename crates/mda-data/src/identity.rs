//! What tells one list of images from another.

use mda_core::run::ImageSource;
use sha2::{Digest, Sha256};

/// SHA-256, in hexadecimal, of the category names and of the label and the name of every image, in their order: equal where
/// the positions of two sources mean the same images. Pixels are not read.
pub fn identity(source: &dyn ImageSource) -> String {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    source.categories().iter().for_each(|name| text(name));
    for (index, &label) in source.labels().iter().enumerate() {
        text(&label.to_string());
        text(&source.name(index).unwrap_or_default());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_source::Labels;

    #[test]
    fn labels_categories_and_order_count() {
        let of = |names: &[&str], labels: &[usize]| identity(&Labels::new(names, labels.to_vec()));
        let own = of(&["a", "b"], &[0, 1, 1]);
        assert_eq!(own, of(&["a", "b"], &[0, 1, 1]));
        for other in [of(&["a", "c"], &[0, 1, 1]), of(&["a", "b"], &[1, 0, 1]), of(&["a", "b"], &[0, 1])] {
            assert_ne!(own, other);
        }
    }
}
