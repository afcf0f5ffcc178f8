"""Points on regions: the counts that the protocols of FBMS are computed from.

A point is a track in an annotated frame, at the pixel (trunc(x + 0.5), trunc(y + 0.5)), or a pixel of a label map.
It weighs what the probability map says. Sums are of whole 255ths, so that no order of adding changes a digit.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Int, Int64

from flowfeat.errors import InputError
from segmentation.fbms import SURE, Shot, TruthFrame, UnknownColours
from segmentation.formats.definition import Annotation
from segmentation.formats.label_map import frame_name, read_label_map
from segmentation.formats.track_file import LabelledTracks
from segmentation.trajectories import counted_pixels

WINDOWS = (10, 50, 200)
"""Frames; beside these, the length of the shot is a window."""

_VISIBLE = 1e-4
"""Pixels, weighted, that make a region visible in a window."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Weights in 255ths of a pixel, summed over the annotated frames of a window.

    Attributes:
        window: frames.
        area: of all pixels of each region.
        labels: of the clusters that have a point with weight here, those of most weight first.
        points: of the points of each of these clusters on each region; several on one pixel all count.
        pixels: the same with each pixel once for a cluster.
        covered: of the pixels of each region that have any point.
        clusters: how many there are, those without a point here included.
        annotated: annotated frames in the window.
        beyond: annotated frames behind it, which do not count.
        outside: points outside the picture, which do not count.
        ignored: points on pixels of unknown colour where these do not count.
        unknown: pixels of a colour that the definition does not name.
        without_probabilities: frames with coloured ground truth and no probability map.
    """

    window: int
    area: Int64[np.ndarray, " regions"]
    labels: Int64[np.ndarray, " k"]
    points: Int64[np.ndarray, "regions k"]
    pixels: Int64[np.ndarray, "regions k"]
    covered: Int64[np.ndarray, " regions"]
    clusters: int
    annotated: int
    beyond: int
    outside: int
    ignored: int
    unknown: int
    without_probabilities: int

    @property
    def visible(self) -> Int[np.ndarray, " visible"]:
        """The regions that are seen in this window."""
        return np.flatnonzero(self.area / SURE >= _VISIBLE)

    @property
    def objects(self) -> int:
        """The visible regions less one for the background, whether it is among them or not."""
        return max(0, len(self.visible) - 1)

    @property
    def empty(self) -> bool:
        """There is ground truth and not a point on it, or no ground truth: nothing can be said."""
        return not self.points.any()


def count_tracks(
    tracks: LabelledTracks, shot: Shot, unknown: UnknownColours = "official", window: int | None = None
) -> Counts:
    """Count the points of tracks on the regions of a shot.

    Args:
        tracks: the window is theirs.
        shot: its ground truth is read, that of the window alone.
        unknown: what pixels of a colour are that the definition does not name.
        window: another one, in frames, for tracks that were never in a file.

    Raises:
        InputError: the window is none of `WINDOWS` and not the length of the shot; or ground truth is missing or
            unreadable.
    """
    chosen = tracks.window if window is None else window
    _check_window(chosen, shot)

    def points(truth: TruthFrame) -> "_Points":
        if truth.frame >= tracks.trajectories.frames:
            return _Points(np.empty(0, np.int64), np.empty(0, np.int64), 0)
        owner, xy = tracks.trajectories.at(truth.frame)
        pixel, inside = counted_pixels(xy, *truth.region.shape)
        return _Points(pixel, tracks.labels[owner[inside]].astype(np.int64), int((~inside).sum()))

    return replace(_count(shot, chosen, unknown, points), clusters=tracks.clusters)


def count_maps(
    maps: Callable[[Annotation], Int[np.ndarray, "h w"]],
    shot: Shot,
    unknown: UnknownColours = "official",
    window: int | None = None,
) -> Counts:
    """Count the pixels of label maps on the regions of a shot, as if each were a track.

    That equals a track file with one track for each pixel of each annotated frame. Maps of other frames are not looked
    at, so a label that only they have is no cluster.

    Args:
        maps: gives the label map of an annotated frame, labels from 0.
        shot: its ground truth is read, that of the window alone.
        unknown: what pixels of a colour are that the definition does not name.
        window: frames; the length of the shot where nothing is said.

    Raises:
        InputError: as `count_tracks`; or a map has another size than the ground truth, or a negative label.
    """
    chosen = shot.definition.frames if window is None else window
    _check_window(chosen, shot)
    annotations = {annotation.frame: annotation for annotation in shot.definition.annotations}

    def points(truth: TruthFrame) -> "_Points":
        labels = maps(annotations[truth.frame])
        if labels.shape != truth.region.shape:
            raise InputError(
                f"{shot.name}: the label map of frame {truth.frame} is {labels.shape[1]}x{labels.shape[0]} and the "
                f"ground truth is {truth.region.shape[1]}x{truth.region.shape[0]}; write it in the size of the frames"
            )
        if labels.size and labels.min() < 0:
            raise InputError(
                f"{shot.name}: frame {truth.frame} has the label {labels.min()}; labels count from 0, 0 is background"
            )
        return _Points(np.arange(labels.size), labels.ravel().astype(np.int64), 0, once=True)

    return _count(shot, chosen, unknown, points)


def map_files(folder: Path) -> Callable[[Annotation], Int[np.ndarray, "h w"]]:
    """The label maps `00000.png`, `00001.png`, ... of a folder, numbered by frame from 0, for `count_maps`.

    What it returns raises InputError where the map of an annotated frame is missing, or is no label map.
    """

    def read(annotation: Annotation) -> Int[np.ndarray, "h w"]:
        path = folder / f"{frame_name(annotation.frame)}.png"
        if not path.is_file():
            raise InputError(f"{path}: the frame is annotated and has no label map; write one for every frame")
        return read_label_map(path)

    return read


@dataclass(frozen=True, eq=False)
class _Points:
    """The points in one frame: at which pixel, counted row by row, with which label; how many are outside; and whether
    no two are known to be on one pixel."""

    pixel: Int64[np.ndarray, " n"]
    label: Int64[np.ndarray, " n"]
    outside: int
    once: bool = False


def _check_window(window: int, shot: Shot) -> None:
    if window not in (*WINDOWS, shot.definition.frames):
        raise InputError(
            f"{shot.name}: a window of {window} frames is none of this protocol; it must be "
            f"{', '.join(map(str, WINDOWS))} or the {shot.definition.frames} frames of the shot"
        )


def _count(shot: Shot, window: int, unknown: UnknownColours, points_in: Callable[[TruthFrame], _Points]) -> Counts:
    regions = len(shot.definition.regions)
    # "Greater" is what the official evaluator asks: the frame behind the last one of the window is used.
    used = [annotation for annotation in shot.definition.annotations if annotation.frame <= window]
    area, covered = np.zeros(regions, np.int64), np.zeros(regions, np.int64)
    sums: list[_Sums] = []
    outside = ignored = strange = bare = 0
    for annotation in used:
        truth = shot.read_truth(annotation, unknown)
        points = points_in(truth)
        area += _by_region(truth.region, truth.weight, regions)
        touched = points.pixel if points.once else np.unique(points.pixel)
        covered += _by_region(truth.region.ravel()[touched], truth.weight.ravel()[touched], regions)
        sums.append(_sums(truth, points, regions))
        outside += points.outside
        ignored += int((truth.region.ravel()[points.pixel] < 0).sum())
        strange += truth.unknown
        bare += not truth.probabilities and shot.truth_file(annotation).suffix.lower() == ".ppm"
    labels, points, pixels = _joined(sums, regions)
    return Counts(
        window=window,
        area=area,
        labels=labels,
        points=points,
        pixels=pixels,
        covered=covered,
        clusters=1 + max((entry.largest for entry in sums), default=-1),
        annotated=len(used),
        beyond=len(shot.definition.annotations) - len(used),
        outside=outside,
        ignored=ignored,
        unknown=strange,
        without_probabilities=bare,
    )


@dataclass(frozen=True, eq=False)
class _Sums:
    """`Counts` of one frame, for the labels in it; `largest` is -1 without a point."""

    labels: Int64[np.ndarray, " k"]
    points: Int64[np.ndarray, "regions k"]
    pixels: Int64[np.ndarray, "regions k"]
    largest: int


def _by_region(region: np.ndarray, weight: np.ndarray, regions: int) -> Int64[np.ndarray, " regions"]:
    # Sums of whole numbers below 2^53 are exact in float64. Region -1 gets a place of its own and is dropped.
    sums = np.bincount(region.ravel() + 1, weight.ravel().astype(np.float64), minlength=regions + 1)
    return sums[1:].astype(np.int64)


def _sums(truth: TruthFrame, points: _Points, regions: int) -> _Sums:
    region, weight = truth.region.ravel()[points.pixel], truth.weight.ravel()[points.pixel]
    labels, cluster = np.unique(points.label, return_inverse=True)
    largest = int(labels[-1]) if len(labels) else -1
    count = max(1, len(labels))
    every = np.arange(len(region))
    first = every if points.once else np.unique(points.pixel * count + cluster, return_index=True)[1]

    def table(chosen: np.ndarray) -> Int64[np.ndarray, "regions k"]:
        cell = (region[chosen].astype(np.int64) + 1) * count + cluster[chosen]
        sums = np.bincount(cell, weight[chosen].astype(np.float64), minlength=(regions + 1) * count)
        return sums.astype(np.int64).reshape(regions + 1, count)[1:, : len(labels)]

    return _Sums(labels, table(every), table(first), largest)


def _joined(
    frames: Iterable[_Sums], regions: int
) -> tuple[Int64[np.ndarray, " k"], Int64[np.ndarray, "regions k"], Int64[np.ndarray, "regions k"]]:
    """The sums of all frames over the labels that have any weight, in an order that no relabelling changes."""
    frames = list(frames)
    labels = np.unique(np.concatenate([np.empty(0, np.int64), *(frame.labels for frame in frames)]))
    points, pixels = np.zeros((regions, len(labels)), np.int64), np.zeros((regions, len(labels)), np.int64)
    for frame in frames:
        place = np.searchsorted(labels, frame.labels)
        points[:, place] += frame.points
        pixels[:, place] += frame.pixels
    # The last key is the first to count: size, then the clusters' own columns, so that a tie is between equals.
    order = np.lexsort((labels, *-pixels, *-points, -points.sum(axis=0)))
    order = order[points[:, order].sum(axis=0) > 0]
    return labels[order], points[:, order], pixels[:, order]
