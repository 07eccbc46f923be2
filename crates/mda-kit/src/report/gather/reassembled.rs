//! What an assembled model is compared with: components of the same size whose channels were chosen otherwise, joined again.

use super::scores::OTHERS;
use super::tested::Tested;
use crate::assemble::{Calibration, Joint, Part};
use crate::data::Data;
use crate::error::Error;
use crate::progress::Progress;
use crate::report::subject::{PartOf, Subject};
use crate::report::value::{Row, Score};
use mda_core::Model;
use mda_core::assemble::{Form, assemble};
use mda_core::evaluate::Evaluation;
use mda_core::model::provenance::Provenance;
use mda_core::rescale::Rescaling;
use mda_core::run::{LabelledLogits, Runner};

/// How the logits of a model were brought to one scale.
#[derive(Clone, Copy)]
struct Recorded {
    rescaling: Rescaling,
    calibration: Calibration,
}

/// A row for each of [`OTHERS`]: `others` are the components of each part, in their order. None where the model does not tell how it
/// was assembled.
pub(super) fn rows(
    subject: &Subject<'_>,
    tested: &Tested<'_>,
    others: &[Vec<Model>],
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<Vec<Row>, Error> {
    let data: Vec<&Data> = subject.parts.iter().filter_map(|part| part.data).collect();
    let Some(recorded) = recorded(subject.model).filter(|_| data.len() == subject.parts.len()) else {
        return Ok(Vec::new());
    };
    let step = "assembling other cuts of the same size";
    progress.step_of(step, OTHERS.len() as u64, |headway| {
        let mut rows = Vec::new();
        for (index, (_, what)) in OTHERS.into_iter().enumerate() {
            let parts = subject.parts.iter().zip(others).map(|(part, others)| renamed(subject, part, &others[index]));
            let parts = parts.collect::<Result<Vec<Part>, Error>>()?;
            let joint = Joint { data: &data, progress };
            let (parts, _) = match recorded.rescaling {
                Rescaling::None => (parts, None),
                rescaling => joint.rescale(runner, &parts, rescaling, recorded.calibration)?,
            };
            let components: Vec<&Model> = parts.iter().map(|part| &part.model).collect();
            let model = assemble(subject.model.name(), &components, Form::Parallel)?;
            rows.push(Row { what: what.to_owned(), own: false, score: score(&model, subject, tested, runner)? });
            headway.add(1);
        }
        Ok(rows)
    })
}

/// How `model` was assembled, as far as it is told: its prior is taken for the usual one.
fn recorded(model: &Model) -> Option<Recorded> {
    let Some(Provenance::Assembled { rescaling, fitted_on, .. }) = model.provenance() else { return None };
    let (rescaling, _) = *Rescaling::ALL.iter().find(|(known, _)| known.name() == rescaling)?;
    let usual = Calibration::default();
    let images = fitted_on.as_ref().map_or(0, |fitted| fitted.images);
    let calibration = Calibration {
        per_category: images.div_ceil(model.categories().len().max(1)).max(1),
        seed: fitted_on.as_ref().and_then(|fitted| fitted.seed).unwrap_or(usual.seed),
        ..usual
    };
    Some(Recorded { rescaling, calibration })
}

/// Another component in the place of a part: under its names, and with what it tells of the images that made it.
fn renamed(subject: &Subject<'_>, part: &PartOf<'_>, other: &Model) -> Result<Part, Error> {
    let model = other.clone().with_categories(subject.model.categories()[part.block.clone()].to_vec())?;
    let model = match &part.origin {
        Some(origin) => model.with_provenance(Provenance::Component(origin.clone())),
        None => model,
    };
    let data_names = match part.data {
        Some(data) => part.known_as(data.train()?),
        None => Vec::new(),
    };
    Ok(Part { model: model.with_name(part.name.clone()), data_names })
}

fn score(model: &Model, subject: &Subject<'_>, tested: &Tested<'_>, runner: &Runner<'_>) -> Result<Score, Error> {
    let mut runs = Vec::new();
    for (part, test) in subject.parts.iter().zip(&tested.parts) {
        if let Some(test) = test {
            let run = runner.logits(model, &test.images, &test.positions)?;
            runs.push(part.labels(&test.images)?.relabel(&run));
        }
    }
    let all = LabelledLogits::joined(runs).expect("one model has one number of logits");
    let accuracy = Evaluation::new(all).overall();
    Ok(Score::of(accuracy.correct, accuracy.total))
}
