"""What the device can do at its best: matrix products and copies. All other times are looked at beside these."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from gpu_setting import Input, Parts, Setting, middle

from flowfeat.estimators.flownet import _FULL_PRECISION

TYPES = ("bfloat16", "float16", "float32")


def measure_ceilings(setting: Setting) -> Parts:
    """FLOP/s of a large matrix product in each type (float32 without TF32), and bytes a second read and written."""
    yield "device", _device(setting)
    side = 128 if setting.quick else 8192
    yield "matrix_side", side
    rates: dict[str, float] = {}
    for name in TYPES:
        dtype = getattr(torch, name)
        pairs = [tuple(torch.randn(2, side, side, device=setting.device, dtype=dtype).unbind()) for _ in range(3)]
        with _FULL_PRECISION:
            rates[name] = 2 * side**3 / middle(setting.seconds(lambda pair: pair[0] @ pair[1], pairs))
    yield "flop_per_second", rates
    numbers = (1 << 20) if setting.quick else (1 << 30)  # of float32: far more than a cache holds
    given, target = (torch.randn(numbers, device=setting.device) for _ in range(2))
    yield "bytes_per_second", 2 * 4 * numbers / middle(setting.seconds(target.copy_, [given]))


def _device(setting: Setting) -> dict[str, Any]:
    if not setting.on_gpu:
        return {"name": "cpu"}
    found = torch.cuda.get_device_properties(setting.device)
    return {
        "name": found.name,
        "bytes": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "capability": f"{found.major}.{found.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def roofline(setting: Setting, precision: str, operations: float, moved: float) -> float | None:
    """Seconds below which nothing does so many operations and moves so many bytes; None where ceilings are unknown."""
    found = setting.section("ceilings")
    if "flop_per_second" not in found or "bytes_per_second" not in found:
        return None
    return max(operations / found["flop_per_second"][precision], moved / found["bytes_per_second"])


def beside_roofline(
    setting: Setting,
    precision: str,
    pairs: int,
    run: Callable[[Input], object],
    inputs: Sequence[Input],
    operations: float,
    moved: float,
) -> dict[str, Any]:
    """Seconds of `run` for so many pairs, the operations it does, the bytes it moves, and its share of the roofline."""
    seconds = middle(setting.seconds(run, inputs))
    floor = roofline(setting, precision, operations, moved)
    return {
        "seconds": seconds,
        "operations": operations,
        "bytes": moved,
        "share_of_roofline": floor and floor / seconds,
        "pairs": pairs,
    }
