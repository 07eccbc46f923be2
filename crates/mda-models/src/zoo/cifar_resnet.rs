//! The CIFAR ResNets of 6n + 2 layers (He et al., 2015, section 4.2) with parameter-free shortcuts (option A: every other
//! row and column, zero channels on both sides), named as in akamaster/pytorch_resnet_cifar10.

use crate::architecture::Architecture;
use crate::net::{Net, conv};

pub(super) const ARCHITECTURES: &[Architecture] = &[
    cifar("resnet20", "ResNet-20 for CIFAR images (pytorch_resnet_cifar10)", |net| network(net, 3)),
    cifar("resnet32", "ResNet-32 for CIFAR images (pytorch_resnet_cifar10)", |net| network(net, 5)),
    cifar("resnet44", "ResNet-44 for CIFAR images (pytorch_resnet_cifar10)", |net| network(net, 7)),
    cifar("resnet56", "ResNet-56 for CIFAR images (pytorch_resnet_cifar10)", |net| network(net, 9)),
    cifar("resnet110", "ResNet-110 for CIFAR images (pytorch_resnet_cifar10)", |net| network(net, 18)),
];

const fn cifar(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 10, input: [3, 32, 32], network }
}

fn network(net: &mut Net<'_>, blocks: usize) {
    net.conv("conv1", conv(16, 3).same().no_bias()).norm("bn1").relu("relu");
    for stage in 0..3 {
        for index in 0..blocks {
            let shrinks = stage > 0 && index == 0;
            net.scope(format!("layer{}.{index}", stage + 1), |net| block(net, 16 << stage, shrinks));
        }
    }
    net.global_avg_pool("avgpool").flatten("flatten").logits("linear");
}

fn block(net: &mut Net<'_>, planes: usize, shrinks: bool) {
    let x = net.value();
    let stride = if shrinks { 2 } else { 1 };
    net.conv("conv1", conv(planes, 3).stride(stride).same().no_bias()).norm("bn1").relu("relu1");
    let residual = net.conv("conv2", conv(planes, 3).same().no_bias()).norm("bn2").value();
    let shortcut = if shrinks {
        net.from(&x).subsample("shortcut.slice", 2).pad_channels("shortcut.pad", residual.channels()).value()
    } else {
        x
    };
    net.add("add", &[residual, shortcut]).relu("relu2");
}
