"""What a network costs: its parameters, and its floating-point operations for one pair of frames."""

from dataclasses import replace
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from flowfeat.networks.flow_network import inner_size
from flowfeat.networks.fusion import Fusion
from flowfeat.networks.numerics import NUMERICS
from flowfeat.networks.zoo import Composition, build


def parameters(composition: Composition) -> int:
    """How many numbers the network has."""
    with torch.device("meta"):
        network = build(composition, NUMERICS["lmb"])
    return sum(parameter.numel() for parameter in network.parameters())


def operations(composition: Composition, height: int, width: int) -> int:
    """FLOP for one pair: twice the multiply-adds of the convolutions and the cost volume, and nothing else.

    Of frames whose sides are no multiples of 64, the network sees the next larger ones.
    """
    letters, size = composition.letters, inner_size(height, width)
    if letters == "fused":
        parts = ["C", "stage", "stage", "SD", "fusion"]
    else:
        parts = ["SD"] if letters == "SD" else [letters[0], *["stage" for _ in letters[1:]]]
    plain = replace(composition, letters="")
    return sum(_operations_of_part(part, plain, size) for part in parts)


@cache
def _operations_of_part(part: str, plain: Composition, size: tuple[int, int]) -> int:
    inputs = {"stage": plain.stage_inputs, "fusion": 11}.get(part, 6)
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        if part == "fusion":
            network = Fusion(plain.width)
        elif part == "stage":
            network = build(replace(plain, letters="SS"), NUMERICS["lmb"]).get_submodule("stages.0")
        else:
            network = build(replace(plain, letters=part), NUMERICS["lmb"])
        network(torch.empty(1, inputs, *size))
    return counter.get_total_flops()
