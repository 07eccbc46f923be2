//! Why a budget was spent as it was.

use super::Quality;
use super::sensitivity::Curve;
use super::site::Sites;
use super::strategy::Strategy;
use crate::keep::KeepPlan;
use crate::model::ModelSize;
use serde::Serialize;
use std::fmt;

/// A plan that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// How it was found.
    pub strategy: Strategy,
    /// How large it is.
    pub size: ModelSize,
    /// How good it is on the caller's images.
    pub quality: Quality,
}

impl Trial {
    /// Less loss, which some hundred images tell better than they tell the accuracy; or as little, and more accurate; or
    /// alike in both, and smaller.
    pub(super) fn beats(&self, other: &Self) -> bool {
        let accuracy = self.quality.accuracy.total_cmp(&other.quality.accuracy);
        let loss = other.quality.loss.total_cmp(&self.quality.loss);
        loss.then(accuracy).then(other.size.parameters.cmp(&self.size.parameters)).is_gt()
    }
}

/// What was decided at one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SiteChoice {
    /// The layers whose filters these are.
    pub layers: String,
    /// How many channel classes there are.
    pub total: usize,
    /// How many of them stay.
    pub kept: usize,
    /// The loss with this site alone cut, by how many stay: ascending, the last one uncut.
    pub losses: Vec<(usize, f64)>,
}

/// The whole choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The budget, in words.
    pub budget: String,
    /// The source's size.
    pub source: ModelSize,
    /// What the uncut source is worth within the task.
    pub whole: Quality,
    /// The choice at every site, from the images on.
    pub sites: Vec<SiteChoice>,
    /// The trial that was chosen.
    pub chosen: Trial,
    /// All plans that were tried.
    pub trials: Vec<Trial>,
}

pub(super) fn sites(sites: &Sites<'_>, curves: &[Curve], plan: &KeepPlan) -> Vec<SiteChoice> {
    let choices = sites.sites.iter().zip(sites.counts_of(plan)).zip(curves);
    let choice = |((site, kept), curve): ((&super::site::Site, usize), &Curve)| SiteChoice {
        layers: site.name.clone(),
        total: site.classes.len(),
        kept,
        losses: curve.points().to_vec(),
    };
    choices.map(choice).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let sizes = |size: ModelSize| {
            let macs = share(size.macs, self.source.macs);
            format!("{:5.1} % of parameters, {macs:5.1} % of MACs", share(size.parameters, self.source.parameters))
        };
        writeln!(f, "budget: {}; uncut within the task: {:.2} %", self.budget, self.whole.accuracy)?;
        for trial in &self.trials {
            let mark = if *trial == self.chosen { '*' } else { ' ' };
            let Quality { accuracy, loss } = trial.quality;
            writeln!(f, "{mark} {accuracy:6.2} %, loss {loss:.4}, {}: {}", sizes(trial.size), trial.strategy)?;
        }
        let width = self.sites.iter().map(|site| site.layers.len()).max().unwrap_or(0);
        for site in &self.sites {
            write!(f, "  {:width$} {:4} of {:4}; loss when cut alone:", site.layers, site.kept, site.total)?;
            site.losses.iter().try_for_each(|(kept, loss)| write!(f, " {kept}: {loss:.4}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}
