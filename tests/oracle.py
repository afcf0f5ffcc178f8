"""Numbers of the reference implementations, which lie beside the research data."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch


def folder(data: Path) -> Path:
    """The folder of the numeric oracle; skips where there is none."""
    found = data.parent / "oracle"
    if not found.is_dir():
        pytest.skip(f"{found}: the numbers of the reference implementations are not there")
    return found


def recipe(data: Path):
    """The module that draws the oracle's weights and inputs."""
    spec = importlib.util.spec_from_file_location("recipe", folder(data) / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def operator_fixtures(data: Path) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Inputs and expected outputs of the operators."""
    inputs = {name: torch.from_numpy(array) for name, array in recipe(data).op_inputs().items()}
    with np.load(folder(data) / "ops.npz") as arrays:
        return inputs, {name: torch.from_numpy(arrays[name]) for name in arrays}
