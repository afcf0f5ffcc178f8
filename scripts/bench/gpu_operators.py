"""The operators beside the roofline, and the kernels that FlowNet2 spends its time in."""

from collections.abc import Callable
from typing import Any

import torch
from drawn_networks import drawn
from gpu_ceilings import beside_roofline
from gpu_kernels import measure_kernels
from gpu_setting import GPU_ALONE, Parts, Setting
from torch import Tensor

from flowfeat.estimators.precision import TYPES, Precision
from flowfeat.ops import correlation, warp
from flowfeat.ops.compiler import compiles

_SETS = 3
_SHOWN = 25


def measure_operators(setting: Setting) -> Parts:
    """Correlation and warp as FlowNet2 has them on 256x320, both ways; the fused kernels; all of FlowNet2."""
    precisions: tuple[Precision, ...] = ("float16", "float32") if setting.on_gpu else ("float32",)
    for precision in precisions:
        for name, measured in _operators(setting, TYPES[precision]).items():
            yield f"{name} {precision}", measured(precision)
    for precision in precisions if compiles() else ():
        yield from measure_kernels(setting, precision)
    if not setting.on_gpu:
        yield "kernels", GPU_ALONE
        return
    for name in ("flownet2", "flownet2-thin"):
        yield f"kernels of {name}", _kernels(setting, name)


def _operators(setting: Setting, dtype: torch.dtype) -> dict[str, Callable[[str], dict[str, Any]]]:
    batch, height, width = (1, 64, 64) if setting.quick else (64, 256, 320)
    size, rows, columns, maps = dtype.itemsize, height // 8, width // 8, 441
    channels = 16 if setting.quick else 256

    def drawn_maps(gradients: bool) -> list[tuple[Tensor, Tensor]]:
        shape = (batch, channels, rows, columns)
        return [
            (_features(setting, dtype, shape, gradients), _features(setting, dtype, shape, gradients))
            for _ in range(_SETS)
        ]

    def drawn_frames(gradients: bool) -> list[tuple[Tensor, Tensor]]:
        return [
            (
                _features(setting, dtype, (batch, 3, height, width), gradients),
                _features(setting, torch.float32, (batch, 2, height, width), gradients, 5.0),
            )
            for _ in range(_SETS)
        ]

    def measure(run: Callable, inputs: list, operations: float, moved: float) -> Callable[[str], dict[str, Any]]:
        return lambda precision: beside_roofline(setting, precision, batch, run, inputs, operations, moved)

    # Every input read once and every output written once; backwards inputs and gradients too.
    products = 2 * maps * channels * batch * rows * columns
    features, costs = batch * channels * rows * columns * size, batch * maps * rows * columns * size
    frames, flows = batch * 3 * height * width * size, batch * 2 * height * width * 4
    blends = 8 * batch * 3 * height * width
    return {
        "correlation": measure(lambda of: correlation(of[0], of[1]), drawn_maps(False), products, 2 * features + costs),
        "warp": measure(lambda of: warp(of[0], of[1], "clamp"), drawn_frames(False), blends, 2 * frames + flows),
        "correlation and its gradients": measure(
            lambda of: _backward(correlation(of[0], of[1]), of),
            drawn_maps(True),
            3 * products,
            6 * features + 2 * costs,
        ),
        "warp and its gradients": measure(
            lambda of: _backward(warp(of[0], of[1], "clamp"), of),
            drawn_frames(True),
            3 * blends,
            5 * frames + 3 * flows,
        ),
    }


def _features(
    setting: Setting, dtype: torch.dtype, shape: tuple[int, ...], gradients: bool, scale: float = 1.0
) -> Tensor:
    drawn_values = (scale * torch.randn(shape, device=setting.device)).to(dtype)
    return drawn_values.contiguous(memory_format=torch.channels_last).requires_grad_(gradients)


def _backward(out: Tensor, inputs: tuple[Tensor, Tensor]) -> None:
    torch.autograd.grad(out, inputs, out.detach())


def _kernels(setting: Setting, name: str) -> dict[str, Any]:
    """Seconds of each kernel in one batch, as the profiler saw them, kernels launched one by one."""
    batch = 1 if setting.quick else 64
    estimator = drawn(name, setting.device)
    frames = torch.randint(0, 256, (batch, 2, 3, 256, 320), dtype=torch.uint8).to(setting.device)
    for _ in range(3):
        estimator(frames)
    setting.wait()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        estimator(frames)
        setting.wait()
    rows = [
        {"name": event.key[:120], "launches": event.count, "seconds": event.self_device_time_total / 1e6}
        for event in profile.key_averages()
        if event.self_device_time_total > 0
    ]
    rows.sort(key=lambda row: -row["seconds"])
    return {
        "pairs": batch,
        "seconds": sum(row["seconds"] for row in rows),
        "launches": sum(row["launches"] for row in rows),
        "kernels": rows[:_SHOWN],
    }
