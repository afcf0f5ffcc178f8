"""Biases that make up for rounding."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.numerics import NUMERICS
from flowfeat.networks.zoo import Composition, name_of
from flowfeat.rendering import MEDIUM, Renderer
from flowfeat.training.initial import initialise, structure
from flowfeat.training.rounding import rounded
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.eight_bit import from_eight_bits, to_eight_bits


@pytest.fixture
def checkpoint(monkeypatch) -> Checkpoint:
    monkeypatch.setattr("flowfeat.weights.eight_bit._FEW", 100)
    composition, numerics = Composition("SD", 1 / 8), NUMERICS["lmb"]
    network = FlowNetwork(composition, numerics).network
    initialise(network, torch.Generator().manual_seed(0))
    structure(network)
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return Checkpoint(
        Path("x"), "", "safetensors", "flowfeat", name_of(composition), composition, numerics, tensors, provenance={}
    )


def _means(checkpoint: Checkpoint, frames: torch.Tensor) -> dict[str, torch.Tensor]:
    network = FlowNetwork(checkpoint.composition, checkpoint.numerics)
    network.network.load_state_dict(checkpoint.tensors)
    means = {}
    for name, layer in network.network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(
                lambda _, __, output, name=name: means.__setitem__(name, output.detach().mean((0, 2, 3)))
            )
    with torch.no_grad():
        network(frames)
    return means


def test_layers_put_out_in_the_mean_what_they_did(checkpoint, tmp_path):
    frames = Renderer(MEDIUM, 64, 64, seed=3, textures=8).batch(0, 2).frames
    made = rounded(checkpoint, frames)
    bare = replace(checkpoint, tensors=from_eight_bits(to_eight_bits(checkpoint.tensors)))
    wanted, corrected, uncorrected = (_means(each, frames) for each in (checkpoint, made, bare))
    with_bias = [name for name in wanted if f"{name}.bias" in checkpoint.tensors]
    assert len(with_bias) > 15
    off, before = (
        sum(float((each[name] - wanted[name]).abs().mean()) for name in with_bias) for each in (corrected, uncorrected)
    )
    assert off < 0.1 * before
    write_checkpoint(made, tmp_path / "made.safetensors", "int8")
    for name, tensor in read_checkpoint(tmp_path / "made.safetensors").tensors.items():
        assert torch.equal(tensor, made.tensors[name]), "it is in 8 bits already"
