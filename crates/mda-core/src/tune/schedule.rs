//! How large a step is, as a share of the largest.

use crate::method::Schedule;
use std::f64::consts::PI;

/// The share of the steps in which a cycle goes up.
const UP: f64 = 0.3;
/// What a cycle begins with, and what it ends with, as PyTorch's has it.
const FIRST: f64 = 1.0 / 25.0;
const LAST: f64 = FIRST * 1e-4;

/// The share at `step` of `steps`.
pub(super) fn share(schedule: Schedule, step: usize, steps: usize) -> f64 {
    let along = step as f64 / (steps.max(2) - 1) as f64;
    match schedule {
        Schedule::Cosine => wave(1.0, 0.0, along),
        Schedule::OneCycle if along < UP => wave(FIRST, 1.0, along / UP),
        Schedule::OneCycle => wave(1.0, LAST, (along - UP) / (1.0 - UP)),
    }
}

/// Half a wave of the cosine from `from` to `to`.
fn wave(from: f64, to: f64, along: f64) -> f64 {
    to + (from - to) * (1.0 + (PI * along.min(1.0)).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_goes_up_and_down_and_a_cosine_down() {
        let cycle: Vec<f64> = (0..=10).map(|step| share(Schedule::OneCycle, step, 11)).collect();
        assert!((cycle[0] - 0.04).abs() < 1e-12 && (cycle[3] - 1.0).abs() < 1e-12 && cycle[10] < 1e-5, "{cycle:?}");
        assert!(cycle.windows(2).enumerate().all(|(i, w)| (w[1] > w[0]) == (i < 3)), "{cycle:?}");
        assert_eq!([0, 5, 10].map(|step| (share(Schedule::Cosine, step, 11) * 2.0).round()), [2.0, 1.0, 0.0]);
        assert_eq!(share(Schedule::Cosine, 0, 1), 1.0);
    }
}
