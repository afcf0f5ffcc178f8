import pytest
import torch

from flowfeat.networks.numerics import NUMERICS
from flowfeat.networks.zoo import build, named_composition
from flowfeat.training.initial import initialise, structure
from flowfeat.training.objective import modules_of


def _structured(model: str) -> torch.nn.Module:
    composition = named_composition(model)
    assert composition is not None
    network = build(composition, NUMERICS["lmb"])
    initialise(network, torch.Generator().manual_seed(0))
    for module in modules_of(network).values():
        structure(module)
    return network.eval()


def test_the_variance_of_features_stays():
    network = build(named_composition("flownet2-S@0.25"), NUMERICS["lmb"])
    initialise(network, torch.Generator().manual_seed(0))
    features = torch.randn(2, 6, 128, 128, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for name in ("conv1", "conv2", "conv3", "conv3_1", "conv4", "conv4_1"):
            features = getattr(network, name)(features)
            assert 0.6 < float(features.square().mean().sqrt()) < 1.6, name


@pytest.mark.parametrize("model", ["flownet2-cs", "flownet2-cs-nowarp"])
def test_a_stage_begins_with_the_flow_it_is_given(model):
    stage = modules_of(_structured(model))["net2"]
    inputs = torch.rand(1, stage.conv1.in_channels, 64, 64)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    flow = torch.stack([0.01 * x - 0.3, 0.02 * y - 0.5 + 0.003 * x])
    place = 9 if stage.conv1.in_channels == 12 else 6
    inputs[0, place : place + 2] = flow
    with torch.no_grad():
        finest = stage(inputs)[0][0]
    expected = torch.nn.functional.avg_pool2d(flow[None], 4)[0]
    inner = (slice(None), slice(1, -1), slice(1, -1))
    assert torch.allclose(finest[inner], expected[inner], atol=2e-3)


def test_the_fusion_begins_with_the_mean_of_both_flows():
    fusion = modules_of(_structured("flownet2-thin@0.5"))["fusion"]
    evidence = torch.randn(1, 11, 16, 16)
    with torch.no_grad():
        fused = fusion(evidence)[0]
    assert torch.allclose(fused, (evidence[:, 3:5] + evidence[:, 5:7]) / 2, atol=1e-5)


@pytest.mark.parametrize(
    ("model", "layers"),
    [("flownet2-sd", ("conv0", "conv1", "conv1_1")), ("flownet2-s", ("conv1", "conv2", "conv3"))],
)
def test_of_the_matching_costs_that_of_the_true_displacement_is_the_lowest(model, layers):
    network = _structured(model)
    step = 1 if model.endswith("sd") else 2
    picture = torch.rand(1, 3, 80, 80, generator=torch.Generator().manual_seed(2)) - 0.4
    picture = torch.nn.functional.avg_pool2d(picture, 3, 1)
    for number, (y, x) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
        moved = picture.roll((y * step, x * step), (2, 3))
        with torch.no_grad():
            features = torch.cat([picture, moved], 1)[..., 7:71, 7:71]
            for layer in layers:
                features = network.get_submodule(layer)(features)
        costs = features[0, :5, 2:-2, 2:-2].mean((1, 2))
        assert int(costs.argmin()) == number
        assert float(costs[number]) < float(costs.median()) - 1


def test_the_refinement_begins_with_the_coarsest_flow_upsampled():
    """With all that is read besides the flow below set to zero, an even flow stays even on its way up."""
    refinement = _structured("flownet2-SD@0.125").refinement
    with torch.no_grad():
        for level in refinement.levels:
            predict = refinement.get_submodule(f"predict_flow{level}")
            keep = predict.weight[:, :2].clone()
            predict.weight.zero_()
            predict.weight[:, :2] = keep
        refinement.predict_flow6.weight.zero_()
        refinement.predict_flow6.bias.copy_(torch.tensor([3.0, -2.0]))
        laterals, below = {}, {}
        for level, side in ((5, 16), (4, 32), (3, 64), (2, 128)):
            deconv = refinement.get_submodule(f"deconv{level}")
            inter = refinement.get_submodule(f"inter_conv{level}")
            below[level] = deconv.in_channels
            laterals[level] = torch.randn(1, inter.in_channels - deconv.out_channels - 2, side, side)
        levels = refinement(torch.randn(1, below[5], 8, 8), laterals)
    middle = levels[0][0, :, 48:80, 48:80]
    assert torch.allclose(middle, torch.tensor([3.0, -2.0])[:, None, None].expand_as(middle), atol=1e-4)
