"""A movie of a segmented shot."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import InputError
from flowfeat.video import probe
from flowfeat.visualization import Panel, contact_sheet, write_movie
from segmentation.overlays.frames import frames_in_order
from segmentation.overlays.panels import FramePanels, ShotPanels
from segmentation.overlays.shot import SegmentedShot

_FOLDER_FPS = 10.0
"""Of a folder of frames, which has no rate: shots of data sets are short, and slow is easier to look at."""
_SMALLEST, _LARGEST = 480, 1840
"""Width in pixels of a panel at least, and of all panels side by side at most."""
_CAPTION_LINES = 1


def write_shot_movie(shot: SegmentedShot, out: Path, progress: Callable[[int], None] | None = None) -> int:
    """Write the movie of a shot: its tracks, and its masks, its ground truth and its errors where there are any.

    A frame without a mask or without ground truth shows those of the last frame that had them, which the caption
    names. Frames are drawn as they are encoded and never held together.

    Args:
        shot: to be drawn.
        out: ends in .mp4.
        progress: called with the frames that are drawn.

    Returns:
        The number of frames.

    Raises:
        InputError: the ending is another; or the frames are not those that were segmented, or masks or ground truth
            are of another size.
    """
    return write_movie(out, shot_pictures(shot, progress), probe(shot.frames).fps or _FOLDER_FPS)


def title(shot: SegmentedShot) -> str:
    """What a shot is: its name, how it was segmented, its objects, and its scores."""
    objects = "not segmented" if shot.objects is None else f"{shot.count} object{'' if shot.count == 1 else 's'}"
    return "; ".join(part for part in (shot.name, shot.method, objects, shot.track_score, shot.mask_score) if part)


def shot_pictures(
    shot: SegmentedShot, progress: Callable[[int], None] | None = None
) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    """The pictures of the movie, all of one size. Arguments and errors are those of `write_shot_movie`."""
    masked, annotated = bool(shot.masked()), bool(shot.annotated())
    kinds = 1 + masked + annotated + (annotated and shot.objects is not None)
    columns = 2 if kinds == 4 else kinds
    width = min(max(shot.width, _SMALLEST), _LARGEST // columns)
    panels = ShotPanels(shot, width)
    held: FramePanels | None = None
    count = 0
    for count, image in enumerate(islice(frames_in_order(shot.frames), shot.tracks.frames + 1), 1):
        if count > shot.tracks.frames:
            break
        drawn = panels.draw(count - 1, image)
        held = drawn if held is None else _latest(held, drawn)
        row = [drawn.tracks]
        if masked:
            row.append(held.masks or panels.nothing(image, "no masks yet"))
        if annotated:
            row.append(held.truth or panels.nothing(image, "no ground truth yet"))
        if annotated and shot.objects is not None:
            row.append(held.errors or panels.nothing(image, "no ground truth yet", errors=True))
        yield contact_sheet(_rows(row, columns), title(shot), width, _CAPTION_LINES)
        if progress is not None:
            progress(count)
    if count != shot.tracks.frames:
        had = f"{count} frames" if count < shot.tracks.frames else "more frames"
        raise InputError(
            f"{shot.frames}: it has {had} and the tracks of {shot.name} run through {shot.tracks.frames}; give the "
            "frames that were segmented"
        )


def _latest(held: FramePanels, drawn: FramePanels) -> FramePanels:
    return FramePanels(drawn.tracks, drawn.masks or held.masks, drawn.truth or held.truth, drawn.errors or held.errors)


def _rows(panels: list[Panel], columns: int) -> list[list[Panel]]:
    return [panels[i : i + columns] for i in range(0, len(panels), columns)]
