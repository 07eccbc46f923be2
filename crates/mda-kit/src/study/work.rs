//! What a recipe asks for, in pieces that one thread does.

use super::recipe::Recipe;
use super::record::Run;
use super::session::Session;
use super::{assemblies, components};
use crate::error::Error;
use std::collections::HashSet;
use std::hash::Hash;

/// A piece of work.
pub(super) enum Work<'a> {
    Components(components::Work<'a>),
    Assembly(assemblies::Work<'a>),
}

/// Takes every run once, of those that are wanted.
struct Open<W> {
    wanted: W,
    taken: HashSet<Run>,
}

impl<W: Fn(&Run) -> bool> Open<W> {
    fn take<S: Clone + Eq + Hash + Into<Run>>(&mut self, runs: Vec<S>) -> HashSet<S> {
        let mut is_open = |run: &S| {
            let run: Run = run.clone().into();
            (self.wanted)(&run) && self.taken.insert(run)
        };
        runs.into_iter().filter(|run| is_open(run)).collect()
    }
}

/// What is to be done of the `wanted` runs. Seeds outermost, so that a first impression of everything comes first.
pub(super) fn planned(recipe: &Recipe, wanted: impl Fn(&Run) -> bool) -> Vec<Work<'_>> {
    let mut work = Vec::new();
    let mut open = Open { wanted, taken: HashSet::new() };
    for &seed in &recipe.seeds {
        for entry in &recipe.disassemble {
            for task in &entry.tasks {
                let mut piece = components::Work { entry, task, seed, open: HashSet::new() };
                piece.open = open.take(piece.all_runs());
                work.push(Work::Components(piece));
            }
        }
        for entry in &recipe.assemble {
            let open = open.take(entry.all_runs(recipe, seed));
            work.push(Work::Assembly(assemblies::Work { recipe, entry, seed, open }));
        }
    }
    work.retain(|piece| !piece.runs().is_empty());
    work
}

impl Work<'_> {
    /// The runs that this piece of work does, in their order.
    pub(super) fn runs(&self) -> Vec<Run> {
        match self {
            Self::Components(work) => work.runs().into_iter().map(Run::from).collect(),
            Self::Assembly(work) => work.runs().into_iter().map(Run::from).collect(),
        }
    }

    pub(super) fn run(&self, session: &Session<'_>) -> Result<(), Error> {
        match self {
            Self::Components(work) => components::run(session, work),
            Self::Assembly(work) => assemblies::run(session, work),
        }
    }
}
