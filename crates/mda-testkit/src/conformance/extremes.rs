//! What backends treat apart, or might not notice: channels far smaller than their neighbours, windows far larger than
//! their maps, layers that fill large tiles, batches whose columns do not stand at once.

use super::case::Case;
use super::compare::{ELEMENTWISE, EXACT, LAYERS, ONE_SUM};
use super::networks::{BN, chain, classified, conv, depthwise, max_pool};
use super::operations::{features, flat, images, single};
use mda_core::op::{Add, AvgPool, Clamp, Conv2d, Linear, MaxPool, Op, Padding, Window};

pub(super) fn cases() -> Vec<Case> {
    let groups = [small_channels(), wide_windows(), many_positions()];
    groups.into_iter().flatten().collect()
}

fn grouped(out_channels: usize, groups: usize, window: Window) -> Op {
    Conv2d { out_channels, window, groups, bias: true }.into()
}

/// Layers some of whose channels are a hundred-thousandth of the others.
fn small_channels() -> Vec<Case> {
    let (odd, square) = ([4, 7, 9], Window::square);
    let name = |what: &str| format!("small channels: {what}");
    let mut cases = vec![
        single(&name("Conv2d"), odd, conv(5, 3, 1), ONE_SUM),
        single(&name("Conv2d of 1x1"), odd, conv(5, 1, 1), ONE_SUM),
        single(&name("Conv2d of many channels"), [18, 6, 6], conv(20, 3, 1), ONE_SUM),
        single(&name("2 groups"), odd, grouped(6, 2, square(3, 1, 1)), ONE_SUM),
        single(&name("depthwise"), odd, grouped(8, 4, square(3, 2, 1)), ONE_SUM),
        single(&name("BatchNorm"), odd, BN, ELEMENTWISE),
        features(&name("Linear"), odd, Linear { out_features: 33, bias: true }, ONE_SUM),
        features(&name("BatchNorm of features"), [2, 2, 3], BN, ELEMENTWISE),
    ];

    let mut plain = images([4, 8, 10]);
    let relu = || Op::from(Clamp::relu());
    chain(&mut plain, "layer", "x", vec![conv(6, 3, 1), BN.into(), relu(), max_pool(), conv(7, 3, 1), relu()]);
    cases.push(Case::new(&name("Conv2d, BatchNorm, ReLU, MaxPool, Conv2d, ReLU"), &flat(plain), LAYERS));

    let mut residual = images([6, 8, 8]);
    let branch =
        chain(&mut residual, "branch", "x", vec![conv(6, 3, 1), BN.into(), relu(), depthwise(6, 1), BN.into()]);
    let shortcut = chain(&mut residual, "shortcut", "x", vec![conv(6, 1, 1), BN.into()]);
    let sum = residual.push("sum", Add {}, &[&branch, &shortcut]);
    chain(&mut residual, "after", &sum, vec![relu()]);
    cases.push(Case::new(&name("residual"), &classified(residual), LAYERS));
    cases.into_iter().map(Case::with_small_channels).collect()
}

/// Padding, strides and dilations of hundreds over maps of a few rows: laid out with its padding, such a map would be ten
/// thousand times as large.
fn wide_windows() -> Vec<Case> {
    let few = [4, 5, 7];
    let padding = Padding { top: 300, left: 301, bottom: 299, right: 300 };
    let spread = Window { kernel: [3, 3], stride: [150, 150], padding, dilation: [149, 151] };
    let large = Window { kernel: [200, 200], stride: [150, 151], ..Window::square(1, 1, 199) };
    let dense = Window { kernel: [90, 80], stride: [1, 35], padding: Padding { top: 0, ..padding }, dilation: [3, 4] };
    let name = |what: &str| format!("wide windows: {what}");
    let average = |count_include_pad| AvgPool { window: large, ceil_mode: true, count_include_pad };
    vec![
        single(&name("Conv2d"), few, grouped(5, 1, spread), ONE_SUM),
        single(&name("2 groups"), few, grouped(6, 2, spread), ONE_SUM),
        single(&name("depthwise"), few, grouped(8, 4, spread), ONE_SUM),
        single(&name("depthwise with a large kernel"), [2, 5, 7], grouped(2, 2, dense), ONE_SUM),
        single(&name("MaxPool"), few, MaxPool { window: large, ceil_mode: false }, EXACT),
        single(&name("AvgPool"), few, average(false), ONE_SUM),
        single(&name("AvgPool, padding counts"), few, average(true), ONE_SUM),
    ]
}

/// Layers of more than 32 filters and 8,100 positions, which fill 128 tiles of 64 by 64, and convolutions whose columns for
/// the whole batch take more than 8 MiB.
fn many_positions() -> Vec<Case> {
    let name = |what: &str| format!("many positions: {what}");
    let square = Window::square;
    let mut filters = images([2, 65, 63]);
    chain(&mut filters, "layer", "x", vec![conv(40, 3, 1), BN.into(), Clamp::relu().into()]);
    vec![
        Case::new(&name("40 filters"), &flat(filters), LAYERS).with_batches(&[2, 1]),
        single(&name("2 groups of 40 filters"), [4, 65, 63], grouped(80, 2, square(1, 1, 0)), ONE_SUM)
            .with_batches(&[1]),
        features(&name("8,150 features"), [3, 1, 6], Linear { out_features: 8150, bias: true }, ONE_SUM)
            .with_batches(&[2]),
        single(&name("columns of 9 MB"), [3, 41, 40], conv(2, 7, 1), ONE_SUM).with_batches(&[9]),
        single(&name("columns of 2 groups of 9 MB"), [4, 41, 40], grouped(4, 2, square(5, 1, 2)), ONE_SUM)
            .with_batches(&[13, 1]),
    ]
}
