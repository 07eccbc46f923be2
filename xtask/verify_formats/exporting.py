"""Random weights that are not trivial, and the files that users would have: a checkpoint and two ONNX files."""

import logging
import warnings
import zlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

warnings.filterwarnings("ignore")
logging.getLogger("torch.onnx").setLevel(logging.ERROR)

IMAGES = 8
# Operator sets that the TorchScript exporter is asked for, in turn; it cannot write pools that round up before 10.
OPSETS = range(10, 21)


def noise(count, rows, columns):
    """Images in 0..1 that differ in colour and in large patterns as well as in every pixel."""
    coarse = F.interpolate(torch.rand(count, 3, 4, 4), (rows, columns), mode="bilinear")
    return (0.2 * torch.rand(count, 3, 1, 1) + 0.5 * coarse + 0.3 * torch.rand(count, 3, rows, columns)).contiguous()


@torch.no_grad()
def randomise(model, rows, columns):
    """He's weights, small biases, random BatchNorm scales, and the statistics of such layers over random images."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.1, 0.1)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            module.reset_running_stats()
            module.momentum = None
        elif isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if norms:
        model.train()(noise(8, rows, columns))
    for module in norms:
        # Random layers behind exact statistics make differences grow by about 1.2 a layer (rounding errors included), which
        # trained ones do not. A larger variance takes that growth away.
        module.running_var *= torch.empty_like(module.running_var).uniform_(1.0, 2.0)
    return model.eval()


@torch.no_grad()
def reference(model, rows, columns):
    """Images and the model's logits for them."""
    images = noise(IMAGES, rows, columns)
    logits = model(images)
    spread = (logits.amax(0) - logits.amin(0)).max() / logits.abs().max()
    if not spread > 0.01:
        raise RuntimeError(f"the random network ignores its images (its logits differ by {spread:.1e}): nothing would be proved")
    return images, logits


def export(model, images, path, script_opset):
    """Writes `path`.script.onnx and `path`.dynamo.onnx, with a batch of any size."""
    example = (images[:2],)
    names = {"input_names": ["images"], "output_names": ["logits"]}
    axes = {"images": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(model, example, f"{path}.script.onnx", dynamo=False, opset_version=script_opset, dynamic_axes=axes, **names)
    shapes = ({0: torch.export.Dim("N")},)
    torch.onnx.export(
        model, example, f"{path}.dynamo.onnx", dynamo=True, external_data=False, verbose=False, dynamic_shapes=shapes, **names
    )


def write(name, constructor, extents, folder):
    """Everything that the checks read: `NAME.pth`, two ONNX files, and `io.safetensors` with images and logits."""
    torch.manual_seed(zlib.crc32(name.encode()))
    model = randomise(constructor(), *extents)
    images, logits = reference(model, *extents)
    opset = OPSETS[zlib.crc32(name.encode()) % len(OPSETS)]
    torch.save(model.state_dict(), folder / f"{name}.pth")
    export(model, images, folder / name, opset)
    save_file({"images": images, "logits": logits.contiguous()}, folder / "io.safetensors")
    return {"parameters": sum(p.numel() for p in model.parameters()), "script_opset": opset}
