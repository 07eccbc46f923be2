//! VGG (Simonyan and Zisserman, 2014), with and without BatchNorm: torchvision's form, and the form for 32x32 images
//! (weiaicunzai/pytorch-cifar100) whose classifier starts at the last pool without an adaptive one. Both number
//! `features` and `classifier` alike.

use crate::architecture::Architecture;
use crate::net::{Net, conv};
use mda_core::op::Window;

/// Convolutions before each of the five pools.
type Stages = [usize; 5];

const VGG11: Stages = [1, 1, 2, 2, 2];
const VGG13: Stages = [2, 2, 2, 2, 2];
const VGG16: Stages = [2, 2, 3, 3, 3];
const VGG19: Stages = [2, 2, 4, 4, 4];
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 512];

pub(super) const ARCHITECTURES: &[Architecture] = &[
    imagenet("vgg11", "VGG-11 (torchvision)", |net| torchvision(net, VGG11, false)),
    imagenet("vgg13", "VGG-13 (torchvision)", |net| torchvision(net, VGG13, false)),
    imagenet("vgg16", "VGG-16 (torchvision)", |net| torchvision(net, VGG16, false)),
    imagenet("vgg19", "VGG-19 (torchvision)", |net| torchvision(net, VGG19, false)),
    imagenet("vgg11_bn", "VGG-11 with BatchNorm (torchvision)", |net| torchvision(net, VGG11, true)),
    imagenet("vgg13_bn", "VGG-13 with BatchNorm (torchvision)", |net| torchvision(net, VGG13, true)),
    imagenet("vgg16_bn", "VGG-16 with BatchNorm (torchvision)", |net| torchvision(net, VGG16, true)),
    imagenet("vgg19_bn", "VGG-19 with BatchNorm (torchvision)", |net| torchvision(net, VGG19, true)),
    cifar("vgg11_bn_cifar", "VGG-11 with BatchNorm for 32x32 images (pytorch-cifar100)", |net| small(net, VGG11)),
    cifar("vgg13_bn_cifar", "VGG-13 with BatchNorm for 32x32 images (pytorch-cifar100)", |net| small(net, VGG13)),
    cifar("vgg16_bn_cifar", "VGG-16 with BatchNorm for 32x32 images (pytorch-cifar100)", |net| small(net, VGG16)),
    cifar("vgg19_bn_cifar", "VGG-19 with BatchNorm for 32x32 images (pytorch-cifar100)", |net| small(net, VGG19)),
];

const fn imagenet(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 1000, input: [3, 224, 224], network }
}

const fn cifar(name: &'static str, summary: &'static str, network: fn(&mut Net<'_>)) -> Architecture {
    Architecture { name, summary, categories: 100, input: [3, 32, 32], network }
}

fn torchvision(net: &mut Net<'_>, stages: Stages, norm: bool) {
    features(net, stages, norm);
    net.adaptive_avg_pool("avgpool", 7);
    classifier(net);
}

fn small(net: &mut Net<'_>, stages: Stages) {
    features(net, stages, true);
    classifier(net);
}

fn features(net: &mut Net<'_>, stages: Stages, norm: bool) {
    net.scope("features", |net| {
        let mut index = 0..;
        let mut next = || index.next().unwrap_or_default();
        for (count, width) in stages.into_iter().zip(WIDTHS) {
            for _ in 0..count {
                net.conv(next(), conv(width, 3).same());
                if norm {
                    net.norm(next());
                }
                net.relu(next());
            }
            net.max_pool(next(), Window::square(2, 2, 0));
        }
    });
}

fn classifier(net: &mut Net<'_>) {
    net.flatten("flatten").scope("classifier", |net| {
        net.linear("0", 4096).relu("1").linear("3", 4096).relu("4").logits("6");
    });
}
