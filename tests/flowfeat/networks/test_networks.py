"""The family: its sizes are the published ones; that its flow is too, tests/flowfeat/weights/test_oracle.py shows."""

import pytest
import torch
from oracle import operator_fixtures

from flowfeat.networks import NUMERICS, FlowNetS
from flowfeat.networks.arithmetic import operations, parameters
from flowfeat.networks.blocks import channel_norm, upsample
from flowfeat.networks.resample import caffe_resample
from flowfeat.networks.zoo import FAMILY, Composition, build, name_of, named_composition, names_of

NVIDIA = NUMERICS["nvidia"]

PARAMETERS = {
    "flownet2-s": 5_462_666,
    "flownet2-c": 5_768_758,
    "flownet2-ss": 10_932_388,
    "flownet2-cs": 11_238_480,
    "flownet2-sss": 16_402_110,
    "flownet2-css": 16_708_202,
    "flownet2-css-ft-sd": 16_708_202,
    "flownet2-csss": 22_177_924,
    "flownet2-sd": 6_398_866,
    "flownet2-thin": 23_191_614,
    "flownet2-S": 38_676_506,
    "flownet2-C": 39_175_298,
    "flownet2-SD": 45_371_666,
    "flownet2-SS": 77_371_828,
    "flownet2-CS": 77_870_620,
    "flownet2-CSS": 116_565_942,
    "flownet2-CSS-ft-sd": 116_565_942,
    "flownet2": 162_518_834,
}


GFLOP = {  # at 256x320 and 448x1024, flownet2.md 1.1
    "flownet2-s": (2.05, 11.5),
    "flownet2-c": (3.54, 19.8),
    "flownet2-ss": (4.39, 24.6),
    "flownet2-cs": (5.88, 32.9),
    "flownet2-sss": (6.72, 37.7),
    "flownet2-css": (8.22, 46.0),
    "flownet2-thin": (13.7, None),
    "flownet2-S": (13.16, 73.7),
    "flownet2-C": (18.94, 106.1),
    "flownet2-SD": (21.19, 118.7),
    "flownet2-SS": (27.08, 151.7),
    "flownet2-CS": (32.87, 184.1),
    "flownet2-CSS": (46.80, 262.1),
    "flownet2": (82.89, 464.2),
}


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameter_counts_are_the_published_ones(name, count):
    assert parameters(FAMILY[name]) == count


@pytest.mark.parametrize(("name", "gflop"), GFLOP.items())
def test_arithmetic_is_that_of_the_specification(name, gflop):
    small, large = gflop
    assert operations(FAMILY[name], 256, 320) / 1e9 == pytest.approx(small, abs=0.05 if small == 13.7 else 0.0051)
    # 240 rows are computed as 256.
    assert operations(FAMILY[name], 240, 320) == operations(FAMILY[name], 256, 320)
    if large:
        assert operations(FAMILY[name], 448, 1024) / 1e9 == pytest.approx(large, abs=0.051)


def test_names_and_compositions_are_two_ways_to_say_the_same():
    for name, composition in FAMILY.items():
        assert name in names_of(composition)
        assert FAMILY[name_of(composition)] == composition
    assert named_composition("flownet2-S@0.5") == Composition("S", 0.5)
    assert named_composition("flownet2-ss@2") == Composition("SS", 0.75)
    assert name_of(Composition("CSS", 0.5)) == "flownet2-CSS@0.5"
    assert name_of(Composition("SSSS", 0.5)) == "flownet2-SSSS@0.5"
    for channels in range(1, 1025):  # of the widest layer: every width that a file can have
        for letters in ("S", "SSS", "SSSS", "fused"):
            held = Composition(letters, channels / 1024)
            assert named_composition(name_of(held)) == held
    assert named_composition("flownet2-S@0.3") == Composition("S", 307 / 1024)
    for wrong in ("flownet3", "flownet2-S@", "flownet2-S@wide", "flownet2-S@0", "flownet2-S@-1", "flownet2-S@nan"):
        assert named_composition(wrong) is None


def test_any_width_and_only_networks_of_the_family():
    with torch.device("meta"):
        assert isinstance(build(Composition("S", 0.5), NVIDIA), FlowNetS)
    for letters in ("", "SC", "X", "CSD"):
        with pytest.raises(ValueError, match="is no network of the family"):
            build(Composition(letters), NVIDIA)


def test_a_small_network_of_every_kind_is_differentiable():
    images = torch.randn(1, 6, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    for numerics in NUMERICS.values():
        for letters in ("S", "C", "SD", "CSS", "fused"):
            network = build(Composition(letters, 1 / 32), numerics)
            outputs = network(images)
            finest = outputs[-1][0] if letters == "CSS" else outputs[0]
            finest.square().sum().backward()
            assert all(torch.isfinite(tensor.grad).all() for tensor in network.parameters() if tensor.grad is not None)
            assert sum(tensor.grad is not None for tensor in network.parameters()) > 20


def test_the_norm_and_the_samplings_of_the_published_layers(data):
    inputs, expected = operator_fixtures(data)
    assert (channel_norm(inputs["norm_x"]) - expected["channelnorm"]).abs().max() <= 1e-6
    picture = expected["resample_in"]
    for name, ours in {
        "resample_linear_up_24x32": caffe_resample(picture, (24, 32)),
        "resample_linear_down_12x20": caffe_resample(picture, (12, 20)),
        "resample_linear_60x100": caffe_resample(picture, (60, 100)),
        "resample_nearest_72x100": upsample(picture, 4, None),
        "accum_72x100": upsample(picture, 4, True),
    }.items():
        assert (ours - expected[name]).abs().max() <= 1e-6, name
