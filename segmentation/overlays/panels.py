"""The panels of one frame: its tracks, its masks, the ground truth, and where they disagree."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, Integer, UInt8
from PIL import Image

from flowfeat.errors import InputError
from flowfeat.visualization import Panel
from segmentation.formats import read_label_map
from segmentation.formats.label_map import check_size
from segmentation.overlays.colours import BACKGROUND, UNASSIGNED, backdrop
from segmentation.overlays.errors import (
    VERDICT_COLOURS,
    Verdict,
    draw_mask_errors,
    draw_track_errors,
    tally,
    track_verdicts,
    verdicts,
)
from segmentation.overlays.frames import Frame
from segmentation.overlays.masks import draw_masks
from segmentation.overlays.shot import SegmentedShot
from segmentation.overlays.tracks import draw_tracks

Scaled = UInt8[np.ndarray, "H W 3"]
"""A frame in the size of the panels."""

_KEY = tuple(
    (VERDICT_COLOURS[verdict], words)
    for verdict, words in (
        (Verdict.FOUND, "found"),
        (Verdict.MISSED, "missed"),
        (Verdict.FALSE_ALARM, "false alarm"),
        (Verdict.CONFUSED, "confused"),
    )
)


@dataclass(frozen=True)
class FramePanels:
    """What there is to see of a frame; None where the frame has no mask, or no ground truth."""

    tracks: Panel
    masks: Panel | None
    truth: Panel | None
    errors: Panel | None


class ShotPanels:
    """The panels of a shot, drawn frame by frame at one width.

    Everything is brought to that width before it is drawn, so that dots and outlines are as crisp in a thumbnail as in
    a movie. What is counted is counted in the frame's own pixels.

    Args:
        shot: to be drawn.
        width: of the panels in pixels.

    Raises:
        InputError: the ground truth or the masks cannot be used, see `SegmentedShot.assignment`.
    """

    def __init__(self, shot: SegmentedShot, width: int):
        self._shot = shot
        self._scale = width / shot.width
        self._size = width, max(1, round(shot.height * self._scale))
        xy = ((shot.tracks.xy + 0.5) * self._scale - 0.5).astype(shot.tracks.xy.dtype)
        self._tracks = replace(shot.tracks, xy=xy)
        self._assignment = shot.assignment()
        objects = np.ones(len(shot.tracks), np.int64) if shot.objects is None else shot.objects
        self._objects = objects if shot.objects is None else self._assignment(objects)
        annotations = () if shot.truth is None else shot.truth.definition.annotations
        self._annotations = {annotation.frame: annotation for annotation in annotations}

    def draw(self, frame: int, image: Frame) -> FramePanels:
        """The panels of a frame.

        Raises:
            InputError: the frame has another size than the tracks were made in, or its mask or truth has.
        """
        shot = self._shot
        if image.shape[:2] != (shot.height, shot.width):
            raise InputError(
                f"{shot.frames}: frame {frame} is {image.shape[1]}x{image.shape[0]} and the tracks of {shot.name} were "
                f"made in {shot.width}x{shot.height}; give the frames that were segmented"
            )
        scaled = self._picture(image)
        labels, region = self._labels(frame), self._region(frame)
        return FramePanels(
            tracks=self._tracks_panel(frame, scaled),
            masks=None if labels is None else self._masks_panel(frame, scaled, labels),
            truth=None if region is None else self._truth_panel(frame, scaled, region),
            errors=None if region is None else self._errors_panel(frame, scaled, labels, region),
        )

    def nothing(self, image: Frame, caption: str, errors: bool = False) -> Panel:
        """A panel for what a frame does not have."""
        return Panel(backdrop(self._picture(image)) // 2 + 100, caption, _KEY if errors else ())

    def _tracks_panel(self, frame: int, scaled: Scaled) -> Panel:
        picture = draw_tracks(scaled, self._tracks, self._objects, frame)
        alive = self._objects[self._tracks.at(frame)[0]]
        if self._shot.objects is None:
            return Panel(picture, f"frame {frame}: {len(alive):,} tracks, not segmented")
        key = (
            (BACKGROUND, f"{np.count_nonzero(alive == 0):,} background"),
            (UNASSIGNED, f"{np.count_nonzero(alive < 0):,} unassigned"),
        )
        return Panel(picture, f"frame {frame}: {np.count_nonzero(alive > 0):,} tracks of objects", key)

    def _masks_panel(self, frame: int, scaled: Scaled, labels: Int[np.ndarray, "h w"]) -> Panel:
        share = np.count_nonzero(labels > 0) / labels.size
        return Panel(draw_masks(scaled, self._map(labels)), f"masks of frame {frame}: {share:.1%} of pixels on objects")

    def _truth_panel(self, frame: int, scaled: Scaled, region: Int[np.ndarray, "h w"]) -> Panel:
        objects = np.count_nonzero(np.bincount(region[region > 0]))
        told = f"ground truth of frame {frame}: {objects} object{'' if objects == 1 else 's'}"
        return Panel(draw_masks(scaled, self._map(region)), told)

    def _errors_panel(
        self, frame: int, scaled: Scaled, labels: Int[np.ndarray, "h w"] | None, region: Int[np.ndarray, "h w"]
    ) -> Panel | None:
        truth = self._map(region)
        if labels is not None:
            kind = verdicts(labels, region)
            return Panel(
                draw_mask_errors(scaled, self._map(kind), truth),
                f"errors in frame {frame}: {_wrong(kind, 'pixels')}",
                _KEY,
            )
        if self._shot.objects is None:
            return None
        which, xy = self._shot.tracks.at(frame)
        kind = track_verdicts(xy, self._objects[which], region)
        picture = draw_track_errors(scaled, self._tracks.at(frame)[1], kind, truth)
        return Panel(picture, f"errors in frame {frame}: {_wrong(kind, 'tracks')}", _KEY)

    def _labels(self, frame: int) -> Int[np.ndarray, "h w"] | None:
        path = self._shot.mask_file(frame)
        if path is None:
            return None
        labels = read_label_map(path)
        check_size(path, labels, (self._shot.height, self._shot.width), "the frame has")
        if labels.max() > self._shot.count:
            raise InputError(
                f"{path}: object {labels.max()} is in this mask and the tracks of {self._shot.name} have "
                f"{self._shot.count} objects; both must be of one run"
            )
        return self._assignment(labels)

    def _region(self, frame: int) -> Int[np.ndarray, "h w"] | None:
        if self._shot.truth is None or frame not in self._annotations:
            return None
        region = self._shot.truth.read_truth(self._annotations[frame]).region
        path = self._shot.truth.truth_file(self._annotations[frame])
        check_size(path, region, (self._shot.height, self._shot.width), "the frame has")
        return region.astype(np.int64)

    def _picture(self, image: Frame) -> Scaled:
        if image.shape[1::-1] == self._size:
            return image
        return np.array(Image.fromarray(image).resize(self._size, Image.Resampling.LANCZOS))

    def _map(self, labels: Integer[np.ndarray, "h w"]) -> Integer[np.ndarray, "H W"]:
        """Labels in the size of the panels: those of the nearest pixels."""
        width, height = self._size
        row = ((np.arange(height) + 0.5) * labels.shape[0] / height).astype(np.intp)
        column = ((np.arange(width) + 0.5) * labels.shape[1] / width).astype(np.intp)
        return labels[row[:, None], column]


def _wrong(kind: UInt8[np.ndarray, "*shape"], of: str) -> str:
    """How many are wrong, in words."""
    counts = tally(kind)
    counted = sum(count for verdict, count in counts.items() if verdict != Verdict.UNCOUNTED)
    if not counted:
        return f"no {of} to judge"
    wrong = sum(counts[verdict] for verdict in (Verdict.MISSED, Verdict.FALSE_ALARM, Verdict.CONFUSED))
    return f"{wrong / counted:.1%} of {of}"
