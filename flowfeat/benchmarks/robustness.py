"""Errors on frames made worse, as FlowNet 2.0 claims to be robust to compression and homogeneous regions (section 6.2).

Each degradation is fixed and depends on nothing but the pair: noise is drawn from the pair's name.
"""

import io
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import UInt8
from scipy.ndimage import gaussian_filter

from flowfeat.benchmarks.measure import measure
from flowfeat.benchmarks.record import Degraded, Measured
from flowfeat.datasets import FlowDataset, FlowSample
from flowfeat.estimators import FlowEstimator

Frames = UInt8[np.ndarray, "2 h w 3"]
COLUMNS_MEASURED = ("EPE", "bare", "textured")
"""Of the columns, those that are measured under each degradation."""


@dataclass(frozen=True)
class Degradation:
    """Frames to worse frames of the same size; the second argument is a seed that the pair decides."""

    name: str
    apply: Callable[[Frames, int], Frames]


def jpeg(frames: Frames, seed: int, quality: int) -> Frames:
    """Each frame through JPEG with its colours at half resolution, as cameras and video tools write it."""
    import simplejpeg

    worse = [
        simplejpeg.decode_jpeg(
            simplejpeg.encode_jpeg(np.ascontiguousarray(frame), quality, "RGB", "420", fastdct=False), "RGB"
        )
        for frame in frames
    ]
    return np.stack(worse)


def h264(frames: Frames, seed: int, rate_factor: int) -> Frames:
    """The two frames as a clip through H.264 (x264, constant rate factor, yuv420p): the second is predicted."""
    import av

    height, width = frames.shape[1:3]
    # The codec takes even sides alone.
    padded = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        # Of one thread, so that the bits do not depend on the machine's cores.
        settings = {"crf": str(rate_factor), "preset": "medium", "threads": "1"}
        stream = container.add_stream("libx264", rate=25, options=settings)
        stream.height, stream.width, stream.pix_fmt = padded.shape[1], padded.shape[2], "yuv420p"
        for frame in padded:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file, "r") as container:
        worse = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.ascontiguousarray(np.stack(worse)[:, :height, :width])


def noise(frames: Frames, seed: int, deviation: float) -> Frames:
    """Gaussian noise of this many grey levels, another in each frame."""
    drawn = np.random.default_rng(seed).normal(0, deviation, frames.shape)
    return _levels(frames + drawn)


def blur(frames: Frames, seed: int, deviation: float) -> Frames:
    """Gaussian blur of this many pixels, of both frames."""
    return _levels(gaussian_filter(frames.astype(np.float64), (0, deviation, deviation, 0), mode="nearest"))


def relit(frames: Frames, seed: int, gain: float, offset: float) -> Frames:
    """The second frame in another light: gain x level + offset."""
    return np.stack([frames[0], _levels(frames[1] * gain + offset)])


DEGRADATIONS: tuple[Degradation, ...] = (
    *(Degradation(f"JPEG, quality {quality}", partial(jpeg, quality=quality)) for quality in (90, 50, 20)),
    *(Degradation(f"H.264, crf {factor}", partial(h264, rate_factor=factor)) for factor in (23, 35)),
    *(Degradation(f"noise, {deviation} levels", partial(noise, deviation=deviation)) for deviation in (5, 15)),
    *(Degradation(f"blur, {deviation} px", partial(blur, deviation=deviation)) for deviation in (1, 2)),
    Degradation("second frame 20 levels brighter", partial(relit, gain=1.0, offset=20.0)),
    Degradation("second frame x 0.8", partial(relit, gain=0.8, offset=0.0)),
)
"""What `flowfeat benchmark --robustness` runs."""

UNDEGRADED = "as it is"


def measure_robustness(
    name: str,
    dataset: FlowDataset,
    estimators: Sequence[FlowEstimator],
    measured: Sequence[Measured],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Degraded, ...]:
    """Errors on the frames as they are and after each degradation.

    Args:
        name: one of `DATASET_NAMES`.
        dataset: a split with true flow.
        estimators: what is measured.
        measured: the same estimators on the frames as they are.
        progress: called with pairs done and pairs in all, over all degradations.
    """
    found = [
        Degraded(UNDEGRADED, {each.model.model: {it: each.columns[it] for it in COLUMNS_MEASURED} for each in measured})
    ]
    total = len(DEGRADATIONS) * len(dataset)
    for place, degradation in enumerate(DEGRADATIONS):

        def shown(done: int, pairs: int, before: int = place * len(dataset)) -> None:
            progress(before + done, total)

        worse = measure(name, dataset, estimators, COLUMNS_MEASURED, partial(degraded, degradation), shown)
        found.append(Degraded(degradation.name, {each.model.model: each.columns for each in worse}))
    return tuple(found)


def degraded(degradation: Degradation, sample: FlowSample) -> Frames:
    """The sample's frames after a degradation."""
    return degradation.apply(sample.frames, zlib.crc32(f"{degradation.name}\0{sample.name}".encode()))


def _levels(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, 255).astype(np.uint8)
