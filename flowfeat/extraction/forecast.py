"""What an extraction would do, how long it would take and what disk it would fill, measured on its own clips."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange

from flowfeat.errors import ClipError, InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.extraction.plan import make_plan
from flowfeat.store import StoreSettings
from flowfeat.store.encoding import encode_field, encode_rgb, stored_values
from flowfeat.video import Clip, ClipDecoder, ClipFacts, probe

_SAMPLED_CLIPS = 5
_SAMPLED_PAIRS = 8


@dataclass(frozen=True)
class Forecast:
    """`pairs` follow from what the containers declare; `seconds` and `bytes` from `sampled_pairs` measured pairs.

    `unreadable` maps clips whose header cannot be read to the reason; they would fail.
    """

    clips: int
    done: int
    todo: int
    redone: dict[str, str]
    unreadable: dict[str, str]
    pairs: int
    seconds: float
    bytes: int
    sampled_pairs: int
    pairs_per_second: float
    bytes_per_pair: float
    settings: StoreSettings


def forecast(inputs: Sequence[Path], options: ExtractionOptions) -> Forecast:
    """Plan an extraction and measure a sample of it; nothing is written.

    Raises InputError for everything that `extract` would refuse before it begins.
    """
    estimators = options.load_estimators()
    settings = options.settings(estimators[0])
    plan = make_plan(inputs, options, settings)
    facts: dict[Clip, ClipFacts] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(options.threads) as pool:
        for clip, found in zip(plan.todo, pool.map(_probe, plan.todo), strict=True):
            if isinstance(found, ClipFacts):
                facts[clip] = found
            else:
                unreadable[clip.key] = found
    pairs = sum(max(0, (found.declared_frames or 0) - options.step) for found in facts.values())
    sampled, seconds, size = _sample(options, settings, estimators[0], list(facts))
    fields = 2 if options.backward else 1
    rate = sampled / seconds * len(estimators) if seconds else 0.0
    per_pair = size / sampled if sampled else 0.0
    return Forecast(
        clips=len(plan.todo) + len(plan.done),
        done=len(plan.done),
        todo=len(plan.todo),
        redone=plan.redone,
        unreadable=unreadable,
        pairs=pairs,
        seconds=pairs * fields / rate if rate else 0.0,
        bytes=round(pairs * per_pair),
        sampled_pairs=sampled,
        pairs_per_second=rate / fields,
        bytes_per_pair=per_pair,
        settings=settings,
    )


def _probe(clip: Clip) -> ClipFacts | str:
    try:
        return probe(clip.path)
    except (ClipError, OSError) as fault:
        return str(fault)


def _sample(
    options: ExtractionOptions, settings: StoreSettings, estimator: FlowEstimator, clips: list[Clip]
) -> tuple[int, float, int]:
    """Pairs measured, the seconds their flow took, and the bytes they would fill, over clips spread evenly."""
    pairs, seconds, size = 0, 0.0, 0
    chosen = clips[:: max(1, len(clips) // _SAMPLED_CLIPS)][:_SAMPLED_CLIPS]
    with ClipDecoder() as decoder:
        for clip in chosen:
            try:
                stream = decoder.open(clip.path, options.frame_size)
                frames = next(iter(stream))[: _SAMPLED_PAIRS + options.step]
                if len(frames) <= options.step:
                    continue
                batch = rearrange(
                    torch.from_numpy(np.stack([frames[: -options.step], frames[options.step :]])),
                    "p b h w c -> b p c h w",
                )
                names = [Pair(clip.key, t, t + options.step) for t in range(len(batch))]
                if not pairs:
                    first = len(batch) if estimator.fixed_batch else 1
                    estimator(batch[:first], names[:first])  # the first call pays for set-up
                begun = time.perf_counter()
                flow = estimator(batch, names)
                values = stored_values(flow, settings)
                encoded = [len(part) for value in values for part in encode_field(value, settings)]
                seconds += time.perf_counter() - begun
            except (ClipError, InputError, StopIteration):
                continue  # it will be in the report of the run; here it only costs a sample
            pairs += len(batch)
            size += sum(encoded) * (2 if options.backward else 1)
            if options.frames:
                size += sum(len(encode_rgb(frame)[0]) for frame in frames[: len(batch)])
    return pairs, seconds, size
