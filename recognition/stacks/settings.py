"""What a network is shown of a clip."""

from dataclasses import dataclass
from typing import Literal

from flowfeat.errors import InputError
from recognition.presets import ColourInput, Cropping, FlowInput, Preset, Stream


@dataclass(frozen=True, kw_only=True)
class StackSettings:
    """From stored flow or frames to a network's input: the part of a preset that reading needs.

    Attributes:
        length: fields in a stack, L; a stack has 2L channels. 1 for the spatial stream.
        segments: stacks of a clip in one training example, each drawn from its own part of the clip (TSN).
        input: how flow or colour is scaled; it decides which of them is read.
        cropping: how crops are made.
    """

    length: int
    segments: int = 1
    input: FlowInput | ColourInput
    cropping: Cropping

    def __post_init__(self) -> None:
        for name, value in (("length", self.length), ("segments", self.segments)):
            if value < 1:
                raise InputError(f"{name} {value}: it must be 1 or more")
        if self.stream == "spatial" and self.length != 1:
            raise InputError(f"length {self.length}: the spatial stream reads single frames, so it is 1")
        crop = self.cropping
        if not 1 <= crop.side <= crop.shorter_side:
            raise InputError(
                f"crops of {crop.side} pixels do not fit frames with a shorter side of {crop.shorter_side}"
            )
        if crop.scales is not None and not (crop.scales and all(0 < scale <= 1 for scale in crop.scales)):
            raise InputError(f"scales {crop.scales}: crops are shares of the shorter side, more than 0 and at most 1")

    @classmethod
    def of(cls, preset: Preset) -> "StackSettings":
        """What a preset says of reading."""
        return cls(length=preset.length, segments=preset.segments, input=preset.input, cropping=preset.cropping)

    @property
    def stream(self) -> Stream:
        """Which stream it is the input of."""
        return "spatial" if isinstance(self.input, ColourInput) else "temporal"

    @property
    def channels(self) -> int:
        """Channels of the network's input: 2L for flow, 3 for colour."""
        return 3 if self.stream == "spatial" else 2 * self.length


Crops = Literal[1, 10]
"""Crops of a test view: the centre alone; or corners and centre, each also mirrored."""
