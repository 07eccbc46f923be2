//! The network before and after, layer by layer.

use crate::error::Error;
use crate::progress::Progress;
use crate::report::remade::Remade;
use crate::report::subject::PartOf;
use crate::report::value::Layer;
use mda_core::Model;
use mda_core::budget::Explanation;
use mda_core::cut::Component as Cut;
use mda_core::graph::{NodeId, ValidGraph, layers as layers_of};
use mda_core::method::Repair;
use mda_core::repair::{LayerRepair, repair};
use mda_core::run::Runner;
use mda_data::Role;

pub(super) fn layers(
    part: &PartOf<'_>,
    made: &Remade<'_>,
    model: &Model,
    explanation: Option<&Explanation>,
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Layer>, Error> {
    let errors = match part.component {
        Some(component) if !component.repaired.is_empty() => component.repaired.clone(),
        _ => errors(made, model, runner, progress)?,
    };
    let (before, after) = (made.source.graph(), model.graph());
    let layer = |id: NodeId| {
        let node = before.node(id);
        let own = after.find(&node.name);
        let site = explanation.and_then(|explanation| {
            explanation.sites.iter().find(|site| site.layers.split(" + ").any(|name| name == node.name))
        });
        Layer {
            name: node.name.clone(),
            kept: made.cut.plan.kept(id).len(),
            of: node.shape.channels(),
            parameters: (own.map_or(0, |own| trained(after, own)), trained(before, id)),
            macs: (own.map_or(0, |own| after.macs(own)), before.macs(id)),
            errors: errors.iter().find(|error| error.layer == node.name).map(|error| (error.before, error.after)),
            foreseen: explanation.is_some_and(|explanation| explanation.chosen.predicted.is_some()),
            losses: site.map(|site| site.losses.clone()).unwrap_or_default(),
            tied: site.map(|site| site.layers.clone()).filter(|layers| layers.contains(" + ")),
        }
    };
    Ok(layers_of(before).map(layer).collect())
}

fn trained(graph: &ValidGraph, id: NodeId) -> u64 {
    let specs = graph.parameter_specs(id).into_iter().filter(|spec| spec.trained);
    specs.map(|spec| spec.shape.iter().product::<usize>() as u64).sum()
}

/// How far the layers are from what the source computes, as they were cut and as they are, on images that
/// chose settings.
fn errors(
    made: &Remade<'_>,
    model: &Model,
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<Vec<LayerRepair>, Error> {
    made.with_job(runner, progress, |job| {
        let held_out = job.images.of(Role::Tuning, usize::MAX);
        if held_out.is_empty() {
            return Ok(Vec::new());
        }
        // Repairing by nothing only compares.
        let compare = |model: &Model| {
            let component = Cut { model: model.clone(), plan: made.cut.plan.clone() };
            repair(job.runner, made.source, &component, &made.train, &[], &held_out, &Repair::None)
        };
        let (cut, own) = (compare(&made.cut.model)?.layers, compare(model)?.layers);
        let both = |(cut, own): (LayerRepair, LayerRepair)| LayerRepair { before: cut.before, ..own };
        Ok(cut.into_iter().zip(own).map(both).collect())
    })
}
