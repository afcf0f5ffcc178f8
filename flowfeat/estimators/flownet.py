"""The FlowNet 2.0 family as estimators, in the numerics that a checkpoint was made for."""

import copy
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

import flowfeat
from flowfeat.errors import InputError
from flowfeat.estimators.cuda_graph import CudaGraphs
from flowfeat.estimators.precision import TYPES, Precision, resolve_precision
from flowfeat.estimators.process_setting import ProcessSetting
from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.fused import can_fuse, fuse
from flowfeat.networks.numerics import NUMERICS, ProfileName
from flowfeat.networks.packed import can_pack, pack
from flowfeat.weights import Checkpoint, read_checkpoint
from flowfeat.weights.embedded import EMBEDDED, read_embedded
from flowfeat.weights.parts import part_of

Computed = TypeVar("Computed")


class FlowNet(FlowEstimator):
    """A network of the family with its weights. Frames of any size; no row or column of them is cut.

    Attributes:
        network: the torch module: (b, 2, 3, h, w) floats in 0..1 to flow in pixels, differentiable. By itself it
            computes as PyTorch is set to, which on a GPU is TF32 unless the caller says otherwise.
    """

    def __init__(self, checkpoint: Checkpoint, profile: ProfileName | None, device: torch.device, precision: Precision):
        network = checkpoint.network(profile)
        self._type = TYPES[precision]
        # Channels last: the layout that the convolutions compute in.
        self.network: FlowNetwork = network.to(device).to(memory_format=torch.channels_last)
        self.device = device
        self._faster: _Faster | None = None
        self._faster_from: list[tuple[int, int]] = []
        # A GPU computes a batch as one, a CPU each pair by itself.
        self.fixed_batch = device.type == "cuda"
        self.description = EstimatorDescription(
            checkpoint.model,
            f"flowfeat {flowfeat.__version__}",
            {"profile": network.numerics.name, "precision": precision},
            weights_sha256=checkpoint.sha256,
        )

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        faster = self._for_inference()
        if self.fixed_batch:
            with _FULL_PRECISION:
                return faster.compute(frames)
        return torch.cat(self._on_each(faster.network, frames))

    def estimate_alone(
        self, frames: UInt8[Tensor, "1 2 3 h w"], pairs: Sequence[Pair] | None
    ) -> Float32[Tensor, "1 2 h w"]:
        if self.fixed_batch:
            return self.estimate(frames, pairs)
        return self._for_inference().network(frames.float() / 255)

    def _on_each(self, compute: Callable[[Tensor], Computed], frames: UInt8[Tensor, "b 2 3 h w"]) -> list[Computed]:
        """What `compute` makes of each pair, (1, 2, 3, h, w) in 0..1: on a CPU by one thread, several pairs at a time.

        Threads that share one pair wait for each other after every layer, and its last bits would depend on how many
        they are.
        """

        def of_pair(pair: Tensor) -> Computed:
            with torch.inference_mode():
                return compute(pair[None].float() / 255)

        if self.fixed_batch:
            return list(map(of_pair, frames))
        threads = torch.get_num_threads()
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                return list(pool.map(of_pair, frames))
        finally:
            # The pool's threads set what threads begin with; this one has its own number all the while.
            torch.set_num_threads(threads)

    def _for_inference(self) -> "_Faster":
        """The network as this device computes it fastest; made anew where somebody has changed its weights."""
        weights = [(each.data_ptr(), 0 if each.is_inference() else each._version) for each in self.network.parameters()]
        if self._faster is None or self._faster_from != weights:
            self._faster, self._faster_from = _faster(self.network, self.device, self._type), weights
        return self._faster

    def stages(self, frames: UInt8[Tensor, "b 2 3 h w"]) -> dict[str, Float32[Tensor, "b 2 h w"]]:
        """The flow after each network of the stack, in pixels, by the letters so far: C, CS, CSS, SD, fused."""
        network = self._for_inference().network
        with torch.inference_mode(), _FULL_PRECISION:
            pairs = self._on_each(network.stages, frames.to(self.device))
        return {letters: torch.cat([pair[letters] for pair in pairs]).clone() for letters in pairs[0]}


@dataclass(frozen=True)
class _Faster:
    """A network for inference.

    Attributes:
        network: the network, on its device.
        compute: frames of uint8 to flow, (b, 2, 3, h, w) to (b, 2, h, w), a batch as one.
    """

    network: FlowNetwork
    compute: Callable[[Tensor], Tensor]


def _faster(network: FlowNetwork, device: torch.device, dtype: torch.dtype) -> _Faster:
    """How each kind of device computes a network fastest, in `dtype`."""
    if device.type == "cuda" and can_fuse():
        network = fuse(network, dtype)
    elif device.type == "cpu" and can_pack():
        network = pack(_in_type(network, dtype))
    else:
        network = _in_type(network, dtype)

    def compute(frames: Tensor) -> Tensor:
        return network(frames.float() / 255)

    return _Faster(network, CudaGraphs(compute) if device.type == "cuda" else compute)


def _in_type(network: FlowNetwork, dtype: torch.dtype) -> FlowNetwork:
    """A copy without gradients, with weights rounded to `dtype`; the network itself where that is float32."""
    if dtype == torch.float32:
        return network
    return copy.deepcopy(network).to_precision(dtype).requires_grad_(False)


def load_flownet(
    model: str | None, weights: Path | None, profile: str | None, device: torch.device, precision: str | None
) -> FlowNet:
    """The network called `model` with the weights in a file, or in the package; without a name, what the file holds.

    A file of a bigger network, of which `model` is a part, will do. Warns of what had to be assumed about the weights.
    Raises InputError where the file does not hold the network.
    """
    if profile is not None and profile not in NUMERICS:
        raise InputError(f"there is no profile called {profile!r}; there are {', '.join(NUMERICS)}")
    if weights:
        checkpoint = read_checkpoint(weights)
    elif model in EMBEDDED:
        checkpoint = read_embedded()
    else:
        raise InputError(
            f"the model {model} has no weights in this package: give a file with --weights (NVIDIA's, mmflow's, "
            "Caffe's, FlowNetPytorch's or ours); `flowfeat weights download` fetches mmflow's"
        )
    if model is not None:
        checkpoint = part_of(checkpoint, model)
    for note in checkpoint.assumptions(profile):
        warnings.warn(f"{checkpoint.path}: {note}", stacklevel=3)
    return FlowNet(checkpoint, profile, device, resolve_precision(precision, device))


def _full_precision() -> Callable[[], None]:
    backends: Any = torch.backends
    wanted = [
        (backends.cudnn.conv, "fp32_precision", "ieee"),
        (backends.cuda.matmul, "fp32_precision", "ieee"),
        (backends.cudnn, "deterministic", True),
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in wanted]
    _set(wanted)
    return lambda: _set(before)


def _set(settings: Sequence[tuple[Any, str, Any]]) -> None:
    for place, name, value in settings:
        setattr(place, name, value)


_FULL_PRECISION = ProcessSetting(_full_precision)
"""Convolutions in float32 proper (no TF32) by algorithms that give the same bits every time."""
