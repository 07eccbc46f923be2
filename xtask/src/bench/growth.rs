//! What attribution costs as one thing at a time grows.

use super::contestant::alternate;
use super::figures::Figures;
use super::setup::{Network, Setup};

const THREADS: usize = 1;
const ROUNDS: usize = 3;

/// Forward and attribution for every size, on a VGG-16 of a quarter of the published widths where nothing else is said.
pub(super) fn run(setup: &Setup) -> anyhow::Result<()> {
    println!("## Growth\n\nVGG-16 with all widths times 0.25, {THREADS} thread; medians of {ROUNDS} rounds.\n");
    println!("| what grows | to | images | forward, s | attribution, s | ratio | peak, MiB: forward | attribution |");
    println!("|---|---|---|---|---|---|---|---|");
    let base = Network { width: 0.25, ..Network::new("vgg16_bn_cifar", 10, 32) };
    let row = |what: &str, to: &str, network: Network, images: usize| -> anyhow::Result<()> {
        let folder = setup.write(network, images)?;
        let start = |pass| setup.ours(pass, &folder, images, THREADS);
        let passes = alternate(&mut [start("logits")?, start("attribution")?], ROUNDS)?;
        let seconds = [0, 1].map(|kind| Figures::new(passes[kind].iter().map(|pass| pass.seconds(setup))).median());
        let peak = [0, 1].map(|kind| passes[kind][ROUNDS - 1].peak);
        println!(
            "| {what} | {to} | {images} | {:.3} | {:.3} | {:.2} | {:.0} | {:.0} |",
            seconds[0],
            seconds[1],
            seconds[1] / seconds[0],
            peak[0],
            peak[1]
        );
        Ok(())
    };
    let scale = if setup.quick { 1 } else { 5 };
    for images in [40, 80, 160].map(|images| scale * images) {
        row("images", &images.to_string(), base, images)?;
    }
    for width in [0.125, 0.25, 0.5, 1.0] {
        row("widths", &format!("x {width}"), Network { width, ..base }, 20 * scale)?;
    }
    for categories in [10, 100, 1000] {
        row("categories", &categories.to_string(), Network { categories, ..base }, 200 * scale)?;
    }
    for size in [32, 64, 128] {
        row("image size", &format!("{size}x{size}"), Network { size, ..base }, 10 * scale)?;
    }
    println!();
    Ok(())
}
