//! Small random models for tests, every operation, three categories, and images in memory.

use crate::graph::Graph;
use crate::model::Model;
use crate::op::{
    Add, AvgPool, BatchNorm, Clamp, Concat, Conv2d, Flatten, GlobalAvgPool, Input, Linear, MaxPool, Normalize,
    SelectChannels, Window,
};
use crate::run::{Batch, Batches, ImageSource};
use crate::tensor::Parameters;
use crate::tensor::Tensor;
use crate::tensor::Uniform;

/// Images in memory, `[N, C, H, W]`.
pub(crate) struct Images {
    pub(crate) pixels: Tensor,
    pub(crate) labels: Vec<usize>,
    pub(crate) categories: Vec<String>,
}

impl Images {
    /// Those of one category.
    pub(crate) fn new(pixels: Tensor) -> Self {
        let labels = vec![0; pixels.shape()[0]];
        Self { pixels, labels, categories: vec!["any".into()] }
    }
}

impl ImageSource for Images {
    fn categories(&self) -> &[String] {
        &self.categories
    }

    fn labels(&self) -> &[usize] {
        &self.labels
    }

    fn batches<'a>(&'a self, indices: &'a [usize], batch_size: usize) -> Batches<'a> {
        Box::new(indices.chunks(batch_size).map(|indices| {
            let labels = indices.iter().map(|&index| self.labels[index]).collect();
            Ok(Batch { images: self.pixels.select(0, indices), labels, indices: indices.to_vec() })
        }))
    }
}

/// A random batch that `model` takes, numbers in -1.0..1.0.
pub(crate) fn random_batch(model: &Model, count: usize, uniform: &mut Uniform) -> Tensor {
    let shape = model.input_shape().batched(count);
    let size = shape.iter().product();
    Tensor::new(shape, (0..size).map(|_| uniform.signed()).collect()).unwrap()
}

/// `graph` with random parameters; weights are scaled by the number of inputs, so that values stay around 1.
pub(crate) fn with_random_parameters(graph: &Graph, uniform: &mut Uniform) -> Model {
    let valid = graph.validate().unwrap();
    let mut parameters = Parameters::new();
    for (id, node) in valid.nodes().iter().enumerate() {
        for spec in valid.parameter_specs(id) {
            let size: usize = spec.shape.iter().product();
            let scale = (2.0 / spec.shape[1..].iter().product::<usize>().max(1) as f32).sqrt();
            let mut number = || match spec.suffix {
                "running_var" => 1.0 + 0.5 * uniform.signed(),
                "weight" if spec.shape.len() == 1 => 1.0 + 0.5 * uniform.signed(),
                "weight" => scale * uniform.signed(),
                _ => 0.3 * uniform.signed(),
            };
            let data = (0..size).map(|_| number()).collect();
            parameters.insert(format!("{}.{}", node.name, spec.suffix), Tensor::new(spec.shape, data).unwrap());
        }
    }
    let categories = (0..valid.category_count()).map(|k| format!("c{k}")).collect();
    Model::new("random", valid, parameters, categories).unwrap()
}

/// A random model of three categories over 2x6x5 images.
pub(crate) fn random_model(uniform: &mut Uniform) -> Model {
    let mut graph = Graph::new();
    let mut value = graph.push("input", Input { channels: 2, height: 6, width: 5 }, &[]);
    value = graph.push("norm", Normalize { mean: vec![0.1, -0.2], std: vec![0.5, 2.0] }, &[&value]);
    value = graph.push("stem", Conv2d::dense(4, 3, 1, 1, true), &[&value]);
    for step in 0..2 + uniform.below(4) {
        value = block(&mut graph, step, &value, uniform);
    }
    if uniform.below(2) == 0 {
        value = graph.push("pool", GlobalAvgPool {}, &[&value]);
    }
    value = graph.push("flatten", Flatten {}, &[&value]);
    value = graph.push("hidden", Linear { out_features: 5, bias: true }, &[&value]);
    value = graph.push("hidden_relu", Clamp::relu(), &[&value]);
    graph.push("logits", Linear { out_features: 3, bias: uniform.below(2) == 0 }, &[&value]);
    with_random_parameters(&graph, uniform)
}

/// One operation, or a branch and its join, that keeps four channels.
fn block(graph: &mut Graph, step: usize, value: &str, uniform: &mut Uniform) -> String {
    let name = |what: &str| format!("{what}{step}");
    match uniform.below(7) {
        0 => {
            let value = graph.push(name("bn"), BatchNorm { eps: 1e-5 }, &[value]);
            graph.push(name("relu"), Clamp::relu(), &[&value])
        }
        1 => {
            let window = Window { dilation: [1, 2], ..Window::square(2, 1, 1) };
            let conv = Conv2d { out_channels: 4, window, groups: [1, 2, 4][uniform.below(3)], bias: true };
            graph.push(name("conv"), conv, &[value])
        }
        2 => graph.push(name("max"), MaxPool { window: Window::square(3, 2, 1), ceil_mode: true }, &[value]),
        3 => {
            let pool = AvgPool {
                window: Window::square(3, 2, 1),
                ceil_mode: uniform.below(2) == 0,
                count_include_pad: uniform.below(2) == 0,
            };
            graph.push(name("avg"), pool, &[value])
        }
        4 => {
            let branch = graph.push(name("branch"), Conv2d::dense(4, 3, 1, 1, false), &[value]);
            let branch = graph.push(name("relu6"), Clamp { min: Some(-0.5), max: Some(0.7) }, &[&branch]);
            graph.push(name("add"), Add {}, &[value, &branch])
        }
        5 => {
            let left = graph.push(name("left"), Conv2d::dense(3, 1, 1, 0, true), &[value]);
            let right = graph.push(name("right"), Conv2d::dense(1, 3, 1, 1, true), &[value]);
            graph.push(name("concat"), Concat {}, &[&left, &right])
        }
        _ => graph.push(name("select"), SelectChannels { channels: vec![Some(3), None, Some(0), Some(3)] }, &[value]),
    }
}
