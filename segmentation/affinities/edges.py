"""Which pairs of trajectories have an edge: near neighbours in sampled frames, united over the shot."""

import numpy as np
from jaxtyping import Int
from scipy.spatial import KDTree

from segmentation.affinities.settings import Neighbourhood
from segmentation.trajectories import Trajectories


def neighbour_pairs(tracks: Trajectories, settings: Neighbourhood) -> Int[np.ndarray, "edges 2"]:
    """Pairs (i, j), i < j, each once and in order, in which one trajectory is among the nearest of the other.

    Neighbours are looked for in every `frame_step`-th frame, among the trajectories that live on for
    `minimum_overlap` frames from there, so that every pair has that much in common. Those that live between two
    sampled frames find theirs in the middle of their own life. Shorter ones have no edge.

    Memory: 8 bytes a neighbour found, before duplicates go: for 2x10^5 trajectories of which 20,000 are alive in
    each of 160 sampled frames, 160 x 20,000 x 12 x 8 bytes = 310 MB, and as much again while they are sorted.
    """
    beyond = settings.minimum_overlap - 1
    first_sampled = -(-tracks.start // settings.frame_step) * settings.frame_step
    unseen = np.flatnonzero((tracks.length > beyond) & (first_sampled + beyond >= tracks.end))
    middle = tracks.start[unseen] + (tracks.length[unseen] - 1 - beyond) // 2
    found = [_nearest(tracks, frame, None, settings) for frame in range(0, tracks.frames - beyond, settings.frame_step)]
    found += [_nearest(tracks, int(frame), unseen[middle == frame], settings) for frame in np.unique(middle)]
    keys = np.unique(np.concatenate([np.zeros(0, np.int64), *found]))
    return np.stack(np.divmod(keys, max(len(tracks), 1)), axis=1)


def _nearest(
    tracks: Trajectories, frame: int, asking: Int[np.ndarray, " k"] | None, settings: Neighbourhood
) -> Int[np.ndarray, " pairs"]:
    """The neighbours of those asking (None: of all) in one frame, a pair (i, j) as the number i n + j."""
    which, xy = tracks.at(frame)
    stays = tracks.end[which] >= frame + settings.minimum_overlap
    which, xy = which[stays], xy[stays]
    count = min(settings.neighbours, len(which) - 1)
    if count < 1:
        return np.zeros(0, np.int64)
    rows = np.arange(len(which)) if asking is None else np.searchsorted(which, asking)
    near = np.atleast_2d(KDTree(xy).query(xy[rows], k=count + 1)[1])
    # A point is its own nearest, but not always the first: where several share a position any of them may be.
    others = near != rows[:, None]
    others[others.all(axis=1), -1] = False
    i = np.repeat(which[rows], count)
    j = which[near[others]]
    return np.unique(np.minimum(i, j).astype(np.int64) * len(tracks) + np.maximum(i, j))
