//! GoogLeNet (Szegedy et al., 2014) with BatchNorm, as torchvision has it: without the auxiliary heads, which only
//! training uses, and with torchvision's 3x3 kernel where the paper has 5x5 (`branch3`).
//!
//! torchvision's weights come with `transform_input`, which is a normalisation with mean 0.5 and standard deviation 0.5 of
//! every channel; the graph has it where the configuration asks for those numbers.

use crate::architecture::Architecture;
use crate::net::{Conv, Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "googlenet",
    summary: "GoogLeNet without auxiliary heads (torchvision)",
    categories: 1000,
    input: [3, 224, 224],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.eps(1e-3);
    basic_conv(net, "conv1", conv(64, 7).stride(2).same());
    net.max_pool_ceil("maxpool1", Window::square(3, 2, 0));
    basic_conv(net, "conv2", conv(64, 1));
    basic_conv(net, "conv3", conv(192, 3).same());
    net.max_pool_ceil("maxpool2", Window::square(3, 2, 0));
    inception(net, "inception3a", 64, [96, 128], [16, 32], 32);
    inception(net, "inception3b", 128, [128, 192], [32, 96], 64);
    net.max_pool_ceil("maxpool3", Window::square(3, 2, 0));
    inception(net, "inception4a", 192, [96, 208], [16, 48], 64);
    inception(net, "inception4b", 160, [112, 224], [24, 64], 64);
    inception(net, "inception4c", 128, [128, 256], [24, 64], 64);
    inception(net, "inception4d", 112, [144, 288], [32, 64], 64);
    inception(net, "inception4e", 256, [160, 320], [32, 128], 128);
    net.max_pool_ceil("maxpool4", Window::square(2, 2, 0));
    inception(net, "inception5a", 256, [160, 320], [32, 128], 128);
    inception(net, "inception5b", 384, [192, 384], [48, 128], 128);
    net.global_avg_pool("avgpool").flatten("flatten").logits("fc");
}

fn inception(net: &mut Net<'_>, name: &str, b1: usize, b2: [usize; 2], b3: [usize; 2], b4: usize) {
    let x = net.value();
    net.scope(name, |net| {
        basic_conv(net, "branch1", conv(b1, 1));
        let branch1 = net.value();
        net.from(&x);
        basic_conv(net, "branch2.0", conv(b2[0], 1));
        basic_conv(net, "branch2.1", conv(b2[1], 3).same());
        let branch2 = net.value();
        net.from(&x);
        basic_conv(net, "branch3.0", conv(b3[0], 1));
        basic_conv(net, "branch3.1", conv(b3[1], 3).same());
        let branch3 = net.value();
        net.from(&x).max_pool_ceil("branch4.0", Window::square(3, 1, 1));
        basic_conv(net, "branch4.1", conv(b4, 1));
        let branch4 = net.value();
        net.concat("concat", &[branch1, branch2, branch3, branch4]);
    });
}

/// torchvision's `BasicConv2d`: convolution without bias, BatchNorm, ReLU.
pub(super) fn basic_conv(net: &mut Net<'_>, name: &str, conv: Conv) {
    net.scope(name, |net| {
        net.conv("conv", conv.no_bias()).norm("bn").relu("relu");
    });
}
