"""Where the tracker's frames and flow come from, one frame at a time: an estimator, or a store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.store import StoredClip


@dataclass(frozen=True, eq=False)
class FlowStep:
    """A frame and the flow between it and the next one.

    Attributes:
        frame: RGB.
        forward: from this frame to the next, in pixels; None for the last frame of a shot.
        backward: from the next frame to this one, on the next one's pixels; None for the last frame.
    """

    frame: UInt8[Tensor, "3 h w"]
    forward: Float[Tensor, "2 _ _"] | None
    backward: Float[Tensor, "2 _ _"] | None


def estimated_flow(
    estimator: FlowEstimator, frames: Iterable[UInt8[np.ndarray, "_ _ 3"]], clip: str = "shot"
) -> Iterator[FlowStep]:
    """Flow in both directions computed as the frames come in; two frames are held at a time.

    Args:
        estimator: any model of flowfeat.
        frames: RGB, all of one size.
        clip: the shot's name, which `files:DIR` looks its fields up by.

    Raises:
        InputError: where frames differ in size, or as the estimator does.
    """
    previous, count = None, 0
    for count, array in enumerate(frames, 1):
        frame = torch.from_numpy(np.ascontiguousarray(array)).permute(2, 0, 1)
        if previous is not None:
            if frame.shape != previous.shape:
                raise InputError(
                    f"{clip}: frame {count - 1} is {_size(frame)} and those before are {_size(previous)}; "
                    "a shot has frames of one size"
                )
            pairs = torch.stack([torch.stack([previous, frame]), torch.stack([frame, previous])])
            flow = estimator(pairs, [Pair(clip, count - 2, count - 1), Pair(clip, count - 1, count - 2)])
            yield FlowStep(previous, flow[0], flow[1])
        previous = frame
    if previous is not None:
        # Fields that are left over mean that flow and frames are shifted against each other.
        estimator.check_clip(clip, count - 1, backward=True)
        yield FlowStep(previous, None, None)


def stored_flow(clip: StoredClip, frames: Iterable[UInt8[np.ndarray, "_ _ 3"]] | None = None) -> Iterator[FlowStep]:
    """Flow from a store, a field read when it is needed.

    Args:
        clip: stored with backward flow, from each frame to the very next.
        frames: RGB, as many as the flow leads through; without them, those in the store.

    Raises:
        InputError: where the flow skips frames, or there are too few or too many frames.
        StoreError: where backward flow or frames are not stored, or the file is damaged.
    """
    step = clip.header.settings.step
    if step != 1:
        raise InputError(f"{clip.path}: its flow leads {step} frames on; tracks need it from each frame to the next")
    pictures = _stored_frames(clip) if frames is None else _as_tensors(frames)
    for t, frame in zip_longest(range(clip.pairs + 1), pictures):
        if t is None or frame is None:
            raise InputError(
                f"{clip.path}: its flow leads through {clip.pairs + 1} frames and the shot has "
                f"{'more' if t is None else t}; give the clip the flow was computed from"
            )
        last = t == clip.pairs
        yield FlowStep(
            frame,
            None if last else clip.read(t, 1, "forward")[0],
            None if last else clip.read(t, 1, "backward")[0],
        )


def _stored_frames(clip: StoredClip) -> Iterator[UInt8[Tensor, "3 h w"]]:
    for t in range(clip.pairs + 1):
        yield clip.read_frames(t, 1)[0]


def _as_tensors(frames: Iterable[UInt8[np.ndarray, "_ _ 3"]]) -> Iterator[UInt8[Tensor, "3 _ _"]]:
    for frame in frames:
        yield torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)


def _size(frame: UInt8[Tensor, "3 h w"]) -> str:
    return f"{frame.shape[2]}x{frame.shape[1]}"
