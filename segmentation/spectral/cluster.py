"""Spectral clustering of trajectories: another solver for the same graph."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from segmentation.affinities import TrajectoryGraph
from segmentation.multicut import by_falling_size
from segmentation.spectral.eigenvectors import affinities, normalised_cut
from segmentation.spectral.merging import merge_by_affine_motion
from segmentation.spectral.settings import SpectralSettings
from segmentation.spectral.smoothed_kmeans import smoothed_kmeans
from segmentation.trajectories import Trajectories


@dataclass(frozen=True, eq=False)
class SpectralClusters:
    """A partition of trajectories.

    Attributes:
        labels: of the trajectories, numbered from 0 by falling size.
        parts: what the affinities alone leave connected.
        small_parts: those too small to be clustered any further.
        before_merging: clusters of k-means and small parts together.
    """

    labels: Int[np.ndarray, " tracks"]
    parts: int
    small_parts: int
    before_merging: int

    @property
    def clusters(self) -> int:
        """How many."""
        return int(self.labels.max(initial=-1)) + 1


def spectral_clusters(
    tracks: Trajectories, graph: TrajectoryGraph, tau: int, settings: SpectralSettings
) -> SpectralClusters:
    """The clusters of Ochs, Malik & Brox, TPAMI 2014, on a graph of neighbours.

    Affinities from motion and distance, eigenvectors of their normalised cut, smoothed k-means that selects the
    number of clusters, and merging by affine motion. Connected parts are taken one by one, because bad flow leaves
    thousands of them and each would be an eigenvector of eigenvalue 0. Deterministic.

    Args:
        tracks: the trajectories.
        graph: their graph; its costs are not used.
        tau: the span of a tangent that the graph's distances were computed with.
        settings: the constants.
    """
    if not len(graph.pairs):
        return SpectralClusters(np.arange(graph.nodes), graph.nodes, graph.nodes, graph.nodes)
    weights = affinities(graph.distances, settings.scale, tau)
    strong = weights >= settings.least_affinity
    pairs, weights = graph.pairs[strong], weights[strong]
    half = coo_array((np.ones(len(pairs), np.bool_), tuple(pairs.T)), shape=(graph.nodes, graph.nodes))
    parts, part = connected_components(half, directed=False)
    size = np.bincount(part, minlength=parts)
    nodes = np.argsort(part, kind="stable")
    node_ends = np.cumsum(size)
    edges = np.argsort(part[pairs[:, 0]], kind="stable")
    edge_ends = np.cumsum(np.bincount(part[pairs[:, 0]], minlength=parts))
    # Parts keep their own numbers; the further clusters of each large one are counted on from there.
    labels, clusters = part.astype(np.int64), int(parts)
    for large in np.flatnonzero(size >= settings.smallest_part):
        inside = nodes[node_ends[large] - size[large] : node_ends[large]]
        between = edges[edge_ends[large - 1] if large else 0 : edge_ends[large]]
        own = np.searchsorted(inside, pairs[between])
        spectrum = normalised_cut(
            len(inside), own, weights[between], settings.largest_eigenvalue, settings.most_vectors
        )
        found = smoothed_kmeans(spectrum, own, settings)
        labels[inside[found > 0]] = found[found > 0] - 1 + clusters
        clusters += int(found.max())
    merged = merge_by_affine_motion(tracks, graph.pairs, labels, settings)
    return SpectralClusters(by_falling_size(merged), int(parts), int((size < settings.smallest_part).sum()), clusters)
