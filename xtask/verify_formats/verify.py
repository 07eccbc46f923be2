"""Compares every architecture of mda-models with PyTorch and ONNX Runtime; `cargo xtask verify-formats` runs this.

For each architecture: PyTorch makes random weights, a checkpoint, two ONNX files, and logits. The checker (the example
`verify_formats` of the crate mda-tests) imports all three, compares the logits, cuts components, assembles them and exports
everything to ONNX. ONNX Runtime runs what it wrote. Results are kept in `OUT/NAME/result.json`, and an architecture that has
passed is not done again.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy
import onnxruntime
from safetensors.numpy import load_file

import exporting
import outsiders
from originals import originals

TOLERANCE = 1e-4


def difference(expected, got):
    """The largest difference, relative to the largest magnitude that is expected."""
    expected, got = numpy.asarray(expected), numpy.asarray(got)
    if expected.shape != got.shape:
        raise RuntimeError(f"{got.shape} logits where {expected.shape} are expected")
    return float(abs(expected - got).max() / abs(expected).max())


def run(command):
    """What the command prints; it must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr.strip()}")
    return done.stdout


def in_onnx_runtime(path, images):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["logits"], {session.get_inputs()[0].name: images})[0]


def architecture(name, constructor, extents, folder, tools):
    """One row of the table."""
    written = folder / "written.json"
    if not written.exists():
        written.write_text(json.dumps(exporting.write(name, constructor, extents, folder)))
    torch_side = json.loads(written.read_text())
    ours = json.loads(run([tools["checker"], "check", name, folder]))
    images = load_file(folder / "io.safetensors")["images"]
    problems = list(ours["problems"])
    if ours["parameters"] != torch_side["parameters"]:
        problems.append(f"{ours['parameters']} parameters, PyTorch counts {torch_side['parameters']}")
    exported = {}
    for file, logits in ours["exported"].items():
        exported[file] = difference(logits, in_onnx_runtime(folder / file, images))
    differences = {**ours["differences"], **{f"ONNX Runtime on {file}": value for file, value in exported.items()}}
    problems += [f"{what}: differs by {value:.1e}" for what, value in differences.items() if not value < TOLERANCE]
    keys = ["parameters", "macs", "differences", "refused"]
    return {key: ours[key] for key in keys} | {"extents": extents, "exported": exported, "problems": problems} | torch_side


def outsider(name, make, folder, tools):
    """A network that mda-models does not know: ONNX in, a component out, all by the program."""
    if not (folder / "io.safetensors").exists():
        make(folder)
    expected = load_file(folder / "io.safetensors")
    path = lambda file: folder / file
    run([tools["mda"], "import", path("model.onnx"), "--output", path("model.safetensors"), "--categories", path("categories.txt")])
    run([tools["mda"], "disassemble", path("model.safetensors"), "--data", path("data"), "--task", "0-2", "--output", path("part.safetensors")])
    run([tools["mda"], "export", path("part.safetensors"), "--onnx", path("part.onnx")])
    ours = {file: json.loads(run([tools["checker"], "logits", path(f"{file}.safetensors"), path("io.safetensors")])) for file in ["model", "part"]}
    differences = {
        "import": difference(expected["logits"], ours["model"]["logits"]),
        "export": difference(ours["part"]["logits"], in_onnx_runtime(path("part.onnx"), expected["images"])),
    }
    problems = [f"{what}: differs by {value:.1e}" for what, value in differences.items() if not value < TOLERANCE]
    sizes = {f"{file} parameters": ours[file]["parameters"] for file in ours}
    return {"differences": differences, "problems": problems} | sizes


def attempt(name, work, out):
    """The result of `work(folder)`, kept; its files only where it has a problem."""
    folder = out / name
    kept = folder / "result.json"
    if kept.exists() and not json.loads(kept.read_text())["problems"]:
        return json.loads(kept.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    try:
        result = work(folder)
    except Exception as error:
        traceback.print_exc()
        result = {"problems": [str(error)]}
    result["seconds"] = round(time.monotonic() - start)
    if not result["problems"]:
        shutil.rmtree(folder)
        folder.mkdir()
    kept.write_text(json.dumps(result, indent=1))
    print(f"{name}: {'; '.join(result['problems']) or 'passed'} ({result['seconds']} s)", file=sys.stderr, flush=True)
    return result


def number(difference):
    return "-" if difference is None else f"{difference:.0e}" if difference else "0"


def table(results):
    """The Markdown table of the documentation. Numbers are the largest relative differences of logits."""
    head = ["architecture", "parameters", "MACs", "run at", ".pth", "ONNX, TorchScript (opset)", "ONNX, torch.export"]
    head += ["slice", "assemble", "export"]
    print("|" + "|".join(f" {cell} " for cell in head) + "|\n|" + "---|" * len(head))
    for name, row in results.items():
        if "macs" not in row:
            print(f"| `{name}` | failed |")
            continue
        of = lambda key: number(row["differences"].get(key))
        assemble = f"parallel only: {row['refused']}" if row["refused"] else of("block-diagonal")
        cells = [f"`{name}`", f"{row['parameters']:,}", f"{row['macs'] / 1e6:,.0f} M", "x".join(map(str, row["extents"]))]
        cells += [of("pth"), f"{of('script')} ({row['script_opset']})", of("dynamo"), of("slice"), assemble]
        cells.append(number(max(row["exported"].values(), default=None)))
        print("| " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checker", required=True, help="the example verify_formats")
    parser.add_argument("--mda", required=True, help="the program")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", help="an architecture, or an outsider")
    options = parser.parse_args()
    tools = {"checker": options.checker, "mda": options.mda}
    known = set(json.loads(run([options.checker, "names"])))
    models = originals()
    if known != set(models):
        sys.exit(f"mda-models and originals.py differ in {sorted(known ^ set(models))}")
    wanted = lambda name: not options.only or name in options.only
    unknown = set(options.only or []) - known - set(outsiders.ALL)
    if unknown:
        sys.exit(f"neither an architecture nor one of {sorted(outsiders.ALL)}: {sorted(unknown)}")

    results, others = {}, {}
    for name in filter(wanted, models):
        constructor, extents = models[name]
        work = lambda folder: architecture(name, constructor, extents, folder, tools)
        results[name] = attempt(name, work, options.out)
    for name in filter(wanted, outsiders.ALL):
        others[name] = attempt(name, lambda folder: outsider(name, outsiders.ALL[name], folder, tools), options.out)

    table(results)
    for name, row in others.items():
        print(f"\n`{name}`: {json.dumps({key: row[key] for key in row if key not in ('problems', 'seconds')})}")
    failed = {name: row["problems"] for name, row in (results | others).items() if row["problems"]}
    for name, problems in failed.items():
        print(f"FAILED {name}", *problems, sep="\n  ", file=sys.stderr)
    sys.exit(bool(failed))


main()
