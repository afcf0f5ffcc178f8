"""Which clusters are background: the one that surrounds the rest, and all that moves as the camera makes it move.

Size alone chooses wrongly as soon as water, foam or parallax break the background to pieces: whatever is not the
largest piece floods the objects. Here the cluster that holds most of the frame's border is background; to its tracks
the motion of a surface under a moving camera is fitted in each frame; clusters that this motion explains at all
times join it, the fit is made again, and so on until none joins.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from segmentation.affinities.distances import cumulated_variance, unit_of_motion
from segmentation.affinities.settings import Motion
from segmentation.trajectories import Trajectories

_ROUNDS = 20
_REWEIGHTINGS = 8
_TERMS = 8


@dataclass(frozen=True)
class BackgroundSettings:
    """What counts as moving with the camera.

    Attributes:
        explained: the largest median residual of a cluster's tracks, in units of the variation, that is none.
        border: width of the frame's border, as a share of the shorter side.
    """

    explained: float = 1.0
    border: float = 0.1


@dataclass(frozen=True, eq=False)
class Background:
    """Which clusters are background, and why.

    Attributes:
        background: of each cluster, whether it is.
        first: the cluster that the search began with.
        border: the share of the points at the frame's border that each cluster has.
        residual: the median over a cluster's tracks of their largest residual; infinite where none could be measured.
        unmodelled: frames in which the background has too few tracks for a model.
    """

    background: Bool[np.ndarray, " k"]
    first: int
    border: Float[np.ndarray, " k"]
    residual: Float[np.ndarray, " k"]
    unmodelled: int


def find_background(
    tracks: Trajectories,
    labels: Int[np.ndarray, " n"],
    sigma: Float[np.ndarray, " points"],
    size: tuple[int, int],
    measure: Motion,
    settings: BackgroundSettings,
) -> Background:
    """The clusters that are background.

    The motion of a plane under a moving camera is, to the second order, a polynomial with eight parameters (Longuet-
    Higgins 1984): u = a1 + a2 x + a3 y + a7 x^2 + a8 xy, v = a4 + a5 x + a6 y + a7 xy + a8 y^2. It is fitted by least
    squares whose weights fall with the residual (Geman and McClure).

    Args:
        tracks, sigma: as the tracker gives them.
        labels: of the tracks, 0 to k - 1 without gaps; -1 for tracks that belong to none.
        size: height and width of the frames.
        measure: the span of a tangent and the floor, as motion is compared between tracks.
        settings: what counts as the camera's motion.
    """
    count = int(labels.max(initial=-1)) + 1
    border = _border_shares(tracks, labels, count, size, settings.border)
    if not count:
        return Background(np.zeros(0, bool), -1, border, np.zeros(0), tracks.frames)
    first = int(border.argmax())
    chosen = np.zeros(count, bool)
    chosen[first] = True
    motion = _motion(tracks, sigma, size, measure)
    residual, unmodelled = np.full(count, np.inf), tracks.frames
    for _ in range(_ROUNDS):
        of_background = (labels >= 0) & chosen[labels]
        per_track, unmodelled = _residuals(motion, of_background, len(tracks), tracks.frames)
        residual = np.array([_median(per_track[labels == label]) for label in range(count)])
        joined = chosen | (residual <= settings.explained)
        if (joined == chosen).all():
            break
        chosen = joined
    return Background(chosen, first, border, residual, unmodelled)


@dataclass(frozen=True, eq=False)
class _Motion:
    """Of each point of a track that has a next one: whose it is, when and where (-1..1), how it moves, and how exactly.

    Motion is in pixels per frame.
    """

    owner: Int[np.ndarray, " m"]
    frame: Int[np.ndarray, " m"]
    place: Float[np.ndarray, "m 2"]
    displacement: Float[np.ndarray, "m 2"]
    scale: Float[np.ndarray, " m"]


def _motion(tracks: Trajectories, sigma: np.ndarray, size: tuple[int, int], measure: Motion) -> _Motion:
    point = np.arange(len(tracks.xy))
    left = np.repeat(tracks.offset + tracks.length, tracks.length) - 1 - point
    span = np.minimum(left, measure.tau)
    moving = np.flatnonzero(span)
    span = span[moving]
    xy = tracks.xy.astype(np.float64)
    variance = cumulated_variance(sigma)
    half = np.array([size[1], size[0]]) / 2
    return _Motion(
        tracks.owner[moving],
        tracks.frame[moving],
        xy[moving] / half - 1,
        (xy[moving + span] - xy[moving]) / span[:, None],
        unit_of_motion((variance[moving + span] - variance[moving]) / span, measure),
    )


def _residuals(
    motion: _Motion, of_background: Bool[np.ndarray, " n"], count: int, frames: int
) -> tuple[Float[np.ndarray, " n"], int]:
    """Of each track, the largest difference to the background's motion; nan where it never could be measured."""
    residual = np.full(count, -np.inf)
    unmodelled = 0
    order = np.argsort(motion.frame, kind="stable")
    edges = np.searchsorted(motion.frame[order], np.arange(frames + 1))
    fitted_on = of_background[motion.owner]
    for frame in range(frames):
        here = order[edges[frame] : edges[frame + 1]]
        if not len(here):
            continue
        given = here[fitted_on[here]]
        if len(given) < 2 * _TERMS:
            unmodelled += 1
            continue
        terms = _terms(motion.place[here])
        model = _fit(_terms(motion.place[given]), motion.displacement[given], motion.scale[given])
        difference = motion.displacement[here] - terms @ model
        np.maximum.at(residual, motion.owner[here], np.hypot(*difference.T) / motion.scale[here])
    return np.where(np.isfinite(residual), residual, np.nan), unmodelled


def _terms(place: Float[np.ndarray, "m 2"]) -> Float[np.ndarray, "m 2 8"]:
    """What the eight parameters are multiplied with, for both components of the motion."""
    x, y = place.T
    one, none = np.ones_like(x), np.zeros_like(x)
    u = np.stack([one, x, y, none, none, none, x * x, x * y], -1)
    v = np.stack([none, none, none, one, x, y, x * y, y * y], -1)
    return np.stack([u, v], 1)


def _fit(
    terms: Float[np.ndarray, "m 2 8"], displacement: Float[np.ndarray, "m 2"], scale: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " 8"]:
    """The parameters that most tracks agree on."""
    weight = np.ones(len(terms))
    model = np.zeros(_TERMS)
    for _ in range(_REWEIGHTINGS):
        root = np.sqrt(weight)[:, None, None]
        weighted = (terms * root).reshape(-1, _TERMS)
        model = np.linalg.lstsq(weighted, (displacement * root[..., 0]).ravel(), rcond=None)[0]
        square = np.square((displacement - terms @ model) / scale[:, None]).sum(1)
        weight = 1 / np.square(1 + square)
    return model


def _median(values: Float[np.ndarray, " n"]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.inf


def _border_shares(
    tracks: Trajectories, labels: Int[np.ndarray, " n"], count: int, size: tuple[int, int], width: float
) -> Float[np.ndarray, " k"]:
    """Of all points near the frame's border, the share that each cluster has."""
    x, y = tracks.xy.T
    near = np.minimum(np.minimum(x, size[1] - 1 - x), np.minimum(y, size[0] - 1 - y)) < width * min(size)
    owner = labels[tracks.owner[near]]
    points = np.bincount(owner[owner >= 0], minlength=count).astype(np.float64)
    return points / max(1.0, points.sum())
