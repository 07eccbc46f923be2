//! Formulations as people write them: `graph,accumulation=soft,conv.alpha=0.2`.

use super::{Accumulation, Formulation, FormulationError, Measure, Normalization, Propagation, Threshold, presets};
use std::fmt;
use std::str::FromStr;

/// What can be changed behind a preset; `alpha` and `beta` set both kinds of layers.
pub(super) const KEYS: [&str; 11] = [
    "measure",
    "seed",
    "normalization",
    "accumulation",
    "propagation",
    "conv.alpha",
    "conv.beta",
    "linear.alpha",
    "linear.beta",
    "alpha",
    "beta",
];

const NORMALIZATIONS: [(&str, Normalization); 3] =
    [("min-max", Normalization::MinMax), ("max", Normalization::Max), ("none", Normalization::None)];
const ACCUMULATIONS: [(&str, Accumulation); 3] =
    [("hard", Accumulation::Hard), ("soft", Accumulation::Soft), ("none", Accumulation::None)];
const PROPAGATIONS: [(&str, Propagation); 2] = [("graph", Propagation::Graph), ("reset", Propagation::Reset)];

impl FromStr for Formulation {
    type Err = FormulationError;

    fn from_str(text: &str) -> Result<Self, FormulationError> {
        let mut parts = text.split(',').map(str::trim);
        let mut formulation = Self::preset(parts.next().unwrap_or_default())?;
        for part in parts {
            let (key, value) =
                part.split_once('=').ok_or_else(|| FormulationError::NotAChange { text: part.into() })?;
            formulation.set(key.trim(), value.trim())?;
        }
        formulation.check()?;
        Ok(formulation)
    }
}

impl Formulation {
    fn set(&mut self, key: &str, value: &str) -> Result<(), FormulationError> {
        match key {
            "measure" => self.measure = named(key, value, Measure::ALL)?,
            "seed" => match &mut self.measure {
                Measure::Random { seed } => *seed = number(key, value, "a whole number")?,
                _ => return Err(wrong(key, value, "no value unless the measure is random")),
            },
            "normalization" => self.normalization = named(key, value, &NORMALIZATIONS)?,
            "accumulation" => self.accumulation = named(key, value, &ACCUMULATIONS)?,
            "propagation" => self.propagation = named(key, value, &PROPAGATIONS)?,
            _ => {
                let threshold = number(key, value, "a number in 0.0..1.0");
                let fields = self.thresholds(key).ok_or_else(|| FormulationError::UnknownKey { key: key.into() })?;
                for field in fields {
                    *field = threshold.clone()?;
                }
            }
        }
        Ok(())
    }

    fn thresholds(&mut self, key: &str) -> Option<Vec<&mut f32>> {
        let Self { conv, linear, .. } = self;
        match key {
            "conv.alpha" => Some(vec![&mut conv.alpha]),
            "conv.beta" => Some(vec![&mut conv.beta]),
            "linear.alpha" => Some(vec![&mut linear.alpha]),
            "linear.beta" => Some(vec![&mut linear.beta]),
            "alpha" => Some(vec![&mut conv.alpha, &mut linear.alpha]),
            "beta" => Some(vec![&mut conv.beta, &mut linear.beta]),
            _ => None,
        }
    }

    /// Keys and values that make this formulation of any preset.
    fn entries(&self) -> Vec<(&'static str, String)> {
        let Threshold { alpha, beta } = self.conv;
        let mut entries = vec![
            ("measure", self.measure.name().into()),
            ("normalization", name_of(self.normalization, &NORMALIZATIONS).into()),
            ("accumulation", name_of(self.accumulation, &ACCUMULATIONS).into()),
            ("propagation", name_of(self.propagation, &PROPAGATIONS).into()),
            ("conv.alpha", alpha.to_string()),
            ("conv.beta", beta.to_string()),
            ("linear.alpha", self.linear.alpha.to_string()),
            ("linear.beta", self.linear.beta.to_string()),
        ];
        if let Measure::Random { seed } = self.measure {
            entries.insert(1, ("seed", seed.to_string()));
        }
        entries
    }
}

impl fmt::Display for Formulation {
    /// The preset that needs the fewest changes, and these.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.entries();
        let changes = |name: &str| -> Vec<String> {
            let preset = Self::preset(name).map(|preset| preset.entries()).unwrap_or_default();
            let changed = own.iter().filter(|entry| !preset.contains(entry));
            changed.map(|(key, value)| format!("{key}={value}")).collect()
        };
        let candidates = presets().map(|(name, _)| (name, changes(name)));
        let best = candidates.min_by_key(|(_, changes)| changes.len());
        let (name, changes) = best.unwrap_or_default();
        f.write_str(name)?;
        changes.iter().try_for_each(|change| write!(f, ",{change}"))
    }
}

fn wrong(key: &str, value: &str, expected: &str) -> FormulationError {
    FormulationError::Value { key: key.into(), expected: expected.into(), value: value.into() }
}

fn number<T: FromStr>(key: &str, value: &str, expected: &str) -> Result<T, FormulationError> {
    value.parse().map_err(|_| wrong(key, value, expected))
}

fn named<T: Copy>(key: &str, value: &str, all: &[(&str, T)]) -> Result<T, FormulationError> {
    let found = all.iter().find(|(name, _)| *name == value).map(|&(_, value)| value);
    found.ok_or_else(|| wrong(key, value, &all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
}

fn name_of<T: PartialEq>(value: T, all: &[(&'static str, T)]) -> &'static str {
    all.iter().find(|(_, other)| *other == value).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_with_changes() {
        let formulation: Formulation = "graph, accumulation=soft,conv.alpha=0.2".parse().unwrap();
        let mut expected = Formulation::graph();
        expected.accumulation = Accumulation::Soft;
        expected.conv.alpha = 0.2;
        assert_eq!(formulation, expected);
        assert_eq!(formulation.to_string(), "graph,accumulation=soft,conv.alpha=0.2");
    }

    #[test]
    fn every_formulation_reads_back_what_it_writes() {
        let changed = ["random,seed=7", "taylor,beta=0.5,normalization=max", "l1,measure=random,seed=3,alpha=0.125"];
        for text in presets().map(|(name, _)| name).chain(changed) {
            let formulation: Formulation = text.parse().unwrap();
            assert_eq!(formulation.to_string().parse::<Formulation>().unwrap(), formulation, "{text}");
            let json = serde_json::to_string(&formulation).unwrap();
            assert_eq!(serde_json::from_str::<Formulation>(&json).unwrap(), formulation, "{text}");
        }
        assert_eq!(Formulation::model_lego().to_string(), "model-lego");
    }

    #[test]
    fn mistakes_say_what_there_is() {
        let error = |text: &str| text.parse::<Formulation>().unwrap_err().to_string();
        assert!(error("gaph").contains("model-lego"));
        assert!(error("graph,soft").contains("key=value"));
        assert!(error("graph,gamma=1").contains("conv.alpha"));
        assert!(error("graph,accumulation=weak").contains("hard, soft, none"));
        assert!(error("graph,alpha=x").contains("0.0..1.0"));
        assert!(error("graph,beta=1.5").contains("0.0..1.0"));
        assert!(error("graph,seed=1").contains("random"));
    }
}
