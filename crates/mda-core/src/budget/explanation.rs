//! Why a budget was spent as it was.

use super::sensitivity::Curve;
use super::site::Sites;
use super::strategy::Strategy;
use super::{Criterion, Quality};
use crate::cut::KeepPlan;
use crate::model::ModelSize;
use serde::Serialize;
use std::cmp::Ordering;
use std::fmt;

/// A plan that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trial {
    /// What says which channels of a layer stay.
    pub ranking: String,
    /// What says how many.
    pub strategy: Strategy,
    /// How large it is.
    pub size: ModelSize,
    /// What the loss is expected to rise by after a repair, where the statistics of the source tell.
    pub predicted: Option<f64>,
    /// How good it is on the caller's images, where it was tried on them.
    pub quality: Option<Quality>,
}

impl Trial {
    /// Whether it can be repaired, as far as that is known.
    pub(super) fn is_usable(&self) -> bool {
        self.quality != Some(Quality::WORST)
    }

    /// The better one first: usable before not, tried before not, then by the criterion; what is alike in
    /// that by the other of the two; then by what was predicted, and by its size.
    pub(super) fn before(&self, other: &Self, criterion: Criterion) -> Ordering {
        let usable = other.is_usable().cmp(&self.is_usable());
        let tried = other.quality.is_some().cmp(&self.quality.is_some());
        let of_both = self.quality.zip(other.quality).map(|(own, others)| {
            let loss = own.loss.total_cmp(&others.loss);
            let accuracy = others.accuracy.total_cmp(&own.accuracy);
            match criterion {
                Criterion::Loss => loss.then(accuracy),
                Criterion::Accuracy => accuracy.then(loss),
            }
        });
        let predicted = self.predicted.zip(other.predicted).map(|(own, others)| own.total_cmp(&others));
        let quality = of_both.unwrap_or(Ordering::Equal).then(predicted.unwrap_or(Ordering::Equal));
        usable.then(tried).then(quality).then(self.size.parameters.cmp(&other.size.parameters))
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
    /// The loss with this site alone cut, or what it is expected to rise by after a repair where that was predicted, by how many
    /// stay: ascending, the last one uncut; empty where no strategy asks for it.
    pub losses: Vec<(usize, f64)>,
}

/// The whole choice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The budget, in words.
    pub budget: String,
    /// The source's size.
    pub source: ModelSize,
    /// What the uncut source is worth within the task, where a drop against it was asked for.
    pub whole: Option<Quality>,
    /// The choice at every site, from the images on.
    pub sites: Vec<SiteChoice>,
    /// The trial that was chosen.
    pub chosen: Trial,
    /// All plans that were tried, the best first.
    pub trials: Vec<Trial>,
}

pub(super) fn sites(sites: &Sites<'_>, curves: &[Curve], plan: &KeepPlan) -> Vec<SiteChoice> {
    let losses = |site: usize| curves.get(site).map(Curve::thinned).unwrap_or_default();
    let choice = |(index, (site, kept)): (usize, (&super::site::Site, usize))| SiteChoice {
        layers: site.name.clone(),
        total: site.classes.len(),
        kept,
        losses: losses(index),
    };
    sites.sites.iter().zip(sites.counts_of(plan)).enumerate().map(choice).collect()
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
        let sizes = |size: ModelSize| {
            let macs = share(size.macs, self.source.macs);
            format!("{:5.1} % of parameters, {macs:5.1} % of MACs", share(size.parameters, self.source.parameters))
        };
        let uncut = |whole: Quality| format!("; uncut within the task: {:.2} %", whole.accuracy);
        writeln!(f, "budget: {}{}", self.budget, self.whole.map(uncut).unwrap_or_default())?;
        for trial in &self.trials {
            let mark = if *trial == self.chosen { '*' } else { ' ' };
            let worth = |Quality { accuracy, loss }: Quality| match trial.is_usable() {
                true => format!("{accuracy:6.2} %, loss {loss:.4}"),
                false => "cannot be repaired".into(),
            };
            let Trial { ranking, strategy, size, .. } = trial;
            write!(f, "{mark} {}: {ranking}, {strategy}", sizes(*size))?;
            if let Some(predicted) = trial.predicted {
                write!(f, "; expected to cost a loss of {predicted:.4}")?;
            }
            if let Some(quality) = trial.quality {
                write!(f, "; after a quick repair {}", worth(quality).trim_start())?;
            }
            writeln!(f)?;
        }
        let width = self.sites.iter().map(|site| site.layers.len()).max().unwrap_or(0);
        for site in &self.sites {
            write!(f, "  {:width$} {:4} of {:4}", site.layers, site.kept, site.total)?;
            if !site.losses.is_empty() {
                f.write_str("; loss when cut alone:")?;
            }
            site.losses.iter().try_for_each(|(kept, loss)| write!(f, " {kept}: {loss:.4}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}
