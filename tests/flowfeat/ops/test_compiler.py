"""Kernels where they can be compiled, PyTorch's operators where not: the same results."""

import logging
from pathlib import Path

import pytest
import torch

from flowfeat.ops import compiler, correlation, warp
from flowfeat.ops.warp import _gradients_of_reference, _warp_backward


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch, tmp_path):
    """A machine with all that it takes."""
    (tmp_path / "Python.h").touch()
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(compiler.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(compiler.sysconfig, "get_paths", lambda: {"include": str(tmp_path)})
    compiler.compiles.cache_clear()
    yield
    compiler.compiles.cache_clear()


def test_with_all_that_it_takes_nothing_is_said(caplog):
    with caplog.at_level(logging.DEBUG):
        assert compiler.compiles()
    assert not caplog.records


def test_what_is_missing_is_said_once(monkeypatch, tmp_path, caplog):
    Path(tmp_path / "Python.h").unlink()
    assert not compiler.compiles()
    assert not compiler.compiles()
    (told,) = caplog.messages
    assert told.startswith("Python.h (of Debian's python3-dev, say) is not here, which Triton needs")
    monkeypatch.setattr(compiler.shutil, "which", lambda name: None)
    assert compiler._missing() == "a C compiler (gcc or clang) is"
    monkeypatch.setenv("CC", "cc")
    assert compiler._missing() == "Python.h (of Debian's python3-dev, say) is"
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda name: None)
    assert compiler._missing() == "Triton is"


def test_the_warps_gradients_are_those_of_its_formula():
    draw = torch.Generator().manual_seed(0)
    image, gradient = (torch.randn(2, 3, 9, 11, generator=draw) for _ in range(2))
    flow = 8 * torch.randn(2, 2, 9, 11, generator=draw)
    for zeros in (False, True):
        expected = _warp_backward(gradient, image, flow, zeros)
        for found, wanted in zip(_gradients_of_reference(gradient, image, flow, zeros), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.gpu
def test_on_a_gpu_without_a_compiler_results_are_the_same(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    first, second = (torch.randn(1, 32, 12, 16, generator=draw).cuda().requires_grad_() for _ in range(2))
    flow = (3 * torch.randn(1, 2, 12, 16, generator=draw)).cuda().requires_grad_()

    def all_of_it() -> list[torch.Tensor]:
        costs, warped = correlation(first, second, 4, 2), warp(first, flow)
        gradients = torch.autograd.grad(costs.square().sum() + warped.square().sum(), [first, second, flow])
        return [costs, warped, *gradients]

    monkeypatch.undo()
    compiler.compiles.cache_clear()
    by_kernels = all_of_it()
    monkeypatch.setattr(compiler.shutil, "which", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    compiler.compiles.cache_clear()
    for found, wanted in zip(all_of_it(), by_kernels, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
