"""Where a segmentation disagrees with the ground truth, once its objects have the numbers of the true ones."""

from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int, UInt8

from segmentation.overlays.colours import UNASSIGNED, backdrop
from segmentation.overlays.masks import check_labels, outline, stripe, tint
from segmentation.overlays.tracks import Dots, spacing
from segmentation.trajectories import counted_pixels


class Verdict(IntEnum):
    """What there is to say of a pixel or a track."""

    UNCOUNTED = 0
    """The truth does not count there, the track has no object, or it is outside the frame."""
    BACKGROUND = 1
    """Background, and rightly so."""
    FOUND = 2
    """The right object."""
    MISSED = 3
    """An object taken for background."""
    FALSE_ALARM = 4
    """Background taken for an object."""
    CONFUSED = 5
    """One object taken for another."""


VERDICT_COLOURS = {
    Verdict.FOUND: (255, 255, 255),
    Verdict.MISSED: (86, 180, 233),
    Verdict.FALSE_ALARM: (213, 94, 0),
    Verdict.CONFUSED: (240, 228, 66),
}
"""Of those that are drawn in a colour."""

_OPACITY = {Verdict.FOUND: 0.25, Verdict.MISSED: 0.7, Verdict.FALSE_ALARM: 0.7, Verdict.CONFUSED: 0.7}
_DOTS = {
    Verdict.UNCOUNTED: (UNASSIGNED, 0.35, False),
    Verdict.BACKGROUND: ((150, 150, 150), 0.35, False),
    Verdict.FOUND: (VERDICT_COLOURS[Verdict.FOUND], 0.6, False),
    **{verdict: (VERDICT_COLOURS[verdict], 1.0, True) for verdict in list(VERDICT_COLOURS)[1:]},
}
"""Colour, size and rim of the tracks, in the order in which they are drawn: errors on top."""
_TRUTH_EDGE = (255, 255, 255)


def verdicts(labels: Int[np.ndarray, "*shape"], truth: Int[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """A `Verdict` for each label.

    Args:
        labels: 0 is the background; objects have the number of their true object, or one that no true object has;
            what is negative does not count.
        truth: 0 is the background, objects count from 1; what is negative does not count.
    """
    kind = np.full(labels.shape, Verdict.BACKGROUND, np.uint8)
    kind[(truth > 0) & (labels == truth)] = Verdict.FOUND
    kind[(truth > 0) & (labels != truth)] = Verdict.CONFUSED
    kind[(truth > 0) & (labels == 0)] = Verdict.MISSED
    kind[(truth == 0) & (labels > 0)] = Verdict.FALSE_ALARM
    kind[(truth < 0) | (labels < 0)] = Verdict.UNCOUNTED
    return kind


def track_verdicts(
    xy: Float[np.ndarray, "n 2"], objects: Int[np.ndarray, " n"], truth: Int[np.ndarray, "h w"]
) -> UInt8[np.ndarray, " n"]:
    """A `Verdict` for each track of a frame, at the pixel that MoSegEval looks at.

    Args:
        xy: where they are, in pixels.
        objects, truth: as `verdicts` takes them.
    """
    pixel, inside = counted_pixels(xy, *truth.shape)
    kind = np.full(len(xy), Verdict.UNCOUNTED, np.uint8)
    kind[inside] = verdicts(objects[inside], truth.ravel()[pixel])
    return kind


def tally(kind: UInt8[np.ndarray, "*shape"]) -> dict[Verdict, int]:
    """How many pixels or tracks there are of each verdict."""
    numbers = np.bincount(kind.ravel(), minlength=len(Verdict))
    return {verdict: int(numbers[verdict]) for verdict in Verdict}


def draw_mask_errors(
    frame: UInt8[np.ndarray, "h w 3"], kind: UInt8[np.ndarray, "_ _"], truth: Int[np.ndarray, "_ _"]
) -> UInt8[np.ndarray, "h w 3"]:
    """The pixels where a label map is wrong, and the outlines of the true objects, over the frame in grey.

    Args:
        frame: RGB.
        kind: (h, w), of `verdicts`.
        truth: (h, w), for the outlines.

    Raises:
        InputError: one of them has another size than the frame.
    """
    check_labels(frame, kind)
    check_labels(frame, truth)
    picture = backdrop(frame)
    stripe(picture, kind == Verdict.UNCOUNTED)
    for verdict, colour in VERDICT_COLOURS.items():
        tint(picture, kind == verdict, np.array(colour, np.uint8), _OPACITY[verdict])
    picture[outline(truth) & (truth > 0)] = _TRUTH_EDGE
    return picture


def draw_track_errors(
    frame: UInt8[np.ndarray, "h w 3"],
    xy: Float[np.ndarray, "n 2"],
    kind: UInt8[np.ndarray, " n"],
    truth: Int[np.ndarray, "_ _"],
) -> UInt8[np.ndarray, "h w 3"]:
    """The tracks of a frame by whether they are right, and the outlines of the true objects, over the frame in grey.

    Args:
        frame: RGB.
        xy: where the tracks are, in pixels.
        kind: of `track_verdicts`.
        truth: (h, w), for the outlines.

    Raises:
        InputError: the truth has another size than the frame.
    """
    check_labels(frame, truth)
    ground = backdrop(frame)
    stripe(ground, truth < 0)
    ground[outline(truth) & (truth > 0)] = _TRUTH_EDGE
    dots = Dots(ground, spacing(len(xy), *truth.shape))
    for verdict, (colour, share, rim) in _DOTS.items():
        chosen = xy[kind == verdict]
        dots.add(chosen, np.full((len(chosen), 3), colour, np.uint8), share, rim)
    return dots.picture()
