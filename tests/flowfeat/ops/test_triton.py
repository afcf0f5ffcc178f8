"""The Triton kernels equal their twins: through the interpreter here, compiled where there is a GPU."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).parent / "interpreted_kernels.py"


def _run(device: str) -> str:
    done = subprocess.run([sys.executable, str(CHECKS), device], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_interpreted_kernels_equal_their_twins():
    pytest.importorskip("triton")
    assert "agree with their twins on cpu" in _run("cpu")


@pytest.mark.gpu
def test_compiled_kernels_equal_their_twins():
    assert "agree with their twins on cuda" in _run("cuda")
