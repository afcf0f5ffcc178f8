"""How fast the segmentation is, and how much memory it takes."""

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Int32, UInt8
from measure import peak_bytes, ratios, seconds_of
from PIL import Image
from scipy.spatial import KDTree
from segmentation_quality import DAVIS_SEQUENCES
from torch import Tensor

from flowfeat.estimators.opencv import import_opencv
from segmentation.affinities import AffinitySettings, trajectory_graph
from segmentation.davis import MERGED, open_davis
from segmentation.dense import DenseSettings, densify
from segmentation.evaluation.davis import score_sequence
from segmentation.multicut import MulticutSettings, solve_multicut
from segmentation.synthetic import Blob, synthesise
from segmentation.tracking import FlowStep, TrackerSettings, track
from segmentation.tracking.settings import Variation

HEIGHT, WIDTH, FRAMES, SAMPLING = 480, 640, 40, 4
SCENE, SEED = "E", 100
LABELS = 4
MEASURED = 10
"""The frame of each real sequence that is made dense."""
GROWING = (10, 20, 50, 100, 200)
VARIATIONS: tuple[Variation, ...] = ("gaussian", "bilateral")
METHODS = ("nearest", "diffusion", "variation")


# Tracks, costs, solver


@dataclass(frozen=True)
class Stages:
    """One run in a fresh process.

    Attributes:
        tracking, costs, solver: seconds of wall clock, without the flow; tracking is with the features of its points.
        lucas_kanade: seconds in which OpenCV follows as many points through the same frames, forward and back again to
            know which were lost; it finds their motion itself.
        contraction: seconds of the solver without its local search.
        processor: seconds that the processor was busy with all of it, the solver's own process included.
        peak: the most memory that the process took, in bytes; the solver's own process holds the graph alone.
        tracks, points, edges, clusters: how much there was to do.
    """

    tracking: float
    costs: float
    solver: float
    lucas_kanade: float
    contraction: float
    processor: float
    peak: int
    tracks: int
    points: int
    edges: int
    clusters: int

    @property
    def total(self) -> float:
        return self.tracking + self.costs + self.solver


def measure_speed(threads: int, repetitions: int) -> dict[str, Any]:
    """40 frames at 4 px, with either window of the flow's variation."""
    with tempfile.TemporaryDirectory() as scratch:
        write_shot(Path(scratch))
        runs: dict[str, list[Stages]] = {variation: [] for variation in VARIATIONS}
        for _ in range(repetitions):
            for variation in VARIATIONS:
                runs[variation].append(in_a_fresh_process(Path(scratch), FRAMES, variation, threads))
    return {
        "scene": SCENE,
        "seed": SEED,
        "height": HEIGHT,
        "width": WIDTH,
        "frames": FRAMES,
        "sampling": SAMPLING,
        "runs": {variation: [row(run) for run in each] for variation, each in runs.items()},
        "total": {variation: statistics.median(run.total for run in each) for variation, each in runs.items()},
        "tracking_over_lucas_kanade": {
            variation: ratios([run.tracking for run in each], [run.lucas_kanade for run in each])
            for variation, each in runs.items()
        },
        "solver_over_contraction": {
            variation: ratios([run.solver for run in each], [run.contraction for run in each])
            for variation, each in runs.items()
        },
        "peak_bytes": max(run.peak for each in runs.values() for run in each),
    }


def measure_growth(threads: int) -> dict[str, Any]:
    """The same over ever more frames: those of one shot forwards, backwards, forwards and so on."""
    with tempfile.TemporaryDirectory() as scratch:
        write_shot(Path(scratch))
        runs = {
            frames: in_a_fresh_process(Path(scratch), frames, TrackerSettings().variation, threads)
            for frames in GROWING
        }
    return {"runs": [{"frames": frames, **row(run)} for frames, run in runs.items()]}


def row(run: Stages) -> dict[str, float | int]:
    return {**vars(run), "total": run.total}


def write_shot(folder: Path) -> None:
    """Frames and flow of the scene as files, so that the process that is measured holds no more than it needs."""
    shot = synthesise(SCENE, HEIGHT, WIDTH, FRAMES, SEED)
    for t, frame in enumerate(shot.frames):
        np.save(folder / f"frame{t}.npy", frame.numpy())
    for t, (forward, backward) in enumerate(zip(shot.forward, shot.backward, strict=True)):
        np.save(folder / f"forward{t}.npy", forward.numpy())
        np.save(folder / f"backward{t}.npy", backward.numpy())


def in_a_fresh_process(folder: Path, frames: int, variation: Variation, threads: int) -> Stages:
    """`run_stages` where nothing else takes memory."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(run_stages, folder, frames, variation, threads).result()


def run_stages(folder: Path, frames: int, variation: Variation, threads: int) -> Stages:
    """Track, compare and cluster the shot that `write_shot` wrote."""
    torch.set_num_threads(threads)
    steps = _Steps(folder, frames)
    busy = time.process_time()
    begun = time.perf_counter()
    tracking = track(steps, replace(TrackerSettings(), sampling=SAMPLING, variation=variation))
    tracked = time.perf_counter()
    features = tracking.features
    graph = trajectory_graph(tracking.trajectories, features.sigma, features.lab, AffinitySettings())
    compared = time.perf_counter()
    solution = solve_multicut(graph.nodes, graph.pairs, graph.costs, MulticutSettings())
    solved = time.perf_counter()
    there = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor, peak = time.process_time() - busy + there.ru_utime + there.ru_stime, peak_bytes()
    contraction = seconds_of(lambda: solve_multicut(graph.nodes, graph.pairs, graph.costs, MulticutSettings("greedy")))
    return Stages(
        tracking=tracked - begun - steps.reading,
        costs=compared - tracked,
        solver=solved - compared,
        lucas_kanade=lucas_kanade([step.frame.numpy() for step in steps]),
        contraction=contraction,
        processor=processor,
        peak=peak,
        tracks=len(tracking.trajectories),
        points=len(tracking.trajectories.xy),
        edges=len(graph.pairs),
        clusters=solution.clusters,
    )


def lucas_kanade(frames: list[UInt8[np.ndarray, "3 h w"]]) -> float:
    """Seconds in which OpenCV follows points on the tracker's grid from frame to frame, lost ones put in anew."""
    cv2 = import_opencv()
    grey = [cv2.cvtColor(np.ascontiguousarray(frame.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY) for frame in frames]
    y, x = np.mgrid[SAMPLING // 2 : HEIGHT : SAMPLING, SAMPLING // 2 : WIDTH : SAMPLING]
    grid = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)[:, None]

    def follow() -> None:
        points = grid
        for before, after in pairwise(grey):
            found, there, _ = cv2.calcOpticalFlowPyrLK(before, after, points, None)
            back, again, _ = cv2.calcOpticalFlowPyrLK(after, before, found, None)
            kept = (there & again)[:, 0].astype(bool) & (np.linalg.norm(back - points, axis=2)[:, 0] < 0.5)
            points = np.where(kept[:, None, None], found, grid)

    return seconds_of(follow)


class _Steps:
    """The shot there and back again, until there are enough frames, and the seconds that reading it takes."""

    def __init__(self, folder: Path, frames: int) -> None:
        self.folder, self.frames, self.reading = folder, frames, 0.0

    def __iter__(self) -> Iterator[FlowStep]:
        order = there_and_back(FRAMES, self.frames)
        for here, there in zip(order, [*order[1:], None], strict=True):
            begun = time.perf_counter()
            frame = self._read(f"frame{here}")
            if there is None:
                step = FlowStep(frame, None, None)
            elif there > here:
                step = FlowStep(frame, self._read(f"forward{here}"), self._read(f"backward{here}"))
            else:
                step = FlowStep(frame, self._read(f"backward{there}"), self._read(f"forward{there}"))
            self.reading += time.perf_counter() - begun
            yield step

    def _read(self, name: str) -> Tensor:
        return torch.from_numpy(np.load(self.folder / f"{name}.npy"))


def there_and_back(length: int, frames: int) -> list[int]:
    """0, 1, ..., length - 1, length - 2, ..., 0, 1, ...: so many numbers, neighbours one apart."""
    period = 2 * (length - 1)
    return [min(t % period, period - t % period) for t in range(frames)]


# Dense masks


def measure_dense(data: Path, repetitions: int) -> dict[str, Any]:
    """Seconds a frame from tracks at 4 px with 4 labels: the mask of each sequence's tenth frame, in two halves."""
    davis = open_davis(data / "DAVIS")
    rows: dict[str, dict[str, Any]] = {}
    for name in DAVIS_SEQUENCES:
        with Image.open(davis.frames(name)[MEASURED]) as file:
            small = np.array(file.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
        picture = torch.from_numpy(small).permute(2, 0, 1).contiguous()
        truth = next(islice(davis.masks(name, MERGED), MEASURED, None)) > 0
        mask = Image.fromarray(truth.astype(np.uint8))
        xy, labels = seeds_of(np.array(mask.resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)))
        for method in METHODS:
            settings = replace(DenseSettings(), method=method)
            dense = densify(picture, xy, labels, LABELS, settings)
            seconds = timed(partial(densify, picture, xy, labels, LABELS, settings), repetitions)
            rows.setdefault(method, {})[name] = {**seconds, "iterations": dense.iterations}
    worst = {method: max(statistics.median(each["wall"]) for each in shots.values()) for method, shots in rows.items()}
    return {"height": HEIGHT, "width": WIDTH, "labels": LABELS, "methods": rows, "seconds_of_the_slowest": worst}


def seeds_of(mask: UInt8[np.ndarray, "h w"]) -> tuple[Float[np.ndarray, "n 2"], Int[np.ndarray, " n"]]:
    """Points at 4 px, a fifth of them missing, and their labels: object or not, left half or right."""
    y, x = np.mgrid[SAMPLING : mask.shape[0] - SAMPLING : SAMPLING, SAMPLING : mask.shape[1] - SAMPLING : SAMPLING]
    kept = np.random.default_rng(SEED).random(x.shape) < 0.8
    x, y = x[kept], y[kept]
    return np.stack([x, y], 1).astype(np.float32), mask[y, x].astype(np.int64) + 2 * (x > mask.shape[1] / 2)


# Scoring, and the solver


def measure_davis(repetitions: int, frames: int = 100, height: int = 480, width: int = 854) -> dict[str, Any]:
    """Seconds for the J and F of five objects that a result finds a few pixels beside where they are."""
    pairs = [(labels_of(t, height, width, 0), labels_of(t, height, width, 4)) for t in range(frames)]
    seconds = timed(lambda: score_sequence("made", iter(pairs)), repetitions)
    return {"frames": frames, "height": height, "width": width, "objects": 5, **seconds}


def timed(run: Callable[[], object], repetitions: int) -> dict[str, list[float]]:
    """Seconds by the clock on the wall, and those that the processor was busy with it, of each repetition."""
    wall, processor = [], []
    for _ in range(repetitions):
        busy = time.process_time()
        wall.append(seconds_of(run))
        processor.append(time.process_time() - busy)
    return {"wall": wall, "processor": processor}


def labels_of(frame: int, height: int, width: int, shift: int) -> Int32[np.ndarray, "h w"]:
    """Five lobed discs that wander."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    labels = np.zeros((height, width), np.int32)
    for number in range(5):
        disc = Blob((0.15 + 0.17 * number, 0.3 + 0.1 * (number % 3)), 0.12, phase=float(number))
        labels[disc.depth(x - frame - shift, y - 0.5 * frame, height, width) > 0] = number + 1
    return labels


def measure_solver(budget: float, nodes: int = 100_000) -> dict[str, Any]:
    """A graph with every fifth sign wrong, which local search has far too much to do with."""
    pairs, costs = contradictory(nodes)
    begun = time.perf_counter()
    found = solve_multicut(nodes, pairs, costs, MulticutSettings(budget=budget))
    seconds = time.perf_counter() - begun
    return {
        "nodes": nodes,
        "edges": len(pairs),
        "wrong": WRONG,
        "budget": budget,
        "seconds_for_all": seconds,
        "over_budget": seconds - budget,
        "stopped": found.stopped,
        "rounds": found.rounds,
        "greedy_energy": found.greedy_energy,
        "energy": found.energy,
        "clusters": found.clusters,
    }


WRONG = 0.2


@cache
def contradictory(nodes: int) -> tuple[Int[np.ndarray, "edges 2"], Float[np.ndarray, " edges"]]:
    """Points of a square in 24 regions, 12 neighbours each, and costs that tell the regions apart but for the wrong."""
    random = np.random.default_rng(0)
    xy = random.random((nodes, 2))
    region = np.asarray(KDTree(random.random((24, 2))).query(xy)[1])
    near = np.asarray(KDTree(xy).query(xy, k=13)[1])[:, 1:]
    pairs = np.unique(np.sort(np.stack([np.repeat(np.arange(nodes), 12), near.ravel()], axis=1), axis=1), axis=0)
    alike = region[pairs[:, 0]] == region[pairs[:, 1]]
    costs = np.abs(random.normal(1, 0.5, len(pairs))) * np.where(alike, 1, -1)
    costs[random.random(len(pairs)) < WRONG] *= -1
    return pairs, costs
