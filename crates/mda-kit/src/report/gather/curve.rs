//! Accuracy against size, on train images that only choose.

use crate::disassemble::{Job, Spending, quick};
use crate::error::Error;
use crate::progress::{Headway, Progress};
use crate::report::remade::Remade;
use crate::report::subject::PartOf;
use crate::report::value::Curve;
use mda_core::Model;
use mda_core::attribute::Attribution;
use mda_core::budget::{Budget, BudgetError, Explanation, Strategy};
use mda_core::cut::KeepPlan;
use mda_core::repair::repair;
use mda_core::run::Runner;
use mda_data::Role;

/// The sizes that are tried, as shares of the source's parameters.
pub(super) const SHARES: [f64; 7] = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75];

/// How many images repair a size that is only a point of the curve, at most.
const QUICK_IMAGES: usize = 500;

/// The curve, of which each of [`SHARES`] is a piece, and how layers were cut for one of its sizes, which tells how sensitive they are.
pub(super) fn swept(
    part: &PartOf<'_>,
    made: &Remade<'_>,
    model: &Model,
    runner: &Runner<'_>,
    headway: &Headway,
    progress: &dyn Progress,
) -> Result<(Curve, Explanation), Error> {
    made.with_job(runner, progress, |job| {
        let selection = match part.component {
            Some(component) => component.selection.clone(),
            None => job.select(made.origin.images_per_category.max(1))?,
        };
        let attributions = [job.attribute(&selection, &made.formulation)?];
        let strategies = &[Strategy::Sensitivity];
        let spending = Spending { repair: &made.repair, logits: made.logits, strategies, finalists: 1 };
        let budgets = |least: f64| -> Vec<Budget> {
            SHARES.into_iter().filter(|&share| share >= least).map(Budget::Params).collect()
        };
        let choices = match job.choose(&attributions, spending, &budgets(0.0)) {
            Err(Error::Budget(BudgetError::TooSmall { least, whole, .. })) => {
                // The least is an estimate from below.
                job.choose(&attributions, spending, &budgets(1.2 * least as f64 / whole.max(1) as f64))?
            }
            other => other?,
        };
        let whole = made.source.size().parameters;
        let share = |parameters: u64| 100.0 * parameters as f64 / whole.max(1) as f64;
        let positions = job.comparing();
        let accuracy = |model: &Model| -> Result<f64, Error> {
            Ok(job.images.quality(job.runner, model, job.source, &positions)?.accuracy)
        };
        let mut points = Vec::new();
        for chosen in &choices {
            let trial = &chosen.explanation.chosen;
            let reached = match trial.quality {
                Some(quality) => quality.accuracy,
                // Foreseen and not tried.
                None => accuracy(&quickly_repaired(job, made, &attributions[0], chosen.plan.clone())?)?,
            };
            points.push((share(trial.size.parameters), reached));
            headway.add(1);
        }
        let sweep = choices.into_iter().next().ok_or(Error::Budget(BudgetError::NoRanking))?.explanation;
        let explanation = part.component.and_then(|component| component.explanation.clone());
        let tried = explanation.iter().flat_map(|explanation| &explanation.trials);
        let tried = tried.filter_map(|trial| Some((share(trial.size.parameters), trial.quality?.accuracy)));
        let curve = Curve {
            images: positions.len(),
            whole: match sweep.whole {
                Some(whole) => whole.accuracy,
                None => accuracy(&job.uncut()?)?,
            },
            points,
            tried: tried.filter(|(_, accuracy)| accuracy.is_finite()).collect(),
            chosen: (share(model.size().parameters), accuracy(model)?),
        };
        Ok((curve, explanation.unwrap_or(sweep)))
    })
}

/// The component of a plan, repaired on few images.
fn quickly_repaired(
    job: &Job<'_>,
    made: &Remade<'_>,
    attribution: &Attribution,
    plan: KeepPlan,
) -> Result<Model, Error> {
    let cut = job.cut(attribution, plan)?;
    let calibration = job.images.of(Role::Calibration, (QUICK_IMAGES / made.origin.task.len().max(1)).clamp(1, 50));
    Ok(repair(job.runner, made.source, &cut, job.images.source, &calibration, &[], &quick(&made.repair))?.model)
}
