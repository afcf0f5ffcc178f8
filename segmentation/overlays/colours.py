"""Colours of objects, kept apart by people of any colour vision."""

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

# Okabe and Ito, "Color Universal Design", 2008, without black, in an order that keeps neighbours far apart.
_PALETTE = np.array(
    [(230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0)]
)
_TOWARDS = (None, (255, 255, 255), (0, 0, 0))
"""What a round through the palette is mixed with, so that 21 objects have colours of their own."""
_MIXED = 0.45

COLOURS = len(_TOWARDS) * len(_PALETTE)
"""How many objects have a colour of their own."""

BACKGROUND = (205, 205, 205)
"""Of what is known to be no object."""
UNASSIGNED = (60, 60, 60)
"""Of what belongs to nothing."""


def object_colours(labels: Int[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape 3"]:
    """The RGB of labels: `BACKGROUND` for 0, `UNASSIGNED` below, a colour for every object from 1.

    The colour depends on the number alone, so it stays from frame to frame. The first seven are told apart with any
    colour vision; lighter ones follow, then darker ones, and object 22 has the colour of object 1.
    """
    table = np.concatenate([_rounds(), [BACKGROUND, UNASSIGNED]]).astype(np.uint8)
    place = np.where(labels > 0, (labels - 1) % COLOURS, np.where(labels == 0, COLOURS, COLOURS + 1))
    return table[place]


def backdrop(frame: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The RGB frame in grey and with less contrast, so that nothing but what is drawn on it has a colour."""
    grey = np.asarray(Image.fromarray(frame).convert("L"), np.float32)
    return np.repeat((40 + 0.6 * grey).astype(np.uint8)[..., None], 3, axis=2)


def _rounds() -> np.ndarray:
    return np.concatenate(
        [
            _PALETTE if other is None else np.rint((1 - _MIXED) * _PALETTE + _MIXED * np.array(other))
            for other in _TOWARDS
        ]
    )
