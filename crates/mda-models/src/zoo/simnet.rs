//! SimNet, the small network of the Model LEGO paper's experiments (Hu et al., 2024), named as in its public repository:
//! `features.c1`, `features.c2`, `features.c3`, `classifier.f4`, `classifier.f5`. Nothing stands between the two linear
//! layers.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "simnet",
    summary: "SimNet, three convolutions and two linear layers (Model LEGO)",
    categories: 10,
    input: [3, 32, 32],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.scope("features", |net| {
        net.conv("c1", conv(9, 3).same()).relu("relu1").max_pool("s1", Window::square(2, 2, 0));
        net.conv("c2", conv(27, 3).same()).relu("relu2").max_pool("s2", Window::square(2, 2, 0));
        net.conv("c3", conv(81, 3).same()).relu("relu3");
    });
    net.flatten("flatten").linear("classifier.f4", 2048).logits("classifier.f5");
}
