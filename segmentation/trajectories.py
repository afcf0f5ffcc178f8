"""Point trajectories: where points of a shot were, frame after frame, until they were lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from flowfeat.errors import InputError


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Ragged: the points of the first trajectory, then those of the second, each in consecutive frames.

    A dense array of trajectories times frames would be almost empty as soon as a shot is long.

    Attributes:
        start: the first frame of each trajectory, counted from 0.
        length: its number of points, at least 1.
        xy: all points in pixels, x to the right first; (0, 0) is the centre of the top left pixel.
        frames: of the shot.
    """

    start: Int[np.ndarray, " n"]
    length: Int[np.ndarray, " n"]
    xy: Float[np.ndarray, "points 2"]
    frames: int

    def __post_init__(self) -> None:
        if len(self.start) != len(self.length) or int(self.length.sum()) != len(self.xy):
            raise ValueError(
                f"{len(self.start)} starts, {len(self.length)} lengths that sum up to {int(self.length.sum())}, and "
                f"{len(self.xy)} points do not belong together"
            )
        if len(self) and (self.length.min() < 1 or self.start.min() < 0 or self.end.max() > self.frames):
            raise ValueError(f"a trajectory is empty, or reaches beyond the {self.frames} frames of the shot")

    def __len__(self) -> int:
        return len(self.start)

    @property
    def end(self) -> Int[np.ndarray, " n"]:
        """Of each trajectory, the frame behind its last one."""
        return self.start + self.length

    @cached_property
    def offset(self) -> Int[np.ndarray, " n"]:
        """Where the points of each trajectory begin in `xy`."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.length[:-1])]) if len(self) else self.length

    @cached_property
    def owner(self) -> Int[np.ndarray, " points"]:
        """Which trajectory each point belongs to."""
        return np.repeat(np.arange(len(self)), self.length)

    @cached_property
    def frame(self) -> Int[np.ndarray, " points"]:
        """Which frame each point is in."""
        return np.arange(len(self.xy)) - np.repeat(self.offset - self.start, self.length)

    @cached_property
    def _by_frame(self) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, " edges"]]:
        order = np.argsort(self.frame, kind="stable")
        return order, np.searchsorted(self.frame[order], np.arange(self.frames + 1))

    def at(self, frame: int) -> tuple[Int[np.ndarray, " alive"], Float[np.ndarray, "alive 2"]]:
        """The trajectories that are alive in a frame, in their order, and where they are."""
        order, edges = self._by_frame
        points = order[edges[frame] : edges[frame + 1]]
        return self.owner[points], self.xy[points]

    def position(self, which: Int[np.ndarray, " k"], frame: Int[np.ndarray, " k"]) -> Float[np.ndarray, "k 2"]:
        """Where these trajectories are in these frames, in which they must be alive."""
        return self.xy[self.offset[which] + frame - self.start[which]]

    def __iter__(self) -> Iterator[tuple[int, Float[np.ndarray, "length 2"]]]:
        """The first frame and the points of each trajectory."""
        for start, offset, length in zip(self.start, self.offset, self.length, strict=True):
            yield int(start), self.xy[offset : offset + length]

    def select(self, which: np.ndarray) -> "Trajectories":
        """Those that a mask or a list of indices names, in that order."""
        chosen = np.flatnonzero(which) if which.dtype == bool else which
        length = self.length[chosen]
        begins = np.cumsum(length) - length
        points = np.arange(int(length.sum())) + np.repeat(self.offset[chosen] - begins, length)
        return Trajectories(self.start[chosen], length, self.xy[points], self.frames)


def counted_pixels(
    xy: Float[np.ndarray, "n 2"], height: int, width: int
) -> tuple[Int[np.ndarray, " inside"], Bool[np.ndarray, " n"]]:
    """The pixel (trunc(x + 0.5), trunc(y + 0.5)) of each point inside the frame, row by row, and which points are.

    In float64, as the evaluators of FBMS-59 add 0.5 to a float; truncation brings what is up to 1.5 pixels left of the
    frame into it.
    """
    column, row = np.trunc(xy.T.astype(np.float64) + 0.5)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    return row[inside].astype(np.int64) * width + column[inside].astype(np.int64), inside


def from_arrays(xy: Float[np.ndarray, "frames points 2"], visible: np.ndarray) -> Trajectories:
    """Dense tracks with their visibility, as CoTracker and TAPIR give them (frames first), as trajectories.

    A point that is lost and comes back is two trajectories. One never seen is none.

    Args:
        xy: in pixels.
        visible: (frames, points), true or 1 where a point is seen; a share from 0 to 1 counts from 0.5.

    Raises:
        InputError: where the shapes do not fit, or a visible point is no number.
    """
    frames = len(xy)
    if visible.shape != xy.shape[:2]:
        raise InputError(f"tracks of shape {xy.shape} and visibility of shape {visible.shape} do not belong together")
    seen = (visible.T > 0.5 if visible.dtype != bool else visible.T).astype(np.int8)
    padded = np.pad(seen, ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    # Row by row, so that the pieces of one point follow each other.
    point, start = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    points = np.transpose(xy, (1, 0, 2))[seen.astype(bool)].astype(np.float32)
    if not np.isfinite(points).all():
        raise InputError("a track that is said to be visible has a position that is no number")
    assert len(start) == len(point) == len(end)
    return Trajectories(start, end - start, points, frames)
