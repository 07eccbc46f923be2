//! SqueezeNet (Iandola et al., 2016), as torchvision has it: a 1x1 convolution answers a map of every category, whose mean
//! is its logit.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "squeezenet1_0",
        summary: "SqueezeNet 1.0 (torchvision)",
        categories: 1000,
        input: [3, 224, 224],
        network: |net| {
            net.conv("features.0", conv(96, 7).stride(2)).relu("features.1");
            fires(net, [2, 6, 11]);
            classifier(net);
        },
    },
    Architecture {
        name: "squeezenet1_1",
        summary: "SqueezeNet 1.1 (torchvision)",
        categories: 1000,
        input: [3, 224, 224],
        network: |net| {
            net.conv("features.0", conv(64, 3).stride(2)).relu("features.1");
            fires(net, [2, 5, 8]);
            classifier(net);
        },
    },
];

/// The eight fire modules, with pools at these positions of `features`.
fn fires(net: &mut Net<'_>, pools: [usize; 3]) {
    let squeezed = [16, 16, 32, 32, 48, 48, 64, 64];
    let mut fires = squeezed.into_iter();
    for index in 2..2 + pools.len() + squeezed.len() {
        let name = format!("features.{index}");
        if pools.contains(&index) {
            net.max_pool_ceil(name, Window::square(3, 2, 0));
        } else if let Some(squeezed) = fires.next() {
            net.scope(name, |net| fire(net, squeezed));
        }
    }
}

fn fire(net: &mut Net<'_>, squeezed: usize) {
    let x = net.conv("squeeze", conv(squeezed, 1)).relu("squeeze_activation").value();
    let expand1x1 = net.conv("expand1x1", conv(4 * squeezed, 1)).relu("expand1x1_activation").value();
    net.from(&x).conv("expand3x3", conv(4 * squeezed, 3).same());
    let expand3x3 = net.relu("expand3x3_activation").value();
    net.concat("concat", &[expand1x1, expand3x3]);
}

fn classifier(net: &mut Net<'_>) {
    net.logit_maps("classifier.1").relu("classifier.2").global_avg_pool("classifier.3").flatten("flatten");
}
