"""How tracks move at each of their points, in the unit that motions are compared in."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from segmentation.affinities.distances import cumulated_variance, unit_of_motion
from segmentation.affinities.settings import Motion
from segmentation.trajectories import Trajectories


@dataclass(frozen=True, eq=False)
class Tangents:
    """Of each point of a track that has a next one.

    Attributes:
        point: which row of `Trajectories.xy` it is.
        owner: whose point it is.
        frame: when.
        displacement: pixels per frame, over the next tau frames or those that are left.
        scale: the unit that differences to it are measured in, pixels per frame.
    """

    point: Int[np.ndarray, " m"]
    owner: Int[np.ndarray, " m"]
    frame: Int[np.ndarray, " m"]
    displacement: Float[np.ndarray, "m 2"]
    scale: Float[np.ndarray, " m"]


def tangents(tracks: Trajectories, sigma: Float[np.ndarray, " points"], measure: Motion) -> Tangents:
    """The tangents of all tracks.

    Args:
        tracks, sigma: as the tracker gives them.
        measure: the span of a tangent, and the floor of the unit.
    """
    every = np.arange(len(tracks.xy))
    left = np.repeat(tracks.offset + tracks.length, tracks.length) - 1 - every
    point = np.flatnonzero(left)
    span = np.minimum(left[point], measure.tau)
    xy = tracks.xy.astype(np.float64)
    variance = cumulated_variance(sigma)
    return Tangents(
        point,
        tracks.owner[point],
        tracks.frame[point],
        (xy[point + span] - xy[point]) / span[:, None],
        unit_of_motion((variance[point + span] - variance[point]) / span, measure),
    )
