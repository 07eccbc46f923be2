//! Components of one architecture merged layer by layer (alignment padding, Model LEGO).
//!
//! Every channel of a merged value carries a *lane*: which component it belongs to, and which of its channels it is.
//! Kernels between lanes of different components are zero. Lanes keep Concat right, where the components' channels
//! interleave, and Add and Multiply, whose inputs are brought to the same lanes first.

use super::{AssembleError, all_categories};
use crate::graph::{Graph, NodeId, ValidGraph};
use crate::model::Model;
use crate::op::{Join, Lane, Op, Part, SelectChannels};
use crate::tensor::{Parameters, Shape};

pub(super) fn join(name: &str, components: &[&Model]) -> Result<Model, AssembleError> {
    for other in &components[1..] {
        compare(components[0], other)?;
    }
    let mut merge = Merge { components, graph: Graph::new(), parameters: Parameters::new(), values: Vec::new() };
    for id in 0..components[0].graph().nodes().len() {
        merge.node(id)?;
    }
    merge.finish(name)
}

/// Fails at the first node whose name, operation or wiring differs.
fn compare(left: &Model, right: &Model) -> Result<(), AssembleError> {
    let mismatch = |difference: String| AssembleError::ArchitectureMismatch {
        left: left.name().into(),
        right: right.name().into(),
        difference,
    };
    let (l, r) = (left.graph(), right.graph());
    for (a, b) in l.nodes().iter().zip(r.nodes()) {
        if (&a.name, a.op.name(), &a.inputs) != (&b.name, b.op.name(), &b.inputs) {
            return Err(mismatch(format!("`{}` ({}) against `{}` ({})", a.name, a.op, b.name, b.op)));
        }
        if a.shape.spatial() != b.shape.spatial() {
            return Err(mismatch(format!("`{}` is {} against {}", a.name, a.shape, b.shape)));
        }
    }
    let counts = (l.nodes().len(), r.nodes().len());
    if counts.0 == counts.1 && l.output() == r.output() {
        Ok(())
    } else {
        Err(mismatch(format!("{} nodes against {}", counts.0, counts.1)))
    }
}

fn part_of(model: &Model, id: NodeId) -> Part<'_> {
    let node = model.graph().node(id);
    let inputs = model.graph().input_shapes(id);
    Part { op: &node.op, inputs, output: node.shape, parameters: model.node_parameters(id) }
}

struct Merge<'a> {
    components: &'a [&'a Model],
    graph: Graph,
    parameters: Parameters,
    /// The merged node's name and lanes for every value of the components.
    values: Vec<(String, Vec<Lane>)>,
}

impl Merge<'_> {
    fn graph_of(&self, part: usize) -> &ValidGraph {
        self.components[part].graph()
    }

    fn node(&mut self, id: NodeId) -> Result<(), AssembleError> {
        let node = self.graph_of(0).node(id).clone();
        let mut inputs: Vec<(String, Vec<Lane>)> = node.inputs.iter().map(|&i| self.values[i].clone()).collect();
        if matches!(node.op, Op::Add(_) | Op::Multiply(_)) {
            self.align(&node.name, &mut inputs);
        }
        let parts: Vec<Part<'_>> = self.components.iter().map(|&model| part_of(model, id)).collect();
        let lanes: Vec<&[Lane]> = inputs.iter().map(|(_, lanes)| lanes.as_slice()).collect();
        let joined = node.op.operation().join(&Join { parts: &parts, lanes: &lanes });
        let joined = joined.map_err(|source| AssembleError::Rewrite { node: node.name.clone(), source })?;
        for (suffix, tensor) in joined.node.parameters {
            self.parameters.insert(format!("{}.{suffix}", node.name), tensor);
        }
        let names: Vec<&str> = inputs.iter().map(|(name, _)| name.as_str()).collect();
        let name = self.graph.push(&node.name, joined.node.op, &names);
        let value = match node.op {
            Op::Input(_) => self.repeat_image(&name, node.shape),
            _ => (name, joined.lanes),
        };
        self.values.push(value);
        Ok(())
    }

    /// Every component gets the image's channels as lanes of its own, since each normalises them in its own way.
    fn repeat_image(&mut self, image: &str, shape: Shape) -> (String, Vec<Lane>) {
        let parts = 0..self.components.len();
        let lanes: Vec<Lane> =
            parts.flat_map(|part| (0..shape.channels()).map(move |channel| Lane { part, channel })).collect();
        let channels = lanes.iter().map(|lane| Some(lane.channel)).collect();
        let name = self.fresh(format!("{image}.lanes"));
        (self.graph.push(name, SelectChannels { channels }, &[image]), lanes)
    }

    /// Permutes all inputs to the lanes of the first.
    fn align(&mut self, node: &str, inputs: &mut [(String, Vec<Lane>)]) {
        let [(_, wanted), rest @ ..] = inputs else { return };
        for (index, (name, lanes)) in rest.iter_mut().enumerate() {
            if lanes != wanted {
                *name = self.permute(&format!("{node}.lanes{}", index + 1), name, lanes, wanted);
                lanes.clone_from(wanted);
            }
        }
    }

    fn permute(&mut self, name: &str, value: &str, lanes: &[Lane], wanted: &[Lane]) -> String {
        let position = |lane: &Lane| lanes.iter().position(|other| other == lane);
        let channels = wanted.iter().map(position).collect();
        let name = self.fresh(name.to_owned());
        self.graph.push(name, SelectChannels { channels }, &[value])
    }

    /// `name`, or a longer one where a node of the components or of the merged graph is already called so.
    fn fresh(&self, mut name: String) -> String {
        let taken =
            |name: &str| self.graph_of(0).find(name).is_some() || self.graph.nodes.iter().any(|node| node.name == name);
        while taken(&name) {
            name.push('_');
        }
        name
    }

    fn finish(mut self, name: &str) -> Result<Model, AssembleError> {
        let output = self.graph_of(0).output();
        let (logits, lanes) = self.values[output].clone();
        let mut wanted = lanes.clone();
        wanted.sort_by_key(|lane| (lane.part, lane.channel));
        self.graph.output = logits.clone();
        if wanted != lanes {
            self.permute(&format!("{logits}.lanes"), &logits, &lanes, &wanted);
        }
        let categories = all_categories(self.components);
        Ok(Model::new(name, self.graph.validate()?, self.parameters, categories)?)
    }
}
