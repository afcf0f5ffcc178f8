"""A flow store as folders of files that other tools read."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from flowfeat.errors import InputError, StoreError
from flowfeat.store.header import ClipHeader
from flowfeat.store.layouts.layout import Layout, layout_called
from flowfeat.store.layouts.manifest import (
    JOURNAL,
    MANIFEST,
    ExportedClip,
    Manifest,
    read_journal,
    read_manifest,
    write_journal,
    write_manifest,
)
from flowfeat.store.layouts.writing import FIELDS_OF_STORAGE, clip_files, clip_folders, frame_files
from flowfeat.store.quantise import FieldFacts
from flowfeat.store.reader import FlowStore, StoredClip
from flowfeat.store.records import runs_of_store, settings_of_store
from flowfeat.store.settings import DEFAULT_BOUND, StoreSettings, check_bound
from flowfeat.store.verify import check_payload_checksum
from flowfeat.store.writer import clip_path
from flowfeat.wording import counted

_SHOWN = 20


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote. Counts are of the whole exported folder, whenever its clips were written.

    Attributes:
        store: the store.
        layout: the name of the layout.
        out: the exported folder.
        manifest: its `manifest.json`; None where clips failed, for then the export is not whole.
        clips: clips of the store.
        done_before: clips that an earlier run had written already.
        pairs: pairs of frames, so fields in each direction.
        frames: RGB frames.
        files: files of flow and frames.
        bytes: their size.
        bound: pixels; of the 8-bit levels, None where flow is stored as floats.
        clipped_pixels: pixels beyond the bound that the export clipped; those that the store had clipped are
            not here.
        backward_left_out: backward fields of the store that the layout has no place for.
        failed: keys of stored clips that cannot be read, with the reason.
        missing: keys of clips that the store's runs planned and the store does not hold.
        seconds: what this run took.
    """

    store: str
    layout: str
    out: str
    manifest: str | None
    clips: int
    done_before: int
    pairs: int
    frames: int
    files: int
    bytes: int
    bound: float | None
    clipped_pixels: int
    backward_left_out: int
    failed: dict[str, str]
    missing: list[str]
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every clip that is or should be in the store is in the folder."""
        return not self.failed and not self.missing

    def describe(self) -> str:
        """The report in a few lines, for people."""
        lines = [
            f"{self.out}: {self.clips - len(self.failed)} of {counted(self.clips, 'clip')} ({self.done_before} were "
            f"there before) as {self.layout}, {counted(self.pairs, 'pair')}, "
            f"{counted(self.frames, 'frame')}, {counted(self.files, 'file')}"
        ]
        if self.bound is not None:
            lines.append(
                f"levels span {self.bound:g} pixels to each side, the export clipped {self.clipped_pixels} pixels"
            )
        if self.backward_left_out:
            lines.append(f"{self.backward_left_out} backward fields were left out: {self.layout} holds none")
        if self.missing:
            lines.append(
                f"{counted(len(self.missing), 'clip')} planned and not in the store, such as {self.missing[0]}"
            )
        lines += [f"  failed: {reason}" for reason in list(self.failed.values())[:_SHOWN]]
        if (more := len(self.failed) - _SHOWN) > 0:
            lines.append(f"  ... and {more} more")
        if self.failed:
            lines.append("the export is not whole and has no manifest.json: repair the store and run again")
        return "\n".join(lines)


def export_store(
    store: Path,
    layout: str,
    out: Path,
    bound: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ExportReport:
    """Write the flow (and the frames) of a store into the folder `out`, as `layout` lays them out.

    8-bit levels are the store's own, 128 + round(127 * flow / bound). What is usual elsewhere, round(255 *
    (flow + bound) / (2 * bound)), has the same 128 for zero and differs by less than one level anywhere above
    -bound, so these files are read as they are. JPEGs of a store are copied byte for byte and lose nothing
    more; uint8 levels are encoded at JPEG quality 95; float16 is quantised within `bound` first.

    The folders of a clip appear whole, one clip after the other, and `manifest.json` appears last: without it
    the export is not whole. Run again to go on: clips that are there are kept, those that changed in the
    store are written anew. Files are not forced to disk one by one.

    Args:
        store: a flow store.
        layout: a name in `LAYOUTS`.
        out: a folder that is new, empty, or holds an export of this store in this layout.
        bound: pixels; used where float16 flow becomes 8-bit levels, 20 by default. Levels that are stored
            keep the bound they have.
        progress: called with clips done and clips in all.

    Returns:
        The report. A stored clip that is damaged is in `failed`; the others go on, without a manifest.

    Raises:
        InputError: there is no such layout, the bound is none or not the store's, or two clips would share a folder.
        StoreError: the store cannot be used, or `out` holds something else or cannot be written.
    """
    started, store, out, chosen = time.monotonic(), Path(store), Path(out), layout_called(layout)
    keys = list(FlowStore(store))
    if not keys:
        raise StoreError(f"{store}: no stored clip is in it; give a folder that flowfeat extract made")
    settings = settings_of_store(store) or StoredClip(clip_path(store, keys[0])).header.settings
    chosen.check_keys(keys)
    level_bound = _level_bound(store, settings, chosen, bound)
    try:
        manifest = _begin(out, Manifest(chosen, settings, level_bound, {}, _missing(store, set(keys))), keys)
        done_before, failed = _write_clips(out, manifest, store, keys, progress)
        path = None if failed else write_manifest(out, manifest)
    except OSError as fault:
        where = fault.filename or out
        raise StoreError(
            f"{where}: the export cannot be written ({fault.strerror or fault}); mend this and run again to go on"
        ) from fault
    entries = manifest.clips.values()
    pairs = sum(entry.header.pairs for entry in entries)
    return ExportReport(
        store=str(store),
        layout=chosen.name,
        out=str(out),
        manifest=str(path) if path else None,
        clips=len(keys),
        done_before=done_before,
        pairs=pairs,
        frames=sum(entry.frames for entry in entries),
        files=sum(entry.files for entry in entries),
        bytes=sum(entry.bytes for entry in entries),
        bound=level_bound,
        clipped_pixels=sum(entry.clipped_pixels for entry in entries),
        backward_left_out=pairs if settings.backward and not chosen.backward else 0,
        failed=failed,
        missing=manifest.missing,
        seconds=round(time.monotonic() - started, 3),
    )


def _level_bound(store: Path, settings: StoreSettings, layout: Layout, bound: float | None) -> float | None:
    if not layout.eight_bit:
        return None
    if settings.bound is None:
        return check_bound(DEFAULT_BOUND if bound is None else bound)
    if bound is not None and bound != settings.bound:
        raise InputError(
            f"{store}: its levels span {settings.bound:g} pixels and --bound {bound:g} was asked for; leave "
            "it away, or extract with that bound"
        )
    return settings.bound


def _missing(store: Path, stored: set[str]) -> list[str]:
    return sorted({str(key) for _, record in runs_of_store(store) for key in record["planned"]} - stored)


def _begin(out: Path, wanted: Manifest, keys: list[str]) -> Manifest:
    """What `out` already holds of the wanted export; from here until its end `out` has no manifest."""
    out.mkdir(parents=True, exist_ok=True)
    found = read_manifest(out) or read_journal(out)
    if found is None and any(not path.name.startswith(".") for path in out.iterdir()):
        raise StoreError(f"{out}: the folder is not empty and holds no export of flowfeat; give another --out")
    if found is not None:
        if difference := found.differences(wanted):
            raise StoreError(f"{out}: another export is in this folder ({difference}); give another --out")
        if gone := sorted(found.clips.keys() - set(keys)):
            raise StoreError(
                f"{out}: it holds {counted(len(gone), 'clip')} that the store does not, such as {gone[0]}; it is "
                "another store's export, or clips were removed: give another --out"
            )
    manifest = replace(wanted, clips=dict(found.clips) if found else {})
    write_journal(out, manifest)
    (out / MANIFEST).unlink(missing_ok=True)
    return manifest


def _write_clips(
    out: Path,
    manifest: Manifest,
    store: Path,
    keys: list[str],
    progress: Callable[[int, int], None] | None,
) -> tuple[int, dict[str, str]]:
    """Write the clips that are not there yet; how many were, and which cannot be read and why."""
    done_before, failed = 0, {}
    with (out / JOURNAL).open("a", encoding="utf-8") as journal:
        for number, key in enumerate(keys, 1):
            try:
                entry = _write_clip(out, manifest, StoredClip(clip_path(store, key)))
            except StoreError as fault:
                failed[key] = str(fault)
                manifest.clips.pop(key, None)
            else:
                if entry is manifest.clips.get(key):
                    done_before += 1
                else:
                    manifest.clips[key] = entry
                    journal.write(json.dumps(entry.to_table(), sort_keys=True) + "\n")
                    journal.flush()
            if progress:
                progress(number, len(keys))
    return done_before, failed


def _is_same(entry: ExportedClip, clip: StoredClip) -> bool:
    there, here = entry.header, clip.header
    return there.payload_sha256 == here.payload_sha256 and there.source == here.source


def _is_whole(out: Path, manifest: Manifest, entry: ExportedClip) -> bool:
    folders = clip_folders(manifest.layout, entry.folder)
    return entry.files == sum(path.is_file() for folder in folders.values() for path in (out / folder).rglob("*"))


def _write_clip(out: Path, manifest: Manifest, clip: StoredClip) -> ExportedClip:
    """The clip's entry: the one there was, where its files are there too; otherwise after writing them."""
    if clip.header.settings != manifest.settings:
        difference = clip.header.settings.differences(manifest.settings)
        raise StoreError(f"{clip.path}: its settings are not the store's ({difference}); run flowfeat verify")
    entry = manifest.clips.get(clip.key)
    if entry and _is_same(entry, clip) and _is_whole(out, manifest, entry):
        return entry
    check_payload_checksum(clip)  # a JPEG that is copied is not looked into
    layout, folder = manifest.layout, manifest.layout.clip_folder(clip.key)
    fields_of = FIELDS_OF_STORAGE[layout.storage]
    facts: list[FieldFacts] = []
    with clip_files(out, layout, folder) as files:
        forward = fields_of(clip, "forward", manifest.bound, facts)
        files.write("forward", layout.first, layout.forward, forward)
        if clip.header.settings.backward and layout.backward:
            backward = fields_of(clip, "backward", manifest.bound, facts)
            files.write("backward", layout.first, layout.backward, backward)
        if clip.frames:
            files.write("frames", layout.first, (layout.frames,), frame_files(clip))
    header, clipped = _measured(clip.header, facts)
    return ExportedClip(header, folder, clip.frames, files.files, files.bytes, clipped, files.sha256)


def _measured(header: ClipHeader, facts: list[FieldFacts]) -> tuple[ClipHeader, int]:
    """The header with what was measured on fields that were quantised only now, and their clipped pixels."""
    if not facts:
        return header, 0
    means = [mean for one in facts for mean in one.mean_displacement.tolist()]
    clipped = sum(int(one.clipped_pixels.sum()) for one in facts)
    measured = replace(
        header,
        clipped_share=clipped / (len(means) * header.height * header.width),
        max_displacement=max(float(one.max_displacement.max()) for one in facts),
        mean_displacement=math.fsum(means) / len(means),
    )
    return measured, clipped
