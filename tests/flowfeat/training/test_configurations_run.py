"""Every configuration of the package runs: on small files in the formats of its data sets, narrow, 20 steps."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fixture_datasets import (
    chairs_sdhom_tree,
    flying_chairs_tree,
    kitti_tree,
    sintel_tree,
    things3d_tree,
)

from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.numerics import NUMERICS
from flowfeat.networks.zoo import Composition, name_of, named_composition
from flowfeat.training import configuration_names, data, read_configuration, train
from flowfeat.training.configuration import networks_of
from flowfeat.training.initial import initialise
from flowfeat.training.objective import modules_of
from flowfeat.training.start import starting_network
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint

STEPS = 20
JOINS = 10
"""The step at which networks join in that do so later in the true schedule."""
WIDTH = 1 / 32
SIZE = 96, 160
"""Of frames: crops of 64x64 that are turned and scaled come out of them at the first few draws."""


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("data")
    chairs = flying_chairs_tree(home / "FlyingChairs_release", SIZE)
    return {
        "flyingchairs": chairs,
        "medium": chairs,
        "small": chairs,
        "video": chairs,
        "things3d": things3d_tree(home / "FlyingThings3D", SIZE),
        "chairssdhom": chairs_sdhom_tree(home / "ChairsSDHom", SIZE),
        "sintel": sintel_tree(home / "MPI-Sintel", SIZE),
        "kitti2012": kitti_tree(home / "data_stereo_flow", "colored_0", SIZE),
        "kitti2015": kitti_tree(home / "data_scene_flow", "image_2", SIZE),
    }


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Callable[[str], Path]:
    """`weights(model)` is a file of a narrow network of that name."""
    home = tmp_path_factory.mktemp("weights")

    def write(model: str) -> Path:
        composition, numerics = _narrow(model), NUMERICS["lmb"]
        name = name_of(composition)
        path = home / f"{name}.safetensors"
        if not path.exists():
            network = FlowNetwork(composition, numerics).network
            initialise(network, torch.Generator().manual_seed(0))
            tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            made = Checkpoint(
                path, "", "safetensors", "flowfeat", name, composition, numerics, tensors, provenance={"by": "a test"}
            )
            write_checkpoint(made, path)
        return path

    return write


def _narrow(model: str) -> Composition:
    composition = named_composition(model)
    assert composition is not None
    return replace(composition, width=WIDTH)


def _shrunk(text: str) -> str:
    """The text of a configuration with narrow networks, small crops and batches, and an early joining in."""

    def narrow(line: re.Match[str]) -> str:
        return re.sub(r'"([^"]+)"', lambda name: f'"{name_of(_narrow(name[1]))}"', line[0])

    text = re.sub(r"^(model|starts_from) = .*$", narrow, text, flags=re.MULTILINE)
    for entry, value in {"crop": "[64, 64]", "pairs": 1, "every": JOINS, "net1": JOINS}.items():
        text = re.sub(rf"^{entry} = (?!0$).*$", f"{entry} = {value}", text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize("name", configuration_names())
def test_it_learns_for_twenty_steps(name, roots, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_TEXTURES", 4)  # making them is most of the time
    real, text = read_configuration(name)
    path, out = tmp_path / f"{name}.toml", tmp_path / "run"
    path.write_text(_shrunk(text))
    narrow, _ = read_configuration(path)
    assert narrow.crop == (64, 64)
    assert narrow.batch == len(real.data)
    files = [weights(model) for model in real.starts_from]
    before = starting_network(narrow, [read_checkpoint(file) for file in files]).network
    joining = narrow.train or {networks_of(narrow.composition)[-1]: 0}
    for stop in (JOINS, STEPS) if max(joining.values()) else (STEPS,):
        trainer = train(path, out, roots, files, stop_after=stop)
        assert trainer.step == stop
        learnt = {part for part, first in joining.items() if first < stop}
        assert _moved(before, trainer.network.network) == learnt
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [JOINS, STEPS]
    assert all(math.isfinite(line[value]) for line in lines for value in ("loss", "gradient_norm", "validation"))
    assert all(line["loss"] > 0 for line in lines)
    for kept in ("best", "last"):
        checkpoint = read_checkpoint(out / f"{kept}.safetensors")
        assert checkpoint.composition == narrow.composition
        FlowNetwork(checkpoint.composition, checkpoint.numerics).network.load_state_dict(checkpoint.tensors)


def _moved(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """The networks any of whose weights have changed."""
    old = modules_of(before)
    return {
        part
        for part, module in modules_of(after).items()
        if not all(torch.equal(p, q) for p, q in zip(module.parameters(), old[part].parameters(), strict=True))
    }
