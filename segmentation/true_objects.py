"""The true object of each track, as far as ground truth tells: what weights of affinities are fitted to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Integer

from flowfeat.errors import InputError
from segmentation.davis import MERGED, Davis
from segmentation.fbms import SURE, Shot
from segmentation.runs.stored_tracks import StoredTracks
from segmentation.trajectories import Trajectories, counted_pixels

UNKNOWN = -1
"""The object of a track that ground truth says nothing of, or different things."""


@dataclass(frozen=True, eq=False)
class TrueObjects:
    """What ground truth says of tracks.

    Attributes:
        object: of each track, from 0; `UNKNOWN` where it is not known.
        unseen: tracks that are on no pixel that counts in any annotated frame.
        crossing: those that are on different objects in different frames.
    """

    object: Int[np.ndarray, " n"]
    unseen: int
    crossing: int

    @property
    def known(self) -> int:
        """How many tracks have an object."""
        return len(self.object) - self.unseen - self.crossing


def true_objects(tracks: Trajectories, truth: Iterable[tuple[int, Integer[np.ndarray, "h w"]]]) -> TrueObjects:
    """The object that each track is on in every annotated frame that it passes.

    A point is on the pixel that MoSegEval counts it at, `counted_pixels`; outside the picture it is on none.

    Args:
        tracks: of a shot.
        truth: annotated frames by number, from 0, and the object at each pixel; negative where the pixel does not
            count. Frames that the tracks do not reach tell nothing.
    """
    found = np.full(len(tracks), UNKNOWN)
    crossing = np.zeros(len(tracks), np.bool_)
    for frame, labels in truth:
        if frame >= tracks.frames:
            continue
        which, xy = tracks.at(frame)
        pixel, inside = counted_pixels(xy, *labels.shape)
        here = labels.ravel()[pixel].astype(np.int64)
        which, here = which[inside][here >= 0], here[here >= 0]
        before = found[which]
        crossing[which] |= (before >= 0) & (before != here)
        found[which] = here
    unseen = found == UNKNOWN
    found[crossing] = UNKNOWN
    return TrueObjects(found, int(unseen.sum()), int(crossing.sum()))


def fbms_truth(shot: Shot) -> Iterator[tuple[int, Int[np.ndarray, "h w"]]]:
    """The regions of the annotated frames of a shot of FBMS-59, for `true_objects`.

    A pixel does not count where it is not even half sure, as along blurred boundaries, or where its colour is none of
    the definition's.

    Raises InputError where ground truth is missing or unreadable.
    """
    for annotation in shot.definition.annotations:
        truth = shot.read_truth(annotation, "ignore")
        yield annotation.frame, np.where(2 * truth.weight.astype(np.int64) > SURE, truth.region, UNKNOWN)


def davis_truth(davis: Davis, sequence: str) -> Iterator[tuple[int, Int[np.ndarray, "h w"]]]:
    """The merged objects of every frame of a sequence of DAVIS, 1, before its background, 0, for `true_objects`.

    Raises:
        InputError: the sequence is not there, or a frame has no mask.
        FormatError: a mask cannot be read.
    """
    for frame, labels in enumerate(davis.masks(sequence, MERGED)):
        yield frame, (labels > 0).astype(np.int64)


def objects_of_shot(
    name: str, stored: StoredTracks, truth: Iterable[tuple[int, Integer[np.ndarray, "h w"]]]
) -> TrueObjects:
    """`true_objects` of stored tracks, once it is sure that they were made of the frames that are annotated.

    Raises InputError where an annotated frame is beyond them, or of another size; and as `truth` does.
    """

    def checked() -> Iterator[tuple[int, Integer[np.ndarray, "h w"]]]:
        for frame, labels in truth:
            height, width = labels.shape
            if frame >= stored.trajectories.frames:
                wrong = f"frame {frame} is annotated, and the tracks are of {stored.trajectories.frames} frames"
            elif (height, width) != (stored.height, stored.width):
                wrong = f"the tracks are on {stored.width}x{stored.height} pixels, the ground truth on {width}x{height}"
            else:
                yield frame, labels
                continue
            raise InputError(f"{name}: {wrong}; the tracks are of another shot of this name, so track this one")

    return true_objects(stored.trajectories, checked())
