//! How a component is made.

use crate::error::Error;
use mda_core::budget::Budget;
use mda_core::cut::Logits;
use mda_core::method::Repair;
use mda_core::method::{Competition, Threshold};

/// How many plans are repaired and compared where nothing is said.
pub const FINALISTS: usize = 3;

/// How a component is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Within a budget the best of them decides, else the first.
    pub formulations: Competition,
    /// What makes up for what was cut.
    pub repair: Repair,
    /// Instead of the formulation's thresholds.
    pub budget: Option<Budget>,
    /// Which logits stay.
    pub logits: Logits,
    /// How many images speak for a category.
    pub top_k: usize,
    /// How many of the plans for a budget are repaired and compared on images.
    pub finalists: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            formulations: Competition::Auto,
            repair: Repair::Ridge(Default::default()),
            budget: None,
            logits: Logits::Task,
            top_k: 50,
            finalists: FINALISTS,
        }
    }
}

impl Settings {
    /// The same with thresholds for all layers. They belong to one formulation: with them `auto` is the first of its own.
    ///
    /// # Errors
    /// [`Error::Formulation`] for a threshold that means nothing.
    pub fn with_thresholds(mut self, alpha: Option<f32>, beta: Option<f32>) -> Result<Self, Error> {
        let mut formulations = match &self.formulations {
            Competition::Auto if alpha.is_none() && beta.is_none() => return Ok(self),
            Competition::Auto => vec![self.formulations.first()],
            Competition::Among(formulations) => formulations.clone(),
        };
        for formulation in &mut formulations {
            for Threshold { alpha: own_alpha, beta: own_beta } in [&mut formulation.conv, &mut formulation.linear] {
                *own_alpha = alpha.unwrap_or(*own_alpha);
                *own_beta = beta.unwrap_or(*own_beta);
            }
            formulation.check()?;
        }
        self.formulations = Competition::Among(formulations);
        Ok(self)
    }

    /// Checks that the formulations can be compared as asked.
    ///
    /// # Errors
    /// [`Error::NoBudget`].
    pub fn check(&self) -> Result<(), Error> {
        match &self.formulations {
            Competition::Among(several) if several.len() > 1 && self.budget.is_none() => {
                Err(Error::NoBudget { named: self.formulations.to_string(), count: several.len() })
            }
            _ => Ok(()),
        }
    }
}
