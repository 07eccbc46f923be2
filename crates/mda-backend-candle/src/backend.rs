//! The backend: which devices it has, what it refuses, and how it compiles.

use crate::devices::{self, ID};
use crate::library::Candle;
use crate::sliding::Sliding;
use mda_core::Model;
use mda_core::graph::Node;
use mda_core::op::{Op, Window};
use mda_core::run::backend::{Backend, BackendError, Device, Probe, Program, Unsupported, tensor_library};

/// The candle backend, `candle`.
///
/// Devices are `cpu` and, with the feature `cuda` on a machine with an NVIDIA driver, `cuda:0`, `cuda:1`, ...
#[derive(Clone, Copy, Debug, Default)]
pub struct CandleBackend;

impl CandleBackend {
    /// The backend; nothing is opened before a model is compiled.
    pub fn new() -> Self {
        Self
    }
}

impl Backend for CandleBackend {
    fn id(&self) -> &str {
        ID
    }

    fn devices(&self) -> Vec<Device> {
        devices::list()
    }

    fn unsupported(&self, model: &Model) -> Vec<Unsupported> {
        model.graph().nodes().iter().filter_map(|node| too_wide(model, node)).collect()
    }

    fn compile(&self, model: &Model, device: Option<&str>, probes: &[Probe]) -> Result<Box<dyn Program>, BackendError> {
        let device = devices::open(device)?;
        let nodes = self.unsupported(model);
        if !nodes.is_empty() {
            return Err(BackendError::Unsupported { backend: ID.into(), nodes });
        }
        tensor_library::compile(Candle(device), model, probes)
    }
}

/// Bytes that one image's map may take with its padding, which no network comes near.
const PADDED_BYTES: usize = 4 << 30;

/// Why `node` cannot run, where its window needs more padding than a map may have.
fn too_wide(model: &Model, node: &Node) -> Option<Unsupported> {
    let input = model.graph().node(*node.inputs.first()?).shape;
    let sliding = |window: &Window| Sliding::new(window, input.spatial(), node.shape.spatial());
    let padded = match &node.op {
        Op::Conv2d(op) => sliding(&op.window).padded(),
        Op::MaxPool(op) => sliding(&op.window).separated().iter().map(Sliding::padded).max()?,
        Op::AvgPool(op) => sliding(&op.window).separated().iter().map(Sliding::padded).max()?,
        _ => return None,
    };
    let bytes = padded.saturating_mul(input.channels() * size_of::<f32>());
    let reason =
        format!("with its padding, the map takes {bytes} bytes an image; this backend pads up to {PADDED_BYTES}");
    (bytes > PADDED_BYTES).then(|| Unsupported { node: node.name.clone(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mda_core::graph::Graph;
    use mda_core::op::{Conv2d, Flatten, Input, MaxPool};
    use mda_testkit::generate::with_random_parameters;

    #[test]
    fn padding_beyond_all_measure_is_refused() {
        let wide = Window { dilation: [65_535, 65_535], ..Window::square(3, 65_535, 65_535) };
        let conv = Conv2d { out_channels: 2, window: wide, groups: 2, bias: false };
        // A pool's window goes along one axis after the other.
        let pool = MaxPool { window: Window::square(65_536, 65_535, 65_535), ceil_mode: false };
        for (op, runs) in [(Op::from(conv), false), (Op::from(pool), true)] {
            let mut graph = Graph::new();
            graph.push("image", Input { channels: 2, height: 1, width: 1 }, &[]);
            graph.push("op", op, &["image"]);
            graph.push("logits", Flatten {}, &["op"]);
            let model = with_random_parameters("wide", &graph, 1).unwrap();
            assert_eq!(CandleBackend.unsupported(&model).is_empty(), runs);
            let answer = CandleBackend.compile(&model, None, &[]).map(drop);
            assert!(runs || matches!(&answer, Err(BackendError::Unsupported { nodes, .. }) if nodes[0].node == "op"));
        }
    }
}
