//! Finding the architecture and all its sizes from the entries of a state_dict.

use crate::architecture::{Architecture, Config, Widths};
use crate::differences::{Differences, needed};
use crate::entries::Naming;
use crate::registry::all;
use mda_core::graph::ValidGraph;
use mda_core::op::Op;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// What a state_dict was found to be. Displayed, it says so in words.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The architecture whose entries these are.
    pub architecture: &'static Architecture,
    /// The sizes that give exactly these shapes. The normalisation is unknown to a state_dict and stays `None`.
    pub config: Config,
    /// The layers of another width than the published one.
    pub changed: Vec<ChangedWidth>,
    /// Extents of other square images that the same weights fit, of the usual ones.
    pub other_extents: Vec<usize>,
    /// Entries that inference does not need.
    pub ignored: Vec<String>,
}

/// A layer of another width than the published one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedWidth {
    /// The layer.
    pub node: String,
    /// Its output channels.
    pub width: usize,
    /// Its published number of output channels.
    pub published: usize,
}

/// Why no architecture could be found.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuessError {
    /// There is no entry that inference needs.
    #[error("expected the entries of a state_dict, found none that a network needs")]
    Empty,
    /// No architecture has these entries.
    #[error("no known architecture has these entries; {} differ from the nearest, `{nearest}`:{differences}", .differences.len())]
    Unknown {
        /// The architecture with the fewest differences.
        nearest: &'static str,
        /// How the entries differ from it.
        differences: Differences,
    },
}

/// Extents of square images that are tried where the published one does not fit.
const USUAL_EXTENTS: [usize; 17] = [28, 32, 48, 64, 96, 112, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 512];

/// What is known before guessing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// The only architecture that is considered.
    pub architecture: Option<&'static Architecture>,
    /// Rows and columns of the images; without them, the published and the usual ones are tried.
    pub extents: Option<[usize; 2]>,
}

/// Finds the architecture, every width, the number of categories and the image's channels from the entries' names and
/// shapes. Where several architectures fit, the one whose published widths and image size are nearest is chosen.
///
/// Entry names may be wrapped as [`crate::load`] says.
///
/// # Errors
/// [`GuessError`] with the nearest architecture and everything that differs from it.
pub fn guess(state: &[(String, Vec<usize>)]) -> Result<Guess, GuessError> {
    guess_with(state, Hints::default())
}

/// [`guess`] where something is known.
///
/// # Errors
/// [`GuessError`], as for [`guess`].
pub fn guess_with(state: &[(String, Vec<usize>)], hints: Hints) -> Result<Guess, GuessError> {
    let naming = Naming::of(state.iter().map(|(name, _)| name.as_str()));
    let mut ignored = Vec::new();
    let mut entries = Entries::new();
    for (name, shape) in state {
        match naming.parameter(name) {
            Some(parameter) => drop(entries.insert(parameter, shape)),
            None => ignored.push(name.clone()),
        }
    }
    if entries.is_empty() {
        return Err(GuessError::Empty);
    }
    let considered = all().filter(|&known| hints.architecture.is_none_or(|only| only.name == known.name));
    let mut candidates: Vec<Candidate> =
        considered.filter_map(|architecture| Candidate::new(architecture, hints.extents, &entries)).collect();
    let least = candidates.iter().map(|candidate| candidate.other_names).min().unwrap_or_default();
    candidates.retain(|candidate| candidate.other_names == least);
    let fits = candidates.iter().filter_map(|candidate| candidate.fit(hints.extents, &entries));
    let best = fits.min_by_key(|guess| (guess.changed.len(), guess.config.input != guess.architecture.input));
    best.map(|guess| Guess { ignored, ..guess }).ok_or_else(|| unknown(&candidates, &entries))
}

/// Shapes by parameter name.
type Entries<'a> = BTreeMap<String, &'a [usize]>;

fn unknown(candidates: &[Candidate], entries: &Entries<'_>) -> GuessError {
    let differences = candidates.iter().map(|candidate| (candidate.architecture.name, candidate.differences(entries)));
    let nearest = differences.min_by_key(|(_, differences)| differences.len());
    nearest.map_or(GuessError::Empty, |(nearest, differences)| GuessError::Unknown { nearest, differences })
}

/// An architecture, and the sizes that the entries suggest for it.
struct Candidate {
    architecture: &'static Architecture,
    published: ValidGraph,
    config: Config,
    changed: Vec<ChangedWidth>,
    /// Parameters that only the architecture or only the entries have.
    other_names: usize,
}

impl Candidate {
    fn new(architecture: &'static Architecture, extents: Option<[usize; 2]>, entries: &Entries<'_>) -> Option<Self> {
        let mut config = architecture.published();
        let published = architecture.build(&config).ok()?;
        if let Some([height, width]) = extents {
            config.input = [config.input[0], height, width];
        }
        let names: BTreeSet<String> = needed(&published).map(|entry| entry.name).collect();
        let shared = names.iter().filter(|&name| entries.contains_key(name)).count();
        let other_names = names.len() + entries.len() - 2 * shared;

        let shape = |layer: &str| entries.get(&format!("{layer}.weight")).copied().unwrap_or_default();
        let mut layers = layers(&published);
        if let Some(&channels) = layers.first().and_then(|(first, _)| shape(first).get(1)) {
            config.input[0] = channels;
        }
        if let Some(&categories) = layers.pop().and_then(|(last, _)| shape(last).first()) {
            config.categories = categories;
        }
        let changed = |(node, published): (&str, usize)| {
            let width = *shape(node).first().filter(|&&width| width != published)?;
            Some(ChangedWidth { node: node.into(), width, published })
        };
        let changed: Vec<ChangedWidth> = layers.into_iter().filter_map(changed).collect();
        if !changed.is_empty() {
            config.widths = Widths::Explicit(changed.iter().map(|layer| (layer.node.clone(), layer.width)).collect());
        }
        Some(Self { architecture, published, config, changed, other_names })
    }

    /// The guess, where the entries have exactly the shapes that these sizes give at some image size.
    fn fit(&self, extents: Option<[usize; 2]>, entries: &Entries<'_>) -> Option<Guess> {
        let at = |[height, width]: [usize; 2]| {
            let config = Config { input: [self.config.input[0], height, width], ..self.config.clone() };
            let graph = self.architecture.build(&config).ok()?;
            compare(&graph, entries).is_empty().then_some(config)
        };
        let [_, height, width] = self.config.input;
        let usual = || USUAL_EXTENTS.into_iter().filter(|_| extents.is_none()).map(|extent| [extent, extent]);
        let config = at([height, width]).or_else(|| usual().find_map(at))?;
        let others = usual().filter(|&[extent, _]| config.input[1..] != [extent, extent]);
        let other_extents = others.filter_map(at).map(|config| config.input[1]).collect();
        let (architecture, changed) = (self.architecture, self.changed.clone());
        Some(Guess { architecture, config, changed, other_extents, ignored: Vec::new() })
    }

    /// How the entries differ at the published image size, or the known one.
    fn differences(&self, entries: &Entries<'_>) -> Differences {
        let graph = self.architecture.build(&self.config);
        compare(graph.as_ref().unwrap_or(&self.published), entries)
    }
}

fn compare(graph: &ValidGraph, entries: &Entries<'_>) -> Differences {
    Differences::between(graph, entries.iter().map(|(name, &shape)| (name.as_str(), shape)))
}

/// The convolutions and linear layers and their output channels, in order; depthwise ones follow their input and are left
/// out.
fn layers(graph: &ValidGraph) -> Vec<(&str, usize)> {
    let layer = |op: &Op| match op {
        Op::Conv2d(conv) if conv.groups == 1 || conv.groups < conv.out_channels => Some(conv.out_channels),
        Op::Linear(linear) => Some(linear.out_features),
        _ => None,
    };
    graph.nodes().iter().filter_map(|node| Some((node.name.as_str(), layer(&node.op)?))).collect()
}

/// Changed widths that a sentence names; the field holds all.
const SHOWN: usize = 6;

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [channels, height, width] = self.config.input;
        write!(f, "{} (`{}`): ", self.architecture.summary, self.architecture.name)?;
        write!(f, "{} categories, images {channels}x{height}x{width}", self.config.categories)?;
        if !self.other_extents.is_empty() {
            let extents: Vec<String> = self.other_extents.iter().map(usize::to_string).collect();
            write!(f, " (other extents that fit: {})", extents.join(", "))?;
        }
        if self.changed.is_empty() {
            return write!(f, ", published widths");
        }
        let shown = self.changed.iter().take(SHOWN);
        let shown: Vec<String> =
            shown.map(|layer| format!("{} {} (published {})", layer.node, layer.width, layer.published)).collect();
        write!(f, ", widths {}", shown.join(", "))?;
        let more = self.changed.len().saturating_sub(SHOWN);
        if more > 0 { write!(f, " and {more} more layers") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;

    fn state(graph: &ValidGraph) -> Vec<(String, Vec<usize>)> {
        needed(graph).map(|entry| (entry.name, entry.shape)).collect()
    }

    #[test]
    fn every_architecture_is_recognised_at_its_published_sizes() {
        for architecture in all() {
            let published = architecture.published();
            let guess = guess(&state(&architecture.build(&published).unwrap())).unwrap();
            assert_eq!(guess.architecture.name, architecture.name, "{guess}");
            assert_eq!(guess.config, published, "{guess}");
        }
    }

    #[test]
    fn every_architecture_is_recognised_at_other_sizes() {
        for architecture in all() {
            let mut config = architecture.published();
            (config.categories, config.input[0], config.widths) = (7, 1, Widths::Scaled(0.5));
            let graph = architecture.build(&config).unwrap();
            let guess = guess(&state(&graph)).unwrap();
            assert_eq!((guess.config.categories, guess.config.input[0]), (7, 1), "{guess}");
            let again = guess.architecture.build(&guess.config).unwrap();
            // Wide networks at half their widths are the plain ones.
            let plain = architecture.name.replace("wide_", "").replace("_2", "");
            let is_wide = architecture.name.starts_with("wide");
            assert!(guess.architecture.name == architecture.name || is_wide && guess.architecture.name == plain);
            assert_eq!(state(&again), state(&graph));
        }
    }

    #[test]
    fn a_narrow_vgg_is_recognised_by_its_widths() {
        let architecture = find("vgg16_bn_cifar").unwrap();
        let convs = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40].map(|index| format!("features.{index}"));
        let widths = [24, 24, 48, 48, 96, 96, 96, 192, 192, 192, 192, 192, 192];
        let classifier = ["classifier.0", "classifier.3"].map(|name| (name.to_owned(), 1024));
        let widths = Widths::Explicit(convs.into_iter().zip(widths).chain(classifier).collect());
        let config = Config { categories: 200, widths, ..architecture.published() };
        let guess = guess(&state(&architecture.build(&config).unwrap())).unwrap();
        assert_eq!((guess.architecture.name, &guess.config), ("vgg16_bn_cifar", &config));
        let words = guess.to_string();
        assert!(words.contains("200 categories"), "{words}");
        assert!(words.contains("features.0 24 (published 64)"), "{words}");
    }

    #[test]
    fn the_image_size_is_read_from_the_first_linear_layer() {
        let architecture = find("lenet5").unwrap();
        let config = Config { input: [1, 28, 28], ..architecture.published() };
        let guess = guess(&state(&architecture.build(&config).unwrap())).unwrap();
        assert_eq!(guess.config, config);
        assert!(guess.other_extents.is_empty());
    }

    #[test]
    fn what_is_known_is_not_guessed() {
        let architecture = find("lenet5").unwrap();
        let config = Config { input: [3, 40, 52], ..architecture.published() };
        let entries = state(&architecture.build(&config).unwrap());
        assert!(guess(&entries).is_err(), "no usual image has these extents");
        let hints = Hints { extents: Some([40, 52]), ..Hints::default() };
        assert_eq!(guess_with(&entries, hints).unwrap().config, config);

        let wide = find("wide_resnet50_2").unwrap();
        let entries = state(&find("resnet50").unwrap().build(&wide.published()).unwrap());
        let guess = guess_with(&entries, Hints { architecture: Some(wide), ..Hints::default() }).unwrap();
        assert_eq!((guess.architecture.name, guess.changed.len()), ("wide_resnet50_2", 32));
    }

    #[test]
    fn an_unknown_network_is_compared_with_the_nearest() {
        let architecture = find("resnet18").unwrap();
        let mut state = state(&architecture.build(&architecture.published()).unwrap());
        state.retain(|(name, _)| name != "layer3.0.conv2.weight");
        state.push(("layer3.0.attention.weight".into(), vec![1]));
        let GuessError::Unknown { nearest, differences } = guess(&state).unwrap_err() else {
            panic!("expected Unknown")
        };
        assert_eq!(nearest, "resnet18");
        assert_eq!((differences.missing.len(), differences.unexpected.len(), differences.mismatched.len()), (1, 1, 0));
    }

    #[test]
    fn misshapen_entries_are_an_error() {
        let architecture = find("lenet5").unwrap();
        let good = state(&architecture.build(&architecture.published()).unwrap());
        for shape in [vec![], vec![0], vec![usize::MAX, usize::MAX, 5, 5], vec![6, 3, 5, 4]] {
            let mut state = good.clone();
            state[0].1 = shape;
            assert!(matches!(guess(&state), Err(GuessError::Unknown { nearest: "lenet5", .. })));
        }
        assert_eq!(guess(&[]).unwrap_err(), GuessError::Empty);
        assert_eq!(guess(&[("bn.num_batches_tracked".into(), vec![])]).unwrap_err(), GuessError::Empty);
    }
}
