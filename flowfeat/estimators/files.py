"""Flow computed elsewhere: `files:DIR`, a folder a clip, a file a pair.

The fields of the clip with key KEY lie in DIR/KEY/forward/ (or DIR/KEY/ itself) and, for backward flow, in
DIR/KEY/backward/; their names, in natural order, are the pairs (0, step), (1, 1 + step), ... This is how
`flowfeat export --layout flo` writes them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from flowfeat.errors import InputError
from flowfeat.estimators.protocol import EstimatorDescription, FlowEstimator, Pair
from flowfeat.formats import FLOW_ENDINGS, read_flow
from flowfeat.video.readers import natural_order
from flowfeat.wording import counted

_SAMPLED_FILES, _SAMPLED_BYTES = 1000, 4096
"""Of how many files the contents are looked at, and how much of each."""


class FlowFiles(FlowEstimator):
    """Reads the flow of each pair from the file it was computed into.

    Its description tells one set of files from another, wherever they lie, by all names and sizes and by a sample of
    the contents: to read millions of files whole, before any is asked for, would take hours.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder of flow files")
        self._folder = folder
        self._listed: dict[Path, list[Path]] = {}
        self.description = EstimatorDescription("files", "none", {"files_sha256": _digest(folder)})

    def estimate(self, frames: UInt8[Tensor, "b 2 3 h w"], pairs: Sequence[Pair] | None) -> Float32[Tensor, "b 2 h w"]:
        if pairs is None:
            raise InputError(
                f"files:{self._folder} holds the flow of named clips, so it works on clips and not on bare frames"
            )
        height, width = frames.shape[-2:]
        flows = [self._flow(pair, height, width) for pair in pairs]
        return torch.from_numpy(np.stack(flows))

    def _flow(self, pair: Pair, height: int, width: int) -> Float32[np.ndarray, "2 h w"]:
        files = self._files(pair)
        index = min(pair.first, pair.second)
        if index >= len(files):
            raise InputError(
                f"{files[0].parent}: it holds {counted(len(files), 'field')} and the clip {pair.clip!r} has "
                "more pairs; every pair of neighbouring frames needs its field"
            )
        with _named(files[index]):
            field = read_flow(files[index])
        if field.flow.shape[1:] != (height, width):
            raise InputError(
                f"{files[index]}: the field is {field.flow.shape[2]}x{field.flow.shape[1]} and the frames of "
                f"{pair.clip!r} are {width}x{height}; give the frames the flow was computed on, or --resize them to it"
            )
        if field.valid is not None:
            raise InputError(
                f"{files[index]}: {int((~field.valid).sum())} pixels have no flow; a store needs every pixel's"
            )
        return field.flow

    def check_clip(self, clip: str, pairs: int, backward: bool) -> None:
        """Raise InputError where the files of `clip` are not exactly `pairs` fields: one too many means a shift."""
        for first, second in [(0, 1), (1, 0)] if backward else [(0, 1)]:
            files = self._files(Pair(clip, first, second))
            if len(files) != pairs:
                raise InputError(
                    f"{files[0].parent}: it holds {counted(len(files), 'field')} and the clip {clip!r} has "
                    f"{counted(pairs, 'pair')}"
                )

    def _files(self, pair: Pair) -> list[Path]:
        home = self._folder / pair.clip
        forward = home / "forward" if (home / "forward").is_dir() else home
        folder = forward if pair.first < pair.second else home / "backward"
        if folder not in self._listed:
            if not folder.is_dir():
                raise InputError(f"{folder}: there is no such folder, so the flow of {pair.clip!r} is missing")
            with _named(folder, "folder"):
                files = sorted((f for f in folder.iterdir() if f.suffix.lower() in FLOW_ENDINGS), key=natural_order)
            if not files:
                raise InputError(f"{folder}: no flow file ({', '.join(FLOW_ENDINGS)}) is in it")
            _refuse_gaps(files)
            self._listed[folder] = files
        return self._listed[folder]


def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in FLOW_ENDINGS)
    every = max(1, len(files) // _SAMPLED_FILES)
    digest = hashlib.sha256()
    for index, file in enumerate(files):
        with _named(file):
            size = file.stat().st_size
            digest.update(f"{file.relative_to(folder).as_posix()}\0{size}\0".encode())
            if index % every == 0:
                digest.update(_in_the_middle(file, size))
    return digest.hexdigest()


def _in_the_middle(file: Path, size: int) -> bytes:
    # There is flow; at the beginning is what all fields of a size have in common.
    with file.open("rb") as opened:
        opened.seek(max(0, (size - _SAMPLED_BYTES) // 2))
        return opened.read(_SAMPLED_BYTES)


@contextmanager
def _named(path: Path, kind: str = "file") -> Iterator[None]:
    # Bad input, and so its clip's fault: an OSError would stop the whole run.
    try:
        yield
    except OSError as fault:
        raise InputError(f"{path}: this {kind} of flow cannot be read ({fault.strerror or fault})") from fault


def _refuse_gaps(files: list[Path]) -> None:
    numbers = ["".join(c if c.isdigit() else " " for c in file.stem).split() for file in files]
    if all(numbers):
        for (a, b), (file, after) in zip(pairwise(int(n[-1]) for n in numbers), pairwise(files), strict=True):
            if b != a + 1:
                raise InputError(
                    f"{file.parent}: the numbers jump from {file.name} to {after.name}; a field is missing or double"
                )
