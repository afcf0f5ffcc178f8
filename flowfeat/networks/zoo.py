"""Names to networks: what stands behind each name of the family, at which width."""

import re
from dataclasses import dataclass, replace

import torch
from torch import nn

from flowfeat.networks.blocks import scaled
from flowfeat.networks.flownet2 import FlowNet2
from flowfeat.networks.flownet_c import FlowNetC
from flowfeat.networks.flownet_s import FlowNetS
from flowfeat.networks.flownet_sd import FlowNetSD
from flowfeat.networks.fusion import Fusion
from flowfeat.networks.numerics import NUMERICS, Numerics
from flowfeat.networks.stack import FlowNetStack

THIN = 3 / 8
"""Of the channels of every layer, in the networks with small letters."""

WIDEST = 1024
"""Channels of the widest layer, conv6_1, in the published width; every other layer's are a whole fraction of it."""

_NOWARP = "-nowarp"


@dataclass(frozen=True)
class Composition:
    """A member of the family: the letters of its networks (C or S first; SD; or `fused`), and its width.

    With `upsample_bias` the upsampling of flow has biases in the S networks too, as in Caffe files that hold any.
    Without `warping` a stage sees both frames and the flow so far, and neither the warped frame nor its error.
    """

    letters: str
    width: float = 1.0
    upsample_bias: bool = False
    warping: bool = True

    @property
    def stage_inputs(self) -> int:
        """Channels a stage sees."""
        return 12 if self.warping else 8


FAMILY: dict[str, Composition] = {
    "flownets": Composition("S"),
    "flownetc": Composition("C"),
    "flownet2-S": Composition("S"),
    "flownet2-C": Composition("C"),
    "flownet2-SS": Composition("SS"),
    "flownet2-CS": Composition("CS"),
    "flownet2-CSS": Composition("CSS"),
    "flownet2-CSS-ft-sd": Composition("CSS"),
    "flownet2-SD": Composition("SD"),
    "flownet2": Composition("fused"),
    "flownet2-s": Composition("S", THIN),
    "flownet2-c": Composition("C", THIN),
    "flownet2-ss": Composition("SS", THIN),
    "flownet2-cs": Composition("CS", THIN),
    "flownet2-css": Composition("CSS", THIN),
    "flownet2-sss": Composition("SSS", THIN),
    "flownet2-csss": Composition("CSSS", THIN),
    "flownet2-css-ft-sd": Composition("CSS", THIN),
    "flownet2-sd": Composition("SD", THIN),
    "flownet2-thin": Composition("fused", THIN),
}


def named_composition(name: str) -> Composition | None:
    """The composition behind a name of the family.

    NAME@WIDTH is NAME with WIDTH times the channels, STACK-nowarp a stack without warping (Table 2).
    """
    plain, at, width = name.partition("@")
    stack = plain.removesuffix(_NOWARP)
    known = FAMILY.get(stack)
    if known is None and re.fullmatch(r"flownet2-[CS]S*", stack):  # longer stacks than the paper's
        known = Composition(stack.removeprefix("flownet2-"))
    if known and stack != plain:
        known = replace(known, warping=False) if _is_stack(known.letters) else None
    if known is None or not at:
        return known
    try:
        factor = float(width)
    except ValueError:
        return None
    if not 0 < factor <= 16:
        return None
    # In whole channels of the widest layer, so that 0.3 and 307/1024 are one network with one width.
    return replace(known, width=scaled(WIDEST, known.width * factor + 1e-9) / WIDEST)


def names_of(composition: Composition) -> tuple[str, ...]:
    """Every name that stands for it; for other widths than the published ones, NAME@WIDTH."""
    if not composition.warping:
        warped = (name.partition("@") for name in names_of(replace(composition, warping=True)))
        return tuple(f"{name}{_NOWARP}{at}{width}" for name, at, width in warped if not name.endswith("-ft-sd"))
    names = tuple(
        name
        for name, known in FAMILY.items()
        if (known.letters, known.width) == (composition.letters, composition.width)
    )
    if names:
        return names
    kin = {name: known for name, known in FAMILY.items() if known.letters == composition.letters}
    widest = max((known.width for known in kin.values()), default=1.0)
    plain = [name for name, known in kin.items() if known.width == widest] or [f"flownet2-{composition.letters}"]
    return tuple(f"{name}@{composition.width / widest:.12g}" for name in plain)


def name_of(composition: Composition) -> str:
    """The first of its names that is FlowNet 2.0's."""
    return next(name for name in names_of(composition) if name.startswith("flownet2"))


def build(composition: Composition, numerics: Numerics) -> nn.Module:
    """The network, with random weights. Raises ValueError where the letters are none of the family's."""
    letters, width, bias = composition.letters, composition.width, composition.upsample_bias
    if letters == "fused":
        stack = build(replace(composition, letters="CSS"), numerics)
        assert isinstance(stack, FlowNetStack)
        return FlowNet2(stack, FlowNetSD(width), Fusion(width), numerics)
    if letters == "SD":
        return FlowNetSD(width)
    if not letters or letters[0] not in "CS" or set(letters[1:]) - {"S"}:
        raise ValueError(f"{letters!r} is no network of the family: C or S first, then S; SD; or fused")
    first = FlowNetC(numerics, width) if letters[0] == "C" else FlowNetS(width=width, upsample_bias=bias)
    if len(letters) == 1:
        return first
    stages = [FlowNetS(composition.stage_inputs, width, bias) for _ in letters[1:]]
    return FlowNetStack(first, stages, numerics, composition.warping)


def tensor_shapes(composition: Composition) -> dict[str, torch.Size]:
    """The shape of every tensor of a network, by canonical name; no profile makes a difference."""
    with torch.device("meta"):
        return {name: tensor.shape for name, tensor in build(composition, NUMERICS["lmb"]).state_dict().items()}


def _is_stack(letters: str) -> bool:
    return len(letters) > 1 and set(letters[1:]) == {"S"}
