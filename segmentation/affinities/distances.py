"""How far apart two trajectories are: in motion, in the picture, in colour."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from flowfeat.errors import InputError
from segmentation.affinities.settings import Motion
from segmentation.trajectories import Trajectories

_FRAMES_AT_ONCE = 500_000
"""Common frames, summed over pairs, that are in memory together: some 200 bytes each, so 100 MB."""


@dataclass(frozen=True, eq=False)
class Distances:
    """Of each pair of trajectories.

    Attributes:
        motion: the largest difference of their tangents, in units of the variation of the flow.
        spatial: pixels, the mean over their common frames.
        colour: the mean over their common frames of the distance in Lab.
        overlap: their common frames.
    """

    motion: Float[np.ndarray, " edges"]
    spatial: Float[np.ndarray, " edges"]
    colour: Float[np.ndarray, " edges"]
    overlap: Int[np.ndarray, " edges"]

    def __len__(self) -> int:
        return len(self.motion)


def pairwise_distances(
    tracks: Trajectories,
    sigma: Float[np.ndarray, " points"],
    lab: Float[np.ndarray, "points 3"],
    pairs: Int[np.ndarray, "edges 2"],
    settings: Motion,
) -> Distances:
    """The three distances of Keuper et al., ICCV 2015, for each pair.

    d_motion is the maximum over the common frames t of |dA(t) - dB(t)| / sigma_t. The tangent d(t) is the mean
    displacement per frame over the next tau frames, or over those left at the end of the common frames; the last
    common frame has none. sigma_t is the root mean square of sigma over the same frames, of the trajectory where it
    is smaller, and at least the floor. The maximum is what parts objects that differ for some of the shot only.

    Memory: 28 bytes a pair and a bounded part of the common frames: 5M pairs take 140 MB beside the pairs' own 80.

    Args:
        tracks: the trajectories.
        sigma: variation of the flow around each point, pixels per frame, from the point's frame to the next.
        lab: colour at each point, CIE Lab.
        pairs: of trajectories that have at least 2 frames in common.
        settings: the span of a tangent and the floor.

    Raises:
        InputError: where a pair has less in common, the arrays do not belong to the points, or a value is no number.
    """
    _check(tracks, sigma, lab)
    first, second = pairs.T
    begin = np.maximum(tracks.start[first], tracks.start[second])
    overlap = np.minimum(tracks.end[first], tracks.end[second]) - begin
    if len(pairs) and overlap.min() < 2:
        i, j = pairs[np.argmin(overlap)]
        raise InputError(
            f"trajectories {i} and {j} have {max(int(overlap.min()), 0)} frames in common; a distance needs 2"
        )
    first_point = tracks.offset[first] + begin - tracks.start[first]
    second_point = tracks.offset[second] + begin - tracks.start[second]
    xy, colours = tracks.xy.astype(np.float64), lab.astype(np.float32)
    variance = cumulated_variance(sigma)
    motion, spatial, colour = (np.empty(len(pairs), np.float32) for _ in range(3))
    for part in _parts(overlap):
        count = overlap[part]
        ends = np.cumsum(count)
        begins = ends - count
        time = np.arange(ends[-1]) - np.repeat(begins, count)
        i, j = np.repeat(first_point[part], count) + time, np.repeat(second_point[part], count) + time

        gap = xy[i] - xy[j]
        spatial[part] = np.add.reduceat(np.hypot(*gap.T), begins) / count
        colour[part] = np.add.reduceat(np.linalg.norm(colours[i] - colours[j], axis=1), begins, dtype=np.float64)
        colour[part] /= count

        span = np.minimum(np.repeat(count - 1, count) - time, settings.tau)
        moving = np.flatnonzero(span)
        span, i, j = span[moving], i[moving], j[moving]
        # The difference of two tangents is the tangent of the difference.
        difference = np.hypot(*(gap[moving + span] - gap[moving]).T) / span
        smaller = np.minimum(variance[i + span] - variance[i], variance[j + span] - variance[j]) / span
        relative = np.zeros(len(time))
        relative[moving] = difference / unit_of_motion(smaller, settings)
        motion[part] = np.maximum.reduceat(relative, begins)
    return Distances(motion, spatial, colour, overlap)


def cumulated_variance(sigma: Float[np.ndarray, " points"]) -> Float[np.ndarray, " edges"]:
    """Sums of sigma^2 over the points before each one, and over all: two of them give any tangent's."""
    return np.concatenate([np.zeros(1), np.cumsum(np.square(sigma, dtype=np.float64))])


def unit_of_motion(mean_variance: Float[np.ndarray, " n"], settings: Motion) -> Float[np.ndarray, " n"]:
    """What differences of motion are measured in: the root of the flow's mean variance over a tangent, or the floor."""
    return np.maximum(np.sqrt(np.maximum(mean_variance, 0)), settings.floor)


def _parts(overlap: Int[np.ndarray, " edges"]) -> Iterator[slice]:
    """Runs of pairs whose common frames fit into memory together."""
    if not len(overlap):
        return
    cuts = np.flatnonzero(np.diff(np.cumsum(overlap) // _FRAMES_AT_ONCE)) + 1
    edges = [0, *cuts.tolist(), len(overlap)]
    yield from (slice(*edge) for edge in pairwise(edges))


def _check(tracks: Trajectories, sigma: np.ndarray, lab: np.ndarray) -> None:
    points = len(tracks.xy)
    if len(sigma) != points or len(lab) != points:
        raise InputError(
            f"{len(sigma)} flow variations and {len(lab)} colours do not belong to the {points} points of the tracks"
        )
    if not (np.isfinite(sigma).all() and (sigma >= 0).all()):
        raise InputError("a flow variation is negative or no number; compute them again from flow that is finite")
    if not (np.isfinite(lab).all() and np.isfinite(tracks.xy).all()):
        raise InputError("a colour or a position of a trajectory is no number")
