//! DenseNet (Huang et al., 2016), as torchvision has it.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[
    imagenet("densenet121", "DenseNet-121 (torchvision)", |net| network(net, 64, 32, [6, 12, 24, 16])),
    imagenet("densenet161", "DenseNet-161 (torchvision)", |net| network(net, 96, 48, [6, 12, 36, 24])),
    imagenet("densenet169", "DenseNet-169 (torchvision)", |net| network(net, 64, 32, [6, 12, 32, 32])),
    imagenet("densenet201", "DenseNet-201 (torchvision)", |net| network(net, 64, 32, [6, 12, 48, 32])),
];

const fn imagenet(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 1000, input: [3, 224, 224], network }
}

fn network(net: &mut Net<'_>, stem: usize, growth: usize, blocks: [usize; 4]) {
    net.scope("features", |net| {
        net.conv("conv0", conv(stem, 7).stride(2).same().no_bias()).norm("norm0").relu("relu0");
        net.max_pool("pool0", Window::square(3, 2, 1));
        let mut channels = stem;
        for (block, layers) in (1..).zip(blocks) {
            for layer in 1..=layers {
                net.scope(format!("denseblock{block}.denselayer{layer}"), |net| dense_layer(net, growth));
            }
            channels += layers * growth;
            if block < blocks.len() {
                channels /= 2;
                net.scope(format!("transition{block}"), |net| {
                    net.norm("norm").relu("relu").conv("conv", conv(channels, 1).no_bias());
                    net.avg_pool("pool", Window::square(2, 2, 0));
                });
            }
        }
        net.norm("norm5");
    });
    net.relu("relu").global_avg_pool("avgpool").flatten("flatten").logits("classifier");
}

/// The layer's features behind everything that came before them in its block.
fn dense_layer(net: &mut Net<'_>, growth: usize) {
    let before = net.value();
    net.norm("norm1").relu("relu1").conv("conv1", conv(4 * growth, 1).no_bias());
    let new = net.norm("norm2").relu("relu2").conv("conv2", conv(growth, 3).same().no_bias()).value();
    net.concat("concat", &[before, new]);
}
