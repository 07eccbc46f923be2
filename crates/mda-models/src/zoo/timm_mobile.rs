//! Mobile networks that torchvision does not have, named as in timm (`conv_stem`, `blocks.0.0.conv_dw`, `classifier`):
//! MobileNet v1 (`mobilenetv1_100`) and EfficientNet-Lite0 (`efficientnet_lite0`, which is EfficientNet with ReLU6 and
//! without squeeze-and-excitation).

use crate::architecture::Architecture;
use crate::net::{Net, conv, depthwise};

pub(super) const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "mobilenet_v1",
        summary: "MobileNet v1 (timm's mobilenetv1_100)",
        categories: 1000,
        input: [3, 224, 224],
        network: mobilenet_v1,
    },
    Architecture {
        name: "efficientnet_lite0",
        summary: "EfficientNet-Lite0 (timm)",
        categories: 1000,
        input: [3, 224, 224],
        network: efficientnet_lite0,
    },
];

fn mobilenet_v1(net: &mut Net<'_>) {
    stem(net);
    for (stage, (width, count)) in [(64, 1), (128, 2), (256, 2), (512, 6), (1024, 2)].into_iter().enumerate() {
        for block in 0..count {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            net.scope(format!("blocks.{stage}.{block}"), |net| {
                separable(net, width, stride);
                net.relu6("act2");
            });
        }
    }
    classifier(net);
}

/// Output channels, kernel, blocks and the first block's stride of the stages behind the first.
const STAGES: [(usize, usize, usize, usize); 6] =
    [(24, 3, 2, 2), (40, 5, 2, 2), (80, 3, 3, 2), (112, 5, 3, 1), (192, 5, 4, 2), (320, 3, 1, 1)];

fn efficientnet_lite0(net: &mut Net<'_>) {
    stem(net);
    net.scope("blocks.0.0", |net| separable(net, 16, 1));
    let mut channels = 16;
    for (stage, (width, kernel, blocks, stride)) in (1..).zip(STAGES) {
        for block in 0..blocks {
            let x = net.value();
            let stride = if block == 0 { stride } else { 1 };
            net.scope(format!("blocks.{stage}.{block}"), |net| {
                net.conv("conv_pw", conv(channels * 6, 1).no_bias()).norm("bn1").relu6("act1");
                net.conv("conv_dw", depthwise(kernel).stride(stride).same().no_bias()).norm("bn2").relu6("act2");
                let residual = net.conv("conv_pwl", conv(width, 1).no_bias()).norm("bn3").value();
                if stride == 1 && channels == width {
                    net.add("add", &[residual, x]);
                }
            });
            channels = width;
        }
    }
    net.conv("conv_head", conv(1280, 1).no_bias()).norm("bn2").relu6("act2");
    classifier(net);
}

fn stem(net: &mut Net<'_>) {
    net.conv("conv_stem", conv(32, 3).stride(2).same().no_bias()).norm("bn1").relu6("act1");
}

/// timm's `DepthwiseSeparableConv`, without the activation behind it.
fn separable(net: &mut Net<'_>, width: usize, stride: usize) {
    net.conv("conv_dw", depthwise(3).stride(stride).same().no_bias()).norm("bn1").relu6("act1");
    net.conv("conv_pw", conv(width, 1).no_bias()).norm("bn2");
}

fn classifier(net: &mut Net<'_>) {
    net.global_avg_pool("global_pool").flatten("flatten").logits("classifier");
}
