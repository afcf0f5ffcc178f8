"""The face of every network: frames of any size, in each profile's way, and pixels of those frames back."""

import pytest
import torch

from flowfeat.networks import NUMERICS
from flowfeat.networks.flow_network import FlowNetwork, inner_size
from flowfeat.networks.numerics import in_profile
from flowfeat.networks.resample import caffe_resample
from flowfeat.networks.zoo import Composition


def network(letters: str, profile: str = "nvidia", width: float = 1 / 32) -> FlowNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FlowNetwork(Composition(letters, width), NUMERICS[profile]).eval()


def frames(height: int, width: int, count: int = 1) -> torch.Tensor:
    return torch.rand(count, 2, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("profile", NUMERICS)
@pytest.mark.parametrize("size", [(1, 1), (63, 65), (64, 128), (90, 70)])
@pytest.mark.parametrize("letters", ["S", "C", "SD", "CS", "fused"])
def test_frames_of_any_size(profile, size, letters):
    with torch.inference_mode():
        flow = network(letters, profile)(frames(*size, count=2))
    assert flow.shape == (2, 2, *size)
    assert torch.isfinite(flow).all()


def test_inner_sizes_are_rounded_up_to_64():
    assert inner_size(240, 320) == (256, 320)
    assert inner_size(256, 321) == (256, 384)
    assert inner_size(1, 1) == (64, 64)


@pytest.mark.parametrize("profile", NUMERICS)
def test_every_row_and_column_of_a_frame_is_seen_and_has_flow(profile):
    """NVIDIA's own command would cut 40 of the 104 rows, and 36 of the 100 columns."""
    given = frames(104, 100).requires_grad_()
    flow = network("S", profile)(given)
    for edge in (flow[..., 0, :], flow[..., -1, :], flow[..., 0], flow[..., -1]):
        (gradient,) = torch.autograd.grad(edge.square().sum(), given, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert gradient.abs().sum() > 0
    (gradient,) = torch.autograd.grad(flow.square().sum(), given)
    for edge in (gradient[..., 0, :], gradient[..., -1, :], gradient[..., 0], gradient[..., -1]):
        assert edge.abs().sum() > 0


@pytest.mark.parametrize("profile", NUMERICS)
def test_flow_is_counted_in_pixels_of_the_frame_and_not_of_what_the_network_saw(profile):
    """A network that says 3 px right and 2 px down everywhere, inside, where a row is 240 / 256 of one outside."""
    constant = network("S", profile)
    with torch.no_grad():
        last = constant.network.refinement.predict_flow2
        last.weight.zero_()
        last.bias.copy_(torch.tensor([3.0, 2.0]) / 20)
    flow = constant(frames(240, 300)).detach()
    torch.testing.assert_close(flow[:, 0], torch.full((1, 240, 300), 3 * 300 / 320))
    torch.testing.assert_close(flow[:, 1], torch.full((1, 240, 300), 2 * 240 / 256))


def test_what_the_networks_see_is_the_profiles(data):
    """Means and sizes of flownet2.md 0: of the pair, constant for each frame, none."""
    pair = frames(64, 64)
    images = {name: network("S", name).prepare(pair) for name in NUMERICS}
    assert images["nvidia"].unflatten(1, (2, 3)).mean(dim=(1, 3, 4)).abs().max() < 1e-6
    assert torch.equal(images["mmflow"], pair.flatten(1, 2))
    torch.testing.assert_close(
        images["lmb"][0, :3, 0, 0], pair[0, 0, :, 0, 0] - torch.tensor([0.40119, 0.39535, 0.37655])
    )
    # mmflow resizes 8-bit pictures, so the network sees whole levels.
    levels = network("S", "mmflow").prepare((frames(60, 50) * 255).round() / 255) * 255
    assert (levels - levels.round()).abs().max() < 1e-4
    assert (255 * network("S", "flownet1").prepare(frames(60, 50))).sub(levels.round()).abs().max() > 0.1


def test_stages_end_with_the_flow_itself():
    for letters, stages in {"S": ["S"], "CSS": ["C", "CS", "CSS"], "fused": ["C", "CS", "CSS", "SD", "fused"]}.items():
        whole = network(letters)
        with torch.inference_mode():
            found = whole.stages(frames(70, 64))
            assert list(found) == stages
            assert torch.equal(found[stages[-1]], whole(frames(70, 64)))
        assert all(flow.shape == (1, 2, 70, 64) for flow in found.values())


def test_the_small_displacement_network_alone_is_in_the_profiles_units():
    """flownet2.md 2.6: pixels are a twentieth of the output; NVIDIA's own code multiplies by 20."""
    pixels, nvidia = network("SD", "lmb"), network("SD", "nvidia")
    pixels.numerics = in_profile(NUMERICS["nvidia"], "lmb")
    assert pixels.numerics.small_displacement_alone is None
    bare = frames(64, 64)
    with torch.inference_mode():
        network_flow = nvidia.network(nvidia.prepare(bare))[0]
        torch.testing.assert_close(nvidia(bare)[..., ::4, ::4].mean(), network_flow.mean() * 20, rtol=0.2, atol=1e-3)
        torch.testing.assert_close(pixels._flows(nvidia.prepare(bare))["SD"], network_flow / 20)


def test_caffes_swapped_offsets_show_only_where_the_factors_differ():
    values = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    interpolate = torch.nn.functional.interpolate
    even = interpolate(values, (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(caffe_resample(values, (16, 16)), even)
    uneven = interpolate(values, (16, 12), mode="bilinear", align_corners=False)
    assert (caffe_resample(values, (16, 12)) - uneven).abs().max() > 0.01
    assert caffe_resample(values, (8, 8)) is values
    shrunk = caffe_resample(torch.full((1, 1, 30, 30), 7.0), (7, 9))
    torch.testing.assert_close(shrunk, torch.full((1, 1, 7, 9), 7.0))


def test_gradients_reach_every_weight_through_the_face():
    whole = network("fused", "mmflow")
    whole(frames(70, 64)).square().sum().backward()
    assert not [name for name, tensor in whole.named_parameters() if tensor.grad is None]
    assert whole.network.stack.first.conv1.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("letters", ["SD", "CSS", "fused"])
def test_in_half_the_network_is_nearly_the_same_and_its_flow_whole(letters, precision):
    wide, half = network(letters), network(letters).to_precision(precision)
    assert {parameter.dtype for parameter in half.parameters()} == {precision}
    with torch.inference_mode():
        wanted, found = wide.stages(frames(100, 90)), half.stages(frames(100, 90))
    for name, flow in found.items():
        assert flow.dtype == torch.float32
        assert 0 < (flow - wanted[name]).abs().mean() < 0.05 * wanted[name].abs().mean()
