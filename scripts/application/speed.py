"""How long a method takes for a pair of frames, with nothing else running."""

import statistics
import time
from collections.abc import Callable
from itertools import islice

import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

from application.options import TableOptions
from application.results import Speed
from flowfeat.errors import ClipError, InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.estimators.protocol import resolve_device
from flowfeat.video import Clip, ClipDecoder, find_clips
from segmentation.runs.inputs import find_shots

Progress = Callable[[int, int | None, str], None]
"""Told how much is done, of how much, and of what."""

_CLIPS = 8
"""Pairs are timed, one of each of so many clips."""


def measure_speed(options: TableOptions, model: str, progress: Progress) -> Speed:
    """The median over pairs of clips that are spread through the data, in their full size and one at a time.

    Frames lie in memory; the flow is on the device. On a CPU one core computes, as OpenCV's methods take no more for a
    single pair. Raises InputError where the method cannot be had, or no clip has
    two frames.
    """
    threads = 1 if resolve_device(options.device).type == "cpu" else torch.get_num_threads()
    torch.set_num_threads(threads)
    estimator = options.estimator(model, threads)
    pairs, left_out = _pairs(options)
    height, width = pairs[0][1].shape[-2:]
    taken = []
    for done, (pair, frames) in enumerate(pairs):
        if frames.shape != pairs[0][1].shape:
            left_out += 1  # a clip of another size would not compare
            continue
        _seconds(estimator, frames, pair)  # the first time pays for set-up and for this size
        taken.append(_seconds(estimator, frames, pair))
        progress(done + 1, len(pairs), "pairs")
    return Speed(1e3 * statistics.median(taken), len(taken), left_out, height, width, estimator.device.type, threads)


def _seconds(estimator: FlowEstimator, frames: UInt8[Tensor, "1 2 3 h w"], pair: Pair) -> float:
    begun = time.perf_counter()
    estimator(frames, [pair])
    if estimator.device.type == "cuda":
        torch.cuda.synchronize(estimator.device)
    return time.perf_counter() - begun


def _pairs(options: TableOptions) -> tuple[list[tuple[Pair, UInt8[Tensor, "1 2 3 h w"]]], int]:
    """The first two frames of each of some clips, and how many of these have none."""
    clips = _clips(options)
    chosen = clips[:: max(1, len(clips) // _CLIPS)][:_CLIPS]
    found = []
    with ClipDecoder() as decoder:
        for clip in chosen:
            try:
                frames = [frame for chunk in islice(decoder.open(clip.path), 1) for frame in chunk[:2]]
            except ClipError:
                continue  # the extraction tells it
            if len(frames) == 2:
                batch = torch.stack([torch.from_numpy(frame.copy()) for frame in frames])
                found.append((Pair(clip.key, 0, 1), rearrange(batch, "p h w c -> 1 p c h w")))
    if not found:
        raise InputError(f"{clips[0].path}: no clip has two frames that can be decoded, so nothing can be timed")
    return found, len(chosen) - len(found)


def _clips(options: TableOptions) -> list[Clip]:
    if options.ucf101 is not None:
        return find_clips([options.ucf101])
    root = options.fbms or options.davis
    assert root is not None, "there is no speed without clips"
    return [Clip(shot.key, str(shot.path)) for shot in find_shots(root).shots]
