"""The files of one exported clip: their bytes, and folders that appear whole or not at all."""

import hashlib
import io
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from flowfeat.atomic import PARTIAL
from flowfeat.store.layouts.layout import Layout, clip_part
from flowfeat.store.planes import encode_plane
from flowfeat.store.quantise import FieldFacts, measure, quantise
from flowfeat.store.reader import Direction, StoredClip
from flowfeat.store.settings import JPEG_QUALITY

_FIELDS_AT_ONCE = 16


def clip_folders(layout: Layout, clip: str) -> dict[str, str]:
    """The folders of a clip below the exported one, by the beginning of the patterns that lie in them."""
    beginnings = dict.fromkeys(clip_part(pattern)[0] for pattern in (*layout.forward, *layout.backward, layout.frames))
    return {beginning: beginning.format(clip=clip) for beginning in beginnings}


class ClipFiles:
    """The files of one clip while they are written, counted and summed."""

    def __init__(self, partial: dict[str, Path]):
        self._partial = partial
        self._digest = hashlib.sha256()
        self._made: set[Path] = set()
        self.files = self.bytes = 0
        self.sha256: dict[str, str] = {}

    def write(
        self, name: str, first: int, patterns: Sequence[str], groups: Iterable[Sequence[Iterable[bytes]]]
    ) -> None:
        """Write a series of files: each group holds, for every pattern, a file as blocks of bytes."""
        self._digest = hashlib.sha256()
        for index, group in enumerate(groups, first):
            for pattern, blocks in zip(patterns, group, strict=True):
                beginning, rest = clip_part(pattern)
                self._write_file(self._partial[beginning] / rest.format(index=index), blocks)
        self.sha256[name] = self._digest.hexdigest()

    def _write_file(self, path: Path, blocks: Iterable[bytes]) -> None:
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        with path.open("wb") as file:
            for block in blocks:
                file.write(block)
                self._digest.update(block)
                self.bytes += len(block)
        self.files += 1


@contextmanager
def clip_files(out: Path, layout: Layout, clip: str) -> Iterator[ClipFiles]:
    """The clip's folders under other names, renamed when all is written and removed when it is not."""
    final = {beginning: out / folder for beginning, folder in clip_folders(layout, clip).items()}
    partial = {name: path.with_name(f".{path.name}{PARTIAL}") for name, path in final.items()}
    for path in partial.values():
        if path.exists():  # of an export that was killed
            shutil.rmtree(path)
    try:
        yield ClipFiles(partial)
        for name, path in partial.items():
            if final[name].exists():
                shutil.rmtree(final[name])
            if path.exists():
                path.replace(final[name])
    finally:
        for path in partial.values():
            shutil.rmtree(path, ignore_errors=True)


def frame_files(clip: StoredClip) -> Iterator[list[list[bytes]]]:
    for start in range(0, clip.frames, _FIELDS_AT_ONCE):
        for jpeg in clip.read_frame_jpegs(start, min(_FIELDS_AT_ONCE, clip.frames - start)):
            yield [[bytes(jpeg)]]


# One field's files, each as blocks of bytes; a whole clip's where the layout has one file for it.
_Fields = Iterator[Sequence[Iterable[bytes]]]


def _jpeg_fields(clip: StoredClip, direction: Direction, bound: float | None, facts: list[FieldFacts]) -> _Fields:
    assert bound is not None
    settings = clip.header.settings
    for start, count in _parts(clip):
        if settings.encoding == "jpeg":
            jpegs = [bytes(jpeg) for jpeg in clip.read_jpegs(start, count, direction)]
        else:
            levels = clip.read_levels(start, count, direction)
            if settings.bound is None:
                flow = clip.read(start, count, direction)
                facts.append(measure(flow, bound))
                levels = quantise(flow, bound).numpy()
            jpegs = [encode_plane(plane, JPEG_QUALITY) for field in levels for plane in field]
        yield from ([[x], [y]] for x, y in zip(jpegs[::2], jpegs[1::2], strict=True))


def _flo_fields(clip: StoredClip, direction: Direction, bound: float | None, facts: list[FieldFacts]) -> _Fields:
    # formats.write_flo forces each file to disk, which takes longer than all the rest for millions of them.
    head = b"PIEH" + struct.pack("<ii", clip.width, clip.height)
    for start, count in _parts(clip):
        for field in clip.read(start, count, direction).permute(0, 2, 3, 1).numpy():
            yield [[head, np.ascontiguousarray(field, "<f4").tobytes()]]


def _npy_fields(clip: StoredClip, direction: Direction, bound: float | None, facts: list[FieldFacts]) -> _Fields:
    def blocks() -> Iterator[bytes]:
        head = io.BytesIO()
        shape = (clip.pairs, 2, clip.height, clip.width)
        np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": shape})
        yield head.getvalue()
        for start, count in _parts(clip):
            yield np.ascontiguousarray(clip.read(start, count, direction).numpy(), "<f4").tobytes()

    yield [blocks()]


def _parts(clip: StoredClip) -> Iterator[tuple[int, int]]:
    return ((start, min(_FIELDS_AT_ONCE, clip.pairs - start)) for start in range(0, clip.pairs, _FIELDS_AT_ONCE))


FIELDS_OF_STORAGE = {"jpeg": _jpeg_fields, "flo": _flo_fields, "npy": _npy_fields}
