"""Is a store what it says it is? Counts, checksums, ranges and every single plane, clip by clip."""

import hashlib
import json
import struct
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from flowfeat.errors import StoreError
from flowfeat.store.reader import StoredClip, stored_keys
from flowfeat.store.records import partial_files, runs_of_store, settings_of_store
from flowfeat.store.settings import StoreSettings
from flowfeat.store.writer import clip_path
from flowfeat.wording import counted

_CLIPS_AHEAD = 64
_BYTES_AT_ONCE = 16 << 20


@dataclass(frozen=True)
class Verification:
    """What was checked and what does not hold.

    `faults` maps stored clips to what is wrong with them; `missing` planned clips that are not stored to the reason,
    where a run recorded one. `notes` are no faults: clips that decode fewer frames than declared, runs that have not
    come to a clip that is missing, files that killed runs left.
    """

    store: str
    clips: int
    pairs: int
    frames: int
    bytes: int
    clipped_share: float
    faults: dict[str, str]
    missing: dict[str, str]
    notes: list[str]

    @property
    def clean(self) -> bool:
        """Whether everything that was planned is stored and everything stored is right."""
        return not self.faults and not self.missing

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "clean": self.clean}, indent=1)


def verify(store: Path, threads: int | None = None, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Check every clip of `store`, decoding every plane, and every clip its runs planned.

    `progress` is called with clips checked and clips in all. Raises StoreError where `store` is no store at all.
    """
    store = Path(store)
    settings = settings_of_store(store)
    keys = sorted(stored_keys(store)) if store.is_dir() else []
    if settings is None and not keys:
        raise StoreError(f"{store}: this is no store (neither store.json nor a stored clip is in it)")
    faults: dict[str, str] = {}
    pairs = frames = size = done = 0
    clipped = pixels = 0.0
    notes = []
    with ThreadPoolExecutor(threads) as pool:
        for key, (clip, fault) in _checked(pool, store, keys, settings):
            done += 1
            if progress:
                progress(done, len(keys))
            if fault or clip is None:
                faults[key] = fault
                continue
            header = clip.header
            area = header.pairs * header.height * header.width
            pairs, frames, pixels = pairs + header.pairs, frames + header.source.frames_decoded, pixels + area
            clipped += header.clipped_share * area
            size += clip.path.stat().st_size
            declared = header.source.frames_declared
            if declared is not None and header.source.frames_decoded < declared:
                notes.append(f"{key}: {header.source.frames_decoded} of {declared} declared frames decode")
            if header.source.frame_gaps:
                notes.append(f"{key}: the names of its frames skip {header.source.frame_gaps} numbers")
    missing, unfinished = _missing(store, set(keys))
    notes += unfinished
    if partial := sum(1 for _ in partial_files(store)):
        notes.append(f"{counted(partial, 'partial file')} of killed runs; repair removes them")
    return Verification(
        str(store),
        len(keys),
        pairs,
        frames,
        size,
        clipped / pixels if pixels else 0.0,
        faults,
        missing,
        notes,
    )


def _missing(store: Path, stored: set[str]) -> tuple[dict[str, str], list[str]]:
    """Planned clips that are not stored, and notes of runs that did not come to the end of what is still missing."""
    missing: dict[str, str] = {}
    unfinished: dict[str, tuple[str, set[str]]] = {}
    for path, record in runs_of_store(store):
        planned, state = record["planned"], record.get("state")
        left = {key for key in planned if key not in stored}
        missing.update({key: f"planned by {path.name}, never stored" for key in planned if key in left})
        missing.update({key: str(reason) for key, reason in record["failed"].items() if key not in stored})
        if state == "finished":  # what earlier runs left, this one has come to
            unfinished = {name: (told, rest) for name, (told, keys) in unfinished.items() if (rest := keys - left)}
        elif left:
            # A run that is killed cannot say so.
            told = "is still going, or was killed" if state == "running" else f"did not finish ({state})"
            unfinished[path.name] = told, left
    return missing, [f"{name} {told}" for name, (told, _) in unfinished.items()]


def _checked(
    pool: ThreadPoolExecutor, store: Path, keys: list[str], settings: StoreSettings | None
) -> Iterator[tuple[str, tuple[StoredClip | None, str]]]:
    """The keys in order, each with what `_check_clip` found."""
    # Not pool.map: it would hold a task of more than a kilobyte for every clip of the store.
    running: deque[tuple[str, Future[tuple[StoredClip | None, str]]]] = deque()
    for key in keys:
        running.append((key, pool.submit(_check_clip, store, key, settings)))
        if len(running) > _CLIPS_AHEAD:
            key, checked = running.popleft()
            yield key, checked.result()
    for key, checked in running:
        yield key, checked.result()


def _check_clip(store: Path, key: str, settings: StoreSettings | None) -> tuple[StoredClip | None, str]:
    try:
        clip = StoredClip(clip_path(store, key))
        _check_header(clip, key, settings)
        check_payload_checksum(clip)
        _check_fields(clip)
        return clip, ""
    except (StoreError, OSError) as fault:
        return None, str(fault)


def _check_header(clip: StoredClip, key: str, settings: StoreSettings | None) -> None:
    header = clip.header
    if header.key != key:
        raise StoreError(
            f"{clip.path}: the file is called {key!r} and holds {header.key!r}; it was renamed or copied over"
        )
    if settings and header.settings != settings:
        raise StoreError(
            f"{clip.path}: made with other settings than the store ({header.settings.differences(settings)})"
        )
    expected = header.source.frames_decoded - header.settings.step
    if header.pairs != expected:
        raise StoreError(
            f"{clip.path}: {header.source.frames_decoded} frames were decoded, so {expected} pairs are expected, "
            f"and {header.pairs} are stored"
        )


def check_payload_checksum(clip: StoredClip) -> None:
    """Raise StoreError where the contents of the file are not those its header was written for."""
    digest = hashlib.sha256()
    with clip.path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        file.seek(8 + length)
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != clip.header.payload_sha256:
        raise StoreError(
            f"{clip.path}: its contents do not match their checksum; the file was damaged after it was written"
        )


def _check_fields(clip: StoredClip) -> None:
    header = clip.header
    for direction in ("forward", "backward") if header.settings.backward else ("forward",):
        largest = 0.0
        for start, count in _parts(clip.pairs, 2 * header.height * header.width):
            levels = clip.read_levels(start, count, direction)
            if levels.dtype == np.float16:
                if not np.isfinite(levels).all():
                    raise StoreError(f"{clip.path}: {direction} flow is not finite")
                flow = levels.astype(np.float32)
                largest = max(largest, float(np.hypot(flow[:, 0], flow[:, 1]).max()))
            elif header.settings.encoding == "uint8" and not levels.all():
                raise StoreError(f"{clip.path}: {direction} flow holds level 0, which no value is stored as")
        if largest > header.max_displacement * 1.01 + 0.01:
            raise StoreError(
                f"{clip.path}: {direction} flow reaches {largest:.2f} px "
                f"and its header says {header.max_displacement:.2f}"
            )
    for start, count in _parts(clip.frames, 3 * header.height * header.width):
        clip.read_frames(start, count)


def _parts(items: int, item_bytes: int) -> Iterator[tuple[int, int]]:
    """Start and length of parts of `items` that are decoded at a time, so that large ones take no more memory."""
    at_once = max(1, _BYTES_AT_ONCE // max(1, item_bytes))
    return ((start, min(at_once, items - start)) for start in range(0, items, at_once))
