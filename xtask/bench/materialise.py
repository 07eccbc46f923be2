"""Contributions as the formula is written: the response of every pair of channels at every position, in memory.

For every image b, output q and input p the response A[b, q, p] = kernel[q, p] (*) input[b, p] is formed, summed over its
positions, clamped at zero and summed over the images: the tensor has B * Q * P * H * W numbers.
"""

import torch
from torch import nn


def convolution(layer, x):
    """[Q, P]: the summed positive contributions of a dense convolution."""
    batch, inputs, _, _ = x.shape
    windows = nn.functional.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
    windows = windows.reshape(batch, inputs, -1, windows.shape[-1])
    responses = torch.einsum("qpk,bpkl->bqpl", layer.weight.flatten(2), windows)
    return responses.sum(3).clamp(min=0).sum(0)


def linear(layer, x):
    """[Q, P]: the summed positive contributions of a linear layer."""
    return (layer.weight[None] * x[:, None]).clamp(min=0).sum(0)


def contributions(network, batch):
    """The logits, and the contributions of every layer."""
    found = []

    def observe(layer, inputs, _):
        found.append((convolution if isinstance(layer, nn.Conv2d) else linear)(layer, inputs[0]))

    layers = [layer for layer in network.layers if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks = [layer.register_forward_hook(observe) for layer in layers]
    try:
        return network(batch), found
    finally:
        for hook in hooks:
            hook.remove()
