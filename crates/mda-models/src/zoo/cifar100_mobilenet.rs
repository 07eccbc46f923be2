//! MobileNet v1 (Howard et al., 2017) for 32x32 images, named as in weiaicunzai/pytorch-cifar100 (`stem.0.conv`,
//! `conv1.0.depthwise.0`, `conv1.0.pointwise.0`, `fc`); its pointwise convolutions have biases. The ImageNet form is
//! `mobilenet_v1`.

use crate::architecture::Architecture;
use crate::net::{Net, conv, depthwise};

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "mobilenet_v1_cifar",
    summary: "MobileNet v1 for 32x32 images (pytorch-cifar100)",
    categories: 100,
    input: [3, 32, 32],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.conv("stem.0.conv", conv(32, 3).same().no_bias()).norm("stem.0.bn").relu("stem.0.relu");
    net.scope("stem.1", |net| separable(net, 64, 1));
    for (stage, (width, count)) in [(128, 2), (256, 2), (512, 6), (1024, 2)].into_iter().enumerate() {
        for index in 0..count {
            let stride = if index == 0 { 2 } else { 1 };
            net.scope(format!("conv{}.{index}", stage + 1), |net| separable(net, width, stride));
        }
    }
    net.global_avg_pool("avg").flatten("flatten").logits("fc");
}

fn separable(net: &mut Net<'_>, width: usize, stride: usize) {
    net.conv("depthwise.0", depthwise(3).stride(stride).same().no_bias()).norm("depthwise.1").relu("depthwise.2");
    net.conv("pointwise.0", conv(width, 1)).norm("pointwise.1").relu("pointwise.2");
}
