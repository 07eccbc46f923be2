//! How many multiply-adds a tuning runs, about, so that it can tell how far it has come.

use super::pupil::Pupil;
use crate::progress::PASSES;
use mda_core::Model;
use mda_core::method::Tuning;
use mda_core::tune::State;

/// Those that are left of a tuning that has come as far as `state`.
pub(super) fn of(model: &Model, pupils: &[Pupil<'_>], tuning: &Tuning, state: Option<&State>) -> u64 {
    let done = state.map_or(0, |state| state.epochs.len());
    let epochs = tuning.epochs.saturating_sub(done) as u64;
    let macs = model.size().macs;
    let one = |pupil: &Pupil<'_>| {
        let (train, held_out) = (pupil.train.len() as u64, pupil.held_out.len() as u64);
        let own = epochs * (PASSES * train + held_out) * macs + held_out * macs;
        // As it is and in a mirror, where images do not move.
        let asked = if tuning.shift == 0 { epochs.min(1 + u64::from(tuning.flip)) } else { epochs };
        own + pupil.source.map_or(0, |source| (asked * train + held_out) * source.model().size().macs)
    };
    pupils.iter().map(one).sum()
}
