//! LeNet-5 (LeCun et al., 1998) as it is usually taught: ReLU, max pools, three image channels.
//!
//! There is no canonical PyTorch naming; this is `conv1`, `conv2`, `fc1`, `fc2`, `fc`.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "lenet5",
    summary: "LeNet-5 with ReLU and max pools",
    categories: 10,
    input: [3, 32, 32],
    network,
}];

fn network(net: &mut Net<'_>) {
    net.conv("conv1", conv(6, 5)).relu("relu1").max_pool("pool1", Window::square(2, 2, 0));
    net.conv("conv2", conv(16, 5)).relu("relu2").max_pool("pool2", Window::square(2, 2, 0));
    net.flatten("flatten").linear("fc1", 120).relu("relu3").linear("fc2", 84).relu("relu4").logits("fc");
}
