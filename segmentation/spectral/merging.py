"""Clusters that touch and follow one affine motion become one."""

from dataclasses import dataclass

import numpy as np
from einops import einsum
from jaxtyping import Float, Int

from segmentation.spectral.settings import SpectralSettings
from segmentation.trajectories import Trajectories

_UNIT = 100.0
"""Pixels that positions are measured in, so that the normal equations are balanced."""


@dataclass(frozen=True, eq=False)
class _Moments:
    """What a least squares fit of an affine motion needs, of each cluster in each window where it has points.

    They add up: those of two clusters together are the sum.

    Attributes:
        cluster, window: of each row; rows are in the order of cluster, then window.
        count: points.
        design: sums of (1, x, y) (1, x, y)^T.
        response: sums of (1, x, y) (u, v)^T, with (u, v) in pixels per frame.
        square: sums of u^2 + v^2.
    """

    cluster: Int[np.ndarray, " rows"]
    window: Int[np.ndarray, " rows"]
    count: Float[np.ndarray, " rows"]
    design: Float[np.ndarray, "rows 3 3"]
    response: Float[np.ndarray, "rows 3 2"]
    square: Float[np.ndarray, " rows"]


def merge_by_affine_motion(
    tracks: Trajectories,
    pairs: Int[np.ndarray, "edges 2"],
    labels: Int[np.ndarray, " tracks"],
    settings: SpectralSettings,
) -> Int[np.ndarray, " tracks"]:
    """Labels after merging, as Ochs et al. end; the criterion is ours.

    In every window of frames each cluster has an affine motion, fitted to the tangents of its trajectories. Two
    clusters with an edge between them are merged where one motion for both adds less than `merge_misfit`, root mean
    square over the smaller one's points, in every window that both live in. The best fits go first. In one round a
    cluster at most doubles, so that the motion it was chosen for is still its own; then all is fitted again.
    """
    labels = np.unique(labels, return_inverse=True)[1]
    moments = _moments(tracks, labels, settings.window)
    while True:
        touching = np.sort(labels[pairs], axis=1)
        touching = np.unique(touching[touching[:, 0] != touching[:, 1]], axis=0)
        misfit = _misfit(moments, touching)
        good = misfit < settings.merge_misfit
        if not good.any():
            return labels
        into = _chosen(touching[good], misfit[good], np.bincount(labels))
        into = np.unique(into, return_inverse=True)[1]
        labels = into[labels]
        moments = _sum(
            into[moments.cluster], moments.window, moments.count, moments.design, moments.response, moments.square
        )


def _moments(tracks: Trajectories, labels: Int[np.ndarray, " tracks"], window: int) -> _Moments:
    first, last = tracks.start // window, (tracks.end - 2) // window
    windows = np.where(tracks.length > 1, last - first + 1, 0)
    owner = np.repeat(np.arange(len(tracks)), windows)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(windows) - windows, windows) + first[owner]
    begin = np.maximum(tracks.start[owner], number * window)
    span = np.minimum(tracks.end[owner] - 1 - begin, window)
    here = tracks.position(owner, begin).astype(np.float64)
    tangent = (tracks.position(owner, begin + span) - here) / span[:, None]
    middle = tracks.xy.mean(axis=0, dtype=np.float64) if len(tracks.xy) else np.zeros(2)
    position = np.concatenate([np.ones((len(here), 1)), (here - middle) / _UNIT], axis=1)
    return _sum(
        labels[owner],
        number,
        np.ones(len(here)),
        einsum(position, position, "points a, points b -> points a b"),
        einsum(position, tangent, "points a, points b -> points a b"),
        np.square(tangent).sum(axis=1),
    )


def _sum(
    cluster: Int[np.ndarray, " rows"],
    window: Int[np.ndarray, " rows"],
    count: Float[np.ndarray, " rows"],
    design: Float[np.ndarray, "rows 3 3"],
    response: Float[np.ndarray, "rows 3 2"],
    square: Float[np.ndarray, " rows"],
) -> _Moments:
    """One row for each cluster and window."""
    order = np.lexsort((window, cluster))
    cluster, window = cluster[order], window[order]
    begins = np.flatnonzero(np.diff(cluster, prepend=-1) | np.diff(window, prepend=-1))
    if not len(begins):
        return _Moments(cluster, window, count, design, response, square)
    added = (np.add.reduceat(values[order], begins, axis=0) for values in (count, design, response, square))
    return _Moments(cluster[begins], window[begins], *added)


def _misfit(moments: _Moments, touching: Int[np.ndarray, "pairs 2"]) -> Float[np.ndarray, " pairs"]:
    """Pixels per frame that one motion for both adds, in the worst window; infinite without a common window."""
    worst = np.full(len(touching), np.inf)
    if not len(touching) or not len(moments.cluster):
        return worst
    width = int(moments.window.max()) + 1
    key = moments.cluster * width + moments.window
    begins = np.searchsorted(moments.cluster, np.arange(int(touching.max()) + 2))
    rows = np.diff(begins)
    # Windows are looked up from the cluster that has fewer of them.
    few = np.where((rows[touching[:, 0]] <= rows[touching[:, 1]])[:, None], touching, touching[:, ::-1])
    pair = np.repeat(np.arange(len(touching)), rows[few[:, 0]])
    one = np.arange(len(pair)) - np.repeat(np.cumsum(rows[few[:, 0]]) - rows[few[:, 0]], rows[few[:, 0]])
    one += begins[few[pair, 0]]
    wanted = few[pair, 1] * width + moments.window[one]
    other = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    both = key[other] == wanted
    pair, one, other = pair[both], one[both], other[both]
    residual = _residual(moments.count, moments.design, moments.response, moments.square)
    together = _residual(
        *(values[one] + values[other] for values in (moments.count, moments.design, moments.response, moments.square))
    )
    added = np.maximum(together - residual[one] - residual[other], 0)
    worst[pair] = 0
    np.maximum.at(worst, pair, np.sqrt(added / np.minimum(moments.count[one], moments.count[other])))
    return worst


def _residual(
    count: Float[np.ndarray, " rows"],
    design: Float[np.ndarray, "rows 3 3"],
    response: Float[np.ndarray, "rows 3 2"],
    square: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, " rows"]:
    """The sum of squares that the best affine motion leaves."""
    # A little ridge: one or two points, or points in a line, have no affine motion of their own.
    ridge = 1e-9 * count[:, None, None] * np.eye(3)
    model = np.linalg.solve(design + ridge, response)
    return np.maximum(square - einsum(model, response, "rows a b, rows a b -> rows"), 0)


def _chosen(
    touching: Int[np.ndarray, "pairs 2"], misfit: Float[np.ndarray, " pairs"], size: Int[np.ndarray, " clusters"]
) -> Int[np.ndarray, " clusters"]:
    """For each cluster the one it goes into this round, mostly itself."""
    into = np.arange(len(size))
    taken = np.zeros(len(size), np.int64)
    moved = np.zeros(len(size), np.bool_)
    for n in np.lexsort((touching[:, 1], touching[:, 0], misfit)):
        a, b = touching[n]
        small, large = (a, b) if (size[a], -a) < (size[b], -b) else (b, a)
        if moved[small] or moved[large] or taken[small] or taken[large] + size[small] > size[large]:
            continue
        into[small], moved[small] = large, True
        taken[large] += size[small]
    return into
