"""How a container has its pictures shown: turned by quarters and mirrored, as players and ffmpeg show them."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import ClipError

if TYPE_CHECKING:
    from av import VideoFrame

# Of the direction of an axis: ffmpeg, too, takes what is off by less than a degree for a quarter turn.
_TOLERATED_SLANT = math.tan(math.radians(1))


@dataclass(frozen=True)
class Orientation:
    """What brings a decoded picture upright: its axes are exchanged first, then each may be reversed."""

    transposed: bool = False
    mirrored: bool = False
    """Left becomes right."""
    flipped: bool = False
    """Top becomes bottom."""

    def upright(self, picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "height width 3"]:
        """The picture as it is to be shown; width and height are exchanged where it is turned by 90 degrees."""
        if self == UPRIGHT:
            return picture
        shown = picture.swapaxes(0, 1) if self.transposed else picture
        return np.ascontiguousarray(shown[:: -1 if self.flipped else 1, :: -1 if self.mirrored else 1])


UPRIGHT = Orientation()


def orientation_of(frame: "VideoFrame", clip: Path) -> Orientation:
    """How a frame of `clip` is to be shown, by the display matrix that came with it.

    Raises ClipError where that is turned by another angle than quarters of a circle, or slanted.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    # A decoded point (x, y) is shown at (a x + c y, b x + d y); the scale is of no interest, decord ignores it too.
    a, b, _, c, d, _, _, _, _ = struct.unpack("9i", bytes(matrix))
    if a == b == c == d == 0:  # some cameras write no matrix but zeros
        return UPRIGHT
    if _small(b, a) and _small(c, d):
        return Orientation(False, a < 0, d < 0)
    if _small(a, b) and _small(d, c):
        return Orientation(True, c < 0, b < 0)
    degrees = math.degrees(math.atan2(b, a)) % 360
    raise ClipError(
        f"{clip}: its pictures are to be shown turned by {degrees:.0f} degrees, and only quarter turns are read; "
        "save it upright"
    )


def _small(part: int, whole: int) -> bool:
    return abs(part) < _TOLERATED_SLANT * abs(whole)
