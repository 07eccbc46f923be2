//! How the model was made and who looked at what, with what can be checked of it.

use crate::report::Reporting;
use crate::report::remade::Remade;
use crate::report::subject::PartOf;
use crate::report::value::{Fact, LookedAt};
use crate::runtime::Runtime;
use mda_core::model::provenance::Provenance;
use mda_core::model::task::describe_task;
use mda_data::{Role, identity};

pub(super) fn of_part(part: &PartOf<'_>, made: Option<&Remade<'_>>) -> Vec<Fact> {
    let Some(origin) = &part.origin else { return Vec::new() };
    let mut facts = vec![
        Fact::new("cut out of", origin.source.clone()),
        Fact::new("for its categories", describe_task(&origin.task)),
        Fact::new("images that spoke for a category", format!("{} train images at most", origin.images_per_category)),
    ];
    if let Some(made) = made {
        facts.push(Fact::new("channels chosen by", made.formulation.to_string()));
    }
    if let Some(repair) = &origin.repair {
        let on = repair.fitted_on;
        facts.push(Fact::new("repaired by", format!("{} on {} train images", repair.repair.name(), on.images)));
    }
    match (&origin.source_sha256, part.source.map(crate::Source::sha256)) {
        (Some(recorded), Some(Some(given))) => {
            let is = recorded.clone();
            facts.push(Fact::checked("SHA-256 of its source's file", is, recorded == given));
        }
        (Some(recorded), _) => facts.push(Fact::new("SHA-256 of its source's file", recorded.clone())),
        (None, _) => {}
    }
    if let Some(images) = &origin.images {
        facts.push(match made {
            Some(made) => {
                let is_same = identity(&made.train) == images.data;
                Fact::checked("SHA-256 of its list of train images", images.data.clone(), is_same)
            }
            None => Fact::new("SHA-256 of its list of train images", images.data.clone()),
        });
        facts.push(Fact::new("seed that parted the train images", images.seed.to_string()));
    }
    facts
}

pub(super) fn looked_at(made: &Remade<'_>) -> LookedAt {
    let role = |role: Role| {
        let what = match role {
            Role::Attribution => "said which channels matter",
            Role::Calibration => "the repair was fitted to",
            Role::Tuning => "set how strong the repair is",
            Role::Choice => "chose between whole components",
            Role::Training => "taught it, beside those that said what matters and that were repaired by",
            Role::Unseen => "had no part in it",
        };
        (what, made.count(role))
    };
    LookedAt { roles: Role::ALL.into_iter().map(role).collect(), seed: made.parts.record().seed }
}

pub(super) fn of_model(asked: &Reporting<'_>, runtime: &Runtime) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(sha256) = &asked.sha256 {
        facts.push(Fact::new("SHA-256 of the model's file", sha256.clone()));
    }
    if let Some(Provenance::Assembled { form, rescaling, fitted_on, .. }) = asked.model.provenance() {
        facts.push(Fact::new("components joined", form.clone()));
        let on = fitted_on.map(|on| {
            let seed = on.seed.map(|seed| format!(", seed {seed}")).unwrap_or_default();
            format!(", fitted to {} train images that repaired nothing{seed}", on.images)
        });
        facts.push(Fact::new("logits brought to one scale by", format!("{rescaling}{}", on.unwrap_or_default())));
    }
    facts.push(Fact::new(
        "measured with",
        format!("MDA {} on its backend {}", env!("CARGO_PKG_VERSION"), runtime.backend().id()),
    ));
    facts
}
