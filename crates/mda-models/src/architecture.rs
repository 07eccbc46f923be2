//! What an architecture says of itself, and what can be chosen when it is built.

use crate::net::Net;
use mda_core::graph::{GraphErrors, ValidGraph};
use mda_core::op::Normalize;
use std::collections::BTreeMap;
use thiserror::Error;

/// More output channels than one layer may have: a bound against hostile files, far above real classifiers.
pub const MAX_WIDTH: usize = 1 << 16;

/// A network's definition. [`crate::all`] lists them.
#[derive(Debug)]
pub struct Architecture {
    /// The name that [`crate::find`] knows, `resnet50`.
    pub name: &'static str,
    /// What it is and whose parameter names it has, in a few words.
    pub summary: &'static str,
    /// K of the published weights.
    pub categories: usize,
    /// Channels, height and width of the images that the published weights were trained on.
    pub input: [usize; 3],
    /// Appends the nodes between the (normalised) images and the logits.
    pub(crate) network: fn(&mut Net<'_>),
}

/// What can be chosen when an architecture is built.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// K, the number of logits.
    pub categories: usize,
    /// Channels, height and width of the images.
    pub input: [usize; 3],
    /// What is subtracted from and divided into the images, which come as pixel values in `0.0..=1.0`.
    pub normalization: Option<Normalize>,
    /// Output channels of the layers between the images and the logits.
    pub widths: Widths,
}

/// Output channels of the layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Widths {
    /// The published number times this factor, rounded to whole groups where a convolution is grouped, at least one.
    Scaled(f64),
    /// The number for the convolution or linear layer of this name; a layer that is not named keeps the published
    /// number. A depthwise convolution always follows its input.
    Explicit(BTreeMap<String, usize>),
}

/// Why an architecture cannot be built as configured.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum BuildError {
    /// A width factor that is not a finite number above 0.
    #[error("expected a finite width factor above 0, got {factor}")]
    Factor {
        /// The factor.
        factor: f64,
    },
    /// Images with more channels, rows or columns than any network takes.
    #[error("expected images of at most {MAX_WIDTH} channels, rows and columns, got {input:?}")]
    Image {
        /// Channels, rows and columns.
        input: [usize; 3],
    },
    /// A layer would be wider than [`MAX_WIDTH`].
    #[error("{node}: expected at most {MAX_WIDTH} output channels, got {width}")]
    Width {
        /// The layer.
        node: String,
        /// Its output channels.
        width: usize,
    },
    /// An adaptive average pool is a plain one only where its output's extents divide its input's.
    #[error(
        "{node}: expected a map of a multiple of {to} rows and columns to pool to {to}x{to}, got {from:?}; choose \
         another image size"
    )]
    AdaptivePool {
        /// The pool.
        node: String,
        /// Rows and columns of its input.
        from: [usize; 2],
        /// Rows and columns of its output.
        to: usize,
    },
    /// A shortcut that pads with zero channels cannot drop any.
    #[error("{node}: expected at least {from} channels to pad to, got {to}")]
    NarrowingShortcut {
        /// The padding node.
        node: String,
        /// Channels of its input.
        from: usize,
        /// Channels that it would have to have.
        to: usize,
    },
    /// The graph does not fit together at this image size or with these widths.
    #[error(transparent)]
    Graph(#[from] GraphErrors),
}

impl Architecture {
    /// The published sizes, without normalisation.
    pub fn published(&self) -> Config {
        let Self { categories, input, .. } = *self;
        Config { categories, input, normalization: None, widths: Widths::Scaled(1.0) }
    }

    /// The graph at the sizes of `config`.
    ///
    /// # Errors
    /// [`BuildError`] where the sizes do not fit the network.
    pub fn build(&self, config: &Config) -> Result<ValidGraph, BuildError> {
        let mut net = Net::new(config)?;
        (self.network)(&mut net);
        net.finish()
    }
}

/// The normalisation that torchvision's ImageNet weights were trained with.
///
/// GoogLeNet and Inception v3 are the exceptions: `transform_input`, which torchvision switches on with their weights,
/// undoes it in favour of mean 0.5 and standard deviation 0.5 of every channel. Configure those two numbers instead.
pub fn imagenet_normalization() -> Normalize {
    Normalize { mean: vec![0.485, 0.456, 0.406], std: vec![0.229, 0.224, 0.225] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::find;
    use mda_core::op::{AvgPool, Op, Window};

    fn build(name: &str, change: impl FnOnce(&mut Config)) -> Result<ValidGraph, BuildError> {
        let architecture = find(name).unwrap();
        let mut config = architecture.published();
        change(&mut config);
        architecture.build(&config)
    }

    fn widths(layers: &[(&str, usize)]) -> Widths {
        Widths::Explicit(layers.iter().map(|&(layer, width)| (layer.to_owned(), width)).collect())
    }

    #[test]
    fn normalisation_is_the_first_node_behind_the_images() {
        let graph = build("resnet18", |config| config.normalization = Some(imagenet_normalization())).unwrap();
        assert_eq!(graph.node(1).name, "normalize");
        assert_eq!(graph.node(1).op, Op::Normalize(imagenet_normalization()));
        assert_eq!(graph.node(2).inputs, [1]);
        assert!(build("resnet18", |config| config.normalization = None).unwrap().find("normalize").is_none());
        let grey = build("resnet18", |config| {
            (config.input[0], config.normalization) = (1, Some(imagenet_normalization()));
        });
        assert!(matches!(grey, Err(BuildError::Graph(_))), "three means for one channel");
    }

    #[test]
    fn widths_are_scaled_in_whole_groups_and_logits_are_not() {
        let graph = build("resnext50_32x4d", |config| config.widths = Widths::Scaled(0.6)).unwrap();
        let channels = |node: &str| graph.node(graph.find(node).unwrap()).shape.channels();
        assert_eq!((channels("conv1"), channels("layer1.0.conv2"), channels("fc")), (38, 64, 1000));
    }

    #[test]
    fn depthwise_convolutions_follow_their_input() {
        let graph = build("mobilenet_v2", |config| config.widths = widths(&[("features.2.conv.0.0", 50)])).unwrap();
        let depthwise = graph.node(graph.find("features.2.conv.1.0").unwrap());
        assert!(matches!(&depthwise.op, Op::Conv2d(conv) if (conv.groups, conv.out_channels) == (50, 50)));
    }

    #[test]
    fn adaptive_pools_are_plain_pools_where_extents_divide() {
        assert!(build("vgg11", |_| ()).unwrap().find("avgpool").is_none());
        let graph = build("vgg11", |config| config.input = [3, 448, 448]).unwrap();
        let pool = AvgPool { window: Window::square(2, 2, 0), ceil_mode: false, count_include_pad: true };
        assert_eq!(graph.node(graph.find("avgpool").unwrap()).op, Op::AvgPool(pool));
        let error = build("vgg11", |config| config.input = [3, 256, 256]).unwrap_err();
        assert_eq!(error, BuildError::AdaptivePool { node: "avgpool".into(), from: [8, 8], to: 7 });
    }

    #[test]
    fn sizes_that_do_not_fit_are_errors() {
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = build("lenet5", |config| config.widths = Widths::Scaled(factor)).unwrap_err();
            assert!(matches!(error, BuildError::Factor { .. }));
        }
        for widths in [widths(&[("fc1", usize::MAX)]), Widths::Scaled(1e300)] {
            assert!(matches!(build("lenet5", |config| config.widths = widths).unwrap_err(), BuildError::Width { .. }));
        }
        let narrowing = build("resnet20", |config| config.widths = widths(&[("layer2.0.conv2", 8)])).unwrap_err();
        let node = "layer2.0.shortcut.pad".into();
        assert_eq!(narrowing, BuildError::NarrowingShortcut { node, from: 16, to: 8 });
        let image = build("lenet5", |config| config.input = [3, usize::MAX, 32]).unwrap_err();
        assert!(matches!(image, BuildError::Image { .. }));
        for input in [[3, 8, 8], [3, 0, 32], [0, 32, 32]] {
            assert!(matches!(build("lenet5", |config| config.input = input), Err(BuildError::Graph(_))), "{input:?}");
        }
        let unequal = build("resnet18", |config| config.widths = widths(&[("layer1.0.conv2", 60)]));
        assert!(matches!(unequal, Err(BuildError::Graph(_))));
        assert!(matches!(build("lenet5", |config| config.categories = 0), Err(BuildError::Graph(_))));
    }
}
