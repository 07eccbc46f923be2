//! Models with random weights, the same on every machine: for tests and benchmarks, not for training.

use crate::differences::{Entry, needed};
use mda_core::graph::{GraphErrors, ValidGraph};
use mda_core::tensor::{Parameters, Shape};
use mda_core::{Model, Tensor};

/// A model with [`random_parameters`].
///
/// # Errors
/// [`GraphErrors`] where `categories` is not one name a logit.
pub fn random_model(graph: &ValidGraph, categories: Vec<String>, seed: u64) -> Result<Model, GraphErrors> {
    Model::new(format!("random {seed}"), graph.clone(), random_parameters(graph, seed), categories)
}

/// Weights after He (uniform, variance 2 / fan-in), small biases, and BatchNorm statistics near those of such layers.
///
/// Every tensor depends on `seed` and its own name only. Uniform numbers need no function that rounds differently
/// elsewhere, so other languages can make the same weights.
pub fn random_parameters(graph: &ValidGraph, seed: u64) -> Parameters {
    needed(graph)
        .map(|Entry { name, shape }| {
            let suffix = name.rsplit('.').next().unwrap_or_default();
            let (low, high) = match (suffix, shape.as_slice()) {
                ("weight", [_, fan_in @ ..]) if !fan_in.is_empty() => {
                    let bound = (6.0 / fan_in.iter().product::<usize>() as f64).sqrt();
                    (-bound, bound)
                }
                ("weight" | "running_var", _) => (0.5, 1.5),
                _ => (-0.1, 0.1),
            };
            let tensor = uniform(&name, seed, shape, low, high);
            (name, tensor)
        })
        .collect()
}

/// A batch `[N, C, H, W]` of noise in `0.0..1.0`.
pub fn random_images(shape: Shape, batch: usize, seed: u64) -> Tensor {
    uniform("images", seed, shape.batched(batch), 0.0, 1.0)
}

fn uniform(name: &str, seed: u64, shape: Vec<usize>, low: f64, high: f64) -> Tensor {
    let mut tensor = Tensor::zeros(shape);
    let mut state = seed ^ fnv1a(name);
    for number in tensor.data_mut() {
        // The upper 53 bits make every f64 in 0..1 of that spacing equally likely.
        let unit = (split_mix(&mut state) >> 11) as f64 / (1u64 << 53) as f64;
        *number = (low + unit * (high - low)) as f32;
    }
    tensor
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The 64-bit FNV-1a hash.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_splitmix64() {
        let mut state = 1_234_567;
        let first: Vec<u64> = (0..3).map(|_| split_mix(&mut state)).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
        assert_eq!(fnv1a("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn tensors_depend_on_their_names() {
        let a = uniform("a", 1, vec![4], 0.0, 1.0);
        assert_eq!(a, uniform("a", 1, vec![4], 0.0, 1.0));
        assert_ne!(a, uniform("b", 1, vec![4], 0.0, 1.0));
        assert!(a.data().iter().all(|x| (0.0..1.0).contains(x)));
    }
}
