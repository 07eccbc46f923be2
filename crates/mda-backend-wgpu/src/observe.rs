//! Probes: what is read off a value as soon as it is complete.

use crate::command::{Command, Source, View};
use crate::layers;
use mda_core::run::backend::{Reading, ReadingKind};
use mda_core::tensor::Shape;

/// Whether the answer is more than a copy of the value.
pub(crate) fn is_computed(reading: &Reading) -> bool {
    reading.kind != ReadingKind::Copy
}

/// What makes an answer of `value`.
pub(crate) fn commands(reading: &Reading, value: View, answer: usize) -> Vec<Command> {
    let size: usize = reading.shape.iter().product();
    let computed = View { buffer: Source::Answer(answer), offset: 0, stride: size, shape: Shape::Features(size) };
    let dispatch = match reading.kind {
        ReadingKind::Copy => return vec![Command::Answer { from: value, answer }],
        ReadingKind::Moments => layers::moments(value, computed),
        ReadingKind::WindowSums { window, output, .. } => layers::window_sums(&window, output, value, computed),
    };
    vec![Command::Dispatch(dispatch), Command::Answer { from: computed, answer }]
}
