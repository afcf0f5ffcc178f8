"""Endpoint errors of a method where the true flow is known."""

import torch

from application.options import TableOptions
from application.results import Errors
from application.speed import Progress
from flowfeat.benchmarks import benchmark


def measure_errors(options: TableOptions, model: str, progress: Progress) -> Errors:
    """What `flowfeat benchmark` measures. Raises InputError as `benchmark` does."""
    assert options.truth is not None
    name, root = options.truth
    estimator = options.estimator(model, torch.get_num_threads())
    record = benchmark(name, root, [estimator], progress=lambda done, total: progress(done, total, "pairs"))
    (measured,) = record.models
    return Errors(record.dataset, record.split, len(measured.pairs), measured.columns)
