#!/bin/sh
# Runs the GPU plugins' conformance suite and timings here, with the libraries of the PyTorch that python3 has.
# `--device cpu` runs them on the processor instead; what else is given goes to `mda-gpu-check timing`.
set -u
device=cuda:0
if [ "${1:-}" = --device ]; then
    device=${2:?--device needs a name, as in --device cpu}
    shift 2
fi
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}

date -u
uname -srm
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || echo "nvidia-smi does not run here"

# The folders that hold PyTorch's libraries and NVIDIA's, as far as that interpreter has them.
libraries=$("$python" -c '
import glob, importlib.util, os
spec = importlib.util.find_spec("torch")
root = os.path.dirname(spec.origin) if spec else ""
folders = [os.path.join(root, "lib")] + sorted(glob.glob(os.path.join(root, "..", "nvidia", "*", "lib")))
print(":".join(folders) if root else "")
')
if [ -z "$libraries" ]; then
    echo "$python has no PyTorch: set PYTHON to an interpreter that has PyTorch 2.11.0" >&2
fi
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH

chmod +x "$here/mda" "$here/mda-gpu-check"
"$here/mda" backends

# A plugin that fails is not timed.
status=0
passed=0
for backend in candle tch; do
    plugin=$here/plugins/libmda_plugin_$backend.so=$device
    echo "== $backend"
    if "$here/mda-gpu-check" conformance "$plugin"; then
        set -- "$@" "$plugin"
        passed=$((passed + 1))
    else
        status=1
    fi
done
if [ "$passed" -gt 0 ]; then
    echo "== images per second"
    "$here/mda-gpu-check" timing "$@" || status=1
fi
exit $status
