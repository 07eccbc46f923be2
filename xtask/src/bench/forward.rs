//! Images per second on the embedded backend and on the peers.

use super::contestant::{Pass, alternate};
use super::figures::Figures;
use super::setup::{Network, Setup};
use anyhow::{Context, ensure};
use std::path::Path;

/// Images at a time: of 32x32, and of 224x224 and more.
const BATCH: [usize; 2] = [64, 32];
/// Their names for `peer.py` and for people. PyTorch runs twice: as a user calls it, and traced, frozen and optimised.
const PEERS: [(&str, &str); 3] =
    [("torch", "PyTorch"), ("torch-frozen", "PyTorch, frozen"), ("onnxruntime", "ONNX Runtime")];
/// The largest difference of logits, relative to the largest logit: other orders of some thousand sums in some dozen layers.
const TOLERANCE: f32 = 1e-3;

struct Case {
    title: &'static str,
    network: Network,
    rounds: usize,
}

/// One row a network and number of threads; ratios are a peer's seconds over ours.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    let case = |title, network, rounds| Case { title, network, rounds };
    // Trained weights where they are given, else a little less of the same blocks with random ones.
    let given = std::env::var_os("MDA_SHARED").is_some();
    let (lite, name) = if given {
        ("EfficientNet-Lite1, 240x240", "efficientnet-lite1.onnx")
    } else {
        ("EfficientNet-Lite0, 240x240", "efficientnet_lite0")
    };
    let mut cases = vec![
        case("LeNet-5", Network::new("lenet5", 10, 32), 51),
        case("VGG-16, 32x32", Network::new("vgg16_bn_cifar", 10, 32), 7),
        case("GoogLeNet, CIFAR form", Network::new("googlenet_cifar", 10, 32), 5),
        case("ResNet-50, CIFAR form", Network::new("resnet50_cifar", 10, 32), 3),
        case("ResNet-18, 224x224", Network::new("resnet18", 1000, 224), 3),
        case("MobileNetV2, 224x224", Network::new("mobilenet_v2", 1000, 224), 7),
        case(lite, Network::new(name, 1000, 240), 7),
    ];
    if setup.quick {
        cases.truncate(3);
        cases.iter_mut().for_each(|case| case.rounds = 3);
    }
    println!(
        "## Forward\n\nBatch {}, or {} from 224x224 on; how many times as long the others take: median (least to largest of the rounds).\n",
        BATCH[0], BATCH[1]
    );
    println!("| network | threads | images/s | {} | candle, one pass |", PEERS.map(|(_, title)| title).join(" | "));
    println!("|---|---|---|---|{}", "---|".repeat(PEERS.len()));
    for case in &cases {
        let batch = if case.network.size < 224 { BATCH[0] } else { BATCH[1] };
        let folder = setup.write(case.network, batch)?;
        let mut alone = None;
        for threads in [1, 2] {
            let mut contestants = vec![setup.ours("forward", &folder, batch, threads)?];
            for (name, _) in PEERS {
                contestants.push(setup.peer(name, &folder, batch, threads)?);
            }
            PEERS.iter().try_for_each(|(name, _)| agree(&folder, name))?;
            let passes = alternate(&mut contestants, case.rounds)?;
            contestants.truncate(1);
            // candle takes several times as long as all others together.
            contestants.push(setup.candle(&folder, batch, threads)?);
            agree(&folder, "candle")?;
            let last = alternate(&mut contestants, 1)?;
            let seconds = |passes: &[Pass]| passes.iter().map(|pass| pass.seconds(setup)).collect::<Vec<_>>();
            let own = seconds(&passes[0]);
            let ours = Figures::new(own.iter().map(|seconds| batch as f64 / seconds)).median();
            let mut ratios: Vec<String> =
                passes[1..].iter().map(|peer| Figures::ratios(&seconds(peer), &own).to_string()).collect();
            ratios.push(format!("{:.1}", last[1][0].seconds(setup) / last[0][0].seconds(setup)));
            let alone = *alone.get_or_insert(ours);
            let scaling = if threads > 1 { format!(" ({:.2} times one thread)", ours / alone) } else { String::new() };
            println!("| {} | {threads} | {ours:.1}{scaling} | {} |", case.title, ratios.join(" | "));
        }
    }
    println!();
    Ok(())
}

/// A benchmark of a wrong network is worthless: ours and `peer` have written the same logits.
fn agree(folder: &Path, peer: &str) -> anyhow::Result<()> {
    let read = |name: &str| -> anyhow::Result<Vec<f32>> {
        let path = folder.join(format!("logits.{name}.f32"));
        let bytes = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect())
    };
    let (ours, theirs) = (read("cpu")?, read(peer)?);
    ensure!(theirs.len() == ours.len(), "{peer} has {} logits, ours are {}", theirs.len(), ours.len());
    let largest = ours.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
    let worst = ours.iter().zip(&theirs).fold(0.0f32, |worst, (a, b)| worst.max((a - b).abs()));
    ensure!(worst <= TOLERANCE * largest, "{peer}: logits of up to {largest} differ by {worst}");
    Ok(())
}
