"""Every configuration of the package runs: on small files in the formats of its data sets, narrow, 20 steps."""

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
from flowfeat.networks.zoo import name_of, named_composition
from flowfeat.training import configuration, run
from flowfeat.training.configuration import configuration_names, networks_of, read_configuration
from flowfeat.training.initial import initialise
from flowfeat.training.objective import modules_of
from flowfeat.training.units import to_learn
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.parts import tensors_for

STEPS = 20
WIDTH = 1 / 32


@pytest.fixture(scope="module")
def roots(tmp_path_factory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("data")
    return {
        "flyingchairs": flying_chairs_tree(home / "FlyingChairs_release"),
        "things3d": things3d_tree(home / "FlyingThings3D"),
        "chairssdhom": chairs_sdhom_tree(home / "ChairsSDHom"),
        "sintel": sintel_tree(home / "MPI-Sintel"),
        "kitti2012": kitti_tree(home / "data_stereo_flow", "colored_0"),
        "kitti2015": kitti_tree(home / "data_scene_flow", "image_2"),
    }


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """`weights(model)` is a file of a narrow network of that name."""
    home = tmp_path_factory.mktemp("weights")

    def write(model: str) -> Path:
        composition = _narrow(model)
        path = home / f"{name_of(composition).replace('@', '-')}.safetensors"
        if not path.exists():
            network = FlowNetwork(composition, NUMERICS["lmb"]).network
            initialise(network, torch.Generator().manual_seed(0))
            tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            name, numerics = name_of(composition), NUMERICS["lmb"]
            made = Checkpoint(
                path, "", "safetensors", "flowfeat", name, composition, numerics, tensors, provenance={"by": "a test"}
            )
            write_checkpoint(made, path)
        return path

    return write


def _narrow(model: str):
    composition = named_composition(model)
    assert composition is not None
    return replace(composition, width=WIDTH)


@pytest.mark.parametrize("name", configuration_names())
def test_it_learns_for_twenty_steps(name, roots, weights, tmp_path, monkeypatch):
    real, text = read_configuration(name)
    narrow = replace(
        real,
        model=name_of(_narrow(real.model)),
        crop=(64, 64),
        starts_from=tuple(name_of(_narrow(model)) for model in real.starts_from),
        # Networks that join in later do so within these steps, and the schedules' first steps are those of all of it.
        train={part: min(first, STEPS // 2) for part, first in real.train.items()},
        data=tuple(replace(part, pairs=1) for part in real.data),
        validation=replace(real.validation, every=STEPS, pairs=1),
    )
    configuration._check(narrow)
    monkeypatch.setattr(run, "read_configuration", lambda path: (narrow, text))
    needed = {part.dataset for part in (*real.data, real.validation)}
    data = {dataset: root for dataset, root in roots.items() if dataset in needed}
    start = [weights(model) for model in real.starts_from]
    trainer = run.train(name, tmp_path / "run", data, start, stop_after=STEPS)
    assert trainer.step == STEPS
    assert trainer.best is not None
    assert trainer.best == trainer.best
    trained = real.train or {networks_of(real.composition)[-1]: 0}
    # What was given and does not learn is as it was; what learns has changed.
    given = {
        key: value for path in start for key, value in tensors_for(_narrow(real.model), read_checkpoint(path)).items()
    }
    given = to_learn(given, _narrow(real.model), NUMERICS["lmb"])
    for part, module in modules_of(trainer.network.network).items():
        own = {id(parameter) for parameter in module.parameters()}
        known = [
            (key, value)
            for key, value in trainer.network.network.named_parameters()
            if id(value) in own and key in given
        ]
        same = [torch.equal(value.detach(), given[key]) for key, value in known]
        assert not same or all(same) == (part not in trained), part
