"""Clusters and regions one to one, as MoSegEval matches them."""

import numpy as np
from jaxtyping import Float, Int, Int64
from scipy.optimize import linear_sum_assignment

UNMATCHED = -1
"""The match of a region where there are fewer clusters than regions."""

_STEPS = 10_000
"""The assignment maximises the sum of floor(10000 F)."""


def f_measures(
    common: Int64[np.ndarray, "regions k"], size: Int64[np.ndarray, " k"], extent: Int64[np.ndarray, " regions"]
) -> Float[np.ndarray, "regions k"]:
    """2 P R / (P + R) of each pair, with P = common / size and R = common / extent; 0 where nothing is common.

    Written as 2 common / (size + extent) it is rounded once, so that a value on a threshold is not above it.
    """
    return 2 * common / np.maximum(size + extent[:, None], 1)


def match(
    common: Int64[np.ndarray, "regions k"],
    size: Int64[np.ndarray, " k"],
    extent: Int64[np.ndarray, " regions"],
    clusters: int,
) -> Int[np.ndarray, " regions"]:
    """The cluster of each region, with the largest sum of floor(10000 F) over the pairs.

    Equal to the square matrix padded with zeros of the official evaluator, whose side is the number of clusters: 38,000
    of them would take 12 GB. Between equal sums the order of the clusters decides.

    Args:
        common: what regions and clusters share.
        size: of each cluster, those with points alone.
        extent: what the recall of a region is measured against.
        clusters: how many there are, those without a point included; a region may get one of these.

    Returns:
        Indices into the clusters; from k upwards it is one without a point; `UNMATCHED` where none was left.
    """
    regions, known = common.shape
    vacant = min(max(0, clusters - known), regions)
    gain = np.zeros((regions, known + vacant), np.int64)
    gain[:, :known] = 2 * _STEPS * common // np.maximum(size + extent[:, None], 1)
    chosen = np.full(regions, UNMATCHED)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    chosen[rows] = columns
    return chosen
