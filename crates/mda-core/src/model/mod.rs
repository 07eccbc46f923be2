//! A model: a checked graph, all its parameters, and what its logits mean.

pub mod affine;
pub mod provenance;
pub mod task;

use crate::graph::{GraphErrors, GraphProblem, NodeId, ValidGraph};
use crate::model::provenance::Provenance;
use crate::op::ShapeError;
use crate::tensor::{NodeParameters, Parameters, Shape};
use std::collections::BTreeSet;

/// A classifier whose graph and parameters fit each other.
///
/// Images enter as `[N, C, H, W]`, f32, pixel values in `0.0..=1.0`; each model normalises them inside its own graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    name: String,
    graph: ValidGraph,
    parameters: Parameters,
    categories: Vec<String>,
    provenance: Option<Provenance>,
}

/// The size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ModelSize {
    /// Trained numbers: weights, biases, BatchNorm scales and shifts.
    pub parameters: u64,
    /// Multiply-adds of convolutions and linear layers for one image.
    pub macs: u64,
}

impl Model {
    /// Joins a graph with its parameters.
    ///
    /// # Errors
    /// [`GraphErrors`] with every missing, unexpected, misshapen or non-finite parameter, every one that its operation
    /// cannot compute with (a negative variance), and a wrong number of category names, at once.
    pub fn new(
        name: impl Into<String>,
        graph: ValidGraph,
        parameters: Parameters,
        categories: Vec<String>,
    ) -> Result<Self, GraphErrors> {
        let mut problems = check_parameters(&graph, &parameters);
        problems.extend(check_categories(&graph, &categories));
        if problems.is_empty() {
            Ok(Self { name: name.into(), graph, parameters, categories, provenance: None })
        } else {
            Err(GraphErrors(problems))
        }
    }

    /// The same classifier with other numbers, and where `graph` is another one, computing otherwise: its name, its categories
    /// and its provenance stay.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn with_parameters(&self, graph: ValidGraph, parameters: Parameters) -> Result<Self, GraphErrors> {
        let model = Self::new(&*self.name, graph, parameters, self.categories.clone())?;
        Ok(Self { provenance: self.provenance.clone(), ..model })
    }

    /// The same model with a record of where it came from.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }

    /// The same model under another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same model with other category names.
    ///
    /// # Errors
    /// [`GraphErrors`] where their number is not the number of logits, or a name is empty or used twice.
    pub fn with_categories(mut self, categories: Vec<String>) -> Result<Self, GraphErrors> {
        let problems: Vec<GraphProblem> = check_categories(&self.graph, &categories).collect();
        if !problems.is_empty() {
            return Err(GraphErrors(problems));
        }
        self.categories = categories;
        Ok(self)
    }

    /// What the model is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it computes.
    pub fn graph(&self) -> &ValidGraph {
        &self.graph
    }

    /// Its numbers.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The parameters of one node.
    pub fn node_parameters(&self, id: NodeId) -> NodeParameters<'_> {
        NodeParameters::new(&self.graph.node(id).name, &self.parameters)
    }

    /// The names of its categories, one a logit.
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// Where it came from, for components and assembled models.
    pub fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// The shape of the images that it takes.
    pub fn input_shape(&self) -> Shape {
        self.graph.node(self.graph.input()).shape
    }

    /// Parameters and multiply-adds.
    pub fn size(&self) -> ModelSize {
        let mut size = ModelSize { parameters: 0, macs: 0 };
        for id in 0..self.graph.nodes().len() {
            let trained = self.graph.parameter_specs(id).into_iter().filter(|spec| spec.trained);
            size.parameters += trained.map(|spec| spec.shape.iter().product::<usize>() as u64).sum::<u64>();
            size.macs = size.macs.saturating_add(self.graph.macs(id));
        }
        size
    }
}

fn check_parameters(graph: &ValidGraph, parameters: &Parameters) -> Vec<GraphProblem> {
    let mut problems = Vec::new();
    let mut expected = BTreeSet::new();
    for (id, node) in graph.nodes().iter().enumerate() {
        let before = problems.len();
        let mut problem = |expected: String, got: String| {
            problems.push(GraphProblem { node: node.name.clone(), op: Some(node.op.name()), expected, got });
        };
        for spec in graph.parameter_specs(id) {
            let name = format!("{}.{}", node.name, spec.suffix);
            match parameters.get(&name) {
                None => problem(format!("parameter `{name}` {:?}", spec.shape), "none".into()),
                Some(tensor) if tensor.shape() != spec.shape => {
                    problem(format!("parameter `{name}` {:?}", spec.shape), format!("{:?}", tensor.shape()));
                }
                Some(tensor) => {
                    if let Some(position) = tensor.first_non_finite() {
                        let got = format!("{} at position {position}", tensor.data()[position]);
                        problem(format!("finite numbers in `{name}`"), got);
                    }
                }
            }
            expected.insert(name);
        }
        if problems.len() == before
            && let Err(ShapeError { expected, got }) =
                node.op.operation().check_numbers(NodeParameters::new(&node.name, parameters))
        {
            problems.push(GraphProblem { node: node.name.clone(), op: Some(node.op.name()), expected, got });
        }
    }
    let unexpected = parameters.iter().filter(|(name, _)| !expected.contains(*name));
    problems.extend(unexpected.map(|(name, tensor)| GraphProblem {
        node: "graph".into(),
        op: None,
        expected: "only parameters that a node needs".into(),
        got: format!("`{name}` {:?}", tensor.shape()),
    }));
    problems
}

fn check_categories(graph: &ValidGraph, categories: &[String]) -> impl Iterator<Item = GraphProblem> {
    let problem = |expected: String, got: String| GraphProblem { node: "categories".into(), op: None, expected, got };
    let count = (categories.len() != graph.category_count())
        .then(|| problem(format!("{} category names", graph.category_count()), categories.len().to_string()));
    let mut seen = BTreeSet::new();
    let clash = categories.iter().find(|name| name.is_empty() || !seen.insert(name.as_str()));
    let clash = clash.map(|name| problem("non-empty names, each once".into(), format!("`{name}` again or empty")));
    count.into_iter().chain(clash)
}
