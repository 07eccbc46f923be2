//! How good the model is, beside what it was cut out of and beside other ways to cut as much.

use super::Gaps;
use super::tested::Tested;
use super::{reassembled, speed};
use crate::accuracy::{area, own_categories};
use crate::data::match_labels;
use crate::error::Error;
use crate::progress::{Progress, Stoppable};
use crate::report::remade::Remade;
use crate::report::subject::{PartOf, Subject};
use crate::report::value::{Group, Measure, Row, Score, Section, Verdict, Whole};
use mda_core::attribute::Selection;
use mda_core::evaluate::{Accuracy, Evaluation, LabelMap};
use mda_core::method::{Formulation, Repair};
use mda_core::model::ModelSize;
use mda_core::run::{ImageSource, Runner};
use mda_core::{Model, run::LabelledLogits};
use mda_data::Role;

/// What is cut as much as the component, in every layer, but chosen otherwise.
pub(super) const OTHERS: [(&str, &str); 2] =
    [("l1", "as small, by the largest weights (L1)"), ("random", "as small, channels at random")];

pub(super) fn verdict(
    subject: &Subject<'_>,
    tested: &Tested<'_>,
    remade: &[Option<Remade<'_>>],
    gaps: &mut Gaps,
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<Verdict, Error> {
    let model = subject.model;
    let mut groups = Vec::new();
    let measure = if subject.chooses() { Measure::Accuracy } else { Measure::Area };
    let mut others = Vec::new();
    for (index, part) in subject.parts.iter().enumerate() {
        let mut rows = own_row(subject, tested, index, runner)?;
        if let Some(made) = &remade[index] {
            let step = "comparing with the source and with other cuts of the same size";
            let images = match (&tested.parts[index], &made.task[..]) {
                (Some(test), [_]) => test.images.labels().len(),
                (test, _) => test.as_ref().map_or(0, |test| test.positions.len()),
            };
            let compared = effort(made, images, runner, progress).and_then(|effort| {
                progress.running(step, runner, effort, |runner, _| compared(made, part, runner, progress))
            });
            if let Some((own, models)) = gaps.unless_failed(Section::Verdict, compared)? {
                rows.extend(own);
                others.push(models);
            }
        }
        if !rows.is_empty() {
            let of = match (subject.parts.len(), part.block.len()) {
                (1, _) => "Test images of its categories".into(),
                (_, 1) => format!("Test images of {}, told from all else (area under the ROC curve)", part.name),
                _ => format!("Test images of {}, choosing among its categories", part.name),
            };
            groups.push(Group { of, rows });
        }
    }
    if subject.parts.len() > 1 {
        let score = from(tested.all.overall());
        let mut rows = vec![Row { what: "this model".into(), own: true, score }];
        if others.len() == subject.parts.len() {
            let others = reassembled::rows(subject, tested, &others, runner, progress);
            rows.extend(gaps.unless_failed(Section::Verdict, others)?.unwrap_or_default());
        }
        groups.insert(0, Group { of: "All test images, choosing among all categories".into(), rows });
    }
    let speed = |model: &Model, test: &dyn ImageSource| speed::speed(model, test, runner).ok().flatten();
    let first = tested.parts.iter().flatten().next().map(|part| &part.images as &dyn ImageSource);
    Ok(Verdict {
        measure,
        score: groups.first().and_then(|group| group.rows.first()).map_or(Score::of(0, 0), |row| row.score),
        size: model.size(),
        speed: first.and_then(|test| speed(model, test)),
        source: whole(remade, |model| first.and_then(|test| speed(model, test))),
        groups,
    })
}

fn from(accuracy: Accuracy) -> Score {
    Score::of(accuracy.correct, accuracy.total)
}

/// What the model itself is worth on the images of one part.
fn own_row(subject: &Subject<'_>, tested: &Tested<'_>, index: usize, runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let (part, Some(test)) = (&subject.parts[index], &tested.parts[index]) else { return Ok(Vec::new()) };
    let own = |score| vec![Row { what: "this model".into(), own: true, score }];
    if part.block.len() == 1 {
        let trial = Trial { runner, test: &test.images };
        let (labels, category) = (part.labels(&test.images)?, part.block.start);
        return Ok(trial.area(subject.model, &labels, category, category)?.map_or_else(Vec::new, own));
    }
    let evaluation = Evaluation::new(test.run.clone());
    let categories: Vec<usize> = part.block.clone().collect();
    Ok(match subject.parts.len() {
        1 => own(from(evaluation.overall())),
        _ => own(from(evaluation.within(&categories))),
    })
}

/// Test images and where models run over them.
struct Trial<'a> {
    runner: &'a Runner<'a>,
    test: &'a Stoppable<'a>,
}

impl Trial<'_> {
    fn logits(&self, model: &Model, positions: &[usize]) -> Result<LabelledLogits, Error> {
        Ok(self.runner.logits(model, self.test, positions)?)
    }

    /// How well `logit` tells the images of `category` from all others; `None` where there are none.
    fn area(&self, model: &Model, labels: &LabelMap, logit: usize, category: usize) -> Result<Option<Score>, Error> {
        let all: Vec<usize> = (0..self.test.labels().len()).collect();
        let run = self.logits(model, &all)?;
        let positive = run.labels.iter().filter(|&&label| labels.category(label) == Some(category)).count();
        let area = area(&run, labels, logit, category);
        Ok(area.map(|percent| Score::area(percent, positive, run.labels.len() - positive)))
    }
}

/// The multiply-adds of [`compared`], about, with so many test images.
fn effort(made: &Remade<'_>, images: usize, runner: &Runner<'_>, progress: &dyn Progress) -> Result<u64, Error> {
    let repairing = match made.repair {
        Repair::None => 0,
        _ => made.with_job(runner, progress, |job| Ok(job.repairing(&made.cut)))?,
    };
    let others = OTHERS.len() as u64;
    let measuring = made.source.size().macs + (1 + others) * made.cut.model.size().macs;
    Ok(others * repairing + images as u64 * measuring)
}

/// The source, the component as it was cut, and what other ways to choose as many channels give; with the components of these,
/// one for each of [`OTHERS`].
fn compared(
    made: &Remade<'_>,
    part: &PartOf<'_>,
    runner: &Runner<'_>,
    progress: &dyn Progress,
) -> Result<(Vec<Row>, Vec<Model>), Error> {
    let Some(data) = part.data else { return Ok(Default::default()) };
    let (source, task) = (made.source, &made.task);
    let test = Stoppable { images: data.test()?, progress };
    let trial = Trial { runner, test: &test };
    let labels = match_labels(&test, source.categories())?;
    let positions = labels.positions(test.labels(), task, test.categories(), source.categories())?;
    let (mut rows, mut others) = (Vec::new(), Vec::new());
    let mut row = |what: &str, score: Score| rows.push(Row { what: what.to_owned(), own: false, score });
    let score = |model: &Model| -> Result<Option<Score>, Error> {
        let own = own_categories(model, source, task);
        if let ([category], [logit]) = (&task[..], own.as_slice()) {
            return trial.area(model, &labels, *logit, *category);
        }
        let map = LabelMap::by_name(test.categories(), model.categories())?;
        Ok(Some(from(map.evaluation(&trial.logits(model, &positions)?).within(&own))))
    };
    if task.len() == 1 {
        score(source)?.into_iter().for_each(|score| row("its source, for the same category", score));
    } else {
        let base = labels.evaluation(&trial.logits(source, &positions)?);
        row("its source, among these categories", from(base.within(task)));
        row("its source, among all it knows (base)", from(base.among(task)));
    }
    if made.repair != Repair::None {
        score(&made.cut.model)?.into_iter().for_each(|score| row("as it was cut, before repair", score));
    }
    for (formulation, what) in OTHERS {
        let formulation = Formulation::preset(formulation)?;
        let other = made.with_job(runner, progress, |job| {
            // These measures look at no image; one a category satisfies those who ask for them.
            let one = |(category, images): (usize, Vec<usize>)| (category, images.into_iter().take(1).collect());
            let selection = Selection::new(job.images.by_category(Role::Attribution).into_iter().map(one).collect());
            let cut = job.same_size(&formulation, made.logits, &selection, &made.cut.plan)?;
            Ok(job.repair(&made.repair, &cut)?.model)
        })?;
        score(&other)?.into_iter().for_each(|score| row(what, score));
        others.push(other);
    }
    Ok((rows, others))
}

/// Size and time of all sources together, where all are known. A source of several parts counts once.
fn whole(
    remade: &[Option<Remade<'_>>],
    speed: impl Fn(&Model) -> Option<crate::report::value::Speed>,
) -> Option<Whole> {
    let mut sources: Vec<&Model> = Vec::new();
    for made in remade {
        let source = made.as_ref()?.source;
        if !sources.iter().any(|other| std::ptr::eq(*other, source)) {
            sources.push(source);
        }
    }
    let sizes = sources.iter().map(|source| source.size());
    let size = sizes.reduce(|a, b| ModelSize { parameters: a.parameters + b.parameters, macs: a.macs + b.macs })?;
    let mut times = sources.iter().map(|source| speed(source)).collect::<Option<Vec<_>>>()?.into_iter();
    let first = times.next();
    let speed = first.map(|first| {
        times.fold(first, |a, b| crate::report::value::Speed { alone: a.alone + b.alone, many: a.many + b.many, ..a })
    });
    Some(Whole { size, speed })
}
