"""Packed networks: the same flow as PyTorch's own layers, whatever was computed before."""

import pytest
import torch

from flowfeat.networks import NUMERICS
from flowfeat.networks.blocks import Conv, Deconv, predict_flow, upsample_flow
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.packed import can_pack, pack
from flowfeat.networks.zoo import FAMILY

pytestmark = pytest.mark.skipif(not can_pack(), reason="PyTorch has no packed convolutions for this processor")


@pytest.fixture(autouse=True)
def _drawn():
    torch.manual_seed(7)
    with torch.inference_mode():
        yield


@pytest.mark.parametrize(
    "layer",
    [Conv(6, 9, 7, 2), Conv(9, 5), Conv(12, 4, 1), Deconv(11, 6), predict_flow(10), upsample_flow(True)],
    ids=lambda layer: f"{type(layer).__name__}-{layer.in_channels}-{layer.out_channels}",
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_layer_computes_what_it_did(layer, layout):
    packed = pack(torch.nn.Sequential(layer))
    for shape in ((1, 12, 20), (2, 8, 8), (1, 1, 3)):
        count, height, width = shape
        values = torch.randn(count, layer.in_channels, height, width).contiguous(memory_format=layout)
        wanted = layer(values)
        torch.testing.assert_close(packed(values), wanted, rtol=1e-4, atol=1e-5)
        assert (wanted < 0).any()


@pytest.mark.parametrize("name", ["flownet2-thin", "flownet2-sd", "flownet2-C"])
def test_a_network_computes_what_it_did(name):
    network = FlowNetwork(FAMILY[name], NUMERICS["nvidia"]).eval()
    frames = torch.rand(1, 2, 3, 60, 100)
    flow, packed = network(frames), pack(network)(frames)
    assert (flow - packed).abs().max() < 1e-5 * max(1.0, float(flow.abs().max()))
    # The network is still its own: its layers, with their names and their gradients.
    assert {type(layer) for layer in network.modules()}.isdisjoint(
        type(layer) for layer in pack(network).modules() if "Packed" in type(layer).__name__
    )


def test_flow_does_not_depend_on_the_size_that_came_first():
    network = FlowNetwork(FAMILY["flownet2-s"], NUMERICS["nvidia"]).eval()
    small, large = torch.rand(1, 2, 3, 64, 64), torch.rand(1, 2, 3, 192, 256)
    first, second = pack(network), pack(network)
    of_small, of_large = first(small), first(large)
    assert torch.equal(second(large), of_large)
    assert torch.equal(second(small), of_small)


def test_a_layer_is_laid_out_for_the_size_that_it_meets():
    layer = pack(torch.nn.Sequential(Conv(32, 48)))
    (packed,) = layer
    large, small = torch.randn(1, 32, 60, 107), torch.randn(1, 32, 16, 20)
    layer(large)
    of_large = packed.weight_for(large.shape)
    assert packed.weight_for(large.shape) is of_large
    layer(small)
    assert packed.weight_for(small.shape) is not of_large
