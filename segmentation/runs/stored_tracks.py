"""The tracks of a shot on disk, with all that was found out about them: a safetensors file of nine arrays at most."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from segmentation.tracking.features import TrackFeatures
from segmentation.tracking.reliability import Stop
from segmentation.tracking.tracker import Tracking
from segmentation.trajectories import Trajectories

_SCHEMA = 1
_KEY = "flowfeat_tracks"
_PER_TRACK = {"start": np.int32, "length": np.int32, "cause": np.uint8, "cluster": np.int32, "object": np.int32}
_PER_POINT = {"xy": (2,), "sigma": (), "lab": (3,)}
_LABELS = ("cluster", "object")
_MOST = 1 << 20
"""Frames of a shot and pixels of a side: some arrays have an entry for each, so a forged number must not pass."""


@dataclass(frozen=True, eq=False)
class StoredTracks:
    """Tracks, and what each belongs to where they have been segmented.

    Attributes:
        trajectories: in the order in which they began.
        features: at their points.
        cause: why each ended, a `Stop`; NONE where it reached the shot's last frame.
        height, width: of the frames.
        cluster: by motion, from 0 by falling size; None where the shot was only tracked.
        object: 0 is the background, objects count from 1, -1 belongs to none; None where the shot was only tracked.
    """

    trajectories: Trajectories
    features: TrackFeatures
    cause: UInt8[np.ndarray, " n"]
    height: int
    width: int
    cluster: Int[np.ndarray, " n"] | None
    object: Int[np.ndarray, " n"] | None

    def __post_init__(self) -> None:
        if (self.cluster is None) != (self.object is None):
            raise ValueError("tracks have both clusters and objects, or neither")
        lengths = {len(self.trajectories), len(self.cause)}
        lengths |= {len(labels) for labels in (self.cluster, self.object) if labels is not None}
        if len(lengths) > 1:
            raise ValueError(f"{sorted(lengths)} tracks do not belong together")


def stored(
    tracking: Tracking, cluster: Int[np.ndarray, " n"] | None = None, object: Int[np.ndarray, " n"] | None = None
) -> StoredTracks:
    """What is kept of the tracks of a shot."""
    report = tracking.report
    return StoredTracks(
        tracking.trajectories, tracking.features, tracking.cause, report.height, report.width, cluster, object
    )


def write_tracks(path: str | Path, tracks: StoredTracks) -> None:
    """Write them, whole or not at all. The same tracks give the same bytes.

    Raises:
        OSError: the file cannot be written.
    """
    trajectories, features = tracks.trajectories, tracks.features
    arrays = {
        "start": trajectories.start,
        "length": trajectories.length,
        "cause": tracks.cause,
        "cluster": tracks.cluster,
        "object": tracks.object,
        "xy": trajectories.xy,
        "sigma": features.sigma,
        "lab": features.lab,
    }
    kept = {
        name: np.ascontiguousarray(array, _PER_TRACK.get(name, np.float32))
        for name, array in arrays.items()
        if array is not None
    }
    facts = {"schema": _SCHEMA, "frames": trajectories.frames, "height": tracks.height, "width": tracks.width}
    # All in one entry, because safetensors writes several in any order.
    write_atomically(Path(path), save(kept, {_KEY: json.dumps(facts, sort_keys=True)}))


def read_stored_tracks(path: str | Path) -> StoredTracks:
    """Read what `write_tracks` wrote.

    Raises:
        InputError: the file is missing, damaged, or something else.
    """
    path = Path(path)
    try:
        with safe_open(str(path), framework="np") as file:
            facts = _facts(path, (file.metadata() or {}).get(_KEY))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file of tracks; run `flowfeat segmentation track` again") from None
    except (SafetensorError, OSError, ValueError) as fault:
        if isinstance(fault, InputError):
            raise
        raise _damaged(path, f"it is no whole safetensors file: {str(fault)[:100]}") from None
    _check_arrays(path, arrays)
    frames, height, width = facts
    start, length = arrays["start"].astype(np.int64), arrays["length"].astype(np.int64)
    try:
        trajectories = Trajectories(start, length, arrays["xy"], frames)
    except ValueError as fault:
        raise _damaged(path, str(fault)) from None
    labels = {name: arrays[name].astype(np.int64) if name in arrays else None for name in _LABELS}
    features = TrackFeatures(arrays["sigma"], arrays["lab"])
    return StoredTracks(trajectories, features, arrays["cause"], height, width, labels["cluster"], labels["object"])


def _facts(path: Path, text: str | None) -> tuple[int, int, int]:
    """Frames, height and width."""
    if text is None:
        raise InputError(f"{path}: this safetensors file holds no tracks; give one that `flowfeat segmentation` wrote")
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(path, "its header is not JSON") from None
    if not isinstance(facts, dict) or set(facts) != {"schema", "frames", "height", "width"}:
        raise _damaged(path, "its header lacks fields or has unknown ones")
    if facts["schema"] != _SCHEMA:
        raise InputError(f"{path}: its schema is {str(facts['schema'])[:20]}, and this version reads {_SCHEMA}")
    sizes = facts["frames"], facts["height"], facts["width"]
    if not all(type(size) is int and 0 < size <= _MOST for size in sizes):
        raise _damaged(path, f"its header says {str(sizes)[:60]} for frames, height and width")
    return sizes


def _check_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    wanted = {*_PER_TRACK, *_PER_POINT} - (set() if _LABELS[0] in arrays or _LABELS[1] in arrays else {*_LABELS})
    if set(arrays) != wanted:
        raise _damaged(path, f"it holds {', '.join(sorted(arrays))[:100]}")
    tracks, points = len(arrays["start"]), len(arrays["xy"])
    for name, array in arrays.items():
        shape = (tracks,) if name in _PER_TRACK else (points, *_PER_POINT[name])
        dtype = np.dtype(_PER_TRACK.get(name, np.float32))
        if array.shape != shape or array.dtype != dtype:
            raise _damaged(path, f"{name} is {array.dtype} {array.shape} and should be {dtype} {shape}")
    if not all(np.isfinite(arrays[name]).all() for name in _PER_POINT):
        raise _damaged(path, "a position or a feature is no number")
    if tracks and (arrays["cause"].max() > max(Stop) or any(arrays[name].min() < -1 for name in wanted & {*_LABELS})):
        raise _damaged(path, "a cause or a label is none")


def _damaged(path: Path, how: str) -> InputError:
    return InputError(f"{path}: this file of tracks is damaged ({how}); track the shot again")
