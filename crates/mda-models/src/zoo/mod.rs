//! The architectures, one file a family.

mod alexnet;
mod cifar100_googlenet;
mod cifar100_mobilenet;
mod cifar100_resnet;
mod cifar_resnet;
mod densenet;
mod googlenet;
mod inception;
mod lenet;
mod mobilenet_v2;
mod resnet;
mod simnet;
mod simplenet;
mod squeezenet;
mod timm_mobile;
mod vgg;

use crate::architecture::Architecture;

/// Every family, in the order in which architectures are listed.
pub(crate) const FAMILIES: &[&[Architecture]] = &[
    lenet::ARCHITECTURES,
    simnet::ARCHITECTURES,
    alexnet::ARCHITECTURES,
    vgg::ARCHITECTURES,
    simplenet::ARCHITECTURES,
    googlenet::ARCHITECTURES,
    cifar100_googlenet::ARCHITECTURES,
    inception::ARCHITECTURES,
    resnet::ARCHITECTURES,
    cifar100_resnet::ARCHITECTURES,
    cifar_resnet::ARCHITECTURES,
    densenet::ARCHITECTURES,
    squeezenet::ARCHITECTURES,
    cifar100_mobilenet::ARCHITECTURES,
    mobilenet_v2::ARCHITECTURES,
    timm_mobile::ARCHITECTURES,
];
