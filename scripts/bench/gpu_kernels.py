"""The kernels between FlowNet2's convolutions, each at its largest in a network of 256x320, beside the roofline."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from gpu_ceilings import beside_roofline
from gpu_setting import Parts, Setting
from torch import Tensor

from flowfeat.estimators.precision import TYPES, Precision

_SETS = 3


@dataclass(frozen=True)
class Frames:
    """Pairs of frames on a device."""

    batch: int
    height: int
    width: int
    device: torch.device

    @property
    def pixels(self) -> int:
        return self.batch * self.height * self.width

    def drawn(self, channels: int, part: int, dtype: torch.dtype, scale: float = 1.0) -> Tensor:
        """(batch, channels, height / part, width / part) of random numbers, channels last."""
        shape = (self.batch, channels, self.height // part, self.width // part)
        values = scale * torch.randn(shape, device=self.device)
        return values.to(dtype).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Kernel:
    """What is launched on which inputs, the operations it does and the bytes it moves: each read and written once."""

    run: Callable[[list[Tensor]], object]
    inputs: list[list[Tensor]]
    operations: float
    bytes: float


def measure_kernels(setting: Setting, precision: Precision) -> Parts:
    """Seconds and share of the roofline of each. Without a GPU Triton's interpreter computes, if it was asked for."""
    dtype = TYPES[precision]
    frames = Frames(*((1, 64, 64) if setting.quick else (64, 256, 320)), setting.device)
    kernels = _between_convolutions(frames, dtype)
    if dtype == torch.float32:
        if setting.on_gpu:
            kernels["levels and facts"] = _levels(frames)
    else:  # which float32 leaves to cuDNN
        kernels["convolution of few channels, 16 to 64"] = _few_channels(frames, dtype)
    for name, each in kernels.items():
        found = beside_roofline(setting, precision, frames.batch, each.run, each.inputs, each.operations, each.bytes)
        yield f"{name} {precision}", found


def _between_convolutions(frames: Frames, dtype: torch.dtype) -> dict[str, Kernel]:
    from flowfeat.networks.blocks import FLOW_SCALE, SLOPE
    from flowfeat.networks.flownet_c import COSTS, DISPLACEMENT_STRIDE, MAX_DISPLACEMENT
    from flowfeat.ops.bias_triton import add_bias
    from flowfeat.ops.correlation_triton import correlation_into
    from flowfeat.ops.evidence_triton import evidence, link
    from flowfeat.ops.upsample_triton import upsample_into

    pixels, size = frames.pixels, dtype.itemsize
    features = 256 if frames.device.type == "cuda" else 32  # which is enough for an interpreter
    bias = torch.randn(64, device=frames.device, dtype=dtype)
    weight = torch.randn(2, 2, 4, 4, device=frames.device, dtype=dtype)

    def sets(*made: tuple[int, int]) -> list[list[Tensor]]:
        """Tensors of so many channels at such a part of the size; those of two channels are flow."""
        return [
            [frames.drawn(channels, part, dtype, 0.25 if channels == 2 else 1.0) for channels, part in made]
            for _ in range(_SETS)
        ]

    def correlate(of: list[Tensor]) -> None:
        costs = of[2][:, 32 : 32 + COSTS]
        correlation_into(costs, of[0], of[1], MAX_DISPLACEMENT, DISPLACEMENT_STRIDE, 1, 1.0, SLOPE)

    return {
        "bias and leaky ReLU, 64 channels at 1/2": Kernel(
            lambda of: add_bias(of[0], bias, SLOPE), sets((64, 2)), 3 * 16 * pixels, 2 * 16 * pixels * size
        ),
        "cost volume into its place": Kernel(
            correlate,
            sets((features, 8), (features, 8), (480, 8)),
            2 * COSTS * features * pixels / 64,
            (2 * features + COSTS) * pixels / 64 * size,
        ),
        "stage link": Kernel(
            lambda of: link(of[0], of[1], FLOW_SCALE, False, "clamp"),
            sets((6, 1), (2, 4)),
            60 * pixels,
            (6 + 2 / 16 + 16) * pixels * size,
        ),
        "evidence of the fusion": Kernel(
            lambda of: evidence(of[0], of[1], of[2], 0.05, FLOW_SCALE, "clamp"),
            sets((6, 1), (2, 4), (2, 4)),
            90 * pixels,
            (6 + 4 / 16 + 16) * pixels * size,
        ),
        "learned upsampling into its place, to 1/4": Kernel(
            lambda of: upsample_into(of[1][:, 192:], of[0], weight, None),
            sets((2, 8), (208, 4)),
            32 * pixels / 16,
            (2 / 64 + 16 / 16) * pixels * size,
        ),
    }


def _few_channels(frames: Frames, dtype: torch.dtype) -> Kernel:
    """The fusion's first: evidence of 16 channels to 64, at full size."""
    from flowfeat.networks.blocks import SLOPE
    from flowfeat.ops.conv_triton import convolve_few

    weight = torch.randn(64, 16, 3, 3, device=frames.device, dtype=dtype).contiguous(memory_format=torch.channels_last)
    bias = torch.randn(64, device=frames.device, dtype=dtype)
    return Kernel(
        lambda of: convolve_few(of[0], weight, bias, SLOPE),
        [[frames.drawn(16, 1, dtype)] for _ in range(_SETS)],
        2 * 9 * 16 * 64 * frames.pixels,
        (16 + 64) * frames.pixels * dtype.itemsize,
    )


def _levels(frames: Frames) -> Kernel:
    from flowfeat.store.quantise import quantise_and_measure

    return Kernel(
        lambda of: quantise_and_measure(of[0], 20.0),
        [[frames.drawn(2, 1, torch.float32, 5.0)] for _ in range(_SETS)],
        20 * frames.pixels,
        (2 * 4 + 2) * frames.pixels,
    )
