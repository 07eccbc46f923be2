//! The JSON in `mda.model`.

use super::NativeError;
use mda_core::Model;
use mda_core::graph::Graph;
use mda_core::model::provenance::Provenance;
use mda_core::tensor::Shape;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Everything about a model but its numbers.
#[derive(Serialize, Deserialize)]
pub(super) struct Description {
    pub name: String,
    pub input: InputContract,
    pub graph: Graph,
    pub categories: Vec<String>,
    #[serde(default)]
    pub provenance: Option<Provenance>,
}

/// What the images look like that a model takes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct InputContract {
    channels: usize,
    height: usize,
    width: usize,
    /// Pixel values from black to white.
    value_range: [f32; 2],
    /// Absent where the images are not in colour.
    #[serde(default)]
    colour_order: Option<ColourOrder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum ColourOrder {
    #[serde(rename = "RGB")]
    Rgb,
}

impl InputContract {
    pub(super) fn of(shape: Shape) -> Self {
        let [height, width] = shape.spatial();
        let channels = shape.channels();
        Self {
            channels,
            height,
            width,
            value_range: [0.0, 1.0],
            colour_order: (channels == 3).then_some(ColourOrder::Rgb),
        }
    }
}

impl fmt::Display for InputContract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.value_range;
        write!(f, "[N, {}, {}, {}] in {low}..={high}", self.channels, self.height, self.width)?;
        self.colour_order.map_or(Ok(()), |_| f.write_str(", RGB"))
    }
}

impl Description {
    /// The JSON for `model`.
    pub(super) fn json(model: &Model) -> Result<String, NativeError> {
        let description = Self {
            name: model.name().to_owned(),
            input: InputContract::of(model.input_shape()),
            graph: model.graph().to_graph(),
            categories: model.categories().to_owned(),
            provenance: model.provenance().cloned(),
        };
        // As JSON values, f32 attributes are written with all digits of their f64 form. The shortest f32 form would not
        // do: 7.038531e-26 comes back as its neighbour, because it is rounded to f64 first and to f32 then.
        let value = serde_json::to_value(&description).map_err(NativeError::Undescribable)?;
        let json = value.to_string();
        serde_json::from_str::<Self>(&json).map_err(NativeError::Undescribable)?;
        Ok(json)
    }

    /// The description in `json`, in which images and graph agree.
    pub(super) fn parse(json: &str) -> Result<Self, NativeError> {
        serde_json::from_str(json).map_err(NativeError::Description)
    }
}
