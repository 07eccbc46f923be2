//! What a study finds: runs that were measured, and runs that are not to be had.

use super::flags::Flags;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Record {
    /// A component.
    Component(ComponentRun),
    /// An assembled model.
    Assembly(AssemblyRun),
}

/// How one component was made and what it is worth. Accuracies are percent of the task's test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentRun {
    /// Which run it is of.
    pub run: ComponentSettings,
    /// Numbers that the model has.
    pub parameters: u64,
    /// Multiply-adds of one image.
    pub macs: u64,
    /// Those of the source.
    pub source_parameters: u64,
    /// Those of the source.
    pub source_macs: u64,
    /// Test images of the task.
    pub images: usize,
    /// The source, choosing among all its categories.
    pub base: f64,
    /// The source, choosing among the task's.
    pub base_restricted: f64,
    /// The component, choosing among the task's.
    pub accuracy: f64,
    /// For a single category: the area under the ROC curve of its logit, in percent, over all test images.
    pub auroc: Option<f64>,
    /// The same of the source's logit.
    pub source_auroc: Option<f64>,
    /// Which of the formulations that compete was taken, where counts were chosen.
    #[serde(default)]
    pub winner: Option<String>,
    /// How the chosen counts were found, where a budget was given.
    pub strategy: Option<String>,
    /// The loss of the plan on the choice images when it was chosen.
    #[serde(default, rename = "held_out_loss")]
    pub choice_loss: Option<f64>,
    /// Which of the test images are told right.
    #[serde(default)]
    pub right: Flags,
    /// Train images that repaired it.
    pub calibration_images: usize,
    /// How long the steps took.
    pub seconds: Seconds,
    /// The largest resident memory of the process so far, in MiB.
    pub peak_mib: Option<f64>,
}

/// What tells one component run from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ComponentSettings {
    /// The source, as the recipe calls it.
    pub source: String,
    /// The task, as the recipe writes it.
    pub task: String,
    /// What decided, or what competed.
    pub formulation: String,
    /// What made up for the cut.
    pub repair: String,
    /// The budget, as the recipe writes it.
    pub budget: String,
    /// `chosen`, `uniform`, or `as FORMULATION`: with the counts of that run.
    pub counts: String,
    /// Whether all of the source's logits stay.
    pub all_logits: bool,
    /// What drew the images.
    pub seed: u64,
}

/// How long the steps of a run took; steps that several runs share are told with each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Picking the surest images.
    pub select: f64,
    /// Attributing.
    pub attribute: f64,
    /// Choosing what stays.
    pub choose: f64,
    /// Repairing.
    pub repair: f64,
}

/// How one model was assembled and what it is worth on the test images of all its components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssemblyRun {
    /// Which run it is of.
    pub run: AssemblySettings,
    /// Numbers that the model has.
    pub parameters: u64,
    /// Multiply-adds of one image.
    pub macs: u64,
    /// Those of all sources together.
    pub source_parameters: u64,
    /// Test images.
    pub images: usize,
    /// Percent, choosing among all categories of all components.
    pub accuracy: f64,
    /// The mean of the categories' own accuracies, which does not depend on how many test images each has; absent in
    /// records of older versions.
    #[serde(default)]
    pub balanced: Option<f64>,
    /// Percent, every image's own component choosing among its categories.
    pub bound: f64,
    /// Train images that calibrated the logits.
    pub rescaling_images: usize,
    /// How long the rescaling took.
    pub seconds: f64,
}

/// What tells one assembly run from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AssemblySettings {
    /// `SOURCE TASK` of every component, joined by ` + `.
    pub components: String,
    /// Absent for uncut sources.
    pub formulation: Option<String>,
    /// What made up for the cut.
    pub repair: String,
    /// `uncut` for uncut sources.
    pub budget: String,
    /// How the logits were brought to one scale.
    pub rescaling: String,
    /// The most train images of a category that calibrate.
    pub rescaling_images: usize,
    /// What drew the images.
    pub seed: u64,
}

/// What tells one run from all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Run {
    /// Of a component.
    Component(ComponentSettings),
    /// Of an assembled model.
    Assembly(AssemblySettings),
}

/// A run that is not to be had. It is not kept for the next call, which tries again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename = "failure")]
pub struct Failure {
    /// Which run.
    pub run: Run,
    /// Why not.
    pub reason: String,
}

/// What a study answers about one run.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome<'a> {
    /// It was measured.
    Done(&'a Record),
    /// It is not to be had.
    Failed(&'a Failure),
}

impl Record {
    /// Which run it is of.
    pub fn run(&self) -> Run {
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
