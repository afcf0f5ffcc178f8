"""Weights in 8 bits: near, small, the same bytes again, and read strictly."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_checkpoints import write_caffemodel
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from flowfeat.errors import FormatError
from flowfeat.networks import NUMERICS
from flowfeat.networks.zoo import FAMILY, Composition, name_of, tensor_shapes
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.containers import HEADER
from flowfeat.weights.eight_bit import from_eight_bits, quantised, to_eight_bits


def random_checkpoint(composition: Composition) -> Checkpoint:
    draw = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=draw) * max(1, shape[1:].numel()) ** -0.5
        for name, shape in tensor_shapes(composition).items()
    }
    name = name_of(composition)
    made = {"made": "for a test"}
    return Checkpoint(
        Path("x"), "", "safetensors", "flowfeat", name, composition, NUMERICS["lmb"], tensors, provenance=made
    )


@given(
    shape=st.tuples(*[st.integers(1, 6)] * 4),
    axis=st.integers(0, 1),
    size=st.floats(-42, 38),
    tail=st.floats(0.3, 4),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=300)
def test_every_weight_takes_the_nearest_level_and_levels_stay_levels(shape, axis, size, tail, seed):
    draw = np.random.default_rng(seed)
    normal = draw.standard_normal(shape)
    # Of all sizes that float32 has, with tails thin and heavy, and with channels of nothing.
    wide = np.sign(normal) * np.abs(normal) ** tail * 10.0**size * draw.integers(0, 2, (shape[0], shape[1], 1, 1))
    limit = np.finfo(np.float32).max
    weight = torch.from_numpy(np.clip(wide, -limit, limit).astype(np.float32))
    levels, scale = quantised(weight, axis)
    assert levels.min() >= -127
    steps = scale.double().view((-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1))
    ladder = torch.arange(-127, 128).double()
    ladder *= 8 + ladder.abs()
    values = ladder[levels.int() + 127] * steps
    nearest = (ladder.view(-1, 1, 1, 1, 1) * steps - weight.double()).abs().amin(0)
    assert ((values - weight.double()).abs() <= nearest * 1.001 + 1e-6 * steps).all()
    name = ("conv1", "deconv2")[axis] + ".weight"
    again = from_eight_bits({name: levels, name + ".scale": scale})[name]
    assert torch.equal(again.double(), values), "the product is exact"
    same_levels, same_scale = quantised(again, axis)
    assert torch.equal(same_levels, levels)
    assert torch.equal(same_scale, scale)


def test_the_default_network_is_small_enough_to_ship_and_its_file_goes_back_to_the_same_bytes(tmp_path):
    thin = random_checkpoint(FAMILY["flownet2-thin"])
    assert thin.parameters == 23_191_614
    path, again = tmp_path / "thin.safetensors", tmp_path / "again.safetensors"
    write_checkpoint(thin, path, "int8")
    assert path.stat().st_size < 24_000_000
    read = read_checkpoint(path)
    assert (read.storage, read.model, read.provenance) == ("int8", "flownet2-thin", {"made": "for a test"})
    assert all(tensor.dtype == torch.float32 for tensor in read.tensors.values())
    write_checkpoint(read, again, "int8")
    assert again.read_bytes() == path.read_bytes()


def test_every_output_channel_has_its_own_scale_and_small_tensors_stay_as_they_are():
    tensors = random_checkpoint(Composition("SD", 1 / 4)).tensors
    stored = to_eight_bits(tensors)
    assert stored["refinement.deconv5.weight"].shape == (256, 128, 4, 4)
    assert stored["refinement.deconv5.weight.scale"].shape == (128,)
    assert stored["conv5.weight.scale"].shape == stored["conv5.bias"].shape
    for name, tensor in tensors.items():
        flow = "predict_flow" in name or "upsampled_flow" in name
        if tensor.ndim == 1 or flow or name == "conv0.weight":
            assert torch.equal(stored[name], tensor), name
    in_eight = [name for name, tensor in stored.items() if tensor.dtype == torch.int8]
    assert sum(tensors[name].numel() for name in in_eight) > 0.9 * sum(map(torch.numel, tensors.values()))
    assert {name for name in stored if name.endswith(".scale")} == {f"{name}.scale" for name in in_eight}


def test_flow_of_the_oracles_network_moves_by_little(data, tmp_path):
    """0.7 % of its length over four pairs of Middlebury; random weights damp no error."""
    from fixture_checkpoints import oracle_weights
    from oracle import recipe

    source = read_checkpoint(write_caffemodel(tmp_path / "ss.caffemodel", oracle_weights(data, "lmb_FlowNet2-ss")))
    write_checkpoint(source, tmp_path / "ss.safetensors", "int8")
    small = read_checkpoint(tmp_path / "ss.safetensors")
    frames = torch.stack([torch.from_numpy(planes[:, :128, :192]).float() / 255 for planes in recipe(data).images()])
    with torch.inference_mode():
        before, after = (checkpoint.network()(frames[None]) for checkpoint in (source, small))
    assert (after - before).norm(dim=1).mean() < 0.015 * before.norm(dim=1).mean()
    assert not torch.equal(after, before)


@pytest.fixture
def small_file(tmp_path, monkeypatch) -> Path:
    """A network of 1/32 of the width in 8 bits; the reader does not ask how small a tensor may be."""
    monkeypatch.setattr("flowfeat.weights.eight_bit._FEW", 1000)
    write_checkpoint(random_checkpoint(Composition("CS", 1 / 32)), tmp_path / "small.safetensors", "int8")
    return tmp_path / "small.safetensors"


def refusal(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, object]) -> str:
    """The sentence about a file with these tensors and this header."""
    save_file(tensors, path, {HEADER: json.dumps(header)})
    with pytest.raises(FormatError) as caught:
        read_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_crafted_files_are_one_sentence(tmp_path, small_file):
    whole = load_file(small_file)
    name = "first.conv4.weight"
    scale = whole[f"{name}.scale"]
    assert whole[name].dtype == torch.int8
    header = {"schema": 1, "profile": "lmb", "mean": None, "storage": "int8"}

    def told(changes: dict[str, torch.Tensor | None]) -> str:
        changed = {key: value for key, value in {**whole, **changes}.items() if value is not None}
        return refusal(tmp_path / "crafted.safetensors", changed, header)

    assert f"'{name}' is int8 and has no scale" in told({f"{name}.scale": None})
    for wrong in (scale[1:], scale[:, None], scale.double(), scale.half(), scale[0]):
        said = told({f"{name}.scale": wrong.clone()})
        assert f"the scale of '{name}' is not one float32 for each of its 16 channels" in said
    for value in (0.0, -1.0, float("nan"), float("inf")):
        spoilt = scale.clone()
        spoilt[3] = value
        assert f"the scale of '{name}' holds values that are no sizes of a step" in told({f"{name}.scale": spoilt})
    assert f"{name} holds values that are no numbers" in told({f"{name}.scale": torch.full_like(scale, 3e38)})
    assert f"'{name}' has a scale and is no int8" in told({name: whole[name].short()})
    assert f"'{name}' has a scale and is no int8" in told({name: whole[name].flatten()})
    assert "'conv9.weight.scale' is the scale of nothing" in told({"conv9.weight.scale": scale.clone()})
    assert "'first.conv4.bias' is float16 and has no scale" in told(
        {"first.conv4.bias": whole["first.conv4.bias"].half()}
    )
    assert "conv9.weight belongs to no layer" in told({"conv9.weight": torch.zeros(3)})
    assert "first.conv4.weight is 16x8x3x1 where it must be 16x8x3x3" in told({name: whole[name][..., :1].clone()})


def test_the_header_says_how_numbers_are_stored(tmp_path, small_file):
    whole, path = load_file(small_file), tmp_path / "crafted.safetensors"
    plain = {"schema": 1, "profile": "lmb", "mean": None}
    assert "is int8 where its header says float32" in refusal(path, whole, plain)
    for storage in ("int4", 8, None, ["int8"]):
        assert "which this version does not read" in refusal(path, whole, {**plain, "storage": storage})
    floats = read_checkpoint(small_file).tensors
    save_file(floats, path, {HEADER: json.dumps(plain)})
    assert read_checkpoint(path).storage == "float32", "files from before there were two say nothing"


def test_an_eight_bit_file_computes_as_its_floats_do(tmp_path, small_file):
    read = read_checkpoint(small_file)
    write_checkpoint(read, tmp_path / "floats.safetensors")
    floats = read_checkpoint(tmp_path / "floats.safetensors")
    assert (read.storage, floats.storage) == ("int8", "float32")
    same = replace(floats, path=read.path, sha256=read.sha256, storage="int8", tensors=read.tensors)
    assert same == read
    assert all(torch.equal(floats.tensors[name], tensor) for name, tensor in read.tensors.items())
