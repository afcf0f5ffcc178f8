"""A segmented shot with all that is drawn of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from flowfeat.errors import InputError
from segmentation.evaluation.points import count_maps, count_tracks, map_files
from segmentation.fbms import Shot
from segmentation.formats import LabelledTracks
from segmentation.formats.label_map import ENDING, frame_name
from segmentation.overlays.assignment import Assignment, assign, unassigned
from segmentation.trajectories import Trajectories


@dataclass(frozen=True, eq=False)
class SegmentedShot:
    """A shot, what it was segmented into, and its ground truth where there is one.

    Attributes:
        name: of the shot.
        method: in words, for captions.
        frames: the video, or the folder of frames.
        height, width: of the frames.
        tracks: through them.
        objects: of each track: 0 the background, objects from 1, -1 for none; None where it was only tracked.
        masks: the folder of label maps `00000.png`, of some frames or all; None without.
        truth: None without.
        track_score, mask_score: of tracks and of masks, in words that name the protocol; empty where there is none.
    """

    name: str
    method: str
    frames: Path
    height: int
    width: int
    tracks: Trajectories
    objects: Int[np.ndarray, " n"] | None
    masks: Path | None = None
    truth: Shot | None = None
    track_score: str = ""
    mask_score: str = ""

    @property
    def count(self) -> int:
        """How many objects there are, the background not counted."""
        return 0 if self.objects is None else max(0, int(self.objects.max(initial=0)))

    def mask_file(self, frame: int) -> Path | None:
        """The label map of a frame; None where it has none."""
        path = None if self.masks is None else self.masks / f"{frame_name(frame)}{ENDING}"
        return path if path is not None and path.is_file() else None

    def masked(self) -> list[int]:
        """The frames that have a mask."""
        return [frame for frame in range(self.tracks.frames) if self.mask_file(frame)]

    def annotated(self) -> list[int]:
        """The frames that have ground truth."""
        if self.truth is None:
            return []
        return sorted(a.frame for a in self.truth.definition.annotations if a.frame < self.tracks.frames)

    def assignment(self) -> Assignment:
        """Which true object each object is taken for: by its masks, or by its tracks where there are no masks.

        Raises:
            InputError: an annotated frame has no mask, or one of another size; or the ground truth cannot be used.
        """
        if self.truth is None or self.objects is None:
            return unassigned(self.count)
        whole = self.truth.definition.frames
        if self.masks is not None:
            counts = count_maps(map_files(self.masks), self.truth)
        else:
            kept = self.objects >= 0
            labelled = LabelledTracks(self.tracks.select(kept), self.objects[kept], whole)
            counts = count_tracks(labelled, self.truth, window=whole)
        if counts.labels.max(initial=0) > self.count:
            raise InputError(
                f"{self.masks}: object {counts.labels.max()} is in these masks and the tracks of {self.name} have "
                f"{self.count} objects; both must be of one run"
            )
        return assign(counts, self.count)
