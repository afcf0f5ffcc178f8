"""Label maps over their frame: a colour and an outline for each object."""

import numpy as np
from jaxtyping import Bool, Int, Integer, UInt8
from scipy.ndimage import maximum_filter, minimum_filter

from flowfeat.errors import InputError
from segmentation.overlays.colours import backdrop, object_colours

_OPACITY = 0.45
_STRIPE = 90


def draw_masks(frame: UInt8[np.ndarray, "h w 3"], labels: Int[np.ndarray, "_ _"]) -> UInt8[np.ndarray, "h w 3"]:
    """The objects of a frame, tinted and outlined in their colours, over the frame in grey.

    Args:
        frame: RGB.
        labels: (h, w): 0 is the background, which stays grey, objects count from 1; what is negative is striped, as
            ground truth is that does not count.

    Raises:
        InputError: the labels have another size than the frame.
    """
    check_labels(frame, labels)
    picture = backdrop(frame)
    stripe(picture, labels < 0)
    objects = labels > 0
    tint(picture, objects, object_colours(labels[objects]), _OPACITY)
    edge = objects & outline(labels)
    picture[edge] = object_colours(labels[edge])
    return picture


def outline(labels: Int[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The pixels that are next to another label; two or three deep in large pictures."""
    reach = 3 if labels.shape[1] < 400 else 5
    return maximum_filter(labels, reach) != minimum_filter(labels, reach)


def tint(
    picture: UInt8[np.ndarray, "h w 3"],
    where: Bool[np.ndarray, "h w"],
    colours: UInt8[np.ndarray, "*n 3"],
    opacity: float,
) -> None:
    """Mix a colour, or one for each of these pixels, into the picture."""
    picture[where] = np.rint((1 - opacity) * picture[where] + opacity * colours).astype(np.uint8)


def stripe(picture: UInt8[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]) -> None:
    """Hatch these pixels: nothing is said of them."""
    y, x = np.nonzero(where)
    dark = (x + y) % 8 < 3
    picture[y[dark], x[dark]] = _STRIPE


def check_labels(frame: UInt8[np.ndarray, "h w 3"], labels: Integer[np.ndarray, "_ _"]) -> None:
    """Raises InputError where labels have another size than the frame."""
    if labels.shape != frame.shape[:2]:
        raise InputError(
            f"labels of {labels.shape[1]}x{labels.shape[0]} pixels are not of this frame, which is "
            f"{frame.shape[1]}x{frame.shape[0]}; write label maps in the size of the frames"
        )
