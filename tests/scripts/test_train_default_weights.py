"""All stages of the default weights, narrow and of a few steps: stopped, gone on, and continued from their result."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import train_default_weights as script

from flowfeat.cli import DONE, INCOMPLETE, UNUSABLE
from flowfeat.networks.zoo import name_of, named_composition
from flowfeat.rendering import PairSettings
from flowfeat.training import run
from flowfeat.training.configuration import read_configuration
from flowfeat.weights import read_checkpoint

STEPS = 4


def _narrow(model: str) -> str:
    composition = named_composition(model)
    assert composition is not None
    return name_of(replace(composition, width=1 / 16))


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    def read(source):
        real, text = read_configuration(source)
        small = replace(
            real,
            model=_narrow(real.model),
            crop=(64, 64),
            starts_from=tuple(_narrow(model) for model in real.starts_from),
            schedule=replace(real.schedule, iterations=STEPS, warm_up=0),
            data=tuple(replace(part, pairs=1) for part in real.data),
            validation=replace(real.validation, every=2, pairs=1),
        )
        return small, text

    monkeypatch.setattr(run, "read_configuration", read)
    pairs = {name: (16, PairSettings(name, 64, 64, seed=seed, textures=8)) for seed, name in enumerate(script.PAIRS)}
    monkeypatch.setattr(script, "PAIRS", pairs)


def _call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["train_default_weights.py", *map(str, arguments)])
    return script.main()


def test_stopped_gone_on_and_continued(tmp_path, monkeypatch, capfd):
    out = tmp_path / "default"
    # Time for one step of the first stage: a stage always does one.
    assert _call(monkeypatch, "--out", out, "--device", "cpu", "--minutes", "1e-9") == INCOMPLETE
    assert "stopped in stage c; run again" in capfd.readouterr().out
    assert not (out / "cs").exists()
    assert _call(monkeypatch, "--out", out, "--device", "cpu") == DONE
    shipped = read_checkpoint(out / "flownet2-thin.safetensors")
    assert shipped.storage == "int8"
    fused, sd, stack = (read_checkpoint(out / f"{stage}/best.safetensors") for stage in ("fused", "sd", "css-ft-sd"))
    assert shipped.model == fused.model == _narrow("flownet2-thin")
    for part, before in ((sd, "small_displacement."), (stack, "stack.")):
        for name, tensor in part.tensors.items():
            assert torch.allclose(fused.tensors[before + name], tensor, rtol=1e-5), name
    before = _times(out)
    assert _call(monkeypatch, "--out", out, "--device", "cpu") == DONE
    assert {name: time for name, time in _times(out).items() if "best" in name} == {
        name: time for name, time in before.items() if "best" in name
    }, "what is done is not trained again"

    further = tmp_path / "further"
    weights = out / "fused/best.safetensors"
    assert _call(monkeypatch, "--out", further, "--device", "cpu", "--start", weights) == DONE
    first = read_checkpoint(further / "css/best.safetensors")
    assert set(first.tensors) == set(stack.tensors)
    # Without --start the second stage begins as a copy of the first one; here it begins with its own weights.
    assert not torch.equal(first.tensors["stages.0.conv1.weight"], first.tensors["stages.1.conv1.weight"])


def test_weights_that_do_not_fit(tmp_path, monkeypatch, capfd):
    missing = tmp_path / "missing.safetensors"
    assert _call(monkeypatch, "--out", tmp_path / "o", "--device", "cpu", "--start", missing) == UNUSABLE
    assert str(missing) in capfd.readouterr().err


def _times(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
