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

    /// Repairing a component, with the source beside it, and telling what that did: then the source and the component, as it was cut
    /// and as it is, run over the tuning images.
    pub(crate) fn repairing(&self, cut: &Cut) -> u64 {
        let (calibration, tuning) = (self.calibrating().len() as u64, self.tuning().len() as u64);
        let (source, component) = (self.source.size().macs, cut.model.size().macs);
        (calibration + tuning) * (source + component) + tuning * (source + 2 * component)
    }
}
