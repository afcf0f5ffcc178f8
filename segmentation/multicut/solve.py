"""Minimum-cost multicut of a graph: greedy contraction, then local search for as long as there is time."""

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from flowfeat.errors import InputError
from segmentation.multicut.local_search import Improvement, greedy_additive, kernighan_lin
from segmentation.multicut.objective import components, cut_energy

Solver = Literal["greedy", "kernighan-lin"]


@dataclass(frozen=True)
class MulticutSettings:
    """How a multicut is solved.

    Attributes:
        solver: "greedy" is GAEC alone; "kernighan-lin" (Keuper et al., ICCV 2015) improves on its labels.
        budget: seconds of wall clock, from the call on. GAEC always runs to its end (8 s at 3.2M edges); Kernighan-Lin
            gets what is left, in a process of its own. None: no limit, in this process.
    """

    solver: Solver = "kernighan-lin"
    budget: float | None = 60.0

    def __post_init__(self) -> None:
        if self.solver not in ("greedy", "kernighan-lin"):
            raise InputError(f"there is no multicut solver {self.solver!r}; take greedy or kernighan-lin")
        if self.budget is not None and not 0 <= self.budget < float("inf"):
            raise InputError(f"a budget of {self.budget} seconds is none; give 0 or more, or None for no limit")


@dataclass(frozen=True, eq=False)
class Multicut:
    """A partition of a graph.

    Lower energy is not always better segments: where costs cut too much, local search did harm on synthetic scenes.
    So the greedy partition stays beside the final one.

    Attributes:
        labels: connected clusters, numbered from 0 by falling size.
        energy: the sum of the costs of the edges between clusters.
        greedy_labels, greedy_energy: the same before local search.
        rounds: of local search over the whole graph.
        stopped: "greedy" where no local search was asked for, "converged" where it had nothing more to gain, "rounds"
            where it ended at the most rounds it makes, "budget" where its time ended; the labels are then the best
            so far, and depend on the machine.
        seconds: of wall clock.
    """

    labels: Int[np.ndarray, " nodes"]
    energy: float
    greedy_labels: Int[np.ndarray, " nodes"]
    greedy_energy: float
    rounds: int
    stopped: Literal["greedy", "converged", "rounds", "budget"]
    seconds: float

    @property
    def clusters(self) -> int:
        """How many."""
        return int(self.labels.max(initial=-1)) + 1


def solve_multicut(
    nodes: int, pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"], settings: MulticutSettings
) -> Multicut:
    """The partition into connected clusters with (nearly) the least sum of costs between them.

    Greedy additive edge contraction and Kernighan-Lin with joins (Keuper, Levinkov et al., ICCV 2015), by
    bioimage-cpp. Deterministic, unless the budget ends it.

    Args:
        nodes: how many.
        pairs: (i, j), i < j, each once.
        costs: of cutting each pair; positive ones attract.
        settings: which solver, for how long.

    Raises:
        InputError: where a pair is no edge or is there twice, or a cost is no number.
        RuntimeError: where the process of the local search fails.
    """
    begin = time.monotonic()
    _check(nodes, pairs, costs)
    costs = costs.astype(np.float64)
    if not len(pairs):
        alone = np.arange(nodes)
        finished = "greedy" if settings.solver == "greedy" else "converged"
        return Multicut(alone, 0.0, alone, 0.0, 0, finished, time.monotonic() - begin)
    contracted = greedy_additive(nodes, pairs, costs)
    finishing = time.monotonic()
    greedy = components(pairs, contracted)
    greedy_energy = cut_energy(pairs, costs, greedy)
    finishing = time.monotonic() - finishing
    if settings.solver == "greedy":
        return Multicut(greedy, greedy_energy, greedy, greedy_energy, 0, "greedy", time.monotonic() - begin)
    best = Improvement(greedy, 0, False)
    if settings.budget is None:
        for improvement in kernighan_lin(pairs, costs, greedy):
            best = improvement
        stopped = "converged" if best.converged else "rounds"
    else:
        # What is found will take as long to finish as the greedy partition did.
        left = settings.budget - (time.monotonic() - begin) - finishing
        best, in_time = _within(left, pairs, costs, best)
        stopped = "converged" if best.converged else "rounds" if in_time else "budget"
    labels = components(pairs, best.labels)
    energy = cut_energy(pairs, costs, labels)
    if energy > greedy_energy:  # by rounding alone
        labels, energy = greedy, greedy_energy
    return Multicut(labels, energy, greedy, greedy_energy, best.rounds, stopped, time.monotonic() - begin)


def _within(
    seconds: float, pairs: Int[np.ndarray, "edges 2"], costs: Float[np.ndarray, " edges"], best: Improvement
) -> tuple[Improvement, bool]:
    """The best that local search finds in so many seconds, and whether it came to its end."""
    deadline = time.monotonic() + seconds
    if seconds <= 0:
        return best, False
    with tempfile.TemporaryDirectory(prefix="flowfeat-multicut-") as name:
        folder = Path(name)
        np.savez(folder / "graph.npz", pairs=pairs, costs=costs, labels=best.labels)
        seconds = max(deadline - time.monotonic(), 0.0)
        # -P: this folder's modules must not stand in for those of Python.
        command = [sys.executable, "-P", str(Path(__file__).with_name("local_search.py")), name, str(seconds + 5)]
        with (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
            try:
                process.wait(seconds)
                in_time = True
            except subprocess.TimeoutExpired:
                in_time = False
            finally:
                process.kill()
                process.wait()
        if in_time and process.returncode:
            told = (folder / "errors").read_text(errors="replace").strip().splitlines()
            raise RuntimeError(
                f"the process of the local search ended with status {process.returncode}: {told[-1] if told else ''}"
            )
        if (folder / "better.npz").exists():
            with np.load(folder / "better.npz") as found:
                best = Improvement(found["labels"], int(found["rounds"]), bool(found["converged"]))
    return best, in_time


def _check(nodes: int, pairs: np.ndarray, costs: np.ndarray) -> None:
    if len(pairs) != len(costs):
        raise InputError(f"{len(pairs)} pairs and {len(costs)} costs do not belong together")
    if not np.isfinite(costs).all():
        raise InputError(f"the cost of pair {int(np.argmin(np.isfinite(costs)))} is no number")
    if not len(pairs):
        return
    first, second = pairs.T
    if first.min() < 0 or (first >= second).any() or second.max() >= nodes:
        raise InputError(f"a pair is no edge (i, j) of the {nodes} nodes with 0 <= i < j")
    keys = first.astype(np.int64) * nodes + second
    # A graph of tracks comes in order, and to sort what is sorted would take half as long as to contract it.
    if (np.diff(keys) <= 0).any() and len(np.unique(keys)) < len(keys):
        raise InputError("a pair is there twice; add up its costs")
