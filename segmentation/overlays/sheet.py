"""Many shots on one sheet, a row each."""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import UInt8

from flowfeat.errors import InputError
from flowfeat.visualization import Panel, contact_sheet
from segmentation.overlays.frames import frames_at
from segmentation.overlays.movie import title
from segmentation.overlays.panels import ShotPanels
from segmentation.overlays.shot import SegmentedShot

FRAMES = 3
_WIDTH = 300


def shots_sheet(shots: Iterable[SegmentedShot], caption: str = "", frames: int = FRAMES) -> UInt8[np.ndarray, "H W 3"]:
    """A row for each shot: of a few frames the tracks, the masks and the errors, as far as there are any.

    Frames with ground truth are taken first, then those with masks, as far apart as they can be.

    Args:
        shots: one is held at a time.
        caption: heads the sheet.
        frames: of each shot.

    Raises:
        InputError: there is no shot; `frames` is below 1; or as `SegmentedShot.assignment` and `ShotPanels.draw`.
    """
    if frames < 1:
        raise InputError(f"{frames} frames of each shot leave nothing to see; ask for at least 1")
    return contact_sheet([_row(shot, frames) for shot in shots], caption, _WIDTH)


def shown_frames(shot: SegmentedShot, frames: int) -> list[int]:
    """Which frames of a shot stand for it, in order."""
    chosen: list[int] = []
    for candidates in (shot.annotated(), shot.masked(), range(shot.tracks.frames)):
        chosen = spread(chosen, candidates, frames)
    return sorted(chosen)


def _row(shot: SegmentedShot, frames: int) -> list[Panel]:
    wanted = shown_frames(shot, frames)
    panels = ShotPanels(shot, _WIDTH)
    row: list[Panel] = []
    for number, image in frames_at(shot.frames, wanted):
        drawn = panels.draw(number, image)
        row += [panel for panel in (drawn.tracks, drawn.masks, drawn.errors) if panel is not None]
        wanted = [frame for frame in wanted if frame != number]
    if wanted:
        raise InputError(
            f"{shot.frames}: frame {wanted[0]} is missing and the tracks of {shot.name} run through "
            f"{shot.tracks.frames}; give the frames that were segmented"
        )
    first = row[0]
    return [Panel(first.image, f"{title(shot)}\n{first.caption}", first.key), *row[1:]]


def spread(chosen: Sequence[int], candidates: Sequence[int], count: int) -> list[int]:
    """Candidates added until there are `count`: the first, then always the one that is furthest from all others."""
    spread, left = list(chosen), [frame for frame in candidates if frame not in chosen]
    while left and len(spread) < count:
        furthest = max(left, key=lambda frame: min((abs(frame - other) for other in spread), default=0))
        spread.append(furthest)
        left.remove(furthest)
    return spread
