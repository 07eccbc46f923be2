//! MobileNet v2 (Sandler et al., 2018), as torchvision has it.

use crate::architecture::Architecture;
use crate::net::{Net, conv, depthwise};

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "mobilenet_v2",
    summary: "MobileNet v2 (torchvision)",
    categories: 1000,
    input: [3, 224, 224],
    network,
}];

/// Expansion, output channels, blocks and the first block's stride, as in table 2 of the paper.
const STAGES: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

fn network(net: &mut Net<'_>) {
    net.scope("features", |net| {
        net.conv("0.0", conv(32, 3).stride(2).same().no_bias()).norm("0.1").relu6("0.2");
        let (mut index, mut channels) = (1, 32);
        for (expansion, width, blocks, stride) in STAGES {
            for block in 0..blocks {
                let stride = if block == 0 { stride } else { 1 };
                net.scope(index, |net| inverted_residual(net, channels * expansion, channels, width, stride));
                (index, channels) = (index + 1, width);
            }
        }
        net.conv("18.0", conv(1280, 1).no_bias()).norm("18.1").relu6("18.2");
    });
    net.global_avg_pool("avgpool").flatten("flatten").logits("classifier.1");
}

fn inverted_residual(net: &mut Net<'_>, hidden: usize, channels: usize, width: usize, stride: usize) {
    let x = net.value();
    net.scope("conv", |net| {
        // The numbering skips the expansion where there is none.
        let depthwise_index = usize::from(hidden != channels);
        if hidden != channels {
            net.conv("0.0", conv(hidden, 1).no_bias()).norm("0.1").relu6("0.2");
        }
        net.scope(depthwise_index, |net| {
            net.conv("0", depthwise(3).stride(stride).same().no_bias()).norm("1").relu6("2");
        });
        net.conv(depthwise_index + 1, conv(width, 1).no_bias()).norm(depthwise_index + 2);
    });
    if stride == 1 && channels == width {
        let residual = net.value();
        net.add("add", &[x, residual]);
    }
}
