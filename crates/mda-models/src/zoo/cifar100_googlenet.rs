//! GoogLeNet for 32x32 images with BatchNorm, named as in weiaicunzai/pytorch-cifar100 (`prelayer.0`, `a3.b1.0`, `linear`):
//! two 3x3 convolutions in place of the 5x5 one, and a pool behind the three convolutions of `prelayer`. The original
//! passes the channels of `b3.4` as its eps as well, and weights trained with that need it here.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "googlenet_cifar",
    summary: "GoogLeNet for 32x32 images (pytorch-cifar100)",
    categories: 100,
    input: [3, 32, 32],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.scope("prelayer", |net| {
        net.conv("0", conv(64, 3).same().no_bias()).norm("1").relu("2");
        net.conv("3", conv(64, 3).same().no_bias()).norm("4").relu("5");
        net.conv("6", conv(192, 3).same().no_bias()).norm("7").relu("8");
    });
    net.max_pool("maxpool1", Window::square(3, 2, 1));
    inception(net, "a3", 64, [96, 128], [16, 32], 32);
    inception(net, "b3", 128, [128, 192], [32, 96], 64);
    net.max_pool("maxpool2", Window::square(3, 2, 1));
    inception(net, "a4", 192, [96, 208], [16, 48], 64);
    inception(net, "b4", 160, [112, 224], [24, 64], 64);
    inception(net, "c4", 128, [128, 256], [24, 64], 64);
    inception(net, "d4", 112, [144, 288], [32, 64], 64);
    inception(net, "e4", 256, [160, 320], [32, 128], 128);
    net.max_pool("maxpool3", Window::square(3, 2, 1));
    inception(net, "a5", 256, [160, 320], [32, 128], 128);
    inception(net, "b5", 384, [192, 384], [48, 128], 128);
    net.global_avg_pool("avgpool").flatten("flatten").logits("linear");
}

fn inception(net: &mut Net<'_>, name: &str, b1: usize, b2: [usize; 2], b3: [usize; 2], b4: usize) {
    let x = net.value();
    net.scope(name, |net| {
        let b1 = net.conv("b1.0", conv(b1, 1)).norm("b1.1").relu("b1.2").value();
        net.from(&x).conv("b2.0", conv(b2[0], 1)).norm("b2.1").relu("b2.2");
        let b2 = net.conv("b2.3", conv(b2[1], 3).same()).norm("b2.4").relu("b2.5").value();
        net.from(&x).conv("b3.0", conv(b3[0], 1)).norm("b3.1").relu("b3.2");
        let channels = net.conv("b3.3", conv(b3[1], 3).same()).value().channels();
        net.eps(channels as f32).norm("b3.4").eps(1e-5).relu("b3.5");
        let b3 = net.conv("b3.6", conv(b3[1], 3).same()).norm("b3.7").relu("b3.8").value();
        net.from(&x).max_pool("b4.0", Window::square(3, 1, 1));
        let b4 = net.conv("b4.1", conv(b4, 1)).norm("b4.2").relu("b4.3").value();
        net.concat("concat", &[b1, b2, b3, b4]);
    });
}
