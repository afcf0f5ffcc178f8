"""The graph that trajectories are clustered on, and what should be known of it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from segmentation.affinities.costs import join_costs
from segmentation.affinities.distances import Distances, pairwise_distances
from segmentation.affinities.edges import neighbour_pairs
from segmentation.affinities.settings import AffinitySettings
from segmentation.trajectories import Trajectories

MOTION_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class GraphReport:
    """What tells a healthy graph from a sick one.

    Attributes:
        tracks: trajectories, the nodes.
        pairs: edges.
        too_short: trajectories below the minimum overlap, which have no edge.
        alone: longer ones without an edge, because nothing else was alive.
        motion_quantiles: of d_motion at MOTION_QUANTILES, None without edges. Weights and floor decide everything: a
            median above about 1 says that most neighbours seem to move apart, so the floor is too low or the flow bad.
        joining: edges with a positive cost.
        clipped: edges whose cost was cut down to the clip.
    """

    tracks: int
    pairs: int
    too_short: int
    alone: int
    motion_quantiles: tuple[float, ...] | None
    joining: int
    clipped: int


@dataclass(frozen=True, eq=False)
class TrajectoryGraph:
    """Trajectories as nodes, their neighbourhoods as edges.

    Attributes:
        nodes: how many trajectories.
        pairs: (i, j) with i < j, each once, in order.
        distances: of each pair.
        costs: of cutting each pair, positive where they should be joined.
        report: counts and quantiles.
    """

    nodes: int
    pairs: Int[np.ndarray, "edges 2"]
    distances: Distances
    costs: Float[np.ndarray, " edges"]
    report: GraphReport


def trajectory_graph(
    tracks: Trajectories,
    sigma: Float[np.ndarray, " points"],
    lab: Float[np.ndarray, "points 3"],
    settings: AffinitySettings,
) -> TrajectoryGraph:
    """Neighbouring trajectories with their distances and costs (Keuper et al., ICCV 2015).

    Memory: 2x10^5 trajectories with 5M edges are 80 MB of pairs, 140 of distances, 40 of costs; at most 0.5 GB on
    the way.

    Args:
        tracks: the trajectories of a shot.
        sigma: variation of the flow around each point, pixels per frame, before any floor.
        lab: colour at each point, CIE Lab.
        settings: which pairs, how their motion is compared, what it costs to cut them.

    Raises:
        InputError: where the arrays do not belong to the points of the trajectories, or a value is no number.
    """
    pairs = neighbour_pairs(tracks, settings.neighbourhood)
    distances = pairwise_distances(tracks, sigma, lab, pairs, settings.motion)
    costs = join_costs(distances, settings.weights)
    linked = np.bincount(pairs.ravel(), minlength=len(tracks)) > 0
    short = tracks.length < settings.neighbourhood.minimum_overlap
    report = GraphReport(
        tracks=len(tracks),
        pairs=len(pairs),
        too_short=int(short.sum()),
        alone=int((~linked & ~short).sum()),
        motion_quantiles=tuple(np.quantile(distances.motion, MOTION_QUANTILES).tolist()) if len(pairs) else None,
        joining=int((costs > 0).sum()),
        clipped=int((np.abs(costs) >= settings.weights.clip).sum()),
    )
    return TrajectoryGraph(len(tracks), pairs, distances, costs, report)
