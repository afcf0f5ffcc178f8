"""Tracks over the frame they run through, in the colours of their objects."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float, Int, UInt8
from PIL import Image, ImageDraw

from flowfeat.errors import InputError
from segmentation.overlays.colours import backdrop, object_colours
from segmentation.trajectories import Trajectories

TAIL = 4
"""Positions before the last one that a track of an object is drawn with."""

_FINE = 3  # drawn larger and averaged, for smooth edges
_RIM = (25, 25, 25)
_TAIL_OPACITY = 0.6


def draw_tracks(
    frame: UInt8[np.ndarray, "h w 3"], tracks: Trajectories, objects: Int[np.ndarray, " n"], at: int
) -> UInt8[np.ndarray, "h w 3"]:
    """The tracks that are alive in a frame, over the frame in grey.

    Tracks of an object are dots in its colour with a tail where they were in the `TAIL` frames before; those of the
    background are small light dots, and those of nothing smaller dark ones.

    Args:
        frame: RGB.
        tracks: of the shot.
        objects: of each track: 0 the background, objects from 1, -1 for none.
        at: the frame's number, from 0.

    Raises:
        InputError: there is not one object for each track, or the shot has no such frame.
    """
    if len(objects) != len(tracks):
        raise InputError(f"{len(objects)} objects and {len(tracks)} tracks do not belong together")
    if not 0 <= at < tracks.frames:
        raise InputError(f"frame {at} is not one of the {tracks.frames} frames that the tracks run through")
    which, xy = tracks.at(at)
    dots = Dots(backdrop(frame), spacing(len(which), *frame.shape[:2]))
    kind = objects[which]
    dots.add(xy[kind < 0], object_colours(kind[kind < 0]), 0.35)
    dots.add(xy[kind == 0], object_colours(kind[kind == 0]), 0.5)
    shown = kind > 0
    colours = object_colours(kind[shown])
    dots.tails(_tails(tracks, which[shown], at), colours)
    dots.add(xy[shown], colours, 1, rim=True)
    return dots.picture()


def spacing(points: int, height: int, width: int) -> float:
    """How far apart as many points are in a frame, in pixels, if they fill it evenly; from 3 to 9."""
    return float(np.clip(np.sqrt(height * width / max(points, 1)), 3, 9))


class Dots:
    """A picture that dots and tails are drawn on, smooth at their edges.

    Args:
        ground: RGB.
        spacing: of the points in pixels; a full dot is half as wide.
    """

    def __init__(self, ground: UInt8[np.ndarray, "h w 3"], spacing: float):
        height, width = ground.shape[:2]
        self._size = width, height
        self._radius = spacing / 4
        self._canvas = Image.fromarray(ground).resize((width * _FINE, height * _FINE), Image.Resampling.NEAREST)
        self._draw = ImageDraw.Draw(self._canvas)

    def add(
        self, xy: Float[np.ndarray, "n 2"], colours: UInt8[np.ndarray, "n 3"], share: float, rim: bool = False
    ) -> None:
        """Dots at these places, `share` of the full size; a dark rim parts them from each other and from the frame."""
        radius = share * self._radius * _FINE
        centres = ((xy + 0.5) * _FINE).tolist()
        inks = list(map(tuple, colours.tolist()))
        if rim:
            self._circles(centres, [_RIM] * len(centres), radius + min(_FINE * 0.6, radius * 0.3))
        self._circles(centres, inks, radius)

    def tails(self, lines: Iterable[Float[np.ndarray, "length 2"]], colours: UInt8[np.ndarray, "n 3"]) -> None:
        """Faint lines through these places: fast objects have long ones, which must not hide the frame."""
        bare = self._canvas.copy()
        stroke = max(1, round(self._radius * _FINE * 0.5))
        for line, ink in zip(lines, colours.tolist(), strict=True):
            self._draw.line(((line + 0.5) * _FINE).ravel().tolist(), fill=tuple(ink), width=stroke)
        self._canvas.paste(Image.blend(bare, self._canvas, _TAIL_OPACITY))

    def picture(self) -> UInt8[np.ndarray, "h w 3"]:
        return np.array(self._canvas.resize(self._size, Image.Resampling.BOX))

    def _circles(self, centres: list[list[float]], inks: list[tuple[int, ...]], radius: float) -> None:
        for (x, y), ink in zip(centres, inks, strict=True):
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=ink)


def _tails(tracks: Trajectories, which: Int[np.ndarray, " k"], at: int) -> Iterator[Float[np.ndarray, "length 2"]]:
    last = tracks.offset[which] + at - tracks.start[which]
    first = np.maximum(last - TAIL, tracks.offset[which])
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        yield tracks.xy[begin : end + 1]
