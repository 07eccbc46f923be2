//! Static shapes of values: everything but the batch axis.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one value, without its batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// Feature maps, `[N, channels, height, width]`.
    Map {
        /// Number of channels.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// A feature vector, `[N, features]`; each feature is a channel of one position.
    Features(usize),
}

/// More numbers than one sample of one value may hold: a bound against hostile files, far above real networks.
const MAX_ELEMENTS: usize = 1 << 31;

impl Shape {
    /// Channels of a map, or features.
    pub fn channels(self) -> usize {
        match self {
            Self::Map { channels, .. } => channels,
            Self::Features(features) => features,
        }
    }

    /// `[height, width]`; a feature has one position.
    pub fn spatial(self) -> [usize; 2] {
        match self {
            Self::Map { height, width, .. } => [height, width],
            Self::Features(_) => [1, 1],
        }
    }

    /// Positions of one channel.
    pub fn positions(self) -> usize {
        let [height, width] = self.spatial();
        height * width
    }

    /// Numbers in one sample.
    pub fn elements(self) -> usize {
        self.channels() * self.positions()
    }

    /// The same shape with another number of channels.
    pub fn with_channels(self, count: usize) -> Self {
        match self {
            Self::Map { height, width, .. } => Self::Map { channels: count, height, width },
            Self::Features(_) => Self::Features(count),
        }
    }

    /// The shape of a batch of `batch` samples, `[N, C, H, W]` or `[N, F]`.
    pub fn batched(self, batch: usize) -> Vec<usize> {
        match self {
            Self::Map { channels, height, width } => vec![batch, channels, height, width],
            Self::Features(features) => vec![batch, features],
        }
    }

    /// Whether every extent is at least 1 and the product stays within what one sample may hold.
    pub(crate) fn is_reasonable(self) -> bool {
        let [height, width] = self.spatial();
        let product = self.channels().checked_mul(height).and_then(|n| n.checked_mul(width));
        product.is_some_and(|n| (1..=MAX_ELEMENTS).contains(&n))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { channels, height, width } => write!(f, "[N, {channels}, {height}, {width}]"),
            Self::Features(features) => write!(f, "[N, {features}]"),
        }
    }
}
