"""RAFT (Teed and Deng, ECCV 2020) as torchvision has it, with torchvision's weights or a given file."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float32, UInt8
from torch import Tensor
from torch.nn import functional

from flowfeat.errors import InputError
from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair

# RAFT correlates at 1/8 resolution over four levels: below 128 pixels the coarsest level has no pixel left.
_SMALLEST_SIDE = 128


class Raft(FlowEstimator):
    """`raft-small` or `raft-large`. Frames are padded by their border to multiples of 8 and the flow is cut back."""

    fixed_batch = True

    def __init__(self, size: str, weights: Path | None, device: torch.device):
        from torchvision.models import optical_flow

        builder, default = {
            "small": (optical_flow.raft_small, optical_flow.Raft_Small_Weights.DEFAULT),
            "large": (optical_flow.raft_large, optical_flow.Raft_Large_Weights.DEFAULT),
        }[size]
        self.network = builder(weights=None)
        state, sha256 = _read_weights(weights) if weights else _download(f"raft-{size}", default)
        try:
            self.network.load_state_dict(state)
        except RuntimeError as fault:
            detail = " ".join(str(fault).split())[:300]
            raise InputError(f"{weights}: these are not weights of raft-{size} ({detail})") from fault
        self.network.eval().requires_grad_(False).to(device)
        self.device = device
        # 12 refinements, as torchvision evaluates; both networks keep improving slowly beyond.
        self.description = EstimatorDescription(
            f"raft-{size}", f"torchvision {version('torchvision')}", {"updates": 12}, weights_sha256=sha256
        )

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        height, width = frames.shape[-2:]
        images = rearrange(frames, "b p c h w -> p b c h w").float() / 127.5 - 1
        padding = (0, _padding(width), 0, _padding(height))
        first, second = (functional.pad(image, padding, mode="replicate") for image in images)
        flow = self.network(first, second, num_flow_updates=12)[-1]
        return flow[..., :height, :width].contiguous()


def _padding(side: int) -> int:
    return max(_SMALLEST_SIDE, -(-side // 8) * 8) - side


def _read_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    data = path.read_bytes()
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load

            state = load(data)
        else:
            # weights_only: a checkpoint is data; nothing that it pickles is run.
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as fault:  # torch and safetensors raise what they like on a damaged file
        raise InputError(f"{path}: this is not a checkpoint of plain tensors ({type(fault).__name__})") from fault
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{path}: a checkpoint of RAFT is a table of tensors; this holds something else")
    # RAFT's own release was saved from a DataParallel model.
    return {str(name).removeprefix("module."): value for name, value in state.items()}, hashlib.sha256(data).hexdigest()


def _download(model: str, weights: object) -> tuple[dict[str, Tensor], str]:
    from urllib.error import URLError

    try:
        state = weights.get_state_dict(progress=False, check_hash=True)  # type: ignore[attr-defined]
    except (URLError, OSError, RuntimeError) as fault:
        raise InputError(
            f"the weights of {model} could not be downloaded ({fault}); download {weights.url} "  # type: ignore[attr-defined]
            f"elsewhere and give the file with --weights"
        ) from fault
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].numpy().tobytes())
    return state, digest.hexdigest()
