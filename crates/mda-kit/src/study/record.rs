//! What a study finds: runs that were measured, and runs that are not to be had.

use super::flags::Flags;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One result.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Record {
    Component(ComponentRun),
    Assembly(AssemblyRun),
}

/// How one component was made and what it is worth. Accuracies are percent of the task's test images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ComponentRun {
    pub(super) run: ComponentSettings,
    pub(super) parameters: u64,
    pub(super) macs: u64,
    pub(super) source_parameters: u64,
    pub(super) source_macs: u64,
    /// Test images of the task.
    pub(super) images: usize,
    /// The source, choosing among all its categories.
    pub(super) base: f64,
    /// The source, choosing among the task's.
    pub(super) base_restricted: f64,
    /// The component, choosing among the task's.
    pub(super) accuracy: f64,
    /// For a single category: the area under the ROC curve of its logit, in percent, over all test images.
    pub(super) auroc: Option<f64>,
    /// The same of the source's logit.
    pub(super) source_auroc: Option<f64>,
    /// Which of the formulations that compete was taken, where counts were chosen.
    #[serde(default)]
    pub(super) winner: Option<String>,
    /// How the chosen counts were found, where a budget was given.
    pub(super) strategy: Option<String>,
    /// The loss of the plan on held-out train images when it was chosen.
    #[serde(default)]
    pub(super) held_out_loss: Option<f64>,
    /// Which of the test images are told right.
    #[serde(default)]
    pub(super) right: Flags,
    /// Train images that repaired it.
    pub(super) calibration_images: usize,
    pub(super) seconds: Seconds,
    /// The largest resident memory of the process so far, in MiB.
    pub(super) peak_mib: Option<f64>,
}

/// What tells one component run from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ComponentSettings {
    pub(super) source: String,
    pub(super) task: String,
    pub(super) formulation: String,
    pub(super) repair: String,
    pub(super) budget: String,
    /// `chosen`, `uniform`, or `as FORMULATION`: with the counts of that run.
    pub(super) counts: String,
    pub(super) all_logits: bool,
    pub(super) seed: u64,
}

/// How long the steps of a run took; steps that several runs share are told with each of them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Seconds {
    pub(super) select: f64,
    pub(super) attribute: f64,
    pub(super) choose: f64,
    pub(super) repair: f64,
}

/// How one model was assembled and what it is worth on the test images of all its components.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AssemblyRun {
    pub(super) run: AssemblySettings,
    pub(super) parameters: u64,
    pub(super) macs: u64,
    /// Those of all sources together.
    pub(super) source_parameters: u64,
    pub(super) images: usize,
    /// Percent, choosing among all categories of all components.
    pub(super) accuracy: f64,
    /// The mean of the categories' own accuracies, which does not depend on how many test images each has; absent in
    /// records of older versions.
    #[serde(default)]
    pub(super) balanced: Option<f64>,
    /// Percent, every image's own component choosing among its categories.
    pub(super) bound: f64,
    /// Train images that calibrated the logits.
    pub(super) rescaling_images: usize,
    pub(super) seconds: f64,
}

/// What tells one assembly run from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct AssemblySettings {
    /// `SOURCE TASK` of every component, joined by ` + `.
    pub(super) components: String,
    /// Absent for uncut sources.
    pub(super) formulation: Option<String>,
    pub(super) repair: String,
    /// `uncut` for uncut sources.
    pub(super) budget: String,
    pub(super) rescaling: String,
    /// The most train images of a category that calibrate.
    pub(super) rescaling_images: usize,
    pub(super) seed: u64,
}

/// What tells one run from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub(super) enum Run {
    Component(ComponentSettings),
    Assembly(AssemblySettings),
}

/// A run that is not to be had. It is not kept for the next call, which tries again.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename = "failure")]
pub(super) struct Failure {
    pub(super) run: Run,
    pub(super) reason: String,
}

/// What a study answers about one run.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Outcome<'a> {
    Done(&'a Record),
    Failed(&'a Failure),
}

impl Record {
    /// Which run it is of.
    pub(super) fn run(&self) -> Run {
        match self {
            Self::Component(component) => component.run.clone().into(),
            Self::Assembly(assembly) => assembly.run.clone().into(),
        }
    }
}

impl From<ComponentSettings> for Run {
    fn from(settings: ComponentSettings) -> Self {
        Self::Component(settings)
    }
}

impl From<AssemblySettings> for Run {
    fn from(settings: AssemblySettings) -> Self {
        Self::Assembly(settings)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(run) => {
                let ComponentSettings { source, task, formulation, repair, budget, counts, seed, .. } = run;
                write!(f, "{source} {task}, {formulation}, {repair}, {budget} ({counts}), seed {seed}")
            }
            Self::Assembly(run) => {
                let AssemblySettings { components, formulation, repair, budget, rescaling, seed, .. } = run;
                let formulation = formulation.as_ref().map(|name| format!("{name}, ")).unwrap_or_default();
                write!(f, "{components}, {formulation}{budget} ({repair}), {rescaling}, seed {seed}")
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.run, self.reason)
    }
}
