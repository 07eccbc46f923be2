//! The formulations that have names.

use super::{Accumulation, Formulation, FormulationError, Measure, Normalization, Propagation, Threshold};

/// Those that are more than a measure whose numbers are compared layer by layer.
const OWN: [(&str, &str); 4] = [
    ("obs", "what the other channels cannot explain (structured OBS)"),
    ("graph", "relative contribution, hard, along the real graph"),
    ("model-lego", "the released Model-LEGO code, its reset behind a Flatten included"),
    ("soft", "relative contribution, allocated by its size instead of counted"),
];

/// The presets, by name, with what they are.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static str)> {
    let measure = |&(name, measure): &(&'static str, Measure)| measure.preset().map(|about| (name, about));
    OWN.into_iter().chain(Measure::ALL.iter().filter_map(measure))
}

pub(super) fn names() -> String {
    presets().map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

impl Formulation {
    /// The released Model-LEGO code: hard accumulation, alpha/beta 0.3/0.2 and 0.4/0.3, reset where channels change.
    pub fn model_lego() -> Self {
        Self {
            measure: Measure::RelativeContribution,
            normalization: Normalization::MinMax,
            accumulation: Accumulation::Hard,
            propagation: Propagation::Reset,
            conv: Threshold { alpha: 0.3, beta: 0.2 },
            linear: Threshold { alpha: 0.4, beta: 0.3 },
        }
    }

    /// Ours: the same measure, walked along the real graph.
    pub fn graph() -> Self {
        Self { propagation: Propagation::Graph, ..Self::model_lego() }
    }

    /// The same measure, every input allocated the normalised contribution itself, so that inputs are ranked and not
    /// only counted.
    pub fn soft() -> Self {
        let (conv, linear) = (Threshold { alpha: 0.0, beta: 0.2 }, Threshold { alpha: 0.0, beta: 0.3 });
        Self { accumulation: Accumulation::Soft, conv, linear, ..Self::graph() }
    }

    /// A measure whose numbers are compared with beta layer by layer, as the pruning literature does.
    pub fn layer_alone(measure: Measure) -> Self {
        Self { measure, accumulation: Accumulation::None, ..Self::soft() }
    }

    /// Structured OBS: each layer keeps what its outputs need and the other channels cannot explain, the outputs weighted
    /// by how much they matter themselves. Channels go until a layer's relative error would exceed 4 %.
    pub fn obs() -> Self {
        let threshold = Threshold { alpha: 0.0, beta: 0.04 };
        Self { measure: Measure::Obs, conv: threshold, linear: threshold, ..Self::soft() }
    }

    /// The preset called `name`.
    ///
    /// # Errors
    /// [`FormulationError::UnknownPreset`], which lists the presets.
    pub fn preset(name: &str) -> Result<Self, FormulationError> {
        match name {
            "graph" => Ok(Self::graph()),
            "model-lego" => Ok(Self::model_lego()),
            "soft" => Ok(Self::soft()),
            "obs" => Ok(Self::obs()),
            _ => {
                let called = |(other, measure): &&(&str, Measure)| *other == name && measure.preset().is_some();
                let measure = Measure::ALL.iter().find(called).map(|&(_, measure)| Self::layer_alone(measure));
                measure.ok_or_else(|| FormulationError::UnknownPreset { name: name.into() })
            }
        }
    }
}
