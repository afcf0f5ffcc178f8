"""Networks of the family as the extractor runs them, with weights drawn at random: speed does not depend on them."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from flowfeat.estimators.flownet import FlowNet
from flowfeat.estimators.precision import Precision, cpu_gains, resolve_precision
from flowfeat.networks import NUMERICS
from flowfeat.networks.flow_network import FlowNetwork
from flowfeat.networks.zoo import FAMILY
from flowfeat.weights import Checkpoint

HEIGHT, WIDTH = 256, 320


def drawn(name: str, device: torch.device, precision: Precision | None = None) -> FlowNet:
    """The estimator; the same weights every time."""
    return FlowNet(drawn_checkpoint(name), None, device, resolve_precision(precision, device))


def drawn_checkpoint(name: str) -> Checkpoint:
    """The weights; the same every time."""
    torch.manual_seed(0)
    tensors = FlowNetwork(FAMILY[name], NUMERICS["nvidia"]).network.state_dict()
    return Checkpoint(
        Path("drawn"), "0" * 64, "safetensors", "flowfeat", name, FAMILY[name], NUMERICS["nvidia"], tensors
    )


def drawn_frames(batch: int, device: torch.device) -> UInt8[Tensor, "b 2 3 h w"]:
    """Frames of noise."""
    draw = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (batch, 2, 3, HEIGHT, WIDTH), generator=draw, dtype=torch.uint8).to(device)


def conditions(batch: int, device: torch.device) -> dict[str, Any]:
    """Under which networks are measured, as records tell it."""
    threads = torch.get_num_threads()
    return {"height": HEIGHT, "width": WIDTH, "batch": batch, "threads": threads, "device": device.type}


def halves(device: torch.device) -> tuple[Precision, ...]:
    """The precisions besides float32 with which this device is faster."""
    if device.type == "cuda":
        return "float16", "bfloat16"
    return ("bfloat16",) if cpu_gains() else ()
