#!/bin/sh
# Everything that wants a GPU, in one command that needs no network: scripts/bench/gpu.sh; gpu.py says what it does.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
if [ -d wheels ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    "$python" -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --find-links wheels \
        --target "$packages" wheels/*.whl
    PYTHONPATH="$packages:${PYTHONPATH:-}"
fi
PYTHONPATH="$PWD:$PWD/scripts/bench:${PYTHONPATH:-}" "$python" scripts/bench/gpu.py "$@"
