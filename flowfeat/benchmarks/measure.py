"""A data set's pairs through one or several models: errors and times."""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.benchmarks.columns import COLUMNS, COLUMNS_OF, Estimate, Scene
from flowfeat.benchmarks.record import Measured, PairErrors
from flowfeat.datasets import FlowDataset, FlowSample
from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, Pair

Degrade = Callable[[FlowSample], UInt8[np.ndarray, "2 h w 3"]]
"""The frames of a sample, made worse."""


def measure(
    name: str,
    dataset: FlowDataset,
    estimators: Sequence[FlowEstimator],
    columns: Sequence[str] | None = None,
    degrade: Degrade | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Measured, ...]:
    """Every pair through every estimator, each pair read once.

    A pair is computed alone, by all threads where the estimator can use them. Its time is taken from frames in memory
    to flow on the device, which is waited for; before the first pair of each size the estimator computes it once
    untimed.

    Args:
        name: one of `DATASET_NAMES`, which decides the columns.
        dataset: a split with true flow.
        estimators: with different names.
        columns: measure these alone; `EPE` always is.
        degrade: what is done to the frames first; the regions stay those of the frames as they are.
        progress: called with pairs done and pairs in all.

    Raises:
        InputError: the split has no flow, two estimators have one name, or one computes what is no flow.
    """
    chosen = {column: COLUMNS[column] for column in dict.fromkeys(["EPE", *(columns or COLUMNS_OF[name])])}
    named = [estimator.description.model for estimator in estimators]
    for model, count in Counter(named).items():
        if count > 1:
            raise InputError(f"the model {model} is given {count} times; once is enough")
    results: list[list[PairErrors]] = [[] for _ in estimators]
    warm: set[tuple[int, ...]] = set()
    for done, (sample, pair) in enumerate(_samples(dataset), 1):
        if sample.flow is None:
            raise InputError(f"{dataset.name}: this split has no true flow to measure against; take another --split")
        scene = Scene(sample, sample.flow)
        if not sample.valid.any():
            raise InputError(f"{dataset.name}: the flow of {sample.name} is known nowhere, so no error can be measured")
        frames = sample.frames if degrade is None else degrade(sample)
        for place, (estimator, found) in enumerate(zip(estimators, results, strict=True)):
            if (place, *frames.shape) not in warm:
                flow_of(estimator, frames, pair)
                warm.add((place, *frames.shape))
            begun = time.perf_counter()
            flow = flow_of(estimator, frames, pair)
            seconds = time.perf_counter() - begun
            values = flow.cpu().double()
            if not values.isfinite().all():
                raise InputError(
                    f"{named[place]}: its flow of {sample.name} is NaN or infinite at "
                    f"{int((~values.isfinite()).any(dim=0).sum())} pixels; these weights cannot be measured"
                )
            estimate = Estimate(values, scene)
            means = {column: told.of_pair(estimate) for column, told in chosen.items()}
            present = {column: mean for column, mean in means.items() if mean is not None}
            found.append(PairErrors(sample.name, present["EPE"].value, seconds, present))
        if progress is not None:
            progress(done, len(dataset))
    return tuple(
        Measured(
            model=replace(estimator.description),
            device=str(estimator.device),
            endpoint_error=statistics.fmean(pair.endpoint_error for pair in pairs),
            columns={
                column: told.of_pairs([pair.means[column] for pair in pairs if column in pair.means])
                for column, told in chosen.items()
            },
            milliseconds=1000 * statistics.median(pair.seconds for pair in pairs),
            pairs=tuple(pairs),
        )
        for estimator, pairs in zip(estimators, results, strict=True)
    )


def flow_of(estimator: FlowEstimator, frames: UInt8[np.ndarray, "2 h w 3"], pair: Pair) -> Float32[Tensor, "2 h w"]:
    """The flow of one pair in pixels, on the estimator's device, which has finished."""
    flow = estimator.alone(torch.from_numpy(frames).permute(0, 3, 1, 2), pair)
    if flow.is_cuda:
        torch.cuda.synchronize(flow.device)
    return flow


def pairs_of(names: Sequence[str]) -> list[Pair]:
    """What `files:DIR` calls the pairs: `alley_1/frame_0003` is the third of the clip `alley_1`, `Venus` is its own."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        clip = name.rpartition("/")[0] or name
        found.append(Pair(clip, seen[clip], seen[clip] + 1))
        seen[clip] += 1
    return found


def _samples(dataset: FlowDataset) -> Iterator[tuple[FlowSample, Pair]]:
    for index, pair in enumerate(pairs_of(dataset.names)):
        yield dataset[index], pair
