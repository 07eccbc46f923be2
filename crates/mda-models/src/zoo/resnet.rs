//! ResNet (He et al., 2015), Wide ResNet (Zagoruyko and Komodakis, 2016) and ResNeXt (Xie et al., 2016), as torchvision has
//! them: the stride of a bottleneck is at its 3x3 convolution.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

/// What a residual block looks like.
#[derive(Clone, Copy)]
enum Block {
    /// Two 3x3 convolutions.
    Basic,
    /// A 3x3 convolution of `groups` groups between two 1x1 ones; `width` channels a group in the first stage.
    Bottleneck { groups: usize, width: usize },
}

const PLAIN: Block = Block::Bottleneck { groups: 1, width: 64 };
const WIDE: Block = Block::Bottleneck { groups: 1, width: 128 };

pub(super) const ARCHITECTURES: &[Architecture] = &[
    imagenet("resnet18", "ResNet-18 (torchvision)", |net| network(net, [2, 2, 2, 2], Block::Basic)),
    imagenet("resnet34", "ResNet-34 (torchvision)", |net| network(net, [3, 4, 6, 3], Block::Basic)),
    imagenet("resnet50", "ResNet-50 (torchvision)", |net| network(net, [3, 4, 6, 3], PLAIN)),
    imagenet("resnet101", "ResNet-101 (torchvision)", |net| network(net, [3, 4, 23, 3], PLAIN)),
    imagenet("resnet152", "ResNet-152 (torchvision)", |net| network(net, [3, 8, 36, 3], PLAIN)),
    imagenet("wide_resnet50_2", "Wide ResNet-50-2 (torchvision)", |net| network(net, [3, 4, 6, 3], WIDE)),
    imagenet("wide_resnet101_2", "Wide ResNet-101-2 (torchvision)", |net| network(net, [3, 4, 23, 3], WIDE)),
    imagenet("resnext50_32x4d", "ResNeXt-50 32x4d (torchvision)", |net| {
        network(net, [3, 4, 6, 3], Block::Bottleneck { groups: 32, width: 4 });
    }),
    imagenet("resnext101_32x8d", "ResNeXt-101 32x8d (torchvision)", |net| {
        network(net, [3, 4, 23, 3], Block::Bottleneck { groups: 32, width: 8 });
    }),
    imagenet("resnext101_64x4d", "ResNeXt-101 64x4d (torchvision)", |net| {
        network(net, [3, 4, 23, 3], Block::Bottleneck { groups: 64, width: 4 });
    }),
];

const fn imagenet(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 1000, input: [3, 224, 224], network }
}

fn network(net: &mut Net<'_>, blocks: [usize; 4], block: Block) {
    net.conv("conv1", conv(64, 7).stride(2).same().no_bias()).norm("bn1").relu("relu");
    net.max_pool("maxpool", Window::square(3, 2, 1));
    for (stage, count) in blocks.into_iter().enumerate() {
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            net.scope(format!("layer{}.{index}", stage + 1), |net| {
                residual(net, block, 64 << stage, index == 0, stride)
            });
        }
    }
    net.global_avg_pool("avgpool").flatten("flatten").logits("fc");
}

fn residual(net: &mut Net<'_>, block: Block, planes: usize, first: bool, stride: usize) {
    let x = net.value();
    let out_channels = match block {
        Block::Basic => {
            net.conv("conv1", conv(planes, 3).stride(stride).same().no_bias()).norm("bn1").relu("relu1");
            net.conv("conv2", conv(planes, 3).same().no_bias()).norm("bn2");
            planes
        }
        Block::Bottleneck { groups, width } => {
            let inner = planes * width / 64 * groups;
            net.conv("conv1", conv(inner, 1).multiple_of(groups).no_bias()).norm("bn1").relu("relu1");
            net.conv("conv2", conv(inner, 3).stride(stride).same().groups(groups).no_bias()).norm("bn2").relu("relu2");
            net.conv("conv3", conv(planes * 4, 1).no_bias()).norm("bn3");
            planes * 4
        }
    };
    let residual = net.value();
    // Basic blocks of the first stage have 64 channels before and behind them.
    let projects = first && (stride > 1 || out_channels > 64);
    let shortcut = if projects {
        net.from(&x).conv("downsample.0", conv(out_channels, 1).stride(stride).no_bias()).norm("downsample.1").value()
    } else {
        x
    };
    net.add("add", &[residual, shortcut]).relu("relu3");
}
