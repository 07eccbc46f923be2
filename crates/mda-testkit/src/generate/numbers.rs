//! Random parameters and images: finite, and of a size that keeps values near 1 through ten layers.

use crate::random::Random;
use mda_core::graph::{Graph, GraphErrors, ValidGraph};
use mda_core::tensor::{ParameterSpec, Parameters};
use mda_core::{Model, Tensor};

/// Images for `model`: `[count, C, H, W]`, pixel values uniform in `0.0..1.0`.
pub fn random_images(model: &Model, count: usize, seed: u64) -> Tensor {
    let shape = model.input_shape();
    let mut random = Random::new(seed ^ 0x1A6E);
    let data = (0..count * shape.elements()).map(|_| random.uniform(0.0, 1.0)).collect();
    Tensor::new(shape.batched(count), data).expect("one number a pixel")
}

/// Every parameter that `graph` needs. A weight's variance is one over the number of products in its sum; BatchNorm gets
/// plausible statistics and scales of both signs.
pub fn random_parameters(graph: &ValidGraph, seed: u64) -> Parameters {
    let mut random = Random::new(seed);
    let nodes = graph.nodes().iter().enumerate();
    let specs = nodes.flat_map(|(id, node)| graph.parameter_specs(id).into_iter().map(move |spec| (&node.name, spec)));
    specs.map(|(node, spec)| (format!("{node}.{}", spec.suffix), random_parameter(&spec, &mut random))).collect()
}

/// A model over `graph` with [`random_parameters`], its categories named after it.
///
/// # Errors
/// [`GraphErrors`] where the graph is not valid.
pub fn with_random_parameters(name: &str, graph: &Graph, seed: u64) -> Result<Model, GraphErrors> {
    let graph = graph.validate()?;
    let parameters = random_parameters(&graph, seed);
    let categories = (0..graph.category_count()).map(|category| format!("{name}-{category}")).collect();
    Model::new(name, graph, parameters, categories)
}

fn random_parameter(spec: &ParameterSpec, random: &mut Random) -> Tensor {
    let count: usize = spec.shape.iter().product();
    let products: usize = spec.shape.iter().skip(1).product();
    let is_kernel = spec.shape.len() > 1;
    let mut number = || match spec.suffix {
        "weight" if is_kernel => {
            let bound = (3.0 / products as f32).sqrt();
            random.uniform(-bound, bound)
        }
        "weight" => random.uniform(0.5, 1.5) * if random.below(5) == 0 { -1.0 } else { 1.0 },
        "running_var" => random.uniform(0.3, 2.0),
        _ => random.uniform(-0.5, 0.5),
    };
    let data = (0..count).map(|_| number()).collect();
    Tensor::new(spec.shape.clone(), data).expect("one number an element")
}
