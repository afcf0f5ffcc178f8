"""Writing one clip's file: planes are appended as they come, the file appears whole or not at all."""

import hashlib
import json
import math
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np

from flowfeat import __version__
from flowfeat.atomic import write_atomically
from flowfeat.errors import StoreError
from flowfeat.store.header import ClipHeader, SourceFacts
from flowfeat.store.planes import jpeg_size
from flowfeat.store.quantise import FieldFacts
from flowfeat.store.settings import StoreSettings

SUFFIX = ".safetensors"
_SPOOL_BYTES = 32 << 20


@dataclass
class _Track:
    """One growing tensor: its bytes, in memory while small and then in an unnamed file, and where each item ends."""

    spool: IO[bytes]
    ends: list[int] = field(default_factory=lambda: [0])

    def append(self, item: bytes | memoryview) -> None:
        self.spool.write(item)
        self.ends.append(self.ends[-1] + len(item))


class ClipWriter:
    """The file of the clip `key` below `store`. Append fields (and frames) in order, then `commit`.

    The bytes depend on what is appended alone: not on the time, the machine or the size of a batch. Use as a context
    manager; leaving it without a commit leaves nothing behind. Memory is bounded whatever the length of the clip.
    """

    def __init__(self, store: Path, key: str, settings: StoreSettings, height: int, width: int):
        self._path = clip_path(store, key)
        self._store, self._key, self._settings = store, key, settings
        self._height, self._width = height, width
        names = [
            "forward",
            *(["backward"] if settings.backward else []),
            *(["frames"] if settings.frames else []),
        ]
        self._tracks = {name: _Track(_spool(store)) for name in names}
        self._means: list[float] = []
        self._clipped_pixels = 0
        self._max_displacement = 0.0

    def __enter__(self) -> "ClipWriter":
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what was not committed."""
        for track in self._tracks.values():
            track.spool.close()

    def append_fields(self, direction: str, planes: Sequence[bytes | memoryview]) -> None:
        """Append encoded planes of one direction: x and y of one field after the other.

        Raises ValueError where one is not of the size that the header will tell, as far as its bytes say so.
        """
        for plane in planes:
            self._refuse_other_size(direction, plane)
            self._tracks[direction].append(plane)

    def append_frames(self, frames: Sequence[bytes]) -> None:
        """Append encoded frames. Raises as `append_fields` does."""
        for frame in frames:
            self._refuse_other_size("frames", frame)
            self._tracks["frames"].append(frame)

    def count(self, facts: FieldFacts) -> None:
        """Take the measurements of appended fields into the header."""
        self._means.extend(facts.mean_displacement.tolist())
        self._clipped_pixels += int(facts.clipped_pixels.sum())
        self._max_displacement = max(self._max_displacement, *facts.max_displacement.tolist())

    def commit(self, source: SourceFacts) -> ClipHeader:
        """Write the file beside its place, force it to disk and rename it. Raises OSError, leaving no trace."""
        fields = (len(self._tracks["forward"].ends) - 1) // 2
        layout = [
            *((name, *self._offsets(track)) for name, track in self._tracks.items() if self._is_jpeg(name)),
            *((name, *self._payload(name, track, fields)) for name, track in self._tracks.items()),
        ]
        digest = hashlib.sha256()
        for _, _, content in layout:
            for block in _blocks(content):
                digest.update(block)
        header = ClipHeader(
            key=self._key,
            settings=self._settings,
            source=source,
            pairs=fields,
            height=self._height,
            width=self._width,
            clipped_share=self._clipped_pixels / max(1, len(self._means) * self._height * self._width),
            max_displacement=self._max_displacement,
            # fsum is exact, so the order in which batches were made leaves no trace.
            mean_displacement=math.fsum(self._means) / max(1, len(self._means)),
            payload_sha256=digest.hexdigest(),
            flowfeat=__version__,
        )
        content = [_safetensors_header(layout, header.to_json()), *(part for _, _, part in layout)]
        write_atomically(self._path, (block for part in content for block in _blocks(part)))
        return header

    def _refuse_other_size(self, name: str, plane: bytes | memoryview) -> None:
        if self._is_jpeg(name):
            found, expected = jpeg_size(plane), (self._height, self._width)
        else:
            found = len(plane)
            expected = self._height * self._width * (2 if self._settings.encoding == "float16" else 1)
        if found != expected:
            unit = "pixels (height, width)" if self._is_jpeg(name) else "bytes"
            raise ValueError(f"{self._key}: {name} of {found} {unit} for a file of {expected}")

    def _is_jpeg(self, name: str) -> bool:
        return name == "frames" or self._settings.encoding == "jpeg"

    def _offsets(self, track: _Track) -> tuple[tuple[str, list[int]], bytes]:
        ends = np.asarray(track.ends, "<i8")
        return ("I64", [len(ends)]), ends.tobytes()

    def _payload(self, name: str, track: _Track, fields: int) -> tuple[tuple[str, list[int]], IO[bytes]]:
        if self._is_jpeg(name):
            return ("U8", [track.ends[-1]]), track.spool
        dtype = "F16" if self._settings.encoding == "float16" else "U8"
        return (dtype, [fields, 2, self._height, self._width]), track.spool


def clip_path(store: Path, key: str) -> Path:
    """Where the clip called `key` lies in the store."""
    return store / f"{key}{SUFFIX}"


def longest_name(store: Path) -> int:
    """How many bytes the name of a file in the store may have, its suffix included; the store need not be there."""
    there = next(path for path in (store.absolute(), *store.absolute().parents) if path.exists())
    return os.pathconf(there, "PC_NAME_MAX")


@contextmanager
def blamed_on_store(store: Path) -> Iterator[None]:
    """For what writes into `store`, and nothing else: an OSError becomes a StoreError that says so."""
    try:
        yield
    except OSError as fault:
        raise StoreError(
            f"{fault.filename or store}: the store cannot be written ({fault.strerror or fault}); nothing is "
            "half-written: mend this and run again"
        ) from fault


def _spool(store: Path) -> IO[bytes]:
    # On the store's disk, where there is room for the clip; unnamed, so a killed process leaves nothing.
    return tempfile.SpooledTemporaryFile(_SPOOL_BYTES, dir=str(store))


def _blocks(content: bytes | IO[bytes]) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    content.seek(0)
    while block := content.read(1 << 20):
        yield block


def _safetensors_header(layout: list[tuple[str, tuple[str, list[int]], bytes | IO[bytes]]], metadata: str) -> bytes:
    table: dict[str, object] = {"__metadata__": {"flowfeat": metadata}}
    position = 0
    for name, (dtype, shape), content in layout:
        size = len(content) if isinstance(content, bytes) else math.prod(shape) * (2 if dtype == "F16" else 1)
        suffix = "_offsets" if isinstance(content, bytes) else "_jpeg" if len(shape) == 1 else ""
        table[name + suffix] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    text = json.dumps(table, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # int64 offsets come first and stay aligned
    return struct.pack("<Q", len(text)) + text
