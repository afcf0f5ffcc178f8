"""Affinities of point trajectories: which pairs, how far apart, what it costs to cut them."""

from segmentation.affinities.costs import join_costs
from segmentation.affinities.distances import Distances, pairwise_distances
from segmentation.affinities.edges import neighbour_pairs
from segmentation.affinities.graph import MOTION_QUANTILES, GraphReport, TrajectoryGraph, trajectory_graph
from segmentation.affinities.settings import PAPER, AffinitySettings, CostWeights, Motion, Neighbourhood

__all__ = [
    "MOTION_QUANTILES",
    "PAPER",
    "AffinitySettings",
    "CostWeights",
    "Distances",
    "GraphReport",
    "Motion",
    "Neighbourhood",
    "TrajectoryGraph",
    "join_costs",
    "neighbour_pairs",
    "pairwise_distances",
    "trajectory_graph",
]
