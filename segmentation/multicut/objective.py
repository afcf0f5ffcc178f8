"""The multicut's objective: what a partition of a graph costs, and the form its labels have."""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def cut_energy(
    pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"], labels: Int[np.ndarray, " nodes"]
) -> float:
    """The sum of the costs of the edges between different labels, which a multicut minimises."""
    first, second = pairs.T
    return float(costs[labels[first] != labels[second]].sum(dtype=np.float64))


def components(pairs: Int[np.ndarray, "edges 2"], labels: Int[np.ndarray, " nodes"]) -> Int[np.ndarray, " nodes"]:
    """The connected parts of each label, numbered from 0 by falling size, and by their first node where sizes tie.

    What has one label without being connected costs the same apart, and is no cluster of a multicut.
    """
    nodes = len(labels)
    first, second = pairs[labels[pairs[:, 0]] == labels[pairs[:, 1]]].T
    joined = coo_array((np.ones(len(first), np.bool_), (first, second)), shape=(nodes, nodes))
    _, parts = connected_components(joined, directed=False)
    return by_falling_size(parts)


def by_falling_size(labels: Int[np.ndarray, " nodes"]) -> Int[np.ndarray, " nodes"]:
    """The same clusters numbered from 0 by falling size, and by their first node where sizes tie."""
    _, first_node, numbers, sizes = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.lexsort((first_node, -sizes))] = np.arange(len(sizes))
    return rank[numbers]
