"""What can be imported from a folder, found out before a store is touched."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from flowfeat.errors import FormatError, InputError
from flowfeat.store.layouts.detection import ClipListing, find_clip_folders, list_clip
from flowfeat.store.layouts.layout import Layout
from flowfeat.store.layouts.manifest import JOURNAL, ExportedClip, Manifest, read_manifest
from flowfeat.store.layouts.reading import ClipShape, checked_jpeg_size, shape_of
from flowfeat.wording import counted


@dataclass(frozen=True)
class FoundClip:
    """A clip whose files are in order.

    Attributes:
        key: what the store will call it.
        folder: what `{clip}` is in the names of its files.
        shape: of its flow.
        exported: what the manifest says of it, where there is one.
    """

    key: str
    folder: str
    shape: ClipShape
    exported: ExportedClip | None


@dataclass(frozen=True)
class Survey:
    """What a folder holds.

    Attributes:
        folder: the folder.
        layout: how it is laid out.
        manifest: what flowfeat wrote into it; None for a folder of another tool.
        clips: the clips that can be imported.
        failed: the others, with the reason.
        first: the number of the first field, in every clip; None where files have no numbers.
        patterns: what the files of forward flow are called.
        backward: whether the clips have backward flow.
        frames: whether the clips have RGB frames that fit their flow.
        notes: what else is worth telling.
    """

    folder: Path
    layout: Layout
    manifest: Manifest | None
    clips: list[FoundClip]
    failed: dict[str, str]
    first: int | None
    patterns: tuple[str, ...]
    backward: bool
    frames: bool
    notes: list[str]

    @property
    def step(self) -> int:
        """How many frames lie between the two of a pair; other tools know no other step than 1."""
        return self.manifest.settings.step if self.manifest else 1

    @property
    def keys(self) -> list[str]:
        return sorted([*(clip.key for clip in self.clips), *self.failed])


@dataclass
class _Findings:
    clips: list[FoundClip] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    backward: dict[bool, str] = field(default_factory=dict)
    spelled: dict[tuple[int, tuple[str, ...]], str] = field(default_factory=dict)
    frame_faults: list[str] = field(default_factory=list)
    frames_seen: bool = False


def survey(folder: Path, layout: Layout) -> Survey:
    """Look at every clip of `folder`: names, numbers, the size of the first field; nothing is written.

    Raises InputError where the folder is no such layout, is an export that is not whole, or where its clips
    do not agree on the number of the first field, the names of the files or on having backward flow.
    """
    manifest = read_manifest(folder)
    if manifest is None and (folder / JOURNAL).exists():
        raise InputError(
            f"{folder}: this export was never finished (it has no manifest.json); run flowfeat export again"
        )
    if manifest and manifest.layout != layout:
        raise InputError(
            f"{folder}: its manifest.json says that it was exported as {manifest.layout.name} and not as "
            f"{layout.name}; give --layout {manifest.layout.name}"
        )
    folders, partial = find_clip_folders(folder, layout)
    notes = _notes(folders, partial, manifest)
    exported = {key: entry.folder for key, entry in manifest.clips.items()} if manifest else None
    clips = _keys(folder, layout, folders) if exported is None else exported
    findings = _Findings()
    for key in sorted(clips):
        try:
            _look_at(findings, folder, layout, manifest, key, clips[key])
        except FormatError as fault:
            findings.failed[key] = str(fault)
    if not findings.clips:
        first = next(iter(findings.failed.values()), "its manifest.json names none")
        raise InputError(f"{folder}: none of its {len(clips)} clips can be imported; the first: {first}")
    _check_agreement(folder, findings)
    ((number, patterns),) = findings.spelled
    frames = not findings.frame_faults
    if not frames and findings.frames_seen:
        count = len(findings.frame_faults)
        notes.append(
            f"frames are left out: {count} of {len(findings.clips)} clips have none that fit their flow, "
            f"such as {findings.frame_faults[0]}"
        )
    return Survey(
        folder=folder,
        layout=layout,
        manifest=manifest,
        clips=findings.clips,
        failed=findings.failed,
        first=number if any("{index" in pattern for pattern in patterns) else None,
        patterns=patterns,
        backward=True in findings.backward,
        frames=frames,
        notes=notes,
    )


def _notes(folders: list[str], partial: int, manifest: Manifest | None) -> list[str]:
    notes = []
    if partial:
        notes.append(f"{counted(partial, 'half-written folder')} of a killed export passed by")
    if manifest:
        if extra := sorted(set(folders) - {entry.folder for entry in manifest.clips.values()}):
            notes.append(f"{counted(len(extra), 'folder')} not in the manifest and left out, such as {extra[0]}")
        if manifest.missing:
            notes.append(
                f"{counted(len(manifest.missing), 'clip')} missing in the exported store, such as {manifest.missing[0]}"
            )
    return notes


def _keys(folder: Path, layout: Layout, folders: list[str]) -> dict[str, str]:
    """What the clips of another tool's folder are called."""
    keys: dict[str, str] = {}
    for place in folders:
        key = PurePosixPath(place).name if layout.flat else place
        if key in keys:
            raise InputError(
                f"{folder}: two clips have one stem, {keys[key]} and {place}; rename one, or import them apart"
            )
        keys[key] = place
    return keys


def _look_at(
    findings: _Findings, folder: Path, layout: Layout, manifest: Manifest | None, key: str, place: str
) -> None:
    listing = list_clip(folder, layout, place)
    shape = shape_of(layout.storage, listing.forward)
    exported = manifest.clips[key] if manifest else None
    if manifest and exported:
        _check_against(manifest, exported, listing, shape)
    findings.clips.append(FoundClip(key, place, shape, exported))
    findings.backward.setdefault(bool(listing.backward), key)
    findings.spelled.setdefault((listing.first, listing.patterns), key)
    findings.frames_seen |= bool(listing.frames) or listing.frames_fault is not None
    fault = listing.frames_fault or _frames_fault(listing, shape, manifest.settings.step if manifest else 1)
    if fault:
        findings.frame_faults.append(f"{key} ({fault})")


def _check_against(manifest: Manifest, exported: ExportedClip, listing: ClipListing, shape: ClipShape) -> None:
    layout, header = manifest.layout, exported.header
    home = listing.forward[0][0]
    pairs = {
        "names of the flow": (listing.patterns, layout.forward),
        "number of the first field": (listing.first, layout.first),
        "number of fields": (shape.pairs, header.pairs),
        "size (height, width)": ((shape.height, shape.width), (header.height, header.width)),
        "backward flow": (bool(listing.backward), manifest.settings.backward and bool(layout.backward)),
    }
    for what, (found, said) in pairs.items():
        if found != said:
            raise FormatError(
                f"{home}: the clip's {what}: {found} is found and manifest.json says {said}; export again"
            )


def _frames_fault(listing: ClipListing, shape: ClipShape, step: int) -> str | None:
    if not listing.frames:
        return "no frames"
    if len(listing.frames) != shape.pairs + step:
        return f"{len(listing.frames)} frames for {shape.pairs} pairs, where {shape.pairs + step} are right"
    try:
        height, width = checked_jpeg_size(listing.frames[0], listing.frames[0].read_bytes())
    except (FormatError, OSError) as fault:
        return str(fault)
    if (height, width) != (shape.height, shape.width):
        return f"frames of {width}x{height} for flow of {shape.width}x{shape.height}"
    return None


def _check_agreement(folder: Path, findings: _Findings) -> None:
    if len(findings.spelled) > 1:
        ((first, names), one), ((other_first, other_names), other) = list(findings.spelled.items())[:2]
        what = (
            f"the files of {one} begin at number {first} and those of {other} at {other_first}"
            if first != other_first
            else f"the files of {one} are called {names[0]} and those of {other} {other_names[0]}"
        )
        raise InputError(f"{folder}: {what}; one of them was made otherwise, so import them apart or make it again")
    if len(findings.backward) > 1:
        raise InputError(
            f"{folder}: {findings.backward[True]} has backward flow and {findings.backward[False]} has "
            "none; a store has it of every clip or of none, so import them apart or remove it"
        )
