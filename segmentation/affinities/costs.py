"""From distances to the costs of a multicut."""

import math

import numpy as np
from jaxtyping import Float

from segmentation.affinities.distances import Distances
from segmentation.affinities.settings import CostWeights


def join_costs(distances: Distances, weights: CostWeights) -> Float[np.ndarray, " edges"]:
    """What it costs to cut each pair: positive where they should be joined, negative where they should not.

    The log odds of joining, by `CostWeights`, less log(q / (1 - q)) for a prior cut probability q, clipped; what is
    positive then, in proportion to the frames it was seen in.
    """
    by_motion = weights.motion * distances.motion.astype(np.float64)
    odds = weights.intercept + by_motion + weights.spatial * distances.spatial + weights.colour * distances.colour
    if weights.motion_intercept is not None:
        odds = np.maximum(odds, weights.motion_intercept + by_motion)
    costs = np.clip(odds - math.log(weights.prior / (1 - weights.prior)), -weights.clip, weights.clip)
    if weights.proof is None:
        return costs
    seen = np.minimum(1, (distances.overlap - 1) / weights.proof)
    return np.where(costs > 0, costs * seen, costs)
