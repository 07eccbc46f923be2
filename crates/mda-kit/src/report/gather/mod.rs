//! Gathering what a report tells: measuring what can be measured with what was given, and saying what is missing.

mod confusion;
mod curve;
mod exciting;
mod facts;
mod layers;
mod reassembled;
mod routes;
mod scores;
mod speed;
mod tested;

use super::remade::Remade;
use super::subject::Subject;
use super::value::{Kind, Missing, Origin, Part, Report, Section, Sheets};
use super::{Reporting, pictures};
use crate::disassemble::Component;
use crate::error::Error;
use crate::runtime::Runtime;
use mda_core::model::provenance::Provenance;
use tested::Tested;

/// What is not told, as it is met.
#[derive(Default)]
struct Gaps(Vec<Missing>);

impl Gaps {
    fn add(&mut self, section: Section, sentence: impl Into<String>) {
        let missing = Missing { section, sentence: sentence.into() };
        if !self.0.contains(&missing) {
            self.0.push(missing);
        }
    }

    /// The value, or a gap where it could not be found out; being told to stop is no gap.
    fn unless_failed<T>(&mut self, section: Section, found: Result<T, Error>) -> Result<Option<T>, Error> {
        match found {
            Ok(value) => Ok(Some(value)),
            Err(Error::Cancelled(stop)) => Err(stop.into()),
            Err(error) => {
                self.add(section, format!("This could not be found out: {error}."));
                Ok(None)
            }
        }
    }
}

pub(super) fn gather(asked: &Reporting<'_>, runtime: &Runtime) -> Result<Report, Error> {
    let (subject, progress) = (Subject::new(asked)?, asked.progress);
    let mut gaps = Gaps::default();
    let runner = &runtime.runner();
    let tested = progress.running("measuring on test images", runner, Tested::effort(&subject)?, |runner, _| {
        Tested::new(&subject, runner, progress)
    })?;
    let mut remade = Vec::new();
    for part in &subject.parts {
        match Remade::new(part, progress)? {
            Ok(made) => remade.push(Some(made)),
            Err(sentence) => {
                let sections = [Section::Verdict, Section::Curve, Section::Layers];
                sections.into_iter().for_each(|section| gaps.add(section, sentence.clone()));
                remade.push(None);
            }
        }
    }
    let verdict = scores::verdict(&subject, &tested, &remade, &mut gaps, runner, progress)?;
    let mut parts = Vec::new();
    for (part, made) in subject.parts.iter().zip(&remade) {
        let mut told = Part {
            name: part.name.clone(),
            categories: subject.model.categories()[part.block.clone()].to_vec(),
            source: part.origin.as_ref().map(|origin| origin.source.clone()),
            made: facts::of_part(part, made.as_ref()),
            curve: None,
            layers: Vec::new(),
            looked_at: made.as_ref().map(facts::looked_at),
        };
        if let Some(made) = made {
            let model = match (subject.parts.len(), part.component) {
                (1, _) => subject.model.clone(),
                (_, Some(Component { model, .. })) => model.clone(),
                _ => made.with_job(runner, progress, |job| {
                    let effort = job.repairing(&made.cut);
                    job.running("repairing the parts again", effort, |job, _| {
                        Ok(job.repair(&made.repair, &made.cut)?.model)
                    })
                })?,
            };
            let swept = progress.step_of("measuring other sizes", curve::SHARES.len() as u64, |headway| {
                curve::swept(part, made, &model, runner, headway, progress)
            });
            let swept = gaps.unless_failed(Section::Curve, swept)?;
            let layers = progress.step("comparing layer by layer", || {
                layers::layers(part, made, &model, swept.as_ref().map(|(_, explanation)| explanation), runner, progress)
            });
            told.layers = gaps.unless_failed(Section::Layers, layers)?.unwrap_or_default();
            told.curve = swept.map(|(curve, _)| curve);
        }
        parts.push(told);
    }
    let routes = progress.running("following routes", runner, routes::effort(&subject), |runner, _| {
        routes::routes(&subject, runner, progress)
    });
    let (routes, train) = gaps.unless_failed(Section::Routes, routes)?.unwrap_or_default();
    let (confusion, worst) = confusion::confusion(&subject, &tested);
    let takes = (subject.parts.len() > 1).then(|| confusion::takes(&subject, &tested));
    if asked.command.is_none() {
        gaps.add(Section::Trust, "The command that made it is not in its file; what is recorded stands here.");
    }
    Ok(Report {
        name: subject.model.name().to_owned(),
        kind: match subject.model.provenance() {
            Some(Provenance::Component(_)) => Kind::Component,
            Some(Provenance::Assembled { .. }) => Kind::Assembled,
            None => Kind::Model,
        },
        categories: subject.model.categories().to_vec(),
        verdict,
        parts,
        routes,
        confusion,
        takes,
        origin: Origin { command: asked.command.clone(), facts: facts::of_model(asked, runtime) },
        missing: gaps.0,
        sheets: Sheets { train, test: pictures::sheet(&worst)? },
    })
}
