//! Formulations that compete: within a budget, choice images tell which of them serves a task best.

use super::{Formulation, FormulationError};
use std::fmt;
use std::str::FromStr;

/// Between the formulations of a competition, as people write it: `obs+taylor,normalization=max`.
const AND: char = '+';
/// The name of [`Competition::Auto`].
const AUTO: &str = "auto";
/// No formulation is the best for every task and size. Where layers stay as they were cut, trying one takes no more than a
/// look at the images, so all compete but the control and the code that is there for comparison.
const AS_CUT: [&str; 9] = ["obs", "graph", "soft", "frat", "mean-activation", "l1", "fpgm", "hrank", "taylor"];
/// Where layers are refitted after the cut, those that were ahead of the others somewhere.
const REFITTED: [&str; 4] = ["obs", "taylor", "soft", "fpgm"];

/// Fewer choice images than this do not tell which formulation is better for refitted components, so choosing between them
/// is worse than not to choose (docs/src/results.md); without refitting the differences are plain to see.
pub const ENOUGH_IMAGES: usize = 500;

/// One formulation or several. Only a budget can compare several of them, at equal size; without one the first decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Competition {
    /// The default: structured OBS, and what is ahead of it on some tasks.
    #[default]
    Auto,
    /// These, the first one first; at least one.
    Among(Vec<Formulation>),
}

impl Competition {
    /// What competes, at least one formulation: `refitted` says whether the layers of a component will be refitted, `images`
    /// how many choice images decide. Of [`Self::Auto`] only the first where they are fewer than [`ENOUGH_IMAGES`].
    pub fn formulations(&self, refitted: bool, images: usize) -> Vec<Formulation> {
        match self {
            Self::Auto => {
                let names: &[&str] = match refitted {
                    true if images < ENOUGH_IMAGES => &REFITTED[..1],
                    true => &REFITTED,
                    false => &AS_CUT,
                };
                names.iter().filter_map(|name| Formulation::preset(name).ok()).collect()
            }
            Self::Among(formulations) => formulations.clone(),
        }
    }

    /// The one that decides where nothing compares them.
    pub fn first(&self) -> Formulation {
        match self {
            Self::Among(formulations) if !formulations.is_empty() => formulations[0].clone(),
            _ => Formulation::obs(),
        }
    }
}

impl FromStr for Competition {
    type Err = FormulationError;

    fn from_str(text: &str) -> Result<Self, FormulationError> {
        if text.trim() == AUTO {
            return Ok(Self::Auto);
        }
        Ok(Self::Among(text.split(AND).map(str::parse).collect::<Result<_, _>>()?))
    }
}

impl fmt::Display for Competition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Among(formulations) = self else { return f.write_str(AUTO) };
        let names: Vec<String> = formulations.iter().map(Formulation::to_string).collect();
        f.write_str(&names.join(&AND.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn competitions_read_back_what_they_write() {
        for text in ["auto", "obs", "obs+l1", "taylor,normalization=max+graph,conv.alpha=0.2"] {
            let competition: Competition = text.parse().unwrap();
            assert_eq!(competition.to_string(), text);
            assert_eq!(competition.to_string().parse::<Competition>().unwrap(), competition);
        }
    }

    #[test]
    fn the_standard_names_are_presets_and_obs_comes_first() {
        let rings = [(true, 499, &REFITTED[..1]), (true, 500, &REFITTED[..]), (false, 0, &AS_CUT[..])];
        for (refitted, images, names) in rings {
            let formulations = Competition::Auto.formulations(refitted, images);
            assert_eq!(formulations.iter().map(Formulation::to_string).collect::<Vec<_>>(), names);
            assert_eq!(formulations[0], Competition::Auto.first());
        }
    }

    #[test]
    fn mistakes_name_the_formulation() {
        for text in ["", "obs+", "obs+gaph", "auto+obs"] {
            let message = text.parse::<Competition>().unwrap_err().to_string();
            assert!(message.contains("no formulation is called"), "{message}");
        }
    }
}
