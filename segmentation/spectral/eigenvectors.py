"""Affinities of trajectories and the eigenvectors of their normalised cut."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import eigsh

from segmentation.affinities import Distances

_DENSE = 300
"""Nodes up to which all eigenvectors at once are faster than a few."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The smallest eigenvalues of a graph's normalised Laplacian, without the 0 of the constant, rising.

    Attributes:
        values: from 0 to 2.
        vectors: each with mean square 1, weighted by the nodes' degrees; constant on what is hardly cut.
    """

    values: Float[np.ndarray, " m"]
    vectors: Float[np.ndarray, "nodes m"]


def affinities(distances: Distances, scale: float, tau: int) -> Float[np.ndarray, " edges"]:
    """exp(-scale d^2) with d^2 = max_t d_spatial |dA - dB|^2 / (tau sigma_t^2) (Brox & Malik, ECCV 2010).

    The maximum is the square of d_motion, so Keuper's distances are all it needs.
    """
    squared = distances.spatial.astype(np.float64) * np.square(distances.motion, dtype=np.float64) / tau
    return np.exp(-scale * squared)


def normalised_cut(
    nodes: int,
    pairs: Int[np.ndarray, "edges 2"],
    weights: Float[np.ndarray, " edges"],
    largest: float,
    most: int,
) -> Spectrum:
    """The eigenvectors of a connected graph's normalised cut (Shi & Malik, PAMI 2000) with eigenvalues below `largest`.

    Args:
        nodes: of the graph, which must be connected.
        pairs: its edges, each once.
        weights: of the edges, above 0.
        largest: eigenvalues from here on are left out.
        most: so many vectors at most, those of the smallest eigenvalues.
    """
    if nodes < 2:
        return Spectrum(np.zeros(0), np.zeros((nodes, 0)))
    half = coo_array((weights, tuple(pairs.T)), shape=(nodes, nodes))
    matrix = csr_array(half + half.T)
    degree = matrix.sum(axis=1)
    inverse_root = 1 / np.sqrt(degree)
    similarity = diags_array(inverse_root) @ matrix @ diags_array(inverse_root)
    count = min(most + 1, nodes)
    if nodes <= max(_DENSE, count + 1):
        values, vectors = np.linalg.eigh(similarity.toarray())
        values, vectors = values[-count:], vectors[:, -count:]
    else:
        # The same start each time: an own one would be random.
        start = np.random.default_rng(0).random(nodes)
        basis = min(nodes, 3 * count + 20)
        tolerance = 1e-4
        values, vectors = eigsh(
            similarity,
            k=count,
            which="LA",
            v0=start,
            tol=tolerance,  # pyright: ignore[reportArgumentType] - its default is the integer 0
            ncv=basis,
        )
    order = np.argsort(-values, kind="stable")[1:]
    order = order[1 - values[order] < largest]
    vectors = vectors[:, order] * inverse_root[:, None] * np.sqrt(degree.sum())
    return Spectrum(np.maximum(1 - values[order], 0), vectors)
