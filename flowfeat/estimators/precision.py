"""In which type a network computes: as precise as its weights, or as fast as the device can."""

from collections.abc import Callable
from typing import Literal, cast

import torch

from flowfeat.errors import InputError

Precision = Literal["float32", "float16", "bfloat16"]

TYPES: dict[Precision, torch.dtype] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}


def resolve_precision(name: str | None, device: torch.device) -> Precision:
    """The precision called `name`; without a name float16 on a GPU and float32 on a CPU.

    Against float32, flow of the default weights on Middlebury is 0.01 px off in float16 and 0.09 px in bfloat16, so
    nobody gets the latter without asking.

    Raises:
        InputError: where there is no such precision, or the device is no faster with it.
    """
    if name is None:
        return "float32" if device.type == "cpu" else "float16"
    if name not in TYPES:
        raise InputError(f"there is no precision called {name!r}; there are {', '.join(TYPES)}")
    if device.type == "cpu" and name == "float16":
        raise InputError("--precision float16 is for GPUs; on a CPU leave it out, or say bfloat16 if it has that")
    if device.type == "cpu" and name == "bfloat16" and not cpu_gains():
        raise InputError("this CPU is no faster with --precision bfloat16, and flow is less precise; leave it out")
    return cast(Precision, name)


def cpu_gains() -> bool:
    """Whether this processor multiplies in bfloat16: twice as fast, or more, as in float32."""
    return any(_has(name) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))


def _has(name: str) -> bool:
    ask: Callable[[], bool] = getattr(torch.cpu, name, lambda: False)
    return ask()
