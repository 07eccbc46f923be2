//! Activations that exporters write as several nodes, found and written as the one operator that stands for them.
//!
//! A product is compared by its constant and its factors, whatever order and nesting the file has them in. What is
//! contracted is seen by nobody else.

use super::budget::Budget;
use super::constant;
use super::external::Folder;
use super::value::Value;
use crate::onnx::proto::{self, attribute_type};
use mda_core::op::ActivationKind;
use std::collections::{HashMap, HashSet};

/// Factors of one product that are looked at; no activation has as many.
const MOST_FACTORS: usize = 8;
/// How far a constant may be from what it should be: a rounding to half precision changes numbers by more.
const CLOSE: f64 = 1e-5;

/// Contracts what it finds in `graph`.
pub(super) fn contract(graph: &mut proto::Graph) {
    let found = Search::new(graph).activations();
    let gone: HashSet<usize> = found.iter().flat_map(|activation| activation.inside.iter().copied()).collect();
    for activation in found {
        let node = &mut graph.node[activation.root];
        (node.op_type, node.input) = (activation.op.into(), vec![activation.x]);
        node.attribute = activation.attribute.into_iter().collect();
    }
    let mut position = 0..;
    graph.node.retain(|_| position.next().is_some_and(|at| !gone.contains(&at)));
}

/// A root node, and the nodes that only it needs.
struct Activation {
    root: usize,
    inside: Vec<usize>,
    op: &'static str,
    attribute: Option<proto::Attribute>,
    x: String,
}

/// `constant * factors`, or `constant + factors` for a sum.
struct Terms<'a> {
    constant: f64,
    others: Vec<&'a str>,
    /// The nodes that make it.
    nodes: Vec<usize>,
}

impl<'a> Terms<'a> {
    fn is(&self, constant: f64) -> bool {
        (self.constant / constant - 1.0).abs() < CLOSE
    }

    fn two(&self) -> Option<[[&'a str; 2]; 2]> {
        let [a, b] = self.others[..] else { return None };
        Some([[a, b], [b, a]])
    }

    fn only(&self) -> Option<&'a str> {
        if let [only] = self.others[..] { Some(only) } else { None }
    }
}

/// What is looked up in a file's graph.
struct Search<'a> {
    nodes: &'a [proto::Node],
    producers: HashMap<&'a str, usize>,
    uses: HashMap<&'a str, usize>,
    /// Initializers and constants of one number.
    numbers: HashMap<&'a str, f64>,
}

/// A match: the operator, its attribute, its input, and the nodes that it needs no more.
type Found<'a> = (&'static str, Option<proto::Attribute>, &'a str, Vec<usize>);

impl<'a> Search<'a> {
    fn new(graph: &'a proto::Graph) -> Self {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        let used = graph.node.iter().flat_map(|node| &node.input).chain(graph.output.iter().map(|output| &output.name));
        used.for_each(|name| *uses.entry(name).or_default() += 1);
        let outputs = graph.node.iter().enumerate().filter_map(|(index, node)| Some((node.output.first()?, index)));
        let constants = graph.node.iter().filter(|node| node.op_type == "Constant").filter_map(|node| {
            let of = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name);
            let tensor = || of("value").and_then(|attribute| attribute.t.as_deref()).and_then(number);
            Some((node.output.first()?.as_str(), of("value_float").and_then(|a| a.f).map(f64::from).or_else(tensor)?))
        });
        let initializers = graph.initializer.iter().filter_map(|tensor| Some((tensor.name.as_str(), number(tensor)?)));
        Self {
            nodes: &graph.node,
            producers: outputs.map(|(name, index)| (name.as_str(), index)).collect(),
            uses,
            numbers: constants.chain(initializers).collect(),
        }
    }

    /// All of them, no node in two; the outermost come first, since a hard swish holds a hard sigmoid.
    fn activations(&self) -> Vec<Activation> {
        let mut taken = HashSet::new();
        let mut all = Vec::new();
        for root in (0..self.nodes.len()).rev() {
            let Some((op, attribute, x, mut inside)) = self.activation(root) else { continue };
            inside.retain(|&node| node != root);
            if std::iter::once(&root).chain(&inside).any(|node| taken.contains(node)) {
                continue;
            }
            taken.extend(inside.iter().copied().chain([root]));
            all.push(Activation { root, inside, op, attribute, x: x.to_owned() });
        }
        all
    }

    fn activation(&self, root: usize) -> Option<Found<'a>> {
        let product = self.product_of(root)?;
        self.swish(&product).or_else(|| self.hard(&product)).or_else(|| self.gelu(&product))
    }

    /// `x * Sigmoid(x)` and `x * HardSigmoid(x)`.
    fn swish(&self, product: &Terms<'a>) -> Option<Found<'a>> {
        for [x, gate] in product.two().filter(|_| product.is(1.0)).into_iter().flatten() {
            let Some((index, node)) = self.inner(gate) else { continue };
            let op = match node.op_type.as_str() {
                "Sigmoid" => "Swish",
                "HardSigmoid" if close(node, "alpha", 0.2, 1.0 / 6.0) && close(node, "beta", 0.5, 0.5) => "HardSwish",
                _ => continue,
            };
            if node.input.first().is_some_and(|input| input == x) {
                return Some((op, None, x, [&product.nodes[..], &[index]].concat()));
            }
        }
        None
    }

    /// `clip(x + 3, 0, 6) / 6`, and that times `x`.
    fn hard(&self, product: &Terms<'a>) -> Option<Found<'a>> {
        if !product.is(1.0 / 6.0) {
            return None;
        }
        let clipped = |value: &'a str| {
            let (clip, node) = self.inner(value).filter(|(_, node)| node.op_type == "Clip")?;
            let bound = |index: usize, name: &str| {
                let input = node.input.get(index).and_then(|input| self.numbers.get(input.as_str()).copied());
                let attribute = || node.attribute.iter().find(|attribute| attribute.name == name)?.f.map(f64::from);
                input.or_else(attribute)
            };
            let fits = bound(1, "min") == Some(0.0) && bound(2, "max") == Some(6.0);
            let sum = self.sum(node.input.first()?).filter(|sum| fits && sum.is(3.0))?;
            Some((sum.only()?, [&product.nodes[..], &sum.nodes, &[clip]].concat()))
        };
        if let Some((x, nodes)) = product.only().and_then(clipped) {
            let attribute = proto::Attribute { f: Some(1.0 / 6.0), ..attribute("alpha", attribute_type::FLOAT) };
            return Some(("HardSigmoid", Some(attribute), x, nodes));
        }
        let swish = |[x, value]: [&'a str; 2]| clipped(value).filter(|(inner, _)| *inner == x);
        let (x, nodes) = product.two().into_iter().flatten().find_map(swish)?;
        Some(("HardSwish", None, x, nodes))
    }

    /// `0.5 * x * (1 + Erf(x / sqrt(2)))`, and the form with a hyperbolic tangent.
    fn gelu(&self, product: &Terms<'a>) -> Option<Found<'a>> {
        for [x, one_and] in product.two().filter(|_| product.is(0.5)).into_iter().flatten() {
            let Some(sum) = self.sum(one_and).filter(|sum| sum.is(1.0)) else { continue };
            let Some((index, node)) = sum.only().and_then(|value| self.inner(value)) else { continue };
            let Some(argument) = node.input.first().and_then(|input| self.product(input)) else { continue };
            let (approximate, inner) = match node.op_type.as_str() {
                "Erf" if argument.is(std::f64::consts::FRAC_1_SQRT_2) && argument.only() == Some(x) => ("none", vec![]),
                "Tanh" => match self.cubic(x, &argument) {
                    Some(inner) => ("tanh", inner),
                    None => continue,
                },
                _ => continue,
            };
            let attribute = proto::Attribute { s: Some(approximate.into()), ..attribute("approximate", STRING) };
            let nodes = [product.nodes.clone(), sum.nodes, vec![index], argument.nodes, inner].concat();
            return Some(("Gelu", Some(attribute), x, nodes));
        }
        None
    }

    /// The nodes of `sqrt(2 / pi) * (x + 0.044715 * x^3)` besides those of its outer product.
    fn cubic(&self, x: &'a str, argument: &Terms<'a>) -> Option<Vec<usize>> {
        let sum = self.sum(argument.only().filter(|_| argument.is(ActivationKind::GELU_SCALE))?)?;
        let cube = |[first, second]: [&'a str; 2]| {
            let product = self.product(second).filter(|product| first == x && product.is(ActivationKind::GELU_CUBE))?;
            let alike = product.others.len() == 3 && product.others.iter().all(|&factor| factor == x);
            alike.then_some(product.nodes)
        };
        let nodes = sum.two().filter(|_| sum.constant == 0.0).into_iter().flatten().find_map(cube)?;
        Some([sum.nodes, nodes].concat())
    }

    /// The node that computes `value`, where nobody else reads it.
    fn inner(&self, value: &str) -> Option<(usize, &'a proto::Node)> {
        let index = *self.producers.get(value)?;
        (self.uses.get(value) == Some(&1)).then(|| (index, &self.nodes[index]))
    }

    fn product(&self, value: &str) -> Option<Terms<'a>> {
        self.inner(value).and_then(|(index, _)| self.product_of(index))
    }

    /// The product that node `root` ends; `None` where it is none.
    fn product_of(&self, root: usize) -> Option<Terms<'a>> {
        let mut terms = Terms { constant: 1.0, others: Vec::new(), nodes: vec![root] };
        let mut open = self.factors(root)?;
        while let Some((value, power)) = open.pop() {
            if terms.others.len() + open.len() > MOST_FACTORS || terms.nodes.len() > MOST_FACTORS {
                return None;
            }
            match (self.numbers.get(value), self.inner(value)) {
                (Some(&number), _) => terms.constant *= number.powi(power),
                (None, Some((index, _))) if power == 1 && self.factors(index).is_some() => {
                    terms.nodes.push(index);
                    open.extend(self.factors(index).into_iter().flatten());
                }
                (None, _) if power > 0 => terms.others.extend(std::iter::repeat_n(value, power as usize)),
                (None, _) => return None,
            }
        }
        Some(terms)
    }

    /// What a node multiplies, with the power of each.
    fn factors(&self, index: usize) -> Option<Vec<(&'a str, i32)>> {
        let node = &self.nodes[index];
        let [first, second] = &node.input[..] else { return None };
        match node.op_type.as_str() {
            "Mul" => Some(vec![(first, 1), (second, 1)]),
            "Div" => Some(vec![(first, 1), (second, -1)]),
            "Pow" if self.numbers.get(second.as_str()) == Some(&3.0) => Some(vec![(first, 3)]),
            _ => None,
        }
    }

    /// The sum of two that computes `value`.
    fn sum(&self, value: &str) -> Option<Terms<'a>> {
        let (index, node) = self.inner(value).filter(|(_, node)| node.op_type == "Add" && node.input.len() == 2)?;
        let mut terms = Terms { constant: 0.0, others: Vec::new(), nodes: vec![index] };
        for input in &node.input {
            match self.numbers.get(input.as_str()) {
                Some(number) => terms.constant += number,
                None => terms.others.push(input),
            }
        }
        Some(terms)
    }
}

const STRING: i32 = 3;

fn attribute(name: &str, kind: i32) -> proto::Attribute {
    proto::Attribute { name: name.into(), kind, ..Default::default() }
}

/// Whether the attribute `name` of `node` is `wanted`.
fn close(node: &proto::Node, name: &str, default: f32, wanted: f32) -> bool {
    let found = node.attribute.iter().find(|attribute| attribute.name == name).map_or(Some(default), |found| found.f);
    found.is_some_and(|found| f64::from((found - wanted).abs()) < CLOSE)
}

/// The number of a constant that has one and no more than an axis.
fn number(tensor: &proto::Tensor) -> Option<f64> {
    if tensor.dims.len() > 1 || tensor.dims.iter().any(|&extent| extent != 1) || tensor.data_location != 0 {
        return None;
    }
    match constant::decode(tensor, &mut Folder::default(), &mut Budget::for_bytes(0)) {
        Ok(Value::Floats(floats)) => floats.array.single().map(f64::from),
        _ => None,
    }
}
