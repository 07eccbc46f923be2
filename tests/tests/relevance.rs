//! Backward accumulation on random graphs: every method answers with a plan that can be cut, or says which layer it empties.

use mda_core::Model;
use mda_core::attribute::attribute;
use mda_core::cut::SliceError;
use mda_core::cut::{Component, CutError, Logits};
use mda_core::graph::ChannelClasses;
use mda_core::method::Formulation;
use mda_core::model::task::Task;
use mda_core::run::Runner;
use mda_core::run::reference::Reference;
use mda_testkit::generate::{model_from_seed, models, random_images};
use mda_testkit::labelled::LabelledImages;
use proptest::prelude::*;

const IMAGES_PER_CATEGORY: usize = 2;

/// The component of category 0, or nothing where its thresholds empty a layer.
fn component(model: &Model, formulation: &Formulation, logits: Logits) -> Result<Option<Component>, CutError> {
    let images = random_images(model, model.categories().len() * IMAGES_PER_CATEGORY, 5);
    let source = LabelledImages::new(images, model.categories());
    let runner = Runner { backend: &Reference, device: None, batch_size: 3 };
    let attribution = attribute(&runner, model, &source, &source.selection(), formulation)?;
    match attribution.component(model, &Task::new([0]).expect("a category"), logits) {
        Ok(component) => Ok(Some(component)),
        Err(CutError::Slice { source: SliceError::EmptyLayer { .. }, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_method_cuts_a_channel_class_apart(model in models(), all_logits: bool) {
        let classes = ChannelClasses::of(model.graph());
        let logits = if all_logits { Logits::All } else { Logits::Task };
        for formulation in [Formulation::model_lego(), Formulation::soft()] {
            let component = component(&model, &formulation, logits);
            let component = component.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let Some(component) = component else { continue };
            let mut kept = classes.each(|| None);
            for value in 0..model.graph().nodes().len() {
                for (channel, &class) in classes.of_value(value).iter().enumerate() {
                    let keeps = component.plan.kept(value).binary_search(&channel).is_ok();
                    prop_assert_eq!(*kept[class].get_or_insert(keeps), keeps);
                }
            }
            let expected = if all_logits { model.categories() } else { &model.categories()[..1] };
            prop_assert_eq!(component.model.categories(), expected);
        }
    }
}

/// The property above says nothing about a model that cannot be cut, so there must not be many.
#[test]
fn most_random_models_can_be_cut() {
    let cut = |seed: &u64| component(&model_from_seed(*seed), &Formulation::soft(), Logits::Task).unwrap().is_some();
    let count = (0..60).filter(cut).count();
    assert!(count > 30, "{count} of 60");
}
