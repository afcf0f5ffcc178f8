"""Reading a flow store: any stack of fields of any clip, without reading the rest of the file."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Int64, UInt8
from safetensors import SafetensorError, safe_open
from torch import Tensor

from flowfeat.errors import StoreAccessError, StoreError
from flowfeat.store.header import ClipHeader
from flowfeat.store.planes import decode_frame_into, decode_plane_into
from flowfeat.store.quantise import dequantise
from flowfeat.store.writer import SUFFIX, clip_path

Direction = Literal["forward", "backward"]


class StoredClip:
    """The flow of one clip. Opening reads the header alone.

    Attributes:
        path: the file.
        header: what the file says of itself.
    """

    def __init__(self, path: Path):
        """Open the file at `path`.

        Raises StoreError where it is no stored clip, StoreAccessError where it cannot be opened, FileNotFoundError
        without one.
        """
        self.path = Path(path)
        try:
            self._file = safe_open(str(path), framework="np")
            metadata = self._file.metadata() or {}
        except FileNotFoundError:
            _refuse_unopenable(self.path)
            raise
        except (SafetensorError, OSError, ValueError) as fault:
            raise StoreError(f"{path}: this is not a whole safetensors file ({str(fault)[:100]})") from fault
        if "flowfeat" not in metadata:
            raise StoreError(f"{path}: this safetensors file holds no flow of flowfeat")
        try:
            self.header = ClipHeader.from_json(metadata["flowfeat"])
        except StoreError as fault:
            raise StoreError(f"{path}: {fault}") from None
        self._check_layout()
        self._checked_offsets: dict[str, Int64[np.ndarray, "n"]] = {}

    def __repr__(self) -> str:
        return f"StoredClip({self.key!r}, pairs={self.pairs}, size={self.height}x{self.width})"

    @property
    def key(self) -> str:
        return self.header.key

    @property
    def pairs(self) -> int:
        """How many fields there are in each direction."""
        return self.header.pairs

    @property
    def height(self) -> int:
        return self.header.height

    @property
    def width(self) -> int:
        return self.header.width

    def read(
        self, start: int = 0, count: int | None = None, direction: Direction = "forward"
    ) -> Float32[Tensor, "t 2 h w"]:
        """Fields `start` to `start + count` (to the end without a count), in pixels, x first.

        Field t is the flow from frame t to frame t + step; backward, from frame t + step to frame t. Raises
        StoreError where the file is damaged, IndexError where the fields are not all there.
        """
        bound = self.header.settings.bound
        levels = self.read_levels(start, count, direction)
        flow = levels.astype(np.float32) if bound is None else dequantise(levels, bound)
        return torch.from_numpy(flow)

    def read_levels(self, start: int = 0, count: int | None = None, direction: Direction = "forward") -> np.ndarray:
        """The fields as they are stored: uint8 levels, or float16 in pixels; (t, 2, h, w)."""
        stop = self._stop(start, count, self.pairs)
        self._require(direction)
        if self.header.settings.encoding != "jpeg":
            return self._slice(direction, start, stop)
        planes = self._jpegs(direction, 2 * start, 2 * stop)
        levels = np.empty((stop - start, 2, self.height, self.width), np.uint8)
        for index, plane in enumerate(planes):
            self._decode(decode_plane_into, levels[index // 2, index % 2], plane)
        return levels

    def read_jpegs(
        self, start: int = 0, count: int | None = None, direction: Direction = "forward"
    ) -> list[memoryview]:
        """The fields' planes as they are stored, x and y of each after the other, where the encoding is JPEG."""
        self._require(direction)
        return self._jpegs(direction, 2 * start, 2 * self._stop(start, count, self.pairs))

    @property
    def frames(self) -> int:
        """How many RGB frames are stored: all of the clip's, or 0."""
        return self.header.source.frames_decoded if self.header.settings.frames else 0

    def read_frames(self, start: int = 0, count: int | None = None) -> UInt8[Tensor, "t 3 h w"]:
        """RGB frames `start` to `start + count`. Raises StoreError where none were stored."""
        jpegs = self.read_frame_jpegs(start, count)
        frames = np.empty((len(jpegs), self.height, self.width, 3), np.uint8)
        for index, jpeg in enumerate(jpegs):
            self._decode(decode_frame_into, frames[index], jpeg)
        return torch.from_numpy(frames).permute(0, 3, 1, 2)

    def read_frame_jpegs(self, start: int = 0, count: int | None = None) -> list[memoryview]:
        """The stored frames as JPEG files."""
        if not self.frames:
            raise StoreError(f"{self.path}: no frames are stored; extract with --frames to have them")
        return self._jpegs("frames", start, self._stop(start, count, self.frames))

    def _stop(self, start: int, count: int | None, available: int) -> int:
        stop = available if count is None else start + count
        if not 0 <= start <= stop <= available:
            raise IndexError(f"{self.path}: {start} to {stop} was asked for of {available}")
        return stop

    def _require(self, direction: Direction) -> None:
        if direction == "backward" and not self.header.settings.backward:
            raise StoreError(f"{self.path}: no backward flow is stored; extract with --backward to have it")

    def _jpegs(self, name: str, start: int, stop: int) -> list[memoryview]:
        ends = self._offsets(name)[start : stop + 1]
        data = self._slice(f"{name}_jpeg", int(ends[0]), int(ends[-1])).data
        return [data[a - ends[0] : b - ends[0]] for a, b in pairwise(ends)]

    def _offsets(self, name: str) -> Int64[np.ndarray, "n"]:
        if name not in self._checked_offsets:
            ends = self._file.get_tensor(f"{name}_offsets")
            (size,) = self._file.get_slice(f"{name}_jpeg").get_shape()
            if ends[0] != 0 or ends[-1] != size or (np.diff(ends) <= 0).any():
                raise StoreError(f"{self.path}: the offsets of its {name} JPEGs are damaged")
            self._checked_offsets[name] = ends
        return self._checked_offsets[name]

    def _slice(self, name: str, start: int, stop: int) -> np.ndarray:
        try:
            return self._file.get_slice(name)[start:stop]
        except SafetensorError as fault:
            raise StoreError(f"{self.path}: {name} cannot be read ({str(fault)[:100]})") from fault

    def _decode(self, decode_into: Callable[..., None], pixels: np.ndarray, jpeg: memoryview) -> None:
        try:
            decode_into(pixels, jpeg)
        except StoreError as fault:
            raise StoreError(f"{self.path}: {fault}") from None

    def _check_layout(self) -> None:
        found = {name: self._file.get_slice(name) for name in self._file.keys()}  # noqa: SIM118
        shapes = {name: (part.get_dtype(), list(part.get_shape())) for name, part in found.items()}
        for name, (dtype, shape) in self._expected_layout().items():
            # A JPEG payload may be of any length; everything else follows from the header.
            got = shapes.pop(name, None)
            if got is None or got[0] != dtype or len(got[1]) != len(shape) or (shape != [-1] and got[1] != shape):
                raise StoreError(
                    f"{self.path}: {name} should be {dtype} {shape} by its header and is {got or 'missing'}"
                )
        if shapes:
            raise StoreError(f"{self.path}: it holds tensors its header does not know: {', '.join(shapes)[:100]}")

    def _expected_layout(self) -> dict[str, tuple[str, list[int]]]:
        settings, layout = self.header.settings, {}
        for name in ["forward", *(["backward"] if settings.backward else [])]:
            if settings.encoding == "jpeg":
                layout[f"{name}_offsets"] = ("I64", [2 * self.pairs + 1])
                layout[f"{name}_jpeg"] = ("U8", [-1])
            else:
                dtype = "F16" if settings.encoding == "float16" else "U8"
                layout[name] = (dtype, [self.pairs, 2, self.height, self.width])
        if settings.frames:
            layout["frames_offsets"] = ("I64", [self.header.source.frames_decoded + 1])
            layout["frames_jpeg"] = ("U8", [-1])
        return layout


def _refuse_unopenable(path: Path) -> None:
    """Raise StoreAccessError where the file is there: safetensors says of every file it cannot open that it is not."""
    try:
        path.open("rb").close()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as fault:
        raise StoreAccessError(f"{path}: the stored clip cannot be opened ({fault.strerror or fault})") from fault


class FlowStore(Mapping[str, StoredClip]):
    """A folder of stored clips: `store[key]`, by key or by a stem that is unique.

    The listing is made once, when it is first needed; clips added later are found by opening the store again.
    """

    def __init__(self, path: str | Path):
        """Raises StoreError where `path` is no folder."""
        self.path = Path(path)
        if not self.path.is_dir():
            raise StoreError(f"{self.path}: there is no such store")

    def __getitem__(self, name: str) -> StoredClip:
        key = name if self._has_key(name) else self._key_of_stem(name)
        return StoredClip(clip_path(self.path, key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (self._has_key(name) or len(self._by_stem.get(name, ())) == 1)

    def __repr__(self) -> str:
        return f"FlowStore({str(self.path)!r}, clips={len(self)})"

    def _has_key(self, name: str) -> bool:
        try:
            return clip_path(self.path, name).is_file()
        except (OSError, ValueError):  # a name that no file can have
            return False

    @cached_property
    def _keys(self) -> list[str]:
        return sorted(stored_keys(self.path))

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        stems: dict[str, list[str]] = {}
        for key in self._keys:
            stems.setdefault(key.rsplit("/", 1)[-1], []).append(key)
        return stems

    def _key_of_stem(self, stem: str) -> str:
        keys = self._by_stem.get(stem, [])
        if not keys:
            near = difflib.get_close_matches(stem, self._by_stem, n=3, cutoff=0.5)
            few = near or list(islice(self._by_stem, 3))
            told = f"{'perhaps' if near else 'it holds'} {', '.join(few)}" if few else "it holds none"
            raise KeyError(f"{self.path} holds no clip called {stem!r}; {told}")
        if len(keys) > 1:
            raise KeyError(
                f"{self.path} holds {len(keys)} clips called {stem!r}: {', '.join(keys[:3])}; give the whole key"
            )
        return keys[0]


def stored_keys(store: Path) -> Iterator[str]:
    """The keys of the clips in a store, in no order, without opening any."""
    for folder, _, names in os.walk(store):
        for name in names:
            if name.endswith(SUFFIX):
                yield (Path(folder).relative_to(store) / name.removesuffix(SUFFIX)).as_posix()
