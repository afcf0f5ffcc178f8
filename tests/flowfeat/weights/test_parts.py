"""Networks within networks: taken out, put in, and the same whichever way."""

from dataclasses import replace

import pytest
import torch
from fixture_checkpoints import small_weights, write_caffemodel, write_pickle

from flowfeat.errors import InputError
from flowfeat.networks import NUMERICS
from flowfeat.networks.zoo import Composition, build, name_of, tensor_shapes
from flowfeat.weights import Checkpoint, read_checkpoint, write_checkpoint
from flowfeat.weights.parts import part_of, tensors_for

WIDTH = 1 / 16
PARTS = {"fused": ["CSS", "CS", "C", "SD"], "CSS": ["CS", "C"], "CS": ["C"], "SS": ["S"], "CSSS": ["CSS", "CS", "C"]}


@pytest.fixture(scope="module")
def fused(data, tmp_path_factory) -> Checkpoint:
    path = tmp_path_factory.mktemp("weights") / "fused.pth.tar"
    return read_checkpoint(write_pickle(path, small_weights(data, "nv_flownet2", 16)))


def checkpoint_of(fused: Checkpoint, letters: str, **changes: object) -> Checkpoint:
    """Some network with random weights."""
    composition = replace(Composition(letters, WIDTH), **changes)
    draw = torch.Generator().manual_seed(len(letters))
    tensors = {name: torch.randn(shape, generator=draw) for name, shape in tensor_shapes(composition).items()}
    return replace(fused, composition=composition, model=name_of(composition), tensors=tensors)


def named(letters: str) -> str:
    return name_of(Composition(letters, WIDTH))


@pytest.mark.parametrize(("whole", "part"), [(whole, part) for whole, parts in PARTS.items() for part in parts])
def test_a_part_taken_out_and_put_in_again_is_the_same(fused, whole, part):
    held = checkpoint_of(fused, whole)
    taken = part_of(held, named(part))
    assert taken.composition == Composition(part, WIDTH)
    build(taken.composition, NUMERICS["lmb"]).load_state_dict(taken.tensors)
    placed = tensors_for(held.composition, taken)
    assert all(torch.equal(held.tensors[name], tensor) for name, tensor in placed.items())
    assert len(placed) == len(taken.tensors)


def test_a_network_is_a_part_of_itself(fused):
    for letters in ("S", "C", "SD", "CSS", "fused"):
        held = checkpoint_of(fused, letters)
        assert tensors_for(held.composition, held) == held.tensors
        assert part_of(held, named(letters)).tensors is held.tensors


def test_stages_trained_one_by_one_become_the_whole(fused):
    stack, small = checkpoint_of(fused, "CSS"), checkpoint_of(fused, "SD")
    whole = Composition("fused", WIDTH)
    placed = {**tensors_for(whole, stack), **tensors_for(whole, small)}
    missing = tensor_shapes(whole).keys() - placed.keys()
    assert missing
    assert all(name.startswith("fusion.") for name in missing)
    assert torch.equal(placed["stack.stages.1.conv3.weight"], stack.tensors["stages.1.conv3.weight"])
    first = tensors_for(Composition("CS", WIDTH), checkpoint_of(fused, "C"))
    assert all(name.startswith("first.") for name in first)


def test_a_part_says_where_it_is_from(fused, tmp_path):
    part = part_of(fused, named("SD"))
    assert (part.path, part.sha256, part.model) == (fused.path, fused.sha256, named("SD"))
    assert part.provenance == {
        "source": "fused.pth.tar",
        "source_sha256": fused.sha256,
        "family": "nvidia",
        "part_of": fused.model,
    }
    write_checkpoint(fused, tmp_path / "ours.safetensors")
    ours = read_checkpoint(tmp_path / "ours.safetensors")
    assert part_of(ours, named("SD")).provenance["whole"] == ours.provenance


def test_nvidias_small_displacement_network_out_of_the_whole_gives_pixels(fused, tmp_path):
    part = part_of(fused, named("SD"))
    assert part.assumptions() == ()
    write_checkpoint(part, tmp_path / "sd.safetensors")
    read = read_checkpoint(tmp_path / "sd.safetensors")
    assert read.numerics == part.numerics == replace(NUMERICS["nvidia"], small_displacement_alone=None)
    assert "400 times too large" in replace(read, numerics=NUMERICS["nvidia"]).assumptions()[0]


def test_biases_where_flow_is_upsampled_go_with_the_s_networks(fused):
    held = checkpoint_of(fused, "fused", upsample_bias=True)
    for letters in ("CS", "C", "SD"):
        part = part_of(held, named(letters))
        assert part.composition.upsample_bias == (letters == "CS")
        assert part.tensors.keys() == tensor_shapes(part.composition).keys()
        assert tensors_for(held.composition, part)
    with pytest.raises(
        InputError, match=r"is with biases where flow is upsampled, and flownet2@0\.0625 is to be without"
    ):
        tensors_for(Composition("fused", WIDTH), part_of(held, named("CS")))


def test_stacks_without_warping_have_parts_of_their_own(fused):
    held = checkpoint_of(fused, "CSS", warping=False)
    alone, shorter = part_of(held, named("C")), part_of(held, "flownet2-CS-nowarp@0.0625")
    assert (alone.composition.warping, shorter.composition.warping) == (True, False)
    for part in (alone, shorter):
        assert tensors_for(held.composition, part).items() <= held.tensors.items()
    with pytest.raises(InputError, match=f"and not of {named('CS')}; give a file"):
        part_of(held, named("CS"))
    with pytest.raises(InputError, match=r"holds flownet2-CS-nowarp@0\.0625, which is no part of flownet2@0\.0625"):
        tensors_for(Composition("fused", WIDTH), shorter)


@pytest.mark.parametrize(
    ("letters", "width", "whole", "told"),
    [
        ("S", WIDTH, "CS", "it holds flownet2-S@0.0625, which is no part of flownet2-CS@0.0625; give weights of"),
        ("SD", WIDTH, "CSS", "which is no part of flownet2-CSS@0.0625"),
        ("S", WIDTH, "SD", "which is no part of flownet2-SD@0.0625; give weights of flownet2-SD@0.0625"),
        ("fused", WIDTH, "CSS", "which is no part of"),
        ("CSSS", WIDTH, "fused", "which is no part of"),
        ("C", 1 / 32, "CS", "its flownet2-C@0.03125 is of another width than flownet2-CS@0.0625; give weights of"),
    ],
)
def test_what_is_no_part_is_one_sentence(fused, letters, width, whole, told):
    held = checkpoint_of(fused, letters, width=width)
    with pytest.raises(InputError) as caught:
        tensors_for(Composition(whole, WIDTH), held)
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{held.path}: ")


def test_what_a_checkpoint_does_not_hold_is_one_sentence(fused):
    for model in (named("SS"), named("S"), "flownet2-C", "flownet2", "flownet9"):
        with pytest.raises(
            InputError, match=f"and not of {model}; give a file of {model}, or name what is in this one"
        ):
            part_of(fused, model)


def test_what_had_to_be_assumed_of_the_whole_is_assumed_of_its_parts(data, tmp_path):
    weights = {name: a for name, a in small_weights(data, "lmb_FlowNet2", 16).items() if "_aug" not in name}
    held = read_checkpoint(write_caffemodel(tmp_path / "bare.caffemodel", weights))
    assert held.assumptions()
    assert part_of(held, named("C")).assumptions() == held.assumptions()
