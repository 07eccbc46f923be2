//! Steps of training a second on the embedded backend and in PyTorch.

use super::contestant::{Pass, alternate};
use super::figures::Figures;
use super::setup::{Network, Setup};

/// Images a step.
const BATCH: usize = 64;

/// One row a network and number of threads. Widths are those of components at about 30 and 20 % of the parameters; both contestants take
/// plain steps of SGD on the cross-entropy, with the statistics of BatchNorm fixed.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    let narrow = |name, width| Network { width, ..Network::new(name, 7, 32) };
    let mut cases = vec![
        ("ResNet-32, widths x 0.6", narrow("resnet32", 0.6), 9),
        ("VGG-16, 32x32, widths x 0.25", narrow("vgg16_bn_cifar", 0.25), 7),
    ];
    if setup.quick {
        cases.iter_mut().for_each(|case| case.2 = 3);
    }
    println!(
        "## Training\n\nBatches of {BATCH}; how many times as long PyTorch takes: median (least to largest of the rounds), and the largest resident memory in MiB.\n"
    );
    println!("| network | threads | steps/s | PyTorch | MiB | PyTorch's |\n|---|---|---|---|---|---|");
    for (title, network, rounds) in cases {
        let folder = setup.write(network, BATCH)?;
        for threads in [1, 2] {
            let ours = setup.ours("training", &folder, BATCH, threads)?;
            let mut contestants = [ours, setup.peer("torch-training", &folder, BATCH, threads)?];
            let passes = alternate(&mut contestants, rounds)?;
            let seconds = |passes: &[Pass]| passes.iter().map(|pass| pass.seconds(setup)).collect::<Vec<_>>();
            let peak = |passes: &[Pass]| passes.iter().fold(0.0f64, |most, pass| most.max(pass.peak));
            let (own, peer) = (seconds(&passes[0]), seconds(&passes[1]));
            let steps = Figures::new(own.iter().map(|seconds| 1.0 / seconds)).median();
            let (ratio, peaks) = (Figures::ratios(&peer, &own), [&passes[0], &passes[1]].map(|passes| peak(passes)));
            println!("| {title} | {threads} | {steps:.1} | {ratio} | {:.0} | {:.0} |", peaks[0], peaks[1]);
        }
    }
    println!();
    Ok(())
}
