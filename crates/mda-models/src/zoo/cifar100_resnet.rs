//! ResNet for 32x32 images: the ImageNet depths behind a single 3x3 convolution, named as in weiaicunzai/pytorch-cifar100
//! (`conv1.0`, `conv2_x.0.residual_function.0`, `conv2_x.0.shortcut.0`, `fc`).

use crate::architecture::Architecture;
use crate::net::{Net, conv};

pub(super) const ARCHITECTURES: &[Architecture] = &[
    cifar("resnet18_cifar", "ResNet-18 for 32x32 images (pytorch-cifar100)", |net| network(net, [2, 2, 2, 2], basic)),
    cifar("resnet34_cifar", "ResNet-34 for 32x32 images (pytorch-cifar100)", |net| network(net, [3, 4, 6, 3], basic)),
    cifar("resnet50_cifar", "ResNet-50 for 32x32 images (pytorch-cifar100)", |net| {
        network(net, [3, 4, 6, 3], bottleneck);
    }),
    cifar("resnet101_cifar", "ResNet-101 for 32x32 images (pytorch-cifar100)", |net| {
        network(net, [3, 4, 23, 3], bottleneck);
    }),
    cifar("resnet152_cifar", "ResNet-152 for 32x32 images (pytorch-cifar100)", |net| {
        network(net, [3, 8, 36, 3], bottleneck);
    }),
];

const fn cifar(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 100, input: [3, 32, 32], network }
}

/// Appends a block's `residual_function` of so many planes at this stride and answers its output channels.
type Residual = fn(&mut Net<'_>, usize, usize) -> usize;

fn network(net: &mut Net<'_>, blocks: [usize; 4], residual: Residual) {
    net.conv("conv1.0", conv(64, 3).same().no_bias()).norm("conv1.1").relu("conv1.2");
    for (stage, count) in blocks.into_iter().enumerate() {
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            net.scope(format!("conv{}_x.{index}", stage + 2), |net| {
                block(net, residual, 64 << stage, index == 0, stride);
            });
        }
    }
    net.global_avg_pool("avg_pool").flatten("flatten").logits("fc");
}

fn block(net: &mut Net<'_>, residual: Residual, planes: usize, first: bool, stride: usize) {
    let x = net.value();
    let out_channels = residual(net, planes, stride);
    let behind = net.value();
    // Basic blocks of the first stage have 64 channels before and behind them.
    let projects = first && (stride > 1 || out_channels > 64);
    let shortcut = if projects {
        net.from(&x).conv("shortcut.0", conv(out_channels, 1).stride(stride).no_bias()).norm("shortcut.1").value()
    } else {
        x
    };
    net.add("add", &[behind, shortcut]).relu("relu");
}

fn basic(net: &mut Net<'_>, planes: usize, stride: usize) -> usize {
    net.scope("residual_function", |net| {
        net.conv("0", conv(planes, 3).stride(stride).same().no_bias()).norm("1").relu("2");
        net.conv("3", conv(planes, 3).same().no_bias()).norm("4");
    });
    planes
}

fn bottleneck(net: &mut Net<'_>, planes: usize, stride: usize) -> usize {
    net.scope("residual_function", |net| {
        net.conv("0", conv(planes, 1).no_bias()).norm("1").relu("2");
        net.conv("3", conv(planes, 3).stride(stride).same().no_bias()).norm("4").relu("5");
        net.conv("6", conv(planes * 4, 1).no_bias()).norm("7");
    });
    planes * 4
}
