"""What an extraction would do, how long it would take and what disk it would fill, measured on its own clips."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8

from flowfeat.errors import ClipError, InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.extraction.batch_size import BatchSizes
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

    Where a container declares no count of frames, its duration and rate make one; the `uncounted` clips have none of
    these and are in no number but `clips` and `todo`. `unreadable` maps clips that cannot be read, or not be stored
    under their names, to the reason; they would fail.
    """

    clips: int
    done: int
    todo: int
    redone: dict[str, str]
    unreadable: dict[str, str]
    uncounted: int
    pairs: int
    seconds: float
    bytes: int
    sampled_pairs: int
    pairs_per_second: float
    bytes_per_pair: float
    settings: StoreSettings


def forecast(inputs: Sequence[Path], options: ExtractionOptions) -> Forecast:
    """Plan an extraction and measure a sample of it; nothing is written into the store.

    Raises InputError for everything that `extract` would refuse before it begins.
    """
    estimators = options.load_estimators()
    settings = options.settings(estimators[0])
    plan = make_plan(inputs, options, settings)
    facts: dict[Clip, ClipFacts] = {}
    unreadable = dict(plan.failed)
    with ThreadPoolExecutor(options.threads) as pool:
        for clip, found in zip(plan.todo, pool.map(_probe, plan.todo), strict=True):
            if isinstance(found, ClipFacts):
                facts[clip] = found
            else:
                unreadable[clip.key] = found
    pairs = pixels = 0
    for found in facts.values():
        height, width = found.height, found.width
        if options.frame_size:
            height, width = options.frame_size.of(height, width)
        count = max(0, (found.declared_frames or 0) - options.step)
        pairs, pixels = pairs + count, pixels + count * height * width
    sample = _measure(options, settings, estimators[0], list(facts))
    # Of large and small frames alike, so by the pixel: a pair of large ones takes the longer and fills the more.
    share = pixels / sample.pixels if sample.pixels else 0.0
    seconds, size = sample.seconds * share * (2 if options.backward else 1) / len(estimators), sample.bytes * share
    return Forecast(
        clips=len(plan.keys),
        done=len(plan.done),
        todo=len(plan.todo) + len(plan.failed),
        redone=plan.redone,
        unreadable=unreadable,
        uncounted=sum(found.declared_frames is None for found in facts.values()),
        pairs=pairs,
        seconds=seconds,
        bytes=round(size),
        sampled_pairs=sample.pairs,
        pairs_per_second=pairs / seconds if seconds else 0.0,
        bytes_per_pair=size / pairs if pairs else 0.0,
        settings=settings,
    )


def _probe(clip: Clip) -> ClipFacts | str:
    try:
        facts = probe(clip.path)
        return facts if facts.declared_frames is not None else replace(facts, declared_frames=_counted(clip, facts))
    except (ClipError, OSError) as fault:
        return str(fault)


def _counted(clip: Clip, facts: ClipFacts) -> int | None:
    """The frames of a video that declares no count, as Matroska, WebM and MPEG streams: its duration by its rate."""
    import av
    import av.error

    with contextlib.suppress(av.error.FFmpegError, ValueError), av.open(str(clip.path)) as container:
        if facts.fps and container.duration:
            return max(1, round(container.duration / av.time_base * facts.fps))
    return None


@dataclass
class _Sample:
    """What was measured: pairs, the pixels of all of them, the seconds of their flow, the bytes they would fill."""

    pairs: int = 0
    pixels: int = 0
    seconds: float = 0.0
    bytes: int = 0


def _measure(
    options: ExtractionOptions, settings: StoreSettings, estimator: FlowEstimator, clips: list[Clip]
) -> _Sample:
    """Some pairs of some clips, spread evenly over all."""
    sample, sizes = _Sample(), BatchSizes(options.batch)
    warm: set[tuple[int, ...]] = set()
    chosen = clips[:: max(1, len(clips) // _SAMPLED_CLIPS)][:_SAMPLED_CLIPS]
    with ClipDecoder() as decoder:
        for clip in chosen:
            # What goes wrong will be in the report of the run; here it only costs a sample.
            with contextlib.suppress(ClipError, InputError, OSError):
                pairs = _pairs_at_the_start(decoder.open(clip.path, options.frame_size), options.step)
                if len(pairs):
                    _measure_clip(sample, options, settings, estimator, clip, pairs, sizes, warm)
    return sample


def _pairs_at_the_start(chunks: Iterable[UInt8[np.ndarray, "n h w 3"]], step: int) -> UInt8[np.ndarray, "p 2 h w 3"]:
    """The first pairs of a clip, without the frames between the first and the second ones: those may be many."""
    firsts: list[np.ndarray] = []
    seconds: list[np.ndarray] = []
    for t, frame in enumerate(frame for chunk in chunks for frame in chunk):
        if t < _SAMPLED_PAIRS:
            firsts.append(frame)
        if t >= step:
            seconds.append(frame)
        if len(seconds) == _SAMPLED_PAIRS:
            break
    if not seconds:
        return np.empty((0, 2, 0, 0, 3), np.uint8)
    return np.stack([np.stack(pair) for pair in zip(firsts, seconds, strict=False)])


def _measure_clip(
    sample: _Sample,
    options: ExtractionOptions,
    settings: StoreSettings,
    estimator: FlowEstimator,
    clip: Clip,
    pairs: UInt8[np.ndarray, "p 2 h w 3"],
    sizes: BatchSizes,
    warm: set[tuple[int, ...]],
) -> None:
    """Add the pairs of a clip to the sample, in batches no larger than the run's: more may not fit into memory."""
    count, _, height, width, _ = pairs.shape
    at_once = min(count, sizes.of(estimator, height, width))
    count -= count % at_once
    images = rearrange(torch.from_numpy(pairs), "p b h w c -> p b c h w")
    names = [Pair(clip.key, t, t + options.step) for t in range(count)]
    # The first call pays for set-up. On a GPU so does that of each shape, for which a graph is recorded.
    shape = (at_once, height, width) if estimator.device.type == "cuda" else ()
    if shape not in warm:
        first = at_once if estimator.fixed_batch else 1
        estimator(images[:first], names[:first])
        warm.add(shape)
    begun, encoded = time.perf_counter(), 0
    for start in range(0, count, at_once):
        flow = estimator(images[start : start + at_once], names[start : start + at_once])
        values = stored_values(flow, settings)
        encoded += sum(len(part) for value in values for part in encode_field(value, settings))
    sample.seconds += time.perf_counter() - begun
    sample.pairs += count
    sample.pixels += count * height * width
    sample.bytes += encoded * (2 if options.backward else 1)
    if options.frames:
        sample.bytes += sum(len(encode_rgb(frame)[0]) for frame in pairs[:count, 0])
