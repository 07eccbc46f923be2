//! Every architecture by name.

use crate::architecture::Architecture;
use crate::zoo;
use thiserror::Error;

/// A name that no architecture has.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no architecture is called `{name}`; nearest: {}; known: {}", known[0], known.join(", "))]
pub struct UnknownArchitecture {
    /// What was asked for.
    pub name: String,
    /// Every known name, the nearest first.
    pub known: Vec<&'static str>,
}

/// Every architecture, family by family.
pub fn all() -> impl Iterator<Item = &'static Architecture> {
    zoo::FAMILIES.iter().flat_map(|family| family.iter())
}

/// The architecture called `name`; upper case and punctuation do not matter (`ResNet-50`).
///
/// # Errors
/// [`UnknownArchitecture`] with all known names, the nearest first.
pub fn find(name: &str) -> Result<&'static Architecture, UnknownArchitecture> {
    let wanted = folded(name);
    all().find(|architecture| folded(architecture.name) == wanted).ok_or_else(|| {
        let mut known: Vec<&str> = all().map(|architecture| architecture.name).collect();
        known.sort_by_cached_key(|known| edit_distance(&wanted, &folded(known)));
        UnknownArchitecture { name: name.into(), known }
    })
}

fn folded(name: &str) -> Vec<char> {
    // Bounded, because the distance to every name is computed from it.
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).take(64).collect()
}

/// Levenshtein's: the least number of characters to insert, drop or replace.
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_even_folded() {
        let names: BTreeSet<Vec<char>> = all().map(|architecture| folded(architecture.name)).collect();
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn punctuation_and_case_do_not_matter() {
        assert_eq!(find("ResNet-50").unwrap().name, "resnet50");
        assert_eq!(find("VGG16-BN").unwrap().name, "vgg16_bn");
    }

    #[test]
    fn an_unknown_name_lists_the_nearest_first() {
        let error = find("resnet19").unwrap_err();
        assert!(["resnet18", "resnet110"].contains(&error.known[0]), "{error}");
        assert_eq!(error.known.len(), all().count());
        assert_eq!(find("densenet").unwrap_err().known[0], "densenet121");
        assert!(find("").is_err());
    }

    #[test]
    fn distances_are_levenshteins() {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        assert_eq!(edit_distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(edit_distance(&chars(""), &chars("abc")), 3);
    }
}
