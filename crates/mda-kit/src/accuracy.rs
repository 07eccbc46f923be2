//! What components are worth on test images, beside their source.

use crate::data::{Data, match_labels};
use crate::disassemble::Component;
use crate::error::Error;
use crate::progress::{Progress, Silent, Stoppable};
use crate::runtime::Runtime;
use crate::source::Source;
use mda_core::Model;
use mda_core::evaluate::LabelMap;
use mda_core::evaluate::{Accuracy, auroc};
use mda_core::model::task::Task;
use mda_core::run::ImageSource;
use mda_core::run::{LabelledLogits, Runner};
use serde::Serialize;

/// Accuracies in percent over the test images of a task.
#[derive(Clone, Debug, Serialize)]
pub struct Accuracies {
    /// How many images.
    pub images: usize,
    /// The source, choosing among all its categories.
    pub base: f64,
    /// The source, choosing among the task's.
    pub base_restricted: f64,
    /// The component before repair, choosing among all its logits.
    pub as_cut: f64,
    /// The component before repair, choosing among the task's.
    pub as_cut_restricted: f64,
    /// The component, choosing among all its logits.
    pub component: f64,
    /// The component, choosing among the task's.
    pub component_restricted: f64,
    /// Where the task is one category and the data has images of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub areas: Option<Areas>,
    /// Whether the task has several categories to choose among; one alone is always chosen.
    #[serde(skip)]
    pub task_chooses: bool,
    /// Whether the component has several logits.
    #[serde(skip)]
    pub component_chooses: bool,
}

/// Areas under the ROC curve, in percent, of the logit of a task's only category over all test images.
#[derive(Clone, Debug, Serialize)]
pub struct Areas {
    /// Of the source.
    pub source: f64,
    /// Of the component before repair.
    pub as_cut: f64,
    /// Of the component.
    pub component: f64,
}

impl Component {
    /// Measures the component and its source on the test images.
    ///
    /// # Errors
    /// [`Error::Labels`] where the data lacks a category of the task, [`Error::Run`], and as [`Data::test`].
    pub fn measure(&self, source: &Source, data: &Data, runtime: &Runtime) -> Result<Accuracies, Error> {
        self.measured(source, data, &runtime.runner(), &Silent)
    }

    pub(crate) fn measured(
        &self,
        source: &Source,
        data: &Data,
        runner: &Runner<'_>,
        progress: &dyn Progress,
    ) -> Result<Accuracies, Error> {
        let (source, task) = (source.model(), &self.task);
        let test = &Stoppable { images: data.test()?, progress };
        let labels = &match_labels(test, source.categories())?;
        let own = labels.positions(test.labels(), task, test.categories(), source.categories())?.len();
        // Areas are of all images.
        let images = if task.len() == 1 { own + test.labels().len() } else { own };
        let models = [source, &self.cut.model, &self.model];
        let macs = images as u64 * models.map(|model| model.size().macs).iter().sum::<u64>();
        progress.running("measuring on test images", runner, macs, |runner, _| {
            Subject { runner, source, test, labels, task }.measure(&self.cut.model, &self.model)
        })
    }
}

/// A task of a source, and test images.
struct Subject<'a> {
    runner: &'a Runner<'a>,
    source: &'a Model,
    test: &'a dyn ImageSource,
    labels: &'a LabelMap,
    task: &'a Task,
}

impl Subject<'_> {
    fn measure(&self, cut: &Model, repaired: &Model) -> Result<Accuracies, Error> {
        let Self { runner, source, test, labels, task } = *self;
        let positions = labels.positions(test.labels(), task, test.categories(), source.categories())?;
        let base = labels.evaluation(&runner.logits(source, test, &positions)?);
        let accuracies = |component: &Model| -> Result<[f64; 2], Error> {
            let own = LabelMap::by_name(test.categories(), component.categories())?;
            let evaluation = own.evaluation(&runner.logits(component, test, &positions)?);
            let own_task = own_categories(component, source, task);
            Ok([evaluation.among(&own_task).percent(), evaluation.within(&own_task).percent()])
        };
        let [as_cut, as_cut_restricted] = accuracies(cut)?;
        let [component, component_restricted] = accuracies(repaired)?;
        Ok(Accuracies {
            areas: self.areas(cut, repaired)?,
            images: positions.len(),
            base: base.among(task).percent(),
            base_restricted: base.within(task).percent(),
            as_cut,
            as_cut_restricted,
            component,
            component_restricted,
            task_chooses: task.len() > 1,
            component_chooses: repaired.categories().len() > 1,
        })
    }

    fn areas(&self, cut: &Model, repaired: &Model) -> Result<Option<Areas>, Error> {
        let [category] = self.task[..] else { return Ok(None) };
        let all: Vec<usize> = (0..self.test.labels().len()).collect();
        let of = |model: &Model| -> Result<Option<f64>, Error> {
            let logit = own_categories(model, self.source, self.task).first().copied().unwrap_or(category);
            Ok(area(&self.runner.logits(model, self.test, &all)?, self.labels, logit, category))
        };
        let areas = of(self.source)?.zip(of(cut)?).zip(of(repaired)?);
        Ok(areas.map(|((source, as_cut), component)| Areas { source, as_cut, component }))
    }
}

/// The accuracy of `model` over the test images of its own categories, choosing among these.
///
/// # Errors
/// [`Error::Labels`] where the data has no image of a category, [`Error::Run`], and as [`Data::test`].
pub fn of_own(model: &Model, data: &Data, runtime: &Runtime) -> Result<Accuracy, Error> {
    let test = data.test()?;
    let labels = match_labels(test, model.categories())?;
    let own = Task::new(0..model.categories().len()).expect("a valid graph has a logit");
    let positions = labels.positions(test.labels(), &own, test.categories(), model.categories())?;
    Ok(labels.evaluation(&runtime.runner().logits(model, test, &positions)?).within(&own))
}

/// The categories of `component` that are those of the source's task.
pub fn own_categories(component: &Model, source: &Model, task: &Task) -> Vec<usize> {
    let is_own = |name: &String| task.iter().any(|&category| source.categories()[category] == *name);
    let names = component.categories().iter().enumerate();
    names.filter(|(_, name)| is_own(name)).map(|(category, _)| category).collect()
}

/// The area under the ROC curve, in percent, of logit `logit` for telling the images of the source's category `category`,
/// as `labels` have it, from all others; `None` where there are images of one kind only.
pub fn area(run: &LabelledLogits, labels: &LabelMap, logit: usize, category: usize) -> Option<f64> {
    let scores: Vec<f32> = (0..run.labels.len()).map(|n| run.logits.row(n)[logit]).collect();
    let is_own: Vec<bool> = run.labels.iter().map(|&label| labels.category(label) == Some(category)).collect();
    auroc(&scores, &is_own).map(|area| 100.0 * area)
}
