//! A component made again as far as its origin tells: its plan, its parts of the train images, its formulation and repair.

use super::subject::PartOf;
use crate::data::match_labels;
use crate::disassemble::{Job, TaskImages};
use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use mda_core::cut::{Component as Cut, KeepPlan, Logits, cut};
use mda_core::evaluate::LabelMap;
use mda_core::graph::ValidGraph;
use mda_core::method::{Formulation, Repair};
use mda_core::model::provenance::{ComponentOrigin, PartsRecord};
use mda_core::model::task::Task;
use mda_core::run::Runner;
use mda_data::{PartSizes, Parts, Role};

/// What a component was made of.
pub(super) struct Remade<'a> {
    pub(super) train: Stoppable<'a>,
    pub(super) source: &'a mda_core::Model,
    pub(super) origin: &'a ComponentOrigin,
    pub(super) task: Task,
    pub(super) cut: Cut,
    pub(super) formulation: Formulation,
    pub(super) repair: Repair,
    pub(super) logits: Logits,
    pub(super) parts: Parts,
    labels: LabelMap,
}

impl<'a> Remade<'a> {
    /// The component of `part`; `Err` says in a sentence why it cannot be made again.
    ///
    /// # Errors
    /// As [`crate::Data::train`].
    pub(super) fn new(part: &'a PartOf<'a>, progress: &'a dyn Progress) -> Result<Result<Self, String>, Error> {
        let Some(origin) = &part.origin else {
            return Ok(Err(format!("{} was not cut out of a source, so there is none to compare it with.", part.name)));
        };
        let Some(source) = part.source else {
            return Ok(Err(format!(
                "This needs the model that {} was cut out of, {}: give it with --source FILE.",
                part.name, origin.source
            )));
        };
        let Some(data) = part.data else {
            return Ok(Err("This needs images: give their data set with --data PATH.".to_owned()));
        };
        let source = source.model();
        let train = Stoppable { images: data.train()?, progress };
        let labels = match match_labels(&train, source.categories()) {
            Ok(labels) => labels,
            Err(error) => return Ok(Err(format!("The data does not fit the source: {error}."))),
        };
        let made = || -> Result<_, String> {
            let formulation: Formulation = serde_json::from_value(origin.formulation.clone())
                .map_err(|error| format!("The formulation in the model's file is not known here: {error}."))?;
            let (plan, logits) = plan(source.graph(), origin)?;
            let task = Task::new(origin.task.iter().copied()).ok_or("The model's file tells no task.")?;
            let cut = cut(source, plan, &task, &formulation, origin.images_per_category)
                .map_err(|error| format!("The source given is not the one that it was cut out of: {error}."))?;
            let repair = origin.repair.as_ref().map_or(Repair::None, |record| record.repair.clone());
            Ok((task, formulation, logits, cut, repair))
        };
        let (task, formulation, logits, cut, repair) = match made() {
            Ok(made) => made,
            Err(sentence) => return Ok(Err(sentence)),
        };
        let record = origin.images.clone();
        let parts = Parts::recorded(&train, record.unwrap_or_else(|| unrecorded(origin)))?;
        Ok(Ok(Self { train, source, origin, task, cut, formulation, repair, logits, parts, labels }))
    }

    /// Does `work` as the component was made.
    pub(super) fn with_job<T>(
        &self,
        runner: &Runner<'_>,
        progress: &dyn Progress,
        work: impl FnOnce(&Job<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let images = TaskImages { source: &self.train, labels: &self.labels, parts: &self.parts, task: &self.task };
        work(&Job { runner, source: self.source, images: &images, progress, seen: None })
    }

    /// How many of the task's train images have `role`.
    pub(super) fn count(&self, role: Role) -> usize {
        let labels = mda_core::run::ImageSource::labels(&self.train);
        let in_task = |&&index: &&usize| {
            self.labels.category(labels[index]).is_some_and(|category| self.origin.task.contains(&category))
        };
        self.parts.of(role).iter().filter(in_task).count()
    }
}

/// Parts of a component that does not tell its own: the usual ones.
fn unrecorded(origin: &ComponentOrigin) -> PartsRecord {
    let seed = origin.repair.as_ref().and_then(|repair| repair.fitted_on.seed).unwrap_or(0);
    let sizes = PartSizes { attribution: Some(1000), calibration: 300 };
    let PartSizes { attribution, calibration } = sizes;
    PartsRecord { data: String::new(), seed, attribution, calibration, tuned: None, listed: Vec::new() }
}

/// The plan that `origin` tells of.
fn plan(graph: &ValidGraph, origin: &ComponentOrigin) -> Result<(KeepPlan, Logits), String> {
    let mut wanted: Vec<Vec<bool>> = Vec::new();
    for node in graph.nodes() {
        let channels = node.shape.channels();
        let own = match origin.kept.get(&node.name) {
            None => vec![true; channels],
            Some(kept) if kept.iter().all(|&channel| channel < channels) => {
                let mut own = vec![false; channels];
                kept.iter().for_each(|&channel| own[channel] = true);
                own
            }
            Some(_) => return Err(format!("The source given has no such channels in `{}`.", node.name)),
        };
        wanted.push(own);
    }
    if let Some(name) = origin.kept.keys().find(|name| graph.find(name).is_none()) {
        return Err(format!("The source given has no `{name}`, so it is not the one that it was cut out of."));
    }
    let kept: Vec<usize> = (0..graph.category_count()).filter(|&k| wanted[graph.output()][k]).collect();
    if origin.task.iter().any(|category| !kept.contains(category)) {
        return Err("The source given has not the categories that it was cut for.".to_owned());
    }
    let logits = if kept.len() > origin.task.len() { Logits::All } else { Logits::Task };
    let score: Vec<Vec<f32>> = wanted.iter().map(|own| vec![0.0; own.len()]).collect();
    Ok((KeepPlan::new(graph, &wanted, &score, &kept), logits))
}
