"""Networks as a GPU computes them fastest: the same flow. tests/flowfeat/ops/interpreted_kernels.py has the rest."""

import itertools

import pytest
import torch

from flowfeat.networks import NUMERICS
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.fused import can_fuse, fuse
from flowfeat.networks.zoo import named_composition


def network(name: str, profile: str = "nvidia") -> FlowNetwork:
    torch.manual_seed(7)
    composition = named_composition(name)
    assert composition is not None
    return FlowNetwork(composition, NUMERICS[profile]).eval()


def frames(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 2, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_it_takes_a_gpu_and_what_compiles_kernels(monkeypatch):
    for gpu, compiles in itertools.product((False, True), repeat=2):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        monkeypatch.setattr("flowfeat.networks.fused.compiles", lambda compiles=compiles: compiles)
        assert can_fuse() == (gpu and compiles)


def test_the_network_is_still_its_own():
    pytest.importorskip("triton")
    plain = network("flownet2@0.125")
    before = {name: tensor.clone() for name, tensor in plain.state_dict().items()}
    types = [type(module) for module in plain.modules()]
    fused = fuse(plain, torch.float16)
    assert [type(module) for module in plain.modules()] == types
    assert plain.precision is None
    assert all(torch.equal(tensor, before[name]) for name, tensor in plain.state_dict().items())
    # The copy has every weight under its name, with zeros beyond.
    held = fused.state_dict()
    assert held.keys() == before.keys()
    for name, tensor in before.items():
        inner = tuple(slice(side) for side in tensor.shape)
        assert torch.equal(held[name][inner], tensor.half()), name
        assert held[name].count_nonzero() == tensor.half().count_nonzero(), name


@pytest.mark.gpu
@pytest.mark.parametrize("profile", ["lmb", "nvidia", "mmflow"])
@pytest.mark.parametrize("name", ["flownet2@0.5", "flownet2-thin", "flownet2-CS-nowarp@0.5", "flownet2-ss"])
def test_a_gpu_computes_what_the_network_does(name, profile, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn.conv, "fp32_precision", "ieee")
    plain, pairs = network(name, profile).cuda(), frames(3, 120, 200).cuda()
    with torch.inference_mode():
        wanted = plain.stages(pairs)
        for precision, limit in {torch.float32: 1e-4, torch.float16: 0.02, torch.bfloat16: 0.1}.items():
            for stage, flow in fuse(plain, precision).stages(pairs).items():
                assert flow.dtype == torch.float32
                error, size = (flow - wanted[stage]).abs().mean(), wanted[stage].abs().mean()
                assert error <= limit * size, (stage, precision, float(error), float(size))


@pytest.mark.gpu
@pytest.mark.parametrize("profile", ["lmb", "nvidia", "mmflow"])
def test_a_cuda_graph_holds_it(profile):
    fused = fuse(network("flownet2@0.25", profile).cuda(), torch.float16)
    given, others = frames(2, 100, 128).cuda(), frames(2, 100, 128, seed=1).cuda()
    with torch.inference_mode():
        wanted = fused(others)
        assert (fused(given) - wanted).abs().max() > 0
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            flow = fused(given)
        given.copy_(others)
        graph.replay()
        torch.testing.assert_close(flow, wanted, rtol=1e-2, atol=1e-3 * float(wanted.abs().max()))
