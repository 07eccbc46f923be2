//! Inception v3 (Szegedy et al., 2015), as torchvision has it, without the auxiliary head, which only training uses.
//!
//! torchvision's weights come with `transform_input`, which is a normalisation with mean 0.5 and standard deviation 0.5 of
//! every channel; the graph has it where the configuration asks for those numbers.

use super::googlenet::basic_conv;
use crate::architecture::Architecture;
use crate::net::{Conv, Net, Value, conv, conv_of};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "inception_v3",
    summary: "Inception v3 without its auxiliary head (torchvision)",
    categories: 1000,
    input: [3, 299, 299],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.eps(1e-3);
    basic_conv(net, "Conv2d_1a_3x3", conv(32, 3).stride(2));
    basic_conv(net, "Conv2d_2a_3x3", conv(32, 3));
    basic_conv(net, "Conv2d_2b_3x3", conv(64, 3).same());
    net.max_pool("maxpool1", Window::square(3, 2, 0));
    basic_conv(net, "Conv2d_3b_1x1", conv(80, 1));
    basic_conv(net, "Conv2d_4a_3x3", conv(192, 3));
    net.max_pool("maxpool2", Window::square(3, 2, 0));
    net.scope("Mixed_5b", |net| block_a(net, 32));
    net.scope("Mixed_5c", |net| block_a(net, 64));
    net.scope("Mixed_5d", |net| block_a(net, 64));
    net.scope("Mixed_6a", block_b);
    net.scope("Mixed_6b", |net| block_c(net, 128));
    net.scope("Mixed_6c", |net| block_c(net, 160));
    net.scope("Mixed_6d", |net| block_c(net, 160));
    net.scope("Mixed_6e", |net| block_c(net, 192));
    net.scope("Mixed_7a", block_d);
    net.scope("Mixed_7b", block_e);
    net.scope("Mixed_7c", block_e);
    net.global_avg_pool("avgpool").flatten("flatten").logits("fc");
}

fn block_a(net: &mut Net<'_>, pool_features: usize) {
    let x = net.value();
    let branch1x1 = branch(net, &x, &[("branch1x1", conv(64, 1))]);
    let branch5x5 = branch(net, &x, &[("branch5x5_1", conv(48, 1)), ("branch5x5_2", conv(64, 5).same())]);
    let branch3x3dbl = branch(
        net,
        &x,
        &[
            ("branch3x3dbl_1", conv(64, 1)),
            ("branch3x3dbl_2", conv(96, 3).same()),
            ("branch3x3dbl_3", conv(96, 3).same()),
        ],
    );
    let pool = average(net, &x, pool_features);
    net.concat("concat", &[branch1x1, branch5x5, branch3x3dbl, pool]);
}

fn block_b(net: &mut Net<'_>) {
    let x = net.value();
    let branch3x3 = branch(net, &x, &[("branch3x3", conv(384, 3).stride(2))]);
    let branch3x3dbl = branch(
        net,
        &x,
        &[
            ("branch3x3dbl_1", conv(64, 1)),
            ("branch3x3dbl_2", conv(96, 3).same()),
            ("branch3x3dbl_3", conv(96, 3).stride(2)),
        ],
    );
    let pool = net.from(&x).max_pool("pool", Window::square(3, 2, 0)).value();
    net.concat("concat", &[branch3x3, branch3x3dbl, pool]);
}

fn block_c(net: &mut Net<'_>, channels: usize) {
    let x = net.value();
    let row = |out_channels| conv_of(out_channels, [1, 7]).same();
    let column = |out_channels| conv_of(out_channels, [7, 1]).same();
    let branch1x1 = branch(net, &x, &[("branch1x1", conv(192, 1))]);
    let branch7x7 = branch(
        net,
        &x,
        &[("branch7x7_1", conv(channels, 1)), ("branch7x7_2", row(channels)), ("branch7x7_3", column(192))],
    );
    let branch7x7dbl = branch(
        net,
        &x,
        &[
            ("branch7x7dbl_1", conv(channels, 1)),
            ("branch7x7dbl_2", column(channels)),
            ("branch7x7dbl_3", row(channels)),
            ("branch7x7dbl_4", column(channels)),
            ("branch7x7dbl_5", row(192)),
        ],
    );
    let pool = average(net, &x, 192);
    net.concat("concat", &[branch1x1, branch7x7, branch7x7dbl, pool]);
}

fn block_d(net: &mut Net<'_>) {
    let x = net.value();
    let branch3x3 = branch(net, &x, &[("branch3x3_1", conv(192, 1)), ("branch3x3_2", conv(320, 3).stride(2))]);
    let branch7x7x3 = branch(
        net,
        &x,
        &[
            ("branch7x7x3_1", conv(192, 1)),
            ("branch7x7x3_2", conv_of(192, [1, 7]).same()),
            ("branch7x7x3_3", conv_of(192, [7, 1]).same()),
            ("branch7x7x3_4", conv(192, 3).stride(2)),
        ],
    );
    let pool = net.from(&x).max_pool("pool", Window::square(3, 2, 0)).value();
    net.concat("concat", &[branch3x3, branch7x7x3, pool]);
}

fn block_e(net: &mut Net<'_>) {
    let x = net.value();
    let branch1x1 = branch(net, &x, &[("branch1x1", conv(320, 1))]);
    let stem = branch(net, &x, &[("branch3x3_1", conv(384, 1))]);
    let branch3x3 = cross(net, &stem, "branch3x3", ["branch3x3_2a", "branch3x3_2b"]);
    let stem = branch(net, &x, &[("branch3x3dbl_1", conv(448, 1)), ("branch3x3dbl_2", conv(384, 3).same())]);
    let branch3x3dbl = cross(net, &stem, "branch3x3dbl", ["branch3x3dbl_3a", "branch3x3dbl_3b"]);
    let pool = average(net, &x, 192);
    net.concat("concat", &[branch1x1, branch3x3, branch3x3dbl, pool]);
}

/// Convolutions behind one another, from `x`.
fn branch(net: &mut Net<'_>, x: &Value, convolutions: &[(&str, Conv)]) -> Value {
    net.from(x);
    for (name, conv) in convolutions {
        basic_conv(net, name, *conv);
    }
    net.value()
}

/// The average pool and the 1x1 convolution of most blocks.
fn average(net: &mut Net<'_>, x: &Value, features: usize) -> Value {
    net.from(x).avg_pool("pool", Window::square(3, 1, 1));
    basic_conv(net, "branch_pool", conv(features, 1));
    net.value()
}

/// A row and a column kernel side by side.
fn cross(net: &mut Net<'_>, x: &Value, name: &str, [row, column]: [&str; 2]) -> Value {
    let row = branch(net, x, &[(row, conv_of(384, [1, 3]).same())]);
    let column = branch(net, x, &[(column, conv_of(384, [3, 1]).same())]);
    net.concat(format!("{name}.concat"), &[row, column]).value()
}
