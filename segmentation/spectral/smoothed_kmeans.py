"""K-means on eigenvectors that likes boundaries where the eigenvectors jump, and so finds the number of clusters."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array

from segmentation.spectral.eigenvectors import Spectrum
from segmentation.spectral.settings import SpectralSettings

_STARTS = 2
"""Random beginnings of k-means for each number of clusters; the best is taken."""

_ROUNDS = 30
"""Of labels and centres in turn; most runs end before."""

_PATIENCE = 4
"""Numbers of clusters that may follow the best one before the search ends: more only cost more."""

_LEAST_EIGENVALUE = 1e-3
"""Below, eigenvectors are trusted equally: what is all but disconnected has any value down to 0."""

_LEAST_JUMP = 1e-4
"""Squared: no edge costs more than `smoothness` by this."""


def smoothed_kmeans(
    spectrum: Spectrum, pairs: Int[np.ndarray, "edges 2"], settings: SpectralSettings
) -> Int[np.ndarray, " nodes"]:
    """Labels from 0 that minimise, over labels and their number,

        sum over nodes of |v - centre|^2  +  smoothness * sum over cut edges of 1 / |v - v'|^2.

    Ochs et al., section on spectral clustering: squares are weighted by 1 / eigenvalue, here with weights of sum 1, so
    that one cluster costs about 1 a node whatever the graph. Where eigenvectors run slowly over one surface a boundary
    is dear; where they jump it is cheap. Each number of clusters begins with k-means; labels and centres then improve
    in turn, and every step lowers the energy.

    Args:
        spectrum: eigenvalues and eigenvectors.
        pairs: the edges of the graph.
        settings: smoothness, the most clusters and the seed.
    """
    from sklearn.cluster import KMeans  # here, because importing it sets variables of the environment

    nodes, vectors = spectrum.vectors.shape
    if not vectors:
        return np.zeros(nodes, np.int64)
    weight = 1 / np.maximum(spectrum.values, _LEAST_EIGENVALUE)
    points = spectrum.vectors * np.sqrt(weight / weight.sum())
    jump = np.square(points[pairs[:, 0]] - points[pairs[:, 1]]).sum(axis=1)
    cost = settings.smoothness / np.maximum(jump, _LEAST_JUMP)
    half = coo_array((cost, tuple(pairs.T)), shape=(nodes, nodes))
    boundary = csr_array(half + half.T)
    best, fewest = np.zeros(nodes, np.int64), 1
    least = _energy(points, best, pairs, cost)
    for clusters in range(2, min(settings.most_clusters, 2 * vectors, nodes) + 1):
        k_means = KMeans(clusters, random_state=settings.seed)
        k_means.set_params(n_init=_STARTS)  # its signature names the default "auto" alone
        start = k_means.fit_predict(points).astype(np.int64)
        labels = _improved(points, start, pairs, boundary)
        energy = _energy(points, labels, pairs, cost)
        if energy < least:
            best, least, fewest = labels, energy, clusters
        elif clusters >= fewest + _PATIENCE:
            break
    return np.unique(best, return_inverse=True)[1]


def _centres(points: Float[np.ndarray, "nodes m"], labels: Int[np.ndarray, " nodes"]) -> Float[np.ndarray, "k m"]:
    """The means of labels without gaps."""
    count = np.bincount(labels)
    return np.stack([np.bincount(labels, column) for column in points.T], axis=1) / count[:, None]


def _energy(
    points: Float[np.ndarray, "nodes m"],
    labels: Int[np.ndarray, " nodes"],
    pairs: Int[np.ndarray, "edges 2"],
    cost: Float[np.ndarray, " edges"],
) -> float:
    labels = np.unique(labels, return_inverse=True)[1]
    cut = labels[pairs[:, 0]] != labels[pairs[:, 1]]
    return float(np.square(points - _centres(points, labels)[labels]).sum() + cost[cut].sum())


def _improved(
    points: Float[np.ndarray, "nodes m"],
    labels: Int[np.ndarray, " nodes"],
    pairs: Int[np.ndarray, "edges 2"],
    boundary: csr_array,
) -> Int[np.ndarray, " nodes"]:
    """Labels and centres in turn, until no node wants another label."""
    rows = np.arange(len(labels))
    for _ in range(_ROUNDS):
        labels = np.unique(labels, return_inverse=True)[1]
        centres = _centres(points, labels)
        distance = np.square(points[:, None] - centres[None]).sum(axis=2) if points.size * len(centres) < 1e7 else None
        if distance is None:  # the expanded square needs no array of nodes x clusters x vectors
            distance = np.square(points).sum(axis=1)[:, None] - 2 * points @ centres.T + np.square(centres).sum(axis=1)
        changed = False
        for _ in range(_ROUNDS):
            same = boundary @ np.eye(len(centres))[labels]
            total = distance - same
            wanted = np.argmin(total, axis=1)
            gain = total[rows, labels] - total[rows, wanted]
            wants = gain > 1e-9
            # Of two neighbours that both want to change only the one that gains more may: the energy then falls.
            first, second = pairs[wants[pairs[:, 0]] & wants[pairs[:, 1]]].T
            wants[np.where(gain[first] >= gain[second], second, first)] = False
            if not wants.any():
                break
            labels = np.where(wants, wanted, labels)
            changed = True
        if not changed:
            break
    return labels
