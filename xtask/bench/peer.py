"""A contestant of `cargo xtask bench` in Python: PyTorch (also training), ONNX Runtime, or contributions written out in
PyTorch.

peer.py CONTESTANT FOLDER IMAGES THREADS: loads the network in FOLDER, writes its logits there, says `ready`, and then runs
one pass for every line on the standard input, answering wall seconds, CPU seconds and peak MiB.
"""

import json
import os
import resource
import sys
import time

import numpy


def read_model(folder):
    """The graph and the parameters of MDA's native file, a safetensors file."""
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    description = json.loads(header.pop("__metadata__")["mda.model"])
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        numbers = numpy.frombuffer(data[start:end], numpy.float32)
        tensors[name] = numbers.reshape(entry["shape"])
    return description, tensors


def read_images(folder, description, count):
    shape = [count] + [description["input"][axis] for axis in ("channels", "height", "width")]
    return numpy.fromfile(os.path.join(folder, "images.f32"), numpy.float32, int(numpy.prod(shape))).reshape(shape)


# What `materialise` may allocate, so that the machine survives it.
DATA_BYTES = 8 << 30


def torch_pass(folder, images, threads, kind):
    import torch
    from materialise import contributions
    from torch_network import Network

    torch.set_num_threads(threads)
    description, tensors = read_model(folder)
    network = Network(description, tensors).eval()
    batch = torch.from_numpy(read_images(folder, description, images))
    with torch.inference_mode():
        if kind == "torch-frozen":
            network = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, batch)))

    if kind == "materialise":
        resource.setrlimit(resource.RLIMIT_DATA, (DATA_BYTES, DATA_BYTES))

    def run():
        with torch.inference_mode():
            logits = contributions(network, batch)[0] if kind == "materialise" else network(batch)
            return logits.numpy()

    return run


def training_pass(folder, images, threads):
    """Steps of SGD on the mean cross-entropy with the first category, statistics of BatchNorm fixed."""
    import torch
    from torch_network import Network

    torch.set_num_threads(threads)
    description, tensors = read_model(folder)
    network = Network(description, tensors).eval()
    batch = torch.from_numpy(read_images(folder, description, images))
    labels = torch.zeros(images, dtype=torch.long)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-6)

    def run():
        optimiser.zero_grad()
        logits = network(batch)
        torch.nn.functional.cross_entropy(logits, labels).backward()
        optimiser.step()
        return logits.detach().numpy()

    return run


def onnxruntime_pass(folder, images, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        os.path.join(folder, "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    batch = read_images(folder, read_model(folder)[0], images)
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: batch})[0]


def main():
    contestant, folder, images, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if contestant == "onnxruntime":
        run = onnxruntime_pass(folder, images, threads)
    elif contestant == "torch-training":
        run = training_pass(folder, images, threads)
    elif contestant in ("torch", "torch-frozen", "materialise"):
        run = torch_pass(folder, images, threads, contestant)
    else:
        sys.exit(f"no contestant `{contestant}`")
    try:
        for _ in range(1 if contestant == "materialise" else 2):
            logits = run()
    except (MemoryError, RuntimeError) as error:
        memory = isinstance(error, MemoryError) or "memory" in str(error)
        print("out of memory" if memory else f"{type(error).__name__}: {error}".splitlines()[0], flush=True)
        sys.exit(1)
    logits.astype(numpy.float32).tofile(os.path.join(folder, f"logits.{contestant}.f32"))
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(time.perf_counter() - wall, time.process_time() - cpu, peak, flush=True)


if __name__ == "__main__":
    main()
