import subprocess
import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from flowfeat.errors import InputError
from segmentation.multicut import MulticutSettings, components, cut_energy, local_search, solve, solve_multicut

UNLIMITED = MulticutSettings(budget=None)


def drawn_graph(rng: np.random.Generator, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.stack(np.triu_indices(nodes, 1), axis=1)
    pairs = pairs[rng.random(len(pairs)) < 0.7]
    return pairs, rng.normal(0.2, 1, len(pairs))


def planted_graph(nodes: int, wrong: float) -> tuple[np.ndarray, np.ndarray]:
    """24 regions of the unit square, and a share of the edges between neighbours that says the opposite."""
    rng = np.random.default_rng(0)
    xy = rng.random((nodes, 2))
    region = np.asarray(KDTree(rng.random((24, 2))).query(xy)[1])
    near = np.asarray(KDTree(xy).query(xy, k=13)[1])[:, 1:]
    pairs = np.unique(np.sort(np.stack([np.repeat(np.arange(nodes), 12), near.ravel()], axis=1), axis=1), axis=0)
    costs = np.abs(rng.normal(1, 0.5, len(pairs))) * np.where(region[pairs[:, 0]] == region[pairs[:, 1]], 1, -1)
    costs[rng.random(len(pairs)) < wrong] *= -1
    return pairs, costs


def partitions(nodes: int):
    """Every partition once: each node has a label met before, or the next new one."""
    for labels in product(*(range(k + 1) for k in range(nodes))):
        if all(label <= max(labels[:k], default=-1) + 1 for k, label in enumerate(labels)):
            yield labels


EVERY = {nodes: np.array(list(partitions(nodes))) for nodes in range(2, 8)}


def optimum(nodes: int, pairs: np.ndarray, costs: np.ndarray) -> float:
    return float(((EVERY[nodes][:, pairs[:, 0]] != EVERY[nodes][:, pairs[:, 1]]) @ costs).min())


def test_brute_force_looks_at_every_partition():
    assert [len(EVERY[nodes]) for nodes in range(2, 8)] == [2, 5, 15, 52, 203, 877]  # the numbers of Bell


def test_random_graphs_are_solved_as_by_brute_force():
    rng = np.random.default_rng(0)
    missed, worst = 0, 0.0
    for trial in range(200):
        nodes = 2 + trial % 6
        pairs, costs = drawn_graph(rng, nodes)
        if not len(pairs):
            continue
        found = solve_multicut(nodes, pairs, costs, UNLIMITED)
        assert found.energy == pytest.approx(cut_energy(pairs, costs, found.labels))
        assert found.energy <= found.greedy_energy
        np.testing.assert_array_equal(components(pairs, found.labels), found.labels)
        gap = found.energy - optimum(nodes, pairs, costs)
        assert gap > -1e-9, "nothing is below the optimum"
        missed, worst = missed + (gap > 1e-9), max(worst, gap)
    # A local search: it may end beside the optimum, seldom and not far.
    assert missed <= 10
    assert worst < 1.0


def test_a_triangle_by_hand():
    # Cutting node 2 off costs -3 + 1 = -2; cutting everything -3 + 1 + 1.5; joining everything 0.
    pairs, costs = np.array([[0, 1], [0, 2], [1, 2]]), np.array([1.5, 1.0, -3.0])
    found = solve_multicut(3, pairs, costs, UNLIMITED)
    assert (found.labels.tolist(), found.energy, found.stopped) == ([0, 0, 1], -2.0, "converged")


def test_components_are_numbered_by_size_then_by_their_first_node():
    pairs = np.array([[0, 1], [2, 3], [4, 5], [5, 6]])
    assert components(pairs, np.array([7, 7, 7, 7, 3, 3, 3, 3])).tolist() == [1, 1, 2, 2, 0, 0, 0, 3]


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9))
def test_splitting_into_components_costs_nothing(seed, nodes):
    rng = np.random.default_rng(seed)
    pairs, costs = drawn_graph(rng, nodes)
    labels = rng.integers(0, 3, nodes)
    parts = components(pairs, labels)
    assert cut_energy(pairs, costs, parts) == pytest.approx(cut_energy(pairs, costs, labels))
    assert len(np.unique(np.stack([labels, parts]), axis=1).T) == parts.max() + 1, "no part has two labels"


def test_local_search_betters_the_greedy_partition_and_both_are_kept():
    pairs, costs = planted_graph(600, 0.2)
    greedy = solve_multicut(600, pairs, costs, MulticutSettings("greedy"))
    found = solve_multicut(600, pairs, costs, UNLIMITED)
    assert greedy.stopped == "greedy"
    assert found.greedy_energy == greedy.energy == cut_energy(pairs, costs, found.greedy_labels)
    assert found.energy < greedy.energy
    np.testing.assert_array_equal(found.greedy_labels, greedy.labels)


def test_within_its_budget_the_process_finds_what_this_one_does():
    pairs, costs = planted_graph(600, 0.2)
    here = solve_multicut(600, pairs, costs, UNLIMITED)
    there = solve_multicut(600, pairs, costs, MulticutSettings(budget=300.0))
    np.testing.assert_array_equal(there.labels, here.labels)
    assert (there.stopped, there.rounds) == ("converged", here.rounds)


def test_a_budget_ends_what_would_not_end(monkeypatch, tmp_path):
    """A process that has made the first round of Kernighan-Lin and goes on for minutes is killed; its round is kept."""
    pairs, costs = planted_graph(600, 0.2)
    greedy = solve_multicut(600, pairs, costs, MulticutSettings("greedy"))
    first = next(local_search.kernighan_lin(pairs, costs, greedy.labels))
    assert not first.converged
    np.savez(tmp_path / "first.npz", labels=first.labels, rounds=first.rounds, converged=first.converged)
    endless = f"import shutil, sys, time; shutil.copy({str(tmp_path / 'first.npz')!r}, sys.argv[1] + '/better.npz')"
    (tmp_path / "local_search.py").write_text(f"{endless}; time.sleep(600)")
    monkeypatch.setattr(solve, "__file__", str(tmp_path / "solve.py"))
    begin = time.monotonic()
    found = solve_multicut(600, pairs, costs, MulticutSettings(budget=3.0))
    assert (found.stopped, found.rounds) == ("budget", 1)
    assert time.monotonic() - begin < 300
    assert found.energy == cut_energy(pairs, costs, found.labels) < found.greedy_energy == greedy.energy


def test_without_any_time_left_the_greedy_partition_is_the_best():
    pairs, costs = planted_graph(600, 0.2)
    found = solve_multicut(600, pairs, costs, MulticutSettings(budget=0.0))
    assert (found.stopped, found.rounds, found.energy) == ("budget", 0, found.greedy_energy)


def test_blocks_are_whole_clusters_and_only_ever_better(monkeypatch):
    monkeypatch.setattr(local_search, "_BLOCK", 100)
    pairs, costs = planted_graph(800, 0.2)
    greedy = local_search.greedy_additive(800, pairs, costs)
    seen = 0
    for nodes, edges in local_search._blocks(pairs, greedy, 0):
        inside = np.isin(np.arange(800), nodes)
        assert not (inside[pairs].sum(axis=1) == 1)[greedy[pairs[:, 0]] == greedy[pairs[:, 1]]].any()
        np.testing.assert_array_equal(np.sort(edges), np.flatnonzero(inside[pairs].all(axis=1)))
        seen += 1
    assert seen > 2
    energies = [cut_energy(pairs, costs, greedy)]
    steps = list(local_search.kernighan_lin(pairs, costs, greedy))
    energies += [cut_energy(pairs, costs, step.labels) for step in steps]
    assert (np.diff(energies) < 1e-6).all()
    assert sum(step.rounds == 0 for step in steps) > 2, "blocks were bettered before the first round"
    assert steps[-1].converged


def test_a_process_that_fails_is_an_error_with_its_last_words(monkeypatch, tmp_path):
    broken = tmp_path / "local_search.py"
    broken.write_text("raise MemoryError('there is no more')")
    monkeypatch.setattr(solve, "__file__", str(tmp_path / "solve.py"))
    with pytest.raises(RuntimeError, match="status 1: MemoryError: there is no more"):
        solve_multicut(600, *planted_graph(600, 0.2), MulticutSettings(budget=300.0))


def test_an_interrupted_caller_leaves_no_process(monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def wait(self, timeout=None):
            if not started:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(solve.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        solve_multicut(600, *planted_graph(600, 0.2), MulticutSettings(budget=300.0))
    assert started[0].poll() is not None


@pytest.mark.parametrize("budget", [None, 5.0])
def test_a_graph_without_edges_is_all_singletons(budget):
    found = solve_multicut(3, np.zeros((0, 2), np.int64), np.zeros(0), MulticutSettings(budget=budget))
    assert (found.labels.tolist(), found.energy, found.clusters) == ([0, 1, 2], 0.0, 3)
    assert solve_multicut(0, np.zeros((0, 2), np.int64), np.zeros(0), MulticutSettings(budget=budget)).clusters == 0


@pytest.mark.parametrize(
    ("pairs", "costs", "wrong"),
    [
        ([[0, 1]], [np.nan], "cost of pair 0 is no number"),
        ([[0, 3]], [1.0], "no edge"),
        ([[-1, 2]], [1.0], "no edge"),
        ([[1, 1]], [1.0], "no edge"),
        ([[1, 0]], [1.0], "no edge"),
        ([[0, 1], [0, 1]], [1.0, 2.0], "a pair is there twice"),
    ],
)
def test_bad_graphs_are_errors(pairs, costs, wrong):
    with pytest.raises(InputError, match=wrong):
        solve_multicut(3, np.array(pairs), np.array(costs), UNLIMITED)


def test_a_budget_below_nothing_is_an_error():
    with pytest.raises(InputError, match=r"budget of -1\.0 seconds"):
        MulticutSettings(budget=-1.0)
