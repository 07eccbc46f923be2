//! How many multiply-adds the steps of a job run, about, so that they can tell how far they have come.

use super::job::Job;
use crate::error::Error;
use crate::progress::Headway;
use mda_core::attribute::Selection;
use mda_core::cut::Component as Cut;
use mda_data::Role;

impl Job<'_> {
    /// Does a step that runs models for about `macs` multiply-adds in all, with a job that counts them.
    pub(crate) fn running<T>(
        &self,
        step: &str,
        macs: u64,
        work: impl FnOnce(&Job<'_>, &Headway) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.progress.running(step, self.runner, macs, |runner, headway| work(&Job { runner, ..*self }, headway))
    }

    /// Picking the surest images.
    pub(super) fn picking(&self) -> u64 {
        let candidates: usize = self.images.by_category(Role::Attribution).iter().map(|(_, images)| images.len()).sum();
        self.source.size().macs * candidates as u64
    }

    /// Attributing by so many formulations, all of which look at images.
    pub(super) fn attributing(&self, selection: &Selection, formulations: usize) -> u64 {
        let own: usize = selection.categories.iter().map(|(_, images)| images.len()).sum();
        self.source.size().macs * ((own + selection.contrast.len()) * formulations) as u64
    }

    /// Repairing components, for which the source runs once.
    pub(super) fn repairing(&self, cuts: &[&Cut]) -> u64 {
        let images = self.images.of(Role::Calibration, usize::MAX).len() + self.tuning().len();
        let components: u64 = cuts.iter().map(|cut| cut.model.size().macs).sum();
        images as u64 * (self.source.size().macs + components)
    }

    /// Repairing one component, and telling what that did: then the source and the component, as it was cut and as it is, run over
    /// the tuning images.
    pub(crate) fn repairing_one(&self, cut: &Cut) -> u64 {
        let telling = self.tuning().len() as u64 * (self.source.size().macs + 2 * cut.model.size().macs);
        self.repairing(&[cut]) + telling
    }
}
