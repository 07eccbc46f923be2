"""Networks that mda-models does not know, as ONNX files with labelled images beside them."""

import gzip

import numpy
import onnx
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from torch import nn

import exporting

CATEGORIES = 5
EXTENTS = (24, 20)


class Custom(nn.Module):
    """What the zoo's networks do not have, in one: asymmetric and dilated kernels, a grouped convolution, clamps other than
    ReLU's, a channel slice, a pool that ignores its padding and one that rounds up, a mean over positions."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, (3, 5), padding=(1, 2), bias=False), nn.BatchNorm2d(16), nn.ReLU6())
        self.grouped = nn.Sequential(nn.Conv2d(16, 24, 3, padding=2, dilation=2, groups=4), nn.BatchNorm2d(24))
        self.wide = nn.Conv2d(24, 24, (1, 7), padding=(0, 3))
        self.part = nn.Conv2d(12, 12, 3, padding=1)
        self.mix = nn.Sequential(nn.Conv2d(36, 32, 1), nn.BatchNorm2d(32), nn.ReLU())
        self.hidden, self.out = nn.Linear(32, 20), nn.Linear(20, CATEGORIES)

    def forward(self, x):
        x = F.max_pool2d(self.stem((x - 0.45) / 0.25), 3, stride=2, ceil_mode=True)
        x = F.hardtanh(self.grouped(x), -0.5, 2.0)
        x = F.relu(x + self.wide(x))
        x = torch.cat([x, F.relu(self.part(x[:, 6:18]))], dim=1)
        x = F.avg_pool2d(self.mix(x), 3, stride=2, padding=1, count_include_pad=False)
        return self.out(F.relu(self.hidden(x.mean((2, 3)))))


def write_data(folder, images, labels):
    """The four IDX files of grey images and labels: half for training, half for the test."""
    folder.mkdir(exist_ok=True)
    half = len(labels) // 2
    for split, part in [("train", slice(0, half)), ("t10k", slice(half, None))]:
        pixels = (images[part].mean(1) * 255).round().to(torch.uint8).numpy()
        header = b"".join(n.to_bytes(4, "big") for n in [0x803, *pixels.shape])
        with gzip.open(folder / f"{split}-images-idx3-ubyte.gz", "wb", 1) as file:
            file.write(header + pixels.tobytes())
        values = labels[part].to(torch.uint8).numpy()
        with gzip.open(folder / f"{split}-labels-idx1-ubyte.gz", "wb", 1) as file:
            file.write((0x801).to_bytes(4, "big") + len(values).to_bytes(4, "big") + values.tobytes())
    names = "".join(f"{name}\n" for name in range(CATEGORIES))
    (folder / "categories.txt").write_text(names)
    (folder.parent / "categories.txt").write_text(names)


def custom(exporter):
    """The network above by one of PyTorch's exporters."""

    def make(folder):
        torch.manual_seed(5)
        model = exporting.randomise(Custom(), *EXTENTS)
        images, logits = exporting.reference(model, *EXTENTS)
        exporting.export(model, images, folder / "model", 17)
        (folder / f"model.{exporter}.onnx").rename(folder / "model.onnx")
        write_data(folder / "data", exporting.noise(200, *EXTENTS), torch.arange(200) % CATEGORIES)
        save_file({"images": images, "logits": logits.contiguous()}, folder / "io.safetensors")

    return make


def channels_last(folder):
    """A graph as TensorFlow's converters write it: images as [N, H, W, C], transposed around every run of convolutions."""
    rng = numpy.random.default_rng(7)
    weights = {}

    def weight(name, *shape):
        bound = (6.0 / numpy.prod(shape[1:] or [60])) ** 0.5
        weights[name] = rng.uniform(-bound, bound, shape).astype(numpy.float32)
        return name

    def norm(name, channels):
        weights[f"{name}/gamma"] = rng.uniform(0.5, 1.5, channels).astype(numpy.float32)
        weights[f"{name}/variance"] = rng.uniform(0.5, 1.5, channels).astype(numpy.float32)
        return [f"{name}/gamma", weight(f"{name}/beta", channels), weight(f"{name}/mean", channels), f"{name}/variance"]

    weights["shape"] = numpy.array([-1, 6 * 5 * 12], numpy.int64)
    nodes = [
        helper.make_node("Transpose", ["images"], ["nchw"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw", weight("conv1/kernel", 8, 3, 3, 3), weight("conv1/bias", 8)], ["c1"], strides=[2, 2], auto_pad="SAME_UPPER"),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("BatchNormalization", ["r1", *norm("bn1", 8)], ["b1"], epsilon=1e-3),
        helper.make_node("Transpose", ["b1"], ["nhwc1"], perm=[0, 2, 3, 1]),
        helper.make_node("Transpose", ["nhwc1"], ["nchw2"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["nchw2", weight("conv2/kernel", 12, 8, 3, 3)], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
        helper.make_node("Transpose", ["p2"], ["nhwc2"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["nhwc2", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", weight("dense/kernel", 6 * 5 * 12, CATEGORIES)], ["product"]),
        helper.make_node("Add", ["product", weight("dense/bias", CATEGORIES)], ["logits"]),
    ]
    rows, columns = EXTENTS
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", rows, columns, 3])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CATEGORIES])
    graph = helper.make_graph(nodes, "channels_last", [image], [logits], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="tf2onnx")
    onnx.checker.check_model(model)
    onnx.save(model, folder / "model.onnx")

    import onnxruntime

    torch.manual_seed(7)
    images = exporting.noise(exporting.IMAGES, rows, columns)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, {"images": images.permute(0, 2, 3, 1).numpy()})[0]
    write_data(folder / "data", exporting.noise(200, rows, columns), torch.arange(200) % CATEGORIES)
    save_file({"images": images, "logits": torch.from_numpy(expected)}, folder / "io.safetensors")


ALL = {"custom_script": custom("script"), "custom_dynamo": custom("dynamo"), "channels_last": channels_last}
