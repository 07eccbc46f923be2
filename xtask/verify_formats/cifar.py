"""The networks for 32x32 images, with the parameter names of their public PyTorch forms.

Written from the papers and the lists of parameter names, not from anyone's source.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv_norm_relu(inputs, outputs, kernel, bias=True, eps=1e-5, **options):
    return [nn.Conv2d(inputs, outputs, kernel, bias=bias, **options), nn.BatchNorm2d(outputs, eps), nn.ReLU()]


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(x.size(0), -1)
        return self.fc(F.relu(self.fc2(F.relu(self.fc1(x)))))


class SimNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [("c1", nn.Conv2d(3, 9, 3, padding=1)), ("r1", nn.ReLU()), ("s1", nn.MaxPool2d(2))]
        layers += [("c2", nn.Conv2d(9, 27, 3, padding=1)), ("r2", nn.ReLU()), ("s2", nn.MaxPool2d(2))]
        layers += [("c3", nn.Conv2d(27, 81, 3, padding=1)), ("r3", nn.ReLU())]
        self.features = nn.Sequential()
        for name, layer in layers:
            self.features.add_module(name, layer)
        self.classifier = nn.Sequential()
        self.classifier.add_module("f4", nn.Linear(81 * 64, 2048))
        self.classifier.add_module("f5", nn.Linear(2048, 10))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class AlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        pool = lambda: nn.MaxPool2d(2)
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2, padding=1), nn.ReLU(), pool(),
            nn.Conv2d(64, 192, 3, padding=1), nn.ReLU(), pool(),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(), pool(),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(256 * 4, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)
        )

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class Vgg(nn.Module):
    def __init__(self, convolutions):
        super().__init__()
        layers, channels = [], 3
        for count, width in zip(convolutions, [64, 128, 256, 512, 512]):
            for _ in range(count):
                layers += conv_norm_relu(channels, width, 3, padding=1)
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(512, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 100)
        )

    def forward(self, x):
        x = self.features(x)
        return self.classifier(x.view(x.size()[0], -1))


class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        stages = [
            [(64, 3), (128, 3), (128, 3), (128, 3)], [(128, 3), (128, 3), (256, 3)], [(256, 3), (256, 3)], [(512, 3)],
            [(2048, 1), (256, 1)], [(256, 3)],
        ]
        layers, channels = [], 3
        for number, stage in enumerate(stages):
            if number:
                layers += [nn.MaxPool2d(2), nn.Dropout2d(0.1)]
            for width, kernel in stage:
                layers += conv_norm_relu(channels, width, kernel, padding=kernel // 2)
                channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(256, 10)

    def forward(self, x):
        x = self.features(x)
        x = x.amax((2, 3))
        return self.classifier(x.view(x.size(0), -1))


class Inception(nn.Module):
    def __init__(self, inputs, b1, b2, b3, b4):
        super().__init__()
        self.b1 = nn.Sequential(*conv_norm_relu(inputs, b1, 1))
        self.b2 = nn.Sequential(*conv_norm_relu(inputs, b2[0], 1), *conv_norm_relu(b2[0], b2[1], 3, padding=1))
        # The public form gives the channels as the second argument of BatchNorm2d, which is its eps.
        self.b3 = nn.Sequential(
            *conv_norm_relu(inputs, b3[0], 1),
            *conv_norm_relu(b3[0], b3[1], 3, padding=1, eps=b3[1]),
            *conv_norm_relu(b3[1], b3[1], 3, padding=1),
        )
        self.b4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), *conv_norm_relu(inputs, b4, 1))

    def forward(self, x):
        return torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(x)], dim=1)


class GoogLeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.prelayer = nn.Sequential(
            *conv_norm_relu(3, 64, 3, bias=False, padding=1),
            *conv_norm_relu(64, 64, 3, bias=False, padding=1),
            *conv_norm_relu(64, 192, 3, bias=False, padding=1),
        )
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks = [
            ("a3", 192, 64, (96, 128), (16, 32), 32), ("b3", 256, 128, (128, 192), (32, 96), 64),
            ("a4", 480, 192, (96, 208), (16, 48), 64), ("b4", 512, 160, (112, 224), (24, 64), 64),
            ("c4", 512, 128, (128, 256), (24, 64), 64), ("d4", 512, 112, (144, 288), (32, 64), 64),
            ("e4", 528, 256, (160, 320), (32, 128), 128), ("a5", 832, 256, (160, 320), (32, 128), 128),
            ("b5", 832, 384, (192, 384), (48, 128), 128),
        ]
        for name, *sizes in blocks:
            setattr(self, name, Inception(*sizes))
        self.names = [name for name, *_ in blocks]
        self.avgpool, self.dropout, self.linear = nn.AdaptiveAvgPool2d((1, 1)), nn.Dropout2d(0.4), nn.Linear(1024, 100)

    def forward(self, x):
        x = self.maxpool(self.prelayer(x))
        for name in self.names:
            x = getattr(self, name)(x)
            if name in ("b3", "e4"):
                x = self.maxpool(x)
        x = self.dropout(self.avgpool(x))
        return self.linear(x.view(x.size()[0], -1))


class Residual(nn.Module):
    def __init__(self, inputs, planes, stride, bottleneck):
        super().__init__()
        if bottleneck:
            outputs, layers = planes * 4, [(inputs, planes, 1, 1), (planes, planes, 3, stride), (planes, planes * 4, 1, 1)]
        else:
            outputs, layers = planes, [(inputs, planes, 3, stride), (planes, planes, 3, 1)]
        body = []
        for source, target, kernel, step in layers:
            body += conv_norm_relu(source, target, kernel, bias=False, stride=step, padding=kernel // 2)
        self.residual_function = nn.Sequential(*body[:-1])
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))
        self.outputs = outputs

    def forward(self, x):
        return nn.ReLU(inplace=True)(self.residual_function(x) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, counts, bottleneck):
        super().__init__()
        self.conv1 = nn.Sequential(*conv_norm_relu(3, 64, 3, bias=False, padding=1))
        channels = 64
        for stage, count in enumerate(counts):
            blocks = []
            for index in range(count):
                blocks.append(Residual(channels, 64 << stage, 2 if stage and not index else 1, bottleneck))
                channels = blocks[-1].outputs
            setattr(self, f"conv{stage + 2}_x", nn.Sequential(*blocks))
        self.avg_pool, self.fc = nn.AdaptiveAvgPool2d((1, 1)), nn.Linear(channels, 100)

    def forward(self, x):
        x = self.conv5_x(self.conv4_x(self.conv3_x(self.conv2_x(self.conv1(x)))))
        x = self.avg_pool(x)
        return self.fc(x.view(x.size(0), -1))


class OptionA(nn.Module):
    """A basic block whose shortcut has no parameters: every other row and column, zeros for the new channels."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, planes, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(planes)
        self.conv2, self.bn2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False), nn.BatchNorm2d(planes)
        self.missing = planes - inputs

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.missing:
            half = self.missing // 2
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half), "constant", 0)
        return F.relu(out + x)


class CifarResNet(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        channels = 16
        for stage in range(3):
            layers = []
            for index in range(blocks):
                layers.append(OptionA(channels, 16 << stage, 2 if stage and not index else 1))
                channels = 16 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        x = F.adaptive_avg_pool2d(x, 1)
        return self.linear(x.view(x.size(0), -1))


class BasicConv(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


class Separable(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        depthwise = conv_norm_relu(inputs, inputs, 3, bias=False, stride=stride, padding=1, groups=inputs)
        self.depthwise, self.pointwise = nn.Sequential(*depthwise), nn.Sequential(*conv_norm_relu(inputs, outputs, 1))

    def forward(self, x):
        return self.pointwise(self.depthwise(x))


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(BasicConv(3, 32), Separable(32, 64, 1))
        channels = 64
        for stage, (width, count) in enumerate([(128, 2), (256, 2), (512, 6), (1024, 2)]):
            layers = [Separable(channels if not index else width, width, 2 if not index else 1) for index in range(count)]
            setattr(self, f"conv{stage + 1}", nn.Sequential(*layers))
            channels = width
        self.avg, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(1024, 100)

    def forward(self, x):
        x = self.conv4(self.conv3(self.conv2(self.conv1(self.stem(x)))))
        x = self.avg(x)
        return self.fc(x.view(x.size(0), -1))
