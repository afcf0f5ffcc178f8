"""How flow grows with the resolution and with the batch."""

import time
from typing import Any

import numpy as np
import torch
from einops import rearrange
from fresh_process import measured
from made_videos import moving_frames

from flowfeat.estimators import DEFAULT_MODEL, load_estimator

SIZES = ((240, 320), (480, 854), (1080, 1920), (2160, 3840))
BATCHES = (1, 4, 16)
PAIRS = 2
"""At a time where the size changes; each has a thread of its own."""


def measure_resolution(threads: int) -> dict[str, Any]:
    """Seconds a pair and memory of `dis` and the default network by size, and of the network by batch."""
    return {
        "sizes": [measure_flow(model, *size, PAIRS, threads) for model in ("dis", DEFAULT_MODEL) for size in SIZES],
        "batches": [measure_flow(DEFAULT_MODEL, *SIZES[0], batch, threads) for batch in BATCHES],
    }


def measure_flow(model: str, height: int, width: int, batch: int, threads: int) -> dict[str, Any]:
    """One batch in a fresh process."""
    found = measured(compute_flow, model, height, width, batch, threads)
    return {"model": model, "height": height, "width": width, "batch": batch, **found}


def compute_flow(model: str, height: int, width: int, batch: int, threads: int) -> dict[str, Any]:
    """Seconds a pair, of one batch of frames in memory."""
    torch.set_num_threads(threads)
    estimator = load_estimator(model, None, "cpu", threads)
    frames = np.stack(list(moving_frames(batch + 1, height, width)))
    pairs = rearrange(torch.from_numpy(np.stack([frames[:-1], frames[1:]])), "p b h w c -> b p c h w")
    estimator(pairs[:1])  # the first call pays for set-up
    begun = time.perf_counter()
    estimator(pairs)
    seconds = (time.perf_counter() - begun) / batch
    return {"seconds_per_pair": seconds, "seconds_per_megapixel": seconds / (height * width / 1e6)}
