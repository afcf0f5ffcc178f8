"""Which clusters are one object: parts that move more like each other than like what is behind them.

A pole that passes in front of a dog, legs under a body, a shaded half of a car: the clusters of one object are often
several. The background has joined what it explains (`background.py`); of the rest, two clusters become one where they
come near each other and the difference of their motion is small beside the difference of either to the background.
Each object's motion in a frame is the median over its tracks, because a model with more parameters would have to be
believed beyond the part that it was fitted to.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from segmentation.affinities.settings import Motion
from segmentation.tangents import Tangents, tangents
from segmentation.trajectories import Trajectories

_LEAST_TRACKS = 3
"""Of a cluster in a frame, for a median that no single track decides."""


@dataclass(frozen=True)
class ObjectSettings:
    """When two clusters are one object.

    Attributes:
        alike: the largest difference of their motions, as a share of the smaller one of their differences to the
            background; 0 leaves clusters as they are.
        reach: how near they must come to each other in some frame, as a share of the frame's shorter side.
    """

    alike: float = 0.5
    reach: float = 0.1


def join_parts(
    tracks: Trajectories,
    sigma: Float[np.ndarray, " points"],
    labels: Int[np.ndarray, " n"],
    background: Bool[np.ndarray, " k"],
    residual: Float[np.ndarray, " k"],
    size: tuple[int, int],
    measure: Motion,
    settings: ObjectSettings,
) -> Int[np.ndarray, " k"]:
    """The object of each cluster: 0 the background, then 1, 2 and so on by falling number of tracks.

    The pair that is most alike becomes one first; then its motion is that of all its tracks, and so on until no pair
    is alike enough.

    Args:
        tracks, sigma: as the tracker gives them.
        labels: the cluster of each track, 0 to k - 1; -1 for tracks that belong to none.
        background, residual: of each cluster, from `find_background`.
        size: height and width of the frames.
        measure: how motion is compared between tracks.
        settings: when two clusters are one.
    """
    motion = tangents(tracks, sigma, measure)
    parts = {
        int(cluster): _part(
            tracks, motion, np.flatnonzero(labels == cluster), float(residual[cluster]), (int(cluster),)
        )
        for cluster in np.flatnonzero(~background)
    }
    reach = settings.reach * min(size)
    known: dict[tuple[int, int], float] = {}
    while settings.alike > 0:
        pairs = [pair for pair in combinations(sorted(parts), 2) if pair not in known]
        known |= {(one, other): _unlike(tracks, motion, parts[one], parts[other], reach) for one, other in pairs}
        best = min(known, key=lambda pair: (known[pair], pair), default=None)
        if best is None or known[best] > settings.alike:
            break
        one, other = (parts.pop(cluster) for cluster in best)
        sizes = len(one.tracks), len(other.tracks)
        parts[best[0]] = _part(
            tracks,
            motion,
            np.union1d(one.tracks, other.tracks),
            float(np.average([one.residual, other.residual], weights=sizes)),
            one.clusters + other.clusters,
        )
        known = {pair: value for pair, value in known.items() if not set(best) & set(pair)}
    objects = np.zeros(len(background), np.int64)
    for number, part in enumerate(sorted(parts.values(), key=lambda part: (-len(part.tracks), min(part.clusters))), 1):
        objects[list(part.clusters)] = number
    return objects


@dataclass(frozen=True, eq=False)
class _Part:
    """Clusters that are one so far.

    Attributes:
        clusters: which.
        tracks: theirs.
        residual: their difference to the background's motion, the mean over tracks.
        tangent: rows of the tangents that are theirs.
        median: of these in each frame; nan where there are too few.
    """

    clusters: tuple[int, ...]
    tracks: Int[np.ndarray, " n"]
    residual: float
    tangent: Int[np.ndarray, " m"]
    median: Float[np.ndarray, "frames 2"]


def _part(
    tracks: Trajectories, motion: Tangents, which: Int[np.ndarray, " n"], residual: float, clusters: tuple[int, ...]
) -> _Part:
    tangent = np.flatnonzero(np.isin(motion.owner, which))
    return _Part(clusters, which, residual, tangent, _median_motion(motion, tangent, tracks.frames))


def _unlike(tracks: Trajectories, motion: Tangents, one: _Part, other: _Part, reach: float) -> float:
    """The difference of two parts' motions as a share of the smaller of theirs to the background.

    Infinite where they do not come near each other, or one could not be compared with the background.
    """
    smaller = min(one.residual, other.residual)
    if not 0 < smaller < np.inf or not _near(tracks, motion, one, other, reach):
        return np.inf
    return max(_difference(motion, one, other), _difference(motion, other, one)) / smaller


def _median_motion(motion: Tangents, tangent: Int[np.ndarray, " m"], frames: int) -> Float[np.ndarray, "frames 2"]:
    median = np.full((frames, 2), np.nan)
    frame, displacement = motion.frame[tangent], motion.displacement[tangent]
    order = np.argsort(frame, kind="stable")
    edges = np.searchsorted(frame[order], np.arange(frames + 1))
    for t in np.flatnonzero(np.diff(edges) >= _LEAST_TRACKS):
        median[t] = np.median(displacement[order[edges[t] : edges[t + 1]]], axis=0)
    return median


def _difference(motion: Tangents, one: _Part, other: _Part) -> float:
    """The median, over the tracks of one, of the largest difference to the motion of the other.

    Infinite where they are never seen together.
    """
    both = ~np.isnan(one.median[:, 0]) & ~np.isnan(other.median[:, 0])
    tangent = one.tangent[both[motion.frame[one.tangent]]]
    if not len(tangent):
        return np.inf
    gap = motion.displacement[tangent] - other.median[motion.frame[tangent]]
    owner, place = np.unique(motion.owner[tangent], return_inverse=True)
    largest = np.zeros(len(owner))
    np.maximum.at(largest, place, np.hypot(*gap.T) / motion.scale[tangent])
    return float(np.median(largest))


def _near(tracks: Trajectories, motion: Tangents, one: _Part, other: _Part, reach: float) -> bool:
    """Whether tracks of both are within reach of each other in some frame in which they go on."""
    for frame in np.intersect1d(motion.frame[one.tangent], motion.frame[other.tangent]):
        here, there = (
            tracks.xy[motion.point[part.tangent[motion.frame[part.tangent] == frame]]] for part in (one, other)
        )
        if KDTree(here).query(there, distance_upper_bound=reach)[0].min() <= reach:
            return True
    return False
