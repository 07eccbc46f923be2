//! AlexNet (Krizhevsky, 2014, "One weird trick"), as torchvision has it, and its common form for CIFAR images.

use crate::architecture::Architecture;
use crate::net::{Conv, Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "alexnet",
        summary: "AlexNet (torchvision)",
        categories: 1000,
        input: [3, 224, 224],
        network: |net| {
            features(net, [conv(64, 11).stride(4).padding(2), conv(192, 5).same()], Window::square(3, 2, 0));
            net.adaptive_avg_pool("avgpool", 6);
            classifier(net);
        },
    },
    Architecture {
        name: "alexnet_cifar",
        summary: "AlexNet with 3x3 kernels for 32x32 images; torchvision's names",
        categories: 10,
        input: [3, 32, 32],
        network: |net| {
            features(net, [conv(64, 3).stride(2).same(), conv(192, 3).same()], Window::square(2, 2, 0));
            classifier(net);
        },
    },
];

fn features(net: &mut Net<'_>, [first, second]: [Conv; 2], pool: Window) {
    net.scope("features", |net| {
        net.conv("0", first).relu("1").max_pool("2", pool);
        net.conv("3", second).relu("4").max_pool("5", pool);
        net.conv("6", conv(384, 3).same()).relu("7");
        net.conv("8", conv(256, 3).same()).relu("9");
        net.conv("10", conv(256, 3).same()).relu("11").max_pool("12", pool);
    });
}

fn classifier(net: &mut Net<'_>) {
    net.flatten("flatten").scope("classifier", |net| {
        net.linear("1", 4096).relu("2").linear("4", 4096).relu("5").logits("6");
    });
}
