"""From a data set and models to a record."""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from flowfeat.benchmarks.columns import COLUMNS_OF
from flowfeat.benchmarks.measure import measure
from flowfeat.benchmarks.record import BenchmarkRecord
from flowfeat.benchmarks.robustness import measure_robustness
from flowfeat.datasets import FlowDataset, open_dataset, reported_split
from flowfeat.estimators import FlowEstimator
from flowfeat.provenance import machine, versions


def benchmark(
    name: str,
    root: str | Path,
    estimators: Sequence[FlowEstimator],
    *,
    split: str | None = None,
    rendering: str | None = None,
    robustness: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> BenchmarkRecord:
    """Measure estimators on a data set.

    Args:
        name: one of `DATASET_NAMES`.
        root: the data set's folder.
        estimators: the one that is asked about, then others to measure beside it.
        split: by default the one that papers report.
        rendering: `clean` (the default) or `final`, of sintel and things3d.
        robustness: also measure on degraded frames.
        progress: called with pairs done and pairs in all.

    Raises:
        InputError: as `open_dataset` and `measure`.
    """
    dataset = open_dataset(name, root, split, rendering)
    load = os.getloadavg()
    report = progress or (lambda done, total: None)
    measured = measure(name, dataset, estimators, progress=report)
    degraded = measure_robustness(name, dataset, estimators, measured, report) if robustness else ()
    return BenchmarkRecord(
        dataset=name,
        split=split or reported_split(name),
        rendering=rendering or ("clean" if name in ("sintel", "things3d") else None),
        models=measured,
        robustness=degraded,
        files={pair: _sha256(dataset, index) for index, pair in enumerate(dataset.names)},
        settings={"batch": 1, "threads": torch.get_num_threads(), "columns": list(COLUMNS_OF[name])},
        machine={**machine(), "load_before": load},
        versions=versions(),
        date=time.strftime("%Y-%m-%d", time.gmtime()),
    )


def _sha256(dataset: FlowDataset, index: int) -> str:
    digest = hashlib.sha256()
    for path in dataset.files(index):
        digest.update(path.read_bytes())
    return digest.hexdigest()
