//! Slicing and assembling on the real architectures: the rules that hold on random graphs hold on every network that
//! mda-models builds, with its Concats, dense blocks, shortcuts, depthwise and grouped convolutions.
//!
//! The networks are narrow and look at small images; nodes and wiring are the published ones.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use mda_core::assemble::{Form, assemble};
use mda_core::cut::KeepPlan;
use mda_core::cut::slice;
use mda_core::graph::ChannelClasses;
use mda_core::graph::is_layer;
use mda_core::op::{Connectivity, Op};
use mda_core::run::reference::evaluate;
use mda_core::{Model, Tensor};
use mda_models::{Architecture, Widths, all, random_images, random_model};
use mda_testkit::Random;

const CATEGORIES: usize = 4;

/// Random weights in an eighth of the published widths, in a sixteenth where the images must be large.
fn narrow(architecture: &Architecture, seed: u64) -> Model {
    let mut config = architecture.published();
    config.categories = CATEGORIES;
    config.input = small(architecture);
    config.widths = Widths::Scaled(if config.input[1] < 100 { 0.125 } else { 0.0625 });
    let graph = architecture.build(&config).unwrap_or_else(|error| panic!("{}: {error}", architecture.name));
    let categories = (0..CATEGORIES).map(|category| format!("{seed}.{category}")).collect();
    random_model(&graph, categories, seed).unwrap()
}

/// Images as small as the architecture takes, wider than high where nothing forces a square.
fn small(architecture: &Architecture) -> [usize; 3] {
    match architecture.name {
        "alexnet" => [3, 224, 224],
        name if name.starts_with("vgg") && !name.ends_with("cifar") => [3, 224, 224],
        "inception_v3" => [3, 75, 91],
        "lenet5" | "simnet" | "alexnet_cifar" => [3, 32, 32],
        name if name.starts_with("vgg") => [3, 32, 32],
        _ => [3, 33, 41],
    }
}

/// Keeps `share` of the channel classes, at least one channel of every value, and these categories.
fn random_plan(model: &Model, share: f32, task: &[usize], seed: u64) -> KeepPlan {
    let graph = model.graph();
    let classes = ChannelClasses::of(graph);
    let mut random = Random::new(seed);
    let mut keep = classes.each(|| random.uniform(0.0, 1.0) < share);
    for value in 0..graph.nodes().len() {
        let of_value = classes.of_value(value);
        if !of_value.iter().any(|&class| keep[class]) {
            keep[of_value[random.below(of_value.len())]] = true;
        }
    }
    let wanted: Vec<Vec<bool>> = (0..graph.nodes().len())
        .map(|value| classes.of_value(value).iter().map(|&class| keep[class]).collect())
        .collect();
    let score: Vec<Vec<f32>> =
        wanted.iter().map(|flags| flags.iter().map(|_| random.uniform(0.0, 1.0)).collect()).collect();
    KeepPlan::new(graph, &wanted, &score, task)
}

fn logits(model: &Model, batch: &Tensor) -> Tensor {
    evaluate(model, batch, |_, _| {}).swap_remove(model.graph().output())
}

/// The kept logits of the uncut model, the removed channels zero wherever a layer reads them.
fn masked_logits(model: &Model, plan: &KeepPlan, batch: &Tensor) -> Tensor {
    let graph = model.graph();
    let mut read_by_layer = vec![false; graph.nodes().len()];
    for id in (0..graph.nodes().len()).filter(|&id| is_layer(graph, id)) {
        read_by_layer[graph.node(id).inputs[0]] = true;
    }
    let values = evaluate(model, batch, |id, value| {
        if !read_by_layer[id] {
            return;
        }
        let (channels, positions) = (graph.node(id).shape.channels(), graph.node(id).shape.positions());
        for (plane, numbers) in value.data_mut().chunks_mut(positions).enumerate() {
            if plan.kept(id).binary_search(&(plane % channels)).is_err() {
                numbers.fill(0.0);
            }
        }
    });
    values[graph.output()].select(1, plan.kept(graph.output()))
}

/// How many kept channels every group of every grouped convolution has, of what it sees and of what it computes.
fn assert_equal_groups(model: &Model, plan: &KeepPlan) -> usize {
    let graph = model.graph();
    let mut grouped = 0;
    for (id, node) in graph.nodes().iter().enumerate() {
        let Op::Conv2d(conv) = &node.op else { continue };
        let input = node.inputs[0];
        if conv.connectivity(graph.node(input).shape.channels()) != Connectivity::Grouped {
            continue;
        }
        grouped += 1;
        for value in [input, id] {
            let size = graph.node(value).shape.channels() / conv.groups;
            let mut counts = vec![0; conv.groups];
            plan.kept(value).iter().for_each(|channel| counts[channel / size] += 1);
            counts.retain(|&count| count > 0);
            assert!(counts.iter().all(|count| *count == counts[0]), "{}: {counts:?}", node.name);
        }
    }
    grouped
}

/// Runs `check` on every architecture, on as many threads as there are, and fails with all that fail.
fn on_every_architecture(check: impl Fn(&'static Architecture) -> Result<(), String> + Sync) {
    let architectures: Vec<&'static Architecture> = all().collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some(architecture) = architectures.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
            failed.extend(check(architecture).err().map(|problem| format!("{}: {problem}", architecture.name)));
        }
        failed
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} fail\n{}", failed.len(), architectures.len(), failed.join("\n"));
}

/// Both evaluations add the same products in the same order, one of them with zeros between, so they agree exactly.
#[test]
fn sliced_equals_masked() {
    on_every_architecture(|architecture| {
        let model = narrow(architecture, 1);
        let batch = random_images(model.input_shape(), 1, 2);
        let whole = logits(&model, &batch);
        for (seed, share) in [(3, 0.3), (4, 0.7)] {
            let plan = random_plan(&model, share, &[1, 3], seed);
            let grouped = assert_equal_groups(&model, &plan);
            if architecture.name.starts_with("resnext") && grouped == 0 {
                return Err("no grouped convolution was looked at".into());
            }
            let sliced = slice(&model, &plan).map_err(|error| error.to_string())?;
            let (got, expected) = (logits(&sliced, &batch), masked_logits(&model, &plan, &batch));
            if got != expected {
                return Err(format!("share {share}: {:?} sliced, {:?} masked", got.data(), expected.data()));
            }
            if got == whole.select(1, &[1, 3]) || sliced.size().parameters >= model.size().parameters {
                return Err(format!("share {share} cut nothing"));
            }
        }
        Ok(())
    });
}

/// The sums of a merged layer hold the same products with zeros between, in another order.
#[test]
fn parallel_equals_block_diagonal() {
    on_every_architecture(|architecture| {
        let component = |seed: u64, task: &[usize]| {
            let model = narrow(architecture, seed);
            let plan = random_plan(&model, 0.3, task, 10 + seed);
            slice(&model, &plan).map_err(|error| error.to_string())
        };
        let (first, second) = (component(1, &[1, 3])?, component(2, &[0, 2, 3])?);
        let batch = random_images(first.input_shape(), 1, 2);
        let join = |form| assemble("both", &[&first, &second], form).map_err(|error| error.to_string());
        let parallel = logits(&join(Form::Parallel)?, &batch);
        let merged = logits(&join(Form::BlockDiagonal)?, &batch);
        let expected = [logits(&first, &batch).into_data(), logits(&second, &batch).into_data()].concat();
        if parallel.data() != expected {
            return Err(format!("parallel {:?}, components {expected:?}", parallel.data()));
        }
        let magnitude = expected.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let pairs = merged.data().iter().zip(&expected);
        let worst = pairs.fold(0.0, |worst: f32, (a, b)| worst.max((a - b).abs())) / magnitude;
        // Each of up to 150 layers rounds to f32 once.
        if worst < 1e-5 { Ok(()) } else { Err(format!("block-diagonal differs by {worst:e}")) }
    });
}
