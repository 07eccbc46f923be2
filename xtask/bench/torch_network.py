"""MDA's graphs as ordinary PyTorch modules."""

import torch
from torch import nn
from torch.nn import functional


def pair(window, name):
    return tuple(window[name])


def padding(window):
    """The symmetric padding of a window."""
    pad = window["padding"]
    if (pad["top"], pad["left"]) != (pad["bottom"], pad["right"]):
        raise ValueError(f"uneven padding {pad}")
    return pad["top"], pad["left"]


class Normalize(nn.Module):
    def __init__(self, node):
        super().__init__()
        self.register_buffer("mean", torch.tensor(node["mean"]).reshape(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(node["std"]).reshape(1, -1, 1, 1))

    def forward(self, x):
        return (x - self.mean) / self.std


class Add(nn.Module):
    def forward(self, a, b):
        return a + b


class Concat(nn.Module):
    def forward(self, *values):
        return torch.cat(values, 1)


class SelectChannels(nn.Module):
    def __init__(self, node):
        super().__init__()
        self.channels = node["channels"]

    def forward(self, x):
        picked = [c for c in self.channels if c is not None]
        first = next((at for at, c in enumerate(self.channels) if c is not None), 0)
        if self.channels[first:first + len(picked)] != picked:
            raise ValueError(f"channels in another order than a slice's: {self.channels}")
        x = x if picked == list(range(x.shape[1])) else x[:, picked]
        return functional.pad(x, (0, 0, 0, 0, first, len(self.channels) - first - len(picked)))


def module(node, parameters, channels):
    """The module of one node; `parameters` by suffix, `channels` those of its first input."""
    op = node["op"]
    if op == "Conv2d":
        window = node["window"]
        return nn.Conv2d(
            channels, node["out_channels"], pair(window, "kernel"), pair(window, "stride"), padding(window),
            pair(window, "dilation"), node["groups"], "bias" in parameters,
        )
    if op == "Linear":
        return nn.Linear(parameters["weight"].shape[1], node["out_features"], "bias" in parameters)
    if op == "BatchNorm":
        return nn.BatchNorm2d(parameters["weight"].shape[0], node["eps"])
    if op == "Clamp":
        return nn.ReLU(inplace=True) if node["max"] is None else nn.Hardtanh(node["min"], node["max"], inplace=True)
    if op == "MaxPool":
        window = node["window"]
        return nn.MaxPool2d(
            pair(window, "kernel"), pair(window, "stride"), padding(window), pair(window, "dilation"),
            ceil_mode=node["ceil_mode"],
        )
    if op == "AvgPool":
        window = node["window"]
        return nn.AvgPool2d(
            pair(window, "kernel"), pair(window, "stride"), padding(window), node["ceil_mode"],
            node["count_include_pad"],
        )
    simple = {"GlobalAvgPool": lambda: nn.AdaptiveAvgPool2d(1), "Add": Add, "Concat": Concat, "Flatten": nn.Flatten}
    if op in ("Normalize", "SelectChannels"):
        return globals()[op](node)
    return simple[op]()


class Network(nn.Module):
    """Runs the nodes in their order; values are dropped after their last use."""

    def __init__(self, description, tensors):
        super().__init__()
        self.steps = []
        self.layers = nn.ModuleList()
        nodes = description["graph"]["nodes"]
        channels = {}
        for node in nodes:
            name = node["name"]
            if node["op"] == "Input":
                self.input = name
                channels[name] = node["channels"]
                continue
            prefix = name + "."
            own = {key[len(prefix):]: torch.from_numpy(t.copy()) for key, t in tensors.items() if key.startswith(prefix)
                   and "." not in key[len(prefix):]}
            layer = module(node, own, channels[node["inputs"][0]])
            if own:
                layer.load_state_dict(own, strict=False)
            self.layers.append(layer)
            self.steps.append((name, node["inputs"]))
            first = channels[node["inputs"][0]]
            if node["op"] == "Concat":
                first = sum(channels[i] for i in node["inputs"])
            if node["op"] == "SelectChannels":
                first = len(node["channels"])
            channels[name] = node.get("out_channels", node.get("out_features", first))
        self.output = nodes[-1]["name"]
        last = {}
        for step, (_, inputs) in enumerate(self.steps):
            last.update((name, step) for name in inputs)
        self.dead = [[name for name, at in last.items() if at == step] for step in range(len(self.steps))]

    def forward(self, x):
        values = {self.input: x}
        for (name, inputs), layer, dead in zip(self.steps, self.layers, self.dead):
            values[name] = layer(*[values[i] for i in inputs])
            for i in dead:
                del values[i]
        return values[self.output]
