"""The backward warp: against the published kernels' numbers, against its formula, and its gradients."""

import pytest
import torch
from oracle import operator_fixtures

from flowfeat.ops import warp, warp_reference

BORDERS = ["clamp", "zeros"]


def pair(count=2, channels=3, height=7, width=9, reach=5.0, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(count, channels, height, width, dtype=dtype, generator=generator)
    return image, (torch.rand(count, 2, height, width, dtype=dtype, generator=generator) * 2 - 1) * reach


@pytest.mark.parametrize(("border", "name"), [("clamp", "warp_clamp"), ("zeros", "warp_zero")])
def test_the_published_kernels_give_these_numbers(data, border, name):
    inputs, expected = operator_fixtures(data)
    for operator in (warp, warp_reference):
        assert (operator(inputs["warp_img"], inputs["warp_flow"], border) - expected[name]).abs().max() <= 1e-6


@pytest.mark.parametrize("border", BORDERS)
def test_no_flow_is_no_change_and_whole_pixels_shift(border):
    image, _ = pair()
    flow = torch.zeros(2, 2, 7, 9)
    assert torch.equal(warp(image, flow, border), image)
    flow[:, 0], flow[:, 1] = 2, -1
    assert torch.equal(warp(image, flow, border)[:, :, 1:, :-2], image[:, :, :-1, 2:])


def test_the_borders_by_hand():
    image = torch.arange(1.0, 5).view(1, 1, 1, 4)
    flow = torch.zeros(1, 2, 1, 4)
    flow[0, 0, 0] = torch.tensor([-0.5, 3.0, 1.5, 9.0])  # to -0.5, 4, 3.5 and 12
    assert warp(image, flow, "clamp").flatten().tolist() == [1, 4, 4, 4]
    assert warp(image, flow, "zeros").flatten().tolist() == [0, 0, 4, 0]


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [(7, 9), (1, 1), (1, 8), (16, 2)])
@pytest.mark.parametrize("reach", [0.9, 5.0, 500.0])
def test_it_and_its_gradients_equal_the_formula(border, size, reach):
    image, flow = pair(height=size[0], width=size[1], reach=reach, dtype=torch.float64)
    outputs, gradients = [], []
    for operator in (warp, warp_reference):
        inputs = image.clone().requires_grad_(), flow.clone().requires_grad_()
        out = operator(*inputs, border)
        weights = torch.randn(out.shape, dtype=out.dtype, generator=torch.Generator().manual_seed(1))
        outputs.append(out)
        gradients.append(torch.autograd.grad((out * weights).sum(), inputs))
    assert torch.allclose(*outputs, atol=1e-12)
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


@pytest.mark.parametrize("border", BORDERS)
def test_its_gradients_are_right(border):
    image, flow = pair(1, 2, 4, 5, 2.0, torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: warp(a, b, border), (image.requires_grad_(), flow.requires_grad_()))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_keep_their_positions(dtype):
    image, flow = pair(height=20, width=300)
    out = warp(image.to(dtype), flow, "clamp")
    assert out.dtype == dtype
    exact = warp_reference(image.to(dtype).double(), flow.double(), "clamp")
    assert (out.double() - exact).abs().max() <= 2 * torch.finfo(dtype).eps * exact.abs().max()


def test_memory_formats_are_kept_and_give_the_same():
    image, flow = pair()
    last = image.contiguous(memory_format=torch.channels_last)
    out = warp(last, flow)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(out, warp(image, flow))


@pytest.mark.parametrize("border", BORDERS)
def test_torch_accepts_the_operator(border):
    image, flow = pair()
    arguments = image.requires_grad_(), flow.requires_grad_(), border == "zeros"
    torch.library.opcheck(torch.ops.flowfeat.warp.default, arguments)


def test_a_flow_that_is_no_number_reads_no_foreign_memory():
    image, flow = pair()
    flow[0, 0, 0, 0], flow[0, 1, 0, 1], flow[0, 0, 0, 2] = float("nan"), float("inf"), -float("inf")
    for border in BORDERS:
        out = warp(image, flow, border)
        assert torch.isfinite(out[0, :, 1:]).all()
