"""Kernighan-Lin with joins that can be stopped at any time: every improvement is handed over as soon as it is made.

One call of the C++ solver cannot be interrupted, and its time grows with how contradictory the costs are: 2 rounds on
100,000 nodes and 676,000 edges took 2.5 s with 2 % wrong signs and 193 s with 20 %. So `segmentation.multicut` runs
this file as a process of its own and ends it when the budget is spent. It imports nothing of the package, to start
in a fraction of a second.
"""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bioimage_cpp.graph import UndirectedGraph
from bioimage_cpp.graph.multicut import GreedyAdditiveMulticut, KernighanLinMulticut, MulticutObjective
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import reverse_cuthill_mckee

_BLOCK = 4000
"""Nodes of a block. A round over the whole graph grows faster than its nodes: 20,000 took 3.6 s, 100,000 some 96 s."""

_EPSILON = 1e-6
"""A gain of energy below is none; the reference's default."""

_MOST_ROUNDS = 100
"""Rounds over the graph, the reference's default."""


@dataclass(frozen=True, eq=False)
class Improvement:
    """Labels that cost less than all before, or (converged) no more than the last.

    Attributes:
        labels: of the nodes, any numbers.
        rounds: over the whole graph that are finished.
        converged: nothing more is to be gained.
    """

    labels: Int[np.ndarray, " nodes"]
    rounds: int
    converged: bool


def greedy_additive(
    nodes: int, pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"]
) -> Int[np.ndarray, " nodes"]:
    """GAEC: contract the most attractive edge, add up parallel ones, until none attracts (Keuper et al. 2015)."""
    objective = MulticutObjective(UndirectedGraph.from_unique_edges(nodes, pairs), costs)
    return GreedyAdditiveMulticut().optimize(objective).astype(np.int64)


def kernighan_lin(
    pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"], labels: Int[np.ndarray, " nodes"]
) -> Iterator[Improvement]:
    """Ever better labels, until nothing is to be gained.

    A graph larger than a block is first improved block by block, each a few whole clusters that touch, which what
    goes on outside cannot make worse; two sweeps with different blocks. Then rounds over the whole graph.
    """
    if len(labels) > _BLOCK:
        for shift in (0, _BLOCK // 2):
            for nodes, edges in _blocks(pairs, labels, shift):
                better, gain = _rounds(np.searchsorted(nodes, pairs[edges]), costs[edges], labels[nodes], _MOST_ROUNDS)
                if gain > _EPSILON:
                    labels = labels.copy()
                    labels[nodes] = better + labels.max() + 1
                    yield Improvement(labels, 0, False)
            labels = np.unique(labels, return_inverse=True)[1]
    graph = MulticutObjective(UndirectedGraph.from_unique_edges(len(labels), pairs), costs, labels.astype(np.uint64))
    energy = graph.energy()
    for done in range(1, _MOST_ROUNDS + 1):
        KernighanLinMulticut(number_of_outer_iterations=1, epsilon=_EPSILON).optimize(graph)
        gain, energy = energy - graph.energy(), graph.energy()
        yield Improvement(graph.labels.astype(np.int64), done, gain <= _EPSILON)
        if gain <= _EPSILON:
            return


def _rounds(
    pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"], labels: Int[np.ndarray, " nodes"], most: int
) -> tuple[Int[np.ndarray, " nodes"], float]:
    """Labels after up to `most` rounds, and how much less they cost."""
    graph = UndirectedGraph.from_unique_edges(len(labels), pairs)
    numbered = np.unique(labels, return_inverse=True)[1]
    objective = MulticutObjective(graph, costs, numbered.astype(np.uint64))
    before = objective.energy()
    KernighanLinMulticut(number_of_outer_iterations=most, epsilon=_EPSILON).optimize(objective)
    return objective.labels.astype(np.int64), before - objective.energy()


def _blocks(
    pairs: Int[np.ndarray, "edges 2"], labels: Int[np.ndarray, " nodes"], shift: int
) -> Iterator[tuple[Int[np.ndarray, " block"], Int[np.ndarray, " inside"]]]:
    """The nodes and the inner edges of sets of about `_BLOCK` nodes, each some whole clusters that lie together.

    Clusters in an order of small bandwidth (reverse Cuthill-McKee), in runs, the first of which is `shift` shorter.
    """
    _, cluster, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    first, second = cluster[pairs].T
    between = first != second
    touching = coo_array((np.ones(int(between.sum())), (first[between], second[between])), shape=(len(sizes),) * 2)
    order = reverse_cuthill_mckee((touching + touching.T).tocsr(), symmetric_mode=True)
    block_of_cluster = np.empty(len(sizes), np.int64)
    block_of_cluster[order] = (np.cumsum(sizes[order]) - sizes[order] + shift) // _BLOCK
    block = block_of_cluster[cluster]
    inside = np.flatnonzero(block[pairs[:, 0]] == block[pairs[:, 1]])
    inside = inside[np.argsort(block[pairs[inside, 0]], kind="stable")]
    nodes = np.argsort(block, kind="stable")
    numbers = np.arange(block.max() + 2)
    node_edges = np.searchsorted(block[nodes], numbers)
    edge_edges = np.searchsorted(block[pairs[inside, 0]], numbers)
    for number in numbers[:-1]:
        edges = inside[edge_edges[number] : edge_edges[number + 1]]
        if len(edges):
            yield nodes[node_edges[number] : node_edges[number + 1]], edges


def _main(folder: Path, seconds: float) -> None:
    """Improve `graph.npz` of a folder and leave every improvement as `better.npz`, whole or not at all."""
    # The caller ends this process; where the caller itself was killed, the alarm does.
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
    with np.load(folder / "graph.npz") as graph:
        pairs, costs, labels = graph["pairs"], graph["costs"], graph["labels"]
    for better in kernighan_lin(pairs, costs, labels):
        with (folder / "writing.npz").open("wb") as file:
            np.savez(file, labels=better.labels, rounds=better.rounds, converged=better.converged)
        os.replace(folder / "writing.npz", folder / "better.npz")  # noqa: PTH105 - one line with its reason: atomic


if __name__ == "__main__":
    _main(Path(sys.argv[1]), float(sys.argv[2]))
