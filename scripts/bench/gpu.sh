#!/bin/sh
# Everything that wants a GPU, in one command that needs no network: scripts/bench/gpu.sh; gpu.py says what it does.
# What a machine lacks can lie as wheels in ./wheels; for Python 3.12 these 56 MB come from
#   pip download --only-binary=:all: --no-deps --python-version 3.12 --platform manylinux_2_28_x86_64 \
#     --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 -d wheels \
#     av beartype bioimage-cpp decord==0.6.0 docstring-parser h5py shtab simplejpeg typeguard tyro
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
