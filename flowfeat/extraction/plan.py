"""Which clips there are, which are done under these settings, and which are to be made."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowfeat.errors import ClipError, StoreAccessError, StoreError
from flowfeat.extraction.options import ExtractionOptions
from flowfeat.store.reader import StoredClip
from flowfeat.store.records import settings_of_store
from flowfeat.store.settings import StoreSettings
from flowfeat.store.writer import clip_path, longest_name
from flowfeat.video import Clip, find_clips, select_clips
from flowfeat.video.readers import source_size


@dataclass(frozen=True)
class Plan:
    """The clips of one run.

    `todo` are to be made, with their sizes in bytes; `done` are stored. `redone` are the keys of those that are made
    although they are stored, `failed` of those that cannot be made, with the reason why.
    """

    todo: dict[Clip, int]
    done: list[Clip]
    redone: dict[str, str]
    failed: dict[str, str]

    @property
    def keys(self) -> list[str]:
        return sorted([*(clip.key for clip in [*self.todo, *self.done]), *self.failed])


def make_plan(
    inputs: Sequence[Path], options: ExtractionOptions, settings: StoreSettings, redo: Collection[str] = ()
) -> Plan:
    """Look at inputs and store; write nothing. The clips called `redo` are made again though they seem done.

    Raises InputError where the inputs cannot be used, StoreError where the store was made with other settings.
    """
    clips = find_clips(inputs)
    if options.clips:
        clips = select_clips(clips, options.clips)
    part, parts = options.part
    clips = [clip for clip in clips if shard_of(clip.key, parts) == part]
    existing = settings_of_store(options.out)
    if existing and existing != settings:
        raise StoreError(
            f"{options.out}: this store was made with other settings ({existing.differences(settings)}); "
            "give the same settings to add to it, or another --out"
        )
    todo: dict[Clip, int] = {}
    done, redone, failed, name_bytes = [], {}, {}, longest_name(options.out)
    for clip in clips:
        try:
            _refuse_long_name(options.out, clip.key, name_bytes)
            size = source_size(clip.path)
            found = "it did not pass verification" if clip.key in redo else standing(options.out, clip, size, settings)
        except (ClipError, StoreAccessError) as fault:
            failed[clip.key] = str(fault)
            continue
        except OSError as fault:  # of the source: those of the store are StoreErrors
            failed[clip.key] = f"{fault.filename or clip.path}: the clip cannot be read ({fault.strerror or fault})"
            continue
        if isinstance(found, StoredClip):
            done.append(clip)
            continue
        todo[clip] = size
        if found:
            redone[clip.key] = found
    return Plan(todo, done, redone, failed)


def shard_of(key: str, parts: int) -> int:
    """Which of `parts` parts, counted from 1, a clip belongs to: decided by its key alone.

    A clip stays in its part when others are added or removed, so no clip falls between two machines whose listings
    differ.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % parts + 1


def standing(store: Path, clip: Clip, size: int, settings: StoreSettings) -> StoredClip | str:
    """What is stored of a clip of `size` bytes where it is done; otherwise why it is to be made, empty if it never was.

    Raises StoreError where it was made with other settings, StoreAccessError where it is there and cannot be opened.
    """
    try:
        stored = StoredClip(clip_path(store, clip.key))
    except FileNotFoundError:
        return ""
    except StoreAccessError:  # it may be whole, and another's
        raise
    except StoreError:
        return "the stored file was damaged"
    if stored.header.settings != settings:
        raise StoreError(
            f"{stored.path}: this file was made with other settings ({stored.header.settings.differences(settings)}); "
            "give the same settings, or another --out"
        )
    return stored if stored.header.source.bytes == size else "the clip has changed since"


def _refuse_long_name(store: Path, key: str, most: int) -> None:
    """Raise ClipError where the clip's file could not be called so; `most` bytes are a name's in the store."""
    name = clip_path(store, key).name
    if (size := len(name.encode())) > most:
        raise ClipError(
            f"{key}: the name of this clip is too long: its file in the store would be called by {size} bytes, and "
            f"{most} are the most there; give it a shorter one"
        )
