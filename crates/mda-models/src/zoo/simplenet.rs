//! SimpleNet v1 (Hasanpour et al., 2016), thirteen convolutions for 32x32 images, named as in its first PyTorch version
//! (`features.N`, `classifier`), which pools once more than the paper does: behind the tenth convolution. Later versions
//! number `features` otherwise and pad their 1x1 convolutions.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

pub(super) const ARCHITECTURES: &[Architecture] = &[Architecture {
    name: "simplenet",
    summary: "SimpleNet v1 with 5.5 million parameters (SimpleNet_Pytorch, first version)",
    categories: 10,
    input: [3, 32, 32],
    network,
}];

/// The convolutions before each pool and behind the last: output channels and kernel.
const STAGES: [&[(usize, usize)]; 6] = [
    &[(64, 3), (128, 3), (128, 3), (128, 3)],
    &[(128, 3), (128, 3), (256, 3)],
    &[(256, 3), (256, 3)],
    &[(512, 3)],
    &[(2048, 1), (256, 1)],
    &[(256, 3)],
];

fn network(net: &mut Net<'_>) {
    net.scope("features", |net| {
        let mut index = 0;
        for (stage, convolutions) in STAGES.iter().enumerate() {
            if stage > 0 {
                net.max_pool(index, Window::square(2, 2, 0));
                // A Dropout follows the pool.
                index += 2;
            }
            for &(width, kernel) in *convolutions {
                net.conv(index, conv(width, kernel).same()).norm(index + 1).relu(index + 2);
                index += 3;
            }
        }
    });
    net.global_max_pool("pool").flatten("flatten").logits("classifier");
}
