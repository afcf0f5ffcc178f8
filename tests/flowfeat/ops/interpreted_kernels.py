"""Run as a program: every Triton kernel against its twin on odd sizes, through Triton's interpreter, on a CPU.

The interpreter has to be chosen before Triton is imported, so this is a process of its own; test_triton.py starts it.
On a GPU (argument `cuda`) the same checks run the compiled kernels.
"""

import itertools
import os
import sys
from dataclasses import replace

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from flowfeat.networks import NUMERICS, FlowNet2, FlowNetS, FlowNetStack  # noqa: E402
from flowfeat.networks.blocks import FLOW_SCALE, upsample  # noqa: E402
from flowfeat.networks.flow_network import FlowNetwork  # noqa: E402
from flowfeat.networks.fused import fuse  # noqa: E402
from flowfeat.networks.numerics import ProfileName  # noqa: E402
from flowfeat.networks.zoo import Composition  # noqa: E402
from flowfeat.ops import correlation_reference, warp_reference  # noqa: E402
from flowfeat.ops.bias_triton import add_bias  # noqa: E402
from flowfeat.ops.conv_triton import convolve_few  # noqa: E402
from flowfeat.ops.correlation_triton import correlation_backward, correlation_forward, correlation_into  # noqa: E402
from flowfeat.ops.evidence_triton import evidence, link  # noqa: E402
from flowfeat.ops.quantise_triton import levels_and_facts  # noqa: E402
from flowfeat.ops.upsample_triton import upsample_into  # noqa: E402
from flowfeat.ops.warp_triton import warp_backward, warp_forward  # noqa: E402
from flowfeat.store.quantise import LEVELS_PER_SIDE, ZERO_LEVEL, facts_in, measure, quantise  # noqa: E402

TOLERANCE = {torch.float32: 2e-5, torch.float16: 3e-3, torch.bfloat16: 3e-2}

HALVES = [torch.float16, torch.bfloat16]


def near(found: torch.Tensor, expected: torch.Tensor, what: object) -> None:
    assert found.shape == expected.shape, what
    limit = TOLERANCE[found.dtype] * max(1.0, float(expected.abs().max()))
    error = float((found.double() - expected.double()).abs().max())
    assert error <= limit, f"{what}: {error} is more than {limit}"


def check_correlation() -> int:
    checked = 0
    odd, narrow = (1, 33, 2, 35), (1, 5, 7, 9)
    cases = [
        (narrow, parameter, torch.float32) for parameter in [(4, 2, 1), (3, 1, 1), (4, 2, 2), (3, 2, 3), (0, 1, 1)]
    ]
    cases += [(odd, (4, 2, 1), dtype) for dtype in TOLERANCE]
    cases += [((1, 3, 1, 1), (4, 2, 1), torch.float32)]
    for (shape, parameter, dtype), last in itertools.product(cases, (False, True)):
        generator = torch.Generator().manual_seed(0)
        layout = torch.channels_last if last else torch.contiguous_format
        first, second = (
            torch.randn(shape, generator=generator).to(DEVICE, dtype).contiguous(memory_format=layout) for _ in range(2)
        )
        wide = first.double().requires_grad_(), second.double().requires_grad_()
        expected = correlation_reference(*wide, *parameter)
        near(correlation_forward(first, second, *parameter), expected.detach(), (shape, parameter, dtype))
        gradient = torch.randn(expected.shape, generator=generator).to(DEVICE, dtype)
        gradients = torch.autograd.grad(expected, wide, gradient.double())
        for found, wanted in zip(correlation_backward(gradient, first, second, *parameter), gradients, strict=True):
            near(found, wanted, ("backward", shape, parameter, dtype))
        checked += 1
    return checked


def check_warp() -> int:
    checked = 0
    shapes, reaches = [(1, 3, 7, 9), (2, 5, 13, 11), (1, 1, 1, 1)], [0.7, 6.0, 300.0]
    for shape, reach, zeros, dtype in itertools.product(shapes, reaches, (False, True), TOLERANCE):
        generator = torch.Generator().manual_seed(1)
        image = torch.randn(shape, generator=generator).to(DEVICE, dtype)
        flow = ((torch.rand(shape[0], 2, *shape[2:], generator=generator) * 2 - 1) * reach).to(DEVICE)
        if shape[1] == 5:
            image = image.contiguous(memory_format=torch.channels_last)
        border = "zeros" if zeros else "clamp"
        # Positions are float32 in the kernel, so its twin's are too; only the image's values are widened.
        inputs = image.float().requires_grad_(), flow.clone().requires_grad_()
        expected = warp_reference(*inputs, border)
        near(warp_forward(image, flow, zeros), expected.detach(), (shape, reach, border, dtype))
        gradient = torch.randn(shape, generator=generator).to(DEVICE, dtype)
        wanted = torch.autograd.grad(expected, inputs, gradient.float())
        found = warp_backward(gradient, image, flow, zeros)
        near(found[0], wanted[0], ("backward image", shape, reach, border, dtype))
        near(found[1], wanted[1], ("backward flow", shape, reach, border, dtype))
        checked += 1
    return checked


def drawn(shape: tuple[int, ...], dtype: torch.dtype, seed: int, reach: float = 1.0) -> torch.Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * reach).to(DEVICE, dtype)


def poisoned(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Channels last, full of a number that no kernel writes."""
    return torch.full(shape, 77.0, dtype=dtype, device=DEVICE).contiguous(memory_format=torch.channels_last)


def check_correlation_into() -> int:
    """Into the middle of a wider tensor, with what FlowNetC does to costs."""
    checked = 0
    cases = [((1, 5, 3, 11), (4, 2, 1), dtype) for dtype in TOLERANCE]
    cases += [((1, 70, 2, 35), (6, 3, 1), torch.float16), ((3, 5, 1, 2), (2, 2, 1), torch.float32)]
    for shape, parameter, dtype in cases:
        first, second = (drawn(shape, dtype, seed).contiguous(memory_format=torch.channels_last) for seed in (0, 1))
        costs = correlation_reference(first.double(), second.double(), *parameter) * 3
        out = poisoned((shape[0], costs.shape[1] + 7, *shape[2:]), dtype)
        correlation_into(out[:, 2:-5], first, second, *parameter, 3.0, 0.1)
        near(out[:, 2:-5], functional.leaky_relu(costs, 0.1), (shape, parameter, dtype))
        assert (out[:, :2] == 77).all()
        assert (out[:, -5:] == 77).all()
        checked += 1
    return checked


def check_bias() -> int:
    checked = 0
    shapes = [(1, 1, 1, 1), (2, 2, 9, 7), (1, 6, 5, 3), (2, 24, 3, 3), (1, 48, 9, 11), (1, 128, 1, 33)]
    for shape, slope, biased, dtype in itertools.product(shapes, (0.1, 1.0), (True, False), TOLERANCE):
        values = drawn(shape, dtype, 0).contiguous(memory_format=torch.channels_last)
        bias = drawn(shape[1:2], dtype, 1) if biased else None
        expected = values.double() + (bias.double()[:, None, None] if bias is not None else 0)
        expected = torch.where(expected > 0, expected, expected * slope)
        out = poisoned((shape[0], shape[1] + 5, *shape[2:]), dtype)
        add_bias(values, bias, slope, out[:, 1:-1])
        near(out[:, 1:-4], expected, ("bias into", shape, slope, biased, dtype))
        assert (out[:, -4:-1] == 0).all()
        assert (out[:, :1] == 77).all()
        assert (out[:, -1:] == 77).all()
        near(add_bias(values, bias, slope), expected, ("bias", shape, slope, biased, dtype))
        near(values, expected, ("bias in place", shape, slope, biased, dtype))
        checked += 1
    return checked


def check_evidence() -> int:
    """What a stage sees and what the fusion sees, against the networks that PyTorch computes."""
    checked = 0
    borders, corners = ("zeros", "clamp", None), (True, False)
    cases = list(itertools.product([(2, 3, 5)], [1.0], borders, corners, TOLERANCE))
    cases += itertools.product([(1, 1, 1)], [0.05], borders, corners, [torch.float32])
    for (count, rows, columns), reach, border, align_corners, dtype in cases:
        images = drawn((count, 6, 4 * rows, 4 * columns), dtype, 0)
        small, large = (drawn((count, 2, rows, columns), dtype, seed, reach) for seed in (1, 2))
        if rows == 3:
            images, small = (values.contiguous(memory_format=torch.channels_last) for values in (images, small))
        numerics = replace(NUMERICS["lmb"], border=border or "zeros", align_corners=align_corners)
        stack = FlowNetStack(FlowNetS(width=1 / 64), [], numerics, warping=border is not None)
        what = (rows, columns, reach, border, align_corners, dtype)
        expected = stack.link(images.float(), small.float())
        found = link(images, small, FLOW_SCALE, align_corners, border)
        near(found[:, : expected.shape[1]], expected, ("link", *what))
        assert (found[:, expected.shape[1] :] == 0).all()
        if border:
            flows = upsample(small.float() * 3, 4, None), upsample(large.float() * FLOW_SCALE, 4, None)
            expected = FlowNet2.evidence(_Numbers(numerics), images.float(), *flows)  # type: ignore[arg-type]
            found = evidence(images, small, large, 3.0, FLOW_SCALE, border)
            near(found[:, :11], expected, ("evidence", *what))
            assert (found[:, 11:] == 0).all()
        checked += 1
    return checked


def check_networks() -> int:
    """Whole networks, with the cost volume as sum and without warping: the flow of every stage."""
    networks = [("fused", "mmflow", True, 1), ("SS", "nvidia", False, 2)]
    for letters, profile, warping, count in networks:
        plain, frames = drawn_network(letters, profile, warping, count)
        found = fuse(plain, torch.float32).stages(frames)
        for stage, expected in plain.stages(frames).items():
            near(found[stage], expected, (letters, profile, stage))
    for precision, limit in {torch.float16: 0.005, torch.bfloat16: 0.04}.items():
        plain, frames = drawn_network("SS", "lmb", True, 1)
        found, expected = fuse(plain, precision)(frames), plain(frames)
        error, size = float((found - expected).abs().mean()), float(expected.abs().mean())
        assert 0 < error <= limit * size, f"{precision}: {error} of {size} pixels"
    return len(networks)


def drawn_network(letters: str, profile: ProfileName, warping: bool, count: int) -> tuple[FlowNetwork, torch.Tensor]:
    torch.manual_seed(4)
    frames = torch.rand(count, 2, 3, 60, 64).to(DEVICE)
    network = FlowNetwork(Composition(letters, 3 / 64, warping=warping), NUMERICS[profile]).to(DEVICE).eval()
    for name, parameter in network.named_parameters():  # as drawn, flow is a hundredth of a pixel
        parameter.data.mul_(2 if name.endswith("weight") else 10)
    return network, frames


def check_few_channels() -> int:
    checked = 0
    for (shape, outputs), slope, dtype in itertools.product(
        [((2, 8, 11, 13), 70), ((1, 11, 5, 7), 24), ((1, 16, 1, 1), 2)], (0.1, 1.0), HALVES
    ):
        values, weight = drawn(shape, dtype, 0), drawn((outputs, shape[1], 3, 3), dtype, 1)
        bias = drawn((outputs,), dtype, 2) if slope < 1 else None
        if shape[1] != 11:
            values, weight = (each.contiguous(memory_format=torch.channels_last) for each in (values, weight))
        expected = functional.conv2d(
            values.double(), weight.double(), None if bias is None else bias.double(), padding=1
        )
        expected = torch.where(expected > 0, expected, expected * slope)
        near(convolve_few(values, weight, bias, slope), expected, ("few channels", shape, outputs, slope, dtype))
        checked += 1
    return checked


def check_upsample() -> int:
    checked = 0
    for (count, height, width), biased, dtype in itertools.product([(2, 3, 5), (1, 7, 11)], (True, False), TOLERANCE):
        flow = drawn((count, 8, height, width), dtype, 0).contiguous(memory_format=torch.channels_last)[:, :2]
        weight, bias = drawn((2, 2, 4, 4), dtype, 1), drawn((2,), dtype, 2) if biased else None
        expected = functional.conv_transpose2d(
            flow.double(), weight.double(), None if bias is None else bias.double(), 2, 1
        )
        out = poisoned((count, 11, 2 * height, 2 * width), dtype)
        upsample_into(out[:, 3:-1], flow, weight.contiguous(memory_format=torch.channels_last), bias)
        near(out[:, 3:5], expected, ("upsample", height, biased, dtype))
        assert (out[:, 5:-1] == 0).all()
        assert (out[:, [0, 1, 2, -1]] == 77).all()
        checked += 1
    return checked


def check_levels() -> int:
    """Values at and around every half level, beyond the bound, huge, and no numbers; whatever the memory format."""
    bound = 20.0
    halves = torch.arange(-260, 261) * (bound / 127 / 2)
    flow = torch.cat(
        [halves, halves.nextafter(torch.tensor(1e9)), drawn((2 * 25 * 43 - 1042,), torch.float32, 5, 15.0)]
    )
    flow = torch.stack([flow.view(2, 25, 43), drawn((2, 25, 43), torch.float32, 6, 4.0), torch.zeros(2, 25, 43)])
    flow[2, 0, 3, 4] = 3e38
    odd = flow.clone()
    odd[0, 1, 2, 3], odd[1, 0, 24, 42] = float("nan"), -float("inf")
    cases = [flow, flow.contiguous(memory_format=torch.channels_last), flow[:, :, 3:4, :1], odd]
    for values in cases:
        given = values.to(DEVICE)
        levels, facts = levels_and_facts(given, bound, LEVELS_PER_SIDE, ZERO_LEVEL)
        found, expected, numbers = facts_in(facts.cpu()), measure(given, bound), given.isfinite()
        assert torch.equal(levels[numbers], quantise(given, bound)[numbers])
        assert torch.equal(found.finite, expected.finite)
        assert torch.equal(found.clipped_pixels, expected.clipped_pixels)
        torch.testing.assert_close(found.max_displacement, expected.max_displacement, equal_nan=True)
        torch.testing.assert_close(
            found.mean_displacement, expected.mean_displacement, rtol=1e-6, atol=0, equal_nan=True
        )
    return len(cases)


class _Numbers:
    """Of a FlowNet2, what its evidence takes from it."""

    def __init__(self, numerics):
        self.numerics = numerics


if __name__ == "__main__":
    # On a GPU, what PyTorch computes here is to be float32 proper.
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    with_gradients = f"{check_correlation()} correlations and {check_warp()} warps"
    with torch.inference_mode():
        fused = [
            check_correlation_into(),
            check_bias(),
            check_evidence(),
            check_upsample(),
            check_networks(),
            check_levels(),
        ]
    print(f"{with_gradients}, and {sum(fused)} fused kernels and networks, agree with their twins on {DEVICE}")
