"""Which clusters are background: the one that surrounds the rest, and all that moves as the camera makes it move.

Size alone chooses wrongly as soon as water, foam or parallax break the background to pieces: whatever is not the
largest piece floods the objects. Here the cluster that holds most of the frame's border is background; to its tracks
the motion of a surface under a moving camera is fitted in each frame; clusters that this motion explains at all
times join it, the fit is made again, and so on until none joins.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from segmentation.affinities.settings import Motion
from segmentation.tangents import Tangents, tangents
from segmentation.trajectories import Trajectories

_ROUNDS = 20
_REWEIGHTINGS = 8
_TERMS = 8


@dataclass(frozen=True)
class BackgroundSettings:
    """What counts as moving with the camera.

    Attributes:
        explained: a cluster joins whose residual is up to so many times that of the cluster that surrounds the rest:
            what parallax and waves leave unexplained there is no sign of an object elsewhere.
        least: the residual, in units of the variation, that a cluster may have in any case.
        border: width of the frame's border, as a share of the shorter side.
    """

    explained: float = 6.0
    least: float = 1.0
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
    near = _near_border(tracks, size, settings.border)
    owner = labels[tracks.owner[near]]
    border = np.bincount(owner[owner >= 0], minlength=count).astype(np.float64)
    border /= max(1.0, border.sum())
    if not count:
        return Background(np.zeros(0, bool), -1, border, np.zeros(0), tracks.frames)
    first = int(border.argmax())
    motion = tangents(tracks, sigma, measure)
    # What is near the border surrounds all objects, while a single cluster may lie on one side of them, and what its
    # motion says of the other side is a guess.
    given, chosen = near, np.zeros(count, bool)
    residual, unmodelled, own = np.full(count, np.inf), tracks.frames, np.inf
    for _ in range(_ROUNDS):
        per_track, unmodelled = _residuals(motion, given, size, tracks)
        residual = np.array([_median(per_track[labels == label]) for label in range(count)])
        # Never more than before: a cluster that joins and bends the fit must not open the door for others. And decided
        # anew each time, because the first fit has objects at the border to cope with and is the worst.
        own = min(own, float(residual[first]))
        joined = residual <= (max(settings.least, settings.explained * own) if np.isfinite(own) else settings.least)
        joined[first] = True
        if (joined == chosen).all():
            break
        chosen = joined
        given = ((labels >= 0) & chosen[labels])[tracks.owner]
    return Background(chosen, first, border, residual, unmodelled)


def _residuals(
    motion: Tangents, given: Bool[np.ndarray, " points"], size: tuple[int, int], tracks: Trajectories
) -> tuple[Float[np.ndarray, " n"], int]:
    """Of each track, the largest difference to the background's motion; nan where it never could be measured."""
    residual = np.full(len(tracks), -np.inf)
    unmodelled = 0
    order = np.argsort(motion.frame, kind="stable")
    edges = np.searchsorted(motion.frame[order], np.arange(tracks.frames + 1))
    fitted_on = given[motion.point]
    place = tracks.xy[motion.point] / (np.array([size[1], size[0]]) / 2) - 1
    for frame in range(tracks.frames):
        here = order[edges[frame] : edges[frame + 1]]
        if not len(here):
            continue
        fitted = here[fitted_on[here]]
        if len(fitted) < 2 * _TERMS:
            unmodelled += 1
            continue
        terms = _terms(place[here])
        model = _fit(_terms(place[fitted]), motion.displacement[fitted], motion.scale[fitted])
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


def _near_border(tracks: Trajectories, size: tuple[int, int], width: float) -> Bool[np.ndarray, " points"]:
    """Which points are near the frame's border."""
    x, y = tracks.xy.T
    return np.minimum(np.minimum(x, size[1] - 1 - x), np.minimum(y, size[0] - 1 - y)) < width * min(size)
