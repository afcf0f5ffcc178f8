"""What a flow estimator is: pairs of frames in, flow in pixels out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.errors import DeviceMemoryError, InputError
from flowfeat.wording import counted


@dataclass(frozen=True)
class Pair:
    """Which two frames a pair is: frames `first` and `second` of the clip called `clip`, counted from 0."""

    clip: str
    first: int
    second: int


@dataclass(frozen=True)
class EstimatorDescription:
    """What decides the values an estimator computes, as it is written into every file made with it.

    Two estimators with equal descriptions give the same flow for the same frames: OpenCV's methods to the bit, networks
    to the rounding of floating point, which differs among devices, numbers of threads and versions of PyTorch.
    """

    model: str
    library: str
    parameters: dict[str, str | int | float | bool] = field(default_factory=dict)
    weights_sha256: str | None = None


class FlowEstimator(ABC):
    """Frames to flow. Subclasses write `estimate` and set `description`; callers call the estimator.

    `fixed_batch` says that a batch is computed as one: its flow may depend, in the last bits, on the batch's size,
    so batches are always filled up to one size. `device` is where the flow is computed.
    """

    description: EstimatorDescription
    fixed_batch: bool = False
    device: torch.device = torch.device("cpu")

    def __call__(
        self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None = None
    ) -> Float32[Tensor, "b 2 h w"]:
        """Flow from the first to the second frame of each pair.

        Args:
            frames: RGB, 0 to 255.
            pairs: which frames these are; only `files:DIR` needs to know.

        Returns:
            Flow in pixels of the given frames, x (to the right) first, on `device`.

        Raises:
            ValueError: where `frames` is not uint8 of shape (b, 2, 3, h, w).
            DeviceMemoryError: where the device has no memory for it.
        """
        return self._computed(self.estimate, frames, pairs)

    def alone(self, frames: UInt8[Tensor, "2 3 h w"], pair: Pair | None = None) -> Float32[Tensor, "2 h w"]:
        """Flow of one pair as soon as it can be had; else as a call does it.

        A network on a CPU takes all threads for it, and the last bits of the flow may depend on how many they are.
        """
        return self._computed(self.estimate_alone, frames[None], [pair] if pair else None)[0]

    def _computed(
        self, estimate: "_Estimate", frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None
    ) -> Float32[Tensor, "b 2 h w"]:
        if frames.dtype != torch.uint8 or frames.ndim != 5 or tuple(frames.shape[1:3]) != (2, 3):
            raise ValueError(
                f"frames must be uint8 of shape (b, 2, 3, h, w), not {str(frames.dtype)[6:]} {tuple(frames.shape)}"
            )
        if pairs is not None and len(pairs) != len(frames):
            raise ValueError(f"{len(frames)} pairs of frames came with {len(pairs)} names")
        count, _, _, height, width = frames.shape
        if 0 in frames.shape:
            return torch.zeros(count, 2, height, width, device=self.device)
        try:
            with torch.inference_mode():
                flow = estimate(frames.to(self.device, non_blocking=True), pairs)
        except (RuntimeError, MemoryError) as fault:
            if not _is_shortage(fault):
                raise
            raise DeviceMemoryError(
                f"the device {self.device} has no memory for the flow of {counted(count, 'pair')} of {width}x{height}; "
                "give a smaller --batch or --resize"
            ) from fault
        return flow.clone()  # which, unlike what is made in inference mode, can be used in a loss and changed

    def check_clip(self, clip: str, pairs: int, backward: bool) -> None:  # noqa: B027 - most have nothing to check
        """Called once a clip's pairs are counted. Raises InputError where the estimator has not exactly as many."""

    @abstractmethod
    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        """What `__call__` promises, for frames that are known to be right and on `device`."""

    def estimate_alone(
        self, frames: UInt8[Tensor, "1 2 3 h w"], pairs: Sequence[Pair] | None
    ) -> Float32[Tensor, "1 2 h w"]:
        """What `alone` promises."""
        return self.estimate(frames, pairs)


_Estimate = Callable[[Tensor, Sequence[Pair] | None], Tensor]


def _is_shortage(fault: Exception) -> bool:
    # On a CPU, PyTorch has no error of its own for it.
    return isinstance(fault, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(fault)


def resolve_device(name: str) -> torch.device:
    """`cpu`, `cuda`, `cuda:1` or `auto` (a GPU if there is one). Raises InputError where there is no such device."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"there is no device called {name!r}; say cpu, cuda, cuda:N or auto") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"there is no device called {name!r}; say cpu, cuda, cuda:N or auto")
    if device.type == "cuda":
        present = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= present:
            raise InputError(
                f"GPU {device.index or 0} was asked for and {present or 'no'} GPU is here; use --device cpu or auto"
            )
    return device
