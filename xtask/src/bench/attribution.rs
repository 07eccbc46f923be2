//! What attribution costs beside the forward pass over the same images, and beside the formula written out.

use super::contestant::{Pass, alternate};
use super::figures::Figures;
use super::setup::{Network, Setup};
use anyhow::Result;

const THREADS: usize = 2;

pub(super) fn run(setup: &Setup) -> Result<()> {
    println!("## Attribution\n");
    beside_forward(setup)?;
    beside_materialising(setup)
}

/// Two processes, so that each has a peak of its own.
fn beside_forward(setup: &Setup) -> Result<()> {
    let (images, rounds) = if setup.quick { (128, 5) } else { (500, 15) };
    println!("Over {images} images of 10 categories, {THREADS} threads: attribution over the forward pass alone.\n");
    println!("| network | forward, s | attribution, s | ratio in time | ratio in peak memory |\n|---|---|---|---|---|");
    let mut networks = vec![("VGG-16, 32x32", "vgg16_bn_cifar"), ("ResNet-50, CIFAR form", "resnet50_cifar")];
    networks.truncate(if setup.quick { 1 } else { 2 });
    for (title, name) in networks {
        let folder = setup.write(Network::new(name, 10, 32), images)?;
        let start = |pass| setup.ours(pass, &folder, images, THREADS);
        let passes = alternate(&mut [start("logits")?, start("attribution")?], rounds)?;
        let [forward, attribution] = [seconds(setup, &passes[0]), seconds(setup, &passes[1])];
        let peak = |passes: &[Pass]| passes.last().map_or(f64::NAN, |pass| pass.peak);
        println!(
            "| {title} | {:.2} | {:.2} | {} | {:.2} |",
            Figures::new(forward.iter().copied()).median(),
            Figures::new(attribution.iter().copied()).median(),
            Figures::ratios(&attribution, &forward),
            peak(&passes[1]) / peak(&passes[0]),
        );
    }
    println!();
    Ok(())
}

fn seconds(setup: &Setup, passes: &[Pass]) -> Vec<f64> {
    passes.iter().map(|pass| pass.seconds(setup)).collect()
}

/// The same contributions in PyTorch, with the response of every pair of channels at every position in memory.
fn beside_materialising(setup: &Setup) -> Result<()> {
    println!(
        "Beside PyTorch with the `B*Q*P*H*W` responses written out, one category, {THREADS} threads, both bounded to"
    );
    println!("8 GiB of data.\n");
    println!("| network | images | ours, s | written out, s | ratio | peak, MiB: ours | written out |");
    println!("|---|---|---|---|---|---|---|");
    let (vgg, large) = (Network::new("vgg16_bn_cifar", 10, 32), Network::new("vgg16_bn", 1000, 224));
    let narrow = Network { width: 0.25, ..vgg };
    let cases = if setup.quick {
        vec![("VGG-16, 32x32, widths x 0.25", narrow, 8, 1)]
    } else {
        vec![("VGG-16, 32x32", vgg, 32, 2), ("VGG-16, 224x224", large, 32, 1)]
    };
    for (title, network, images, rounds) in cases {
        let folder = setup.write(Network { categories: 1, ..network }, images)?;
        let passes = alternate(&mut [setup.ours("attribution", &folder, images, THREADS)?], rounds)?;
        let ours = Figures::new(seconds(setup, &passes[0]));
        let peak = passes[0].last().map_or(f64::NAN, |pass| pass.peak);
        let start = setup.peer("materialise", &folder, images, THREADS);
        let theirs = start.and_then(|peer| alternate(&mut [peer], rounds));
        match theirs {
            Ok(theirs) => println!(
                "| {title} | {images} | {:.2} | {:.2} | {:.1} | {peak:.0} | {:.0} |",
                ours.median(),
                Figures::new(seconds(setup, &theirs[0])).median(),
                Figures::new(seconds(setup, &theirs[0])).median() / ours.median(),
                theirs[0].last().map_or(f64::NAN, |pass| pass.peak),
            ),
            Err(reason) => println!("| {title} | {images} | {:.2} | {reason} | | {peak:.0} | |", ours.median()),
        }
    }
    println!();
    Ok(())
}
