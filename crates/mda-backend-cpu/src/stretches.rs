//! How many images run together through which steps.
//!
//! Early layers have large values and few weights, late ones the reverse. So a batch goes through the early steps a few images
//! at a time, whose values stay in the second-level cache from step to step, and through the late ones all at once, so that
//! weights are read from memory once. A stretch is a run of steps that take equally many images together.

use mda_core::Model;
use mda_core::op::Op;
use mda_core::run::backend::fusion::Chain;

/// Numbers of values that stay in a core's second-level cache beside weights: 1.25 MiB.
const CACHED: f64 = (5 << 16) as f64;
/// Images that may go together; beyond the last, all of a batch do.
const TOGETHER: [usize; 4] = [1, 2, 4, 8];
/// How many images share one reading of the weights where all of a batch go together.
const BATCH: f64 = 64.0;

/// What one step reads and writes, in numbers.
struct Traffic {
    /// What it reads of the values of one image.
    read: f64,
    /// That, and what it writes.
    values: f64,
    weights: f64,
}

impl Traffic {
    fn new(model: &Model, chain: &Chain) -> Self {
        let graph = model.graph();
        let node = graph.node(chain.head);
        let elements = |id: usize| graph.node(id).shape.elements() as f64;
        let read: f64 = node.inputs.iter().copied().chain(chain.residual).map(elements).sum();
        let weights = match &node.op {
            Op::Conv2d(_) | Op::Linear(_) => model.node_parameters(chain.head).get("weight").len() as f64,
            _ => 0.0,
        };
        Self { read, values: read + elements(chain.end), weights }
    }

    /// Numbers an image that come from beyond the second-level cache where `together` images go through; `None` is all.
    fn cost(&self, together: Option<usize>) -> f64 {
        let Some(together) = together.map(|images| images as f64) else {
            return self.values + self.weights / BATCH;
        };
        let missed = (1.0 - CACHED / (together * self.values)).max(0.0);
        self.values * missed + self.weights / together
    }
}

/// For every chain, the number of its stretch; for every stretch, how many images go together, `None` where all do.
pub(crate) fn stretches(model: &Model, chains: &[Chain]) -> (Vec<usize>, Vec<Option<usize>>) {
    let choices: Vec<Option<usize>> = TOGETHER.iter().copied().map(Some).chain([None]).collect();
    // The least cost of all chains so far with each choice for the last one, and the choice before that led there.
    let mut costs = vec![0.0; choices.len()];
    let mut before = Vec::new();
    for chain in chains {
        let traffic = Traffic::new(model, chain);
        let least = (0..choices.len()).min_by(|&a, &b| f64::total_cmp(&costs[a], &costs[b])).unwrap_or(0);
        // What another stretch has written comes from memory.
        let from = |choice: usize| if costs[choice] <= costs[least] + traffic.read { choice } else { least };
        let step: Vec<usize> = (0..choices.len()).map(from).collect();
        let cost = |choice: usize| {
            let entry = if step[choice] == choice { 0.0 } else { traffic.read };
            costs[step[choice]] + entry + traffic.cost(choices[choice])
        };
        costs = (0..choices.len()).map(cost).collect();
        before.push(step);
    }
    let mut choice = (0..choices.len()).min_by(|&a, &b| f64::total_cmp(&costs[a], &costs[b])).unwrap_or(0);
    let mut chosen = vec![0; chains.len()];
    for (chosen, step) in chosen.iter_mut().zip(&before).rev() {
        *chosen = choice;
        choice = step[choice];
    }
    let mut together = Vec::new();
    let mut of_chain = Vec::new();
    for (index, &choice) in chosen.iter().enumerate() {
        if index == 0 || chosen[index - 1] != choice {
            together.push(choices[choice]);
        }
        of_chain.push(together.len() - 1);
    }
    (of_chain, together)
}
