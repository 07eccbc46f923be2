"""Every architecture of mda-models as PyTorch has it: a constructor, and rows and columns of the images it is run on.

Images are small where the architecture allows it, and not square where nothing forces a square, so that swapped axes show.
"""

import timm
import torchvision.models as tv

import cifar

VGG = {11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4]}
RESNET = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}


def torchvision():
    # An adaptive pool to 7x7 or 6x6 is a plain one at this size only.
    fixed = ["alexnet"] + [f"vgg{depth}{norm}" for depth in VGG for norm in ["", "_bn"]]
    free = [f"resnet{depth}" for depth in RESNET]
    free += ["wide_resnet50_2", "wide_resnet101_2", "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d"]
    free += ["densenet121", "densenet161", "densenet169", "densenet201"]
    free += ["squeezenet1_0", "squeezenet1_1", "mobilenet_v2"]
    models = {name: (getattr(tv, name), (224, 224)) for name in fixed}
    models |= {name: (getattr(tv, name), (64, 80)) for name in free}
    models["googlenet"] = (lambda: tv.googlenet(aux_logits=False, init_weights=False), (64, 80))
    models["inception_v3"] = (lambda: tv.inception_v3(aux_logits=False, init_weights=False), (96, 112))
    return models


def others():
    models = {
        "mobilenet_v1": (lambda: timm.create_model("mobilenetv1_100"), (64, 80)),
        "efficientnet_lite0": (lambda: timm.create_model("efficientnet_lite0"), (64, 80)),
        "lenet5": (cifar.LeNet5, (32, 32)),
        "simnet": (cifar.SimNet, (32, 32)),
        "alexnet_cifar": (cifar.AlexNet, (32, 32)),
        "simplenet": (cifar.SimpleNet, (32, 64)),
        "googlenet_cifar": (cifar.GoogLeNet, (32, 40)),
        "mobilenet_v1_cifar": (cifar.MobileNet, (32, 40)),
    }
    for depth, convolutions in VGG.items():
        models[f"vgg{depth}_bn_cifar"] = (lambda convolutions=convolutions: cifar.Vgg(convolutions), (32, 32))
    for depth, counts in RESNET.items():
        models[f"resnet{depth}_cifar"] = (lambda c=counts, b=depth > 34: cifar.ResNet(c, b), (32, 40))
    for depth in [20, 32, 44, 56, 110]:
        models[f"resnet{depth}"] = (lambda blocks=(depth - 2) // 6: cifar.CifarResNet(blocks), (32, 32))
    return models


def originals():
    """`(constructor, (rows, columns))` by the names of mda-models."""
    return others() | torchvision()
