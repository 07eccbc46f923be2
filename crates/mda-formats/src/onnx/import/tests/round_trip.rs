//! What is exported comes back.

use super::*;
use crate::onnx::to_bytes;
use crate::test_models::{every_operation, images};
use mda_core::model::provenance::Provenance;
use mda_testkit::generate::models;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn back(model: &Model) -> Imported {
    import_bytes(&to_bytes(model).unwrap(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Equal but for the rounding of sums that are taken in another order.
fn agree(left: &Model, right: &Model) -> bool {
    let images = images(left, 2);
    let (left, right) = (logits(left, &images), logits(right, &images));
    let scale = left.data().iter().fold(1.0f32, |scale, logit| scale.max(logit.abs()));
    left.shape() == right.shape() && left.data().iter().zip(right.data()).all(|(a, b)| (a - b).abs() <= 1e-5 * scale)
}

#[test]
fn a_model_with_every_operation_comes_back_as_it_was() {
    let origin = Provenance::Assembled {
        form: "parallel".into(),
        rescaling: "none".into(),
        fitted_on: None,
        tuning: None,
        components: Vec::new(),
    };
    let model = every_operation().with_provenance(origin);
    let imported = back(&model);
    assert_eq!(imported.notes, [""; 0]);
    // A Flatten is made when its value is first used, so that the order differs.
    let names = |model: &Model| model.graph().nodes()[1..].iter().map(|n| n.name.clone()).collect::<BTreeSet<_>>();
    assert_eq!(names(&imported.model), names(&model));
    assert_eq!(imported.model.parameters(), model.parameters());
    assert_eq!(imported.model.categories(), model.categories());
    assert_eq!(imported.model.provenance(), model.provenance());
    assert_eq!(imported.model.name(), model.name());
    assert!(agree(&imported.model, &model));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_models_come_back_with_the_same_logits(model in models()) {
        let imported = back(&model.0).model;
        prop_assert!(agree(&imported, &model.0));
    }
}
