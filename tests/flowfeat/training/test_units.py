from dataclasses import replace

import pytest
import torch

from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.numerics import NUMERICS
from flowfeat.networks.zoo import named_composition
from flowfeat.training.units import learning_numerics, to_keep, to_learn


@pytest.mark.parametrize("model", ["flownet2-SD@0.0625", "flownet2@0.0625", "flownet2-CS@0.0625"])
def test_flow_is_the_same_in_both_units(model):
    composition = named_composition(model)
    assert composition is not None
    numerics = NUMERICS["lmb"]
    torch.manual_seed(0)
    kept = FlowNetwork(composition, numerics).eval()
    for parameter in kept.parameters():  # biases too
        torch.nn.init.normal_(parameter, std=0.05)
    learning = FlowNetwork(composition, learning_numerics(numerics)).eval()
    tensors = to_learn(kept.network.state_dict(), composition, numerics)
    learning.network.load_state_dict(tensors)
    frames = torch.rand(1, 2, 3, 64, 128)
    with torch.no_grad():
        flow = kept(frames)
        assert torch.allclose(learning(frames), flow, atol=1e-4 * float(flow.abs().max()))
        if "SD" in model:
            other = FlowNetwork(composition, replace(numerics, small_displacement_scale=20.0)).eval()
            other.network.load_state_dict(kept.network.state_dict())
            assert not torch.allclose(other(frames), flow)
    again = to_keep(tensors, composition, numerics)
    for name, tensor in kept.network.state_dict().items():
        assert torch.allclose(again[name], tensor, rtol=1e-5, atol=0), name
