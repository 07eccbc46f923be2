//! What a valid graph's numbers make the backend allocate: in proportion to its values and weights, whatever its windows are.

use mda_backend_cpu::CpuBackend;
use mda_core::Model;
use mda_core::graph::Graph;
use mda_core::op::{AvgPool, Conv2d, Flatten, GlobalAvgPool, Input, MaxPool, Op, Padding, Window};
use mda_core::run::backend::{Backend, BackendError, Probe};
use mda_core::run::reference::Reference;
use mda_testkit::allocation::{Counting, alone, peak};
use mda_testkit::generate::{random_images, with_random_parameters};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The largest extent that windows may have, less one.
const LARGE: usize = 65_535;
const MIB: usize = 1 << 20;

/// `op` over an image of `[channels, height, width]`, flattened to logits.
fn single(image: [usize; 3], op: impl Into<Op>) -> Model {
    let mut graph = Graph::new();
    graph.push("image", Input { channels: image[0], height: image[1], width: image[2] }, &[]);
    graph.push("op", op, &["image"]);
    graph.push("logits", Flatten {}, &["op"]);
    with_random_parameters("sample", &graph, 7).expect("a valid graph")
}

/// Checks that compiling and running `model` takes at most `most` bytes, and gives what the reference gives, on every
/// instruction set. The sums of a few thousand products may differ by 2e-5 of the largest.
fn stays_within(most: usize, model: &Model, probes: &[Probe], images: usize) {
    let _alone = alone();
    let batch = random_images(model, images, 1);
    let run = |backend: &dyn Backend| backend.compile(model, None, probes)?.session()?.run(&batch);
    let expected = run(&Reference).expect("the reference runs everything");
    for backend in CpuBackend::available() {
        let (found, bytes) = peak(|| run(&backend).expect("the backend runs everything"));
        assert!(bytes <= most, "{backend:?} took {bytes} bytes, not {most}");
        let tensors =
            std::iter::once((&found.logits, &expected.logits)).chain(found.probes.iter().zip(&expected.probes));
        for (found, expected) in tensors {
            assert_eq!(found.shape(), expected.shape());
            let largest = expected.data().iter().fold(0.0f32, |most, x| most.max(x.abs()));
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 2e-5 * largest;
            assert!(largest > 0.0 && found.data().iter().zip(expected.data()).all(close), "{backend:?}");
        }
    }
}

/// With its padding, a map of one number would be 131,071 by 131,071: 69 GB.
#[test]
fn padding_is_not_laid_out() {
    let window = Window { dilation: [LARGE, LARGE], ..Window::square(3, LARGE, LARGE) };
    for groups in [1, 2] {
        let conv = Conv2d { out_channels: 2, window, groups, bias: false };
        stays_within(MIB, &single([2, 1, 1], conv.clone()), &[Probe::WindowSum(1)], 3);
        stays_within(MIB, &single([2, 3, 5], conv), &[Probe::WindowSum(1)], 3);
    }
}

/// A kernel of 65,536 by 65,536 has four billion taps, and no weights that would be as many.
#[test]
fn taps_of_pools_are_not_listed() {
    let window = Window::square(LARGE + 1, LARGE, LARGE);
    for ceil_mode in [false, true] {
        stays_within(MIB, &single([2, 3, 5], MaxPool { window, ceil_mode }), &[], 3);
        for count_include_pad in [false, true] {
            // With the padding in the divisor, means are of the order of 1e-9.
            let pool = AvgPool { window, ceil_mode, count_include_pad };
            stays_within(MIB, &single([2, 3, 5], pool), &[], 3);
        }
    }
}

/// 90,000 taps: packed whole, the columns of 128 positions would take 46 MB a thread.
#[test]
fn columns_are_packed_in_parts() {
    let conv = Conv2d { out_channels: 2, window: Window::square(300, 100, 299), groups: 1, bias: true };
    stays_within(16 * MIB, &single([1, 4, 4], conv), &[], 16);
}

/// Listed, what 4,096 taps see of 4,096 rows would take 30 MB, or 134 MB as masks; a row of sums a tap, 134 MB.
#[test]
fn what_taps_see_is_not_listed() {
    for (image, stride) in [([1, 4096, 1], 2), ([1, 4096, 2], 1), ([1, 2, 4096], 1), ([1, 40, 9], 3)] {
        let padding = Padding { top: 4095, left: 0, bottom: 0, right: 0 };
        let window = Window { kernel: [4096, 1], stride: [stride, 1], padding, dilation: [1, 1] };
        let conv = Conv2d { out_channels: 1, window, groups: 1, bias: false };
        let (kernels, positions) = (4096, single(image, conv.clone()).graph().category_count());
        // Packed weights, a padded row of tiles, the value, the answers.
        stays_within(4 * MIB + 4 * (32 * kernels + 4 * positions), &single(image, conv), &[Probe::WindowSum(1)], 1);
    }
}

/// Values of 1.9 billion numbers that a graph of a few lines asks for, two at a time.
#[test]
fn values_beyond_all_measure_are_refused() {
    let _alone = alone();
    let mut graph = Graph::new();
    graph.push("image", Input { channels: 1, height: 1, width: 1 }, &[]);
    graph.push("conv", Conv2d::dense(1, 1, 1, 22_000, true), &["image"]);
    graph.push("max", MaxPool { window: Window::square(2, 1, 0), ceil_mode: false }, &["conv"]);
    graph.push("mean", GlobalAvgPool {}, &["max"]);
    graph.push("logits", Flatten {}, &["mean"]);
    let model = with_random_parameters("vast", &graph, 1).expect("a valid graph");
    let (answer, bytes) = peak(|| CpuBackend::new().compile(&model, None, &[]).map(drop));
    let Err(BackendError::Unsupported { nodes, .. }) = answer else { panic!("15 GB of values were accepted") };
    assert!(nodes[0].node == "conv" && nodes[0].reason.contains("7744352004 bytes an image"), "{nodes:?}");
    assert!(bytes < MIB, "{bytes}");
}
