"""Run as a program: every Triton kernel against its twin on odd sizes, through Triton's interpreter, on a CPU.

The interpreter has to be chosen before Triton is imported, so this is a process of its own; test_triton.py starts it.
On a GPU (argument `cuda`) the same checks run the compiled kernels.
"""

import itertools
import os
import sys

DEVICE = sys.argv[1] if len(sys.argv) > 1 else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"

import torch  # noqa: E402

from flowfeat.ops import correlation_reference, warp_reference  # noqa: E402
from flowfeat.ops.correlation_triton import correlation_backward, correlation_forward  # noqa: E402
from flowfeat.ops.warp_triton import warp_backward, warp_forward  # noqa: E402

TOLERANCE = {torch.float32: 2e-5, torch.float16: 3e-3, torch.bfloat16: 3e-2}


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


if __name__ == "__main__":
    print(f"{check_correlation()} correlations and {check_warp()} warps agree with their twins on {DEVICE}")
