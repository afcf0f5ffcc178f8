"""What an exported folder says of itself: `manifest.json` when whole, `.export.jsonl` while it is made."""

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import flowfeat
from flowfeat.atomic import write_atomically
from flowfeat.errors import StoreError
from flowfeat.store.header import ClipHeader
from flowfeat.store.layouts.layout import LAYOUTS, Layout
from flowfeat.store.settings import StoreSettings

MANIFEST = "manifest.json"
JOURNAL = ".export.jsonl"
"""Its first line says what is exported; each further line is a clip that is whole."""

LEVELS = "level = 128 + round(127 * flow / bound); flow = (level - 128) * bound / 127"

_SCHEMA = 1
_FILE_FACTS = ("folder", "frames", "files", "bytes", "clipped_pixels", "files_sha256")


@dataclass(frozen=True)
class ExportedClip:
    """One clip of an exported folder.

    Attributes:
        header: of the stored clip; where float16 flow was quantised for the export, its clipped share and its
            displacements are those of the exported fields.
        folder: what `{clip}` is in the patterns.
        frames: how many RGB frames were exported: all of the clip's, or 0.
        files: how many files were written.
        bytes: their size.
        clipped_pixels: pixels beyond the bound that the export itself clipped.
        files_sha256: of the bytes of all "forward", "backward" and "frames" files, in order.
    """

    header: ClipHeader
    folder: str
    frames: int
    files: int
    bytes: int
    clipped_pixels: int
    files_sha256: dict[str, str]

    def to_table(self) -> dict[str, Any]:
        """As JSON; the settings are left to the manifest."""
        table = asdict(self.header)
        del table["settings"]
        return {**table, "fps": self.header.source.fps, **{name: getattr(self, name) for name in _FILE_FACTS}}

    @classmethod
    def from_table(cls, table: Any, settings: StoreSettings, layout: Layout) -> "ExportedClip":
        """Parse what `to_table` made. Raises StoreError, without the file's name, where it is not that."""
        if not isinstance(table, dict) or not {*_FILE_FACTS, "fps"} <= set(table):
            raise StoreError("an entry of its clips lacks fields")
        facts = {name: table[name] for name in _FILE_FACTS}
        rest = {name: value for name, value in table.items() if name not in facts and name != "fps"}
        text = json.dumps({**rest, "settings": asdict(settings), "fingerprint": settings.fingerprint})
        header = ClipHeader.from_json(text)
        path = PurePosixPath(header.key)
        # A key decides where a file is written, so one that leaves the store is refused.
        if path.is_absolute() or ".." in path.parts or str(path) != header.key or header.key in ("", "."):
            raise StoreError(f"its clip {header.key[:80]!r} is not the name of a clip")
        counts = [facts[name] for name in ("frames", "files", "bytes", "clipped_pixels")]
        if (
            any(type(count) is not int or count < 0 for count in counts)
            or facts["folder"] != layout.clip_folder(header.key)
            or not isinstance(facts["files_sha256"], dict)
        ):
            raise StoreError(f"its entry of {header.key} holds values that no export writes")
        return cls(header, **facts)


@dataclass(frozen=True)
class Manifest:
    """An export: of which flow, in which layout, with which clips.

    Attributes:
        layout: where the files lie.
        settings: of the store.
        bound: pixels; of the 8-bit levels. None where flow is stored as floats.
        clips: by key.
        missing: keys of clips that the store's runs planned and that are not in the store, nor here.
    """

    layout: Layout
    settings: StoreSettings
    bound: float | None
    clips: dict[str, ExportedClip] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def differences(self, other: "Manifest") -> str:
        """How `other`, which was asked for, differs from this; empty where the two are one export."""
        parts = []
        if self.layout != other.layout:
            parts.append(f"layout {self.layout.name} there, {other.layout.name} here")
        if self.settings != other.settings:
            parts.append(self.settings.differences(other.settings))
        if self.bound != other.bound:
            parts.append(f"bound {self.bound} of its levels there, {other.bound} here")
        return "; ".join(parts)

    def to_table(self) -> dict[str, Any]:
        layout = self.layout
        return {
            "schema": _SCHEMA,
            "flowfeat": flowfeat.__version__,
            "layout": layout.name,
            "index_base": layout.first,
            "patterns": {"forward": layout.forward, "backward": layout.backward, "frames": layout.frames},
            "bound": self.bound,
            "levels": LEVELS if layout.eight_bit else None,
            "mmaction2": {name: dict(arguments) for name, arguments in layout.mmaction2.items()},
            "settings": asdict(self.settings),
            "fingerprint": self.settings.fingerprint,
            "missing": self.missing,
            "clips": [self.clips[key].to_table() for key in sorted(self.clips)],
        }

    @classmethod
    def from_table(cls, table: dict[str, Any]) -> "Manifest":
        """Parse what `to_table` made. Raises StoreError, without the file's name, where it is not that."""
        if table.get("schema") != _SCHEMA:
            raise StoreError(f"it has schema {str(table.get('schema'))[:20]}, and this flowfeat reads {_SCHEMA}")
        layout = LAYOUTS.get(str(table.get("layout")))
        if layout is None:
            raise StoreError(f"its layout {str(table.get('layout'))[:40]!r} is unknown")
        settings = StoreSettings.from_json(table.get("settings"))
        bound, clips, missing = table.get("bound"), table.get("clips"), table.get("missing")
        plain = cls(layout, settings, bound if isinstance(bound, int | float) else None)
        # Files laid out or quantised otherwise than here would be read wrongly.
        expected = json.loads(json.dumps(plain.to_table()))
        for name in ("index_base", "patterns", "levels", "fingerprint", "bound"):
            if table.get(name) != expected[name]:
                raise StoreError(f"its {name} is not what this flowfeat writes; the file was changed by hand")
        right = layout.eight_bit == (plain.bound is not None) and 0 < (plain.bound or 1.0) < 1e6
        if not right or (layout.eight_bit and settings.bound not in (None, plain.bound)):
            raise StoreError(f"its bound {str(bound)[:40]} is not that of its levels; the file was changed by hand")
        if not isinstance(clips, list) or not isinstance(missing, list):
            raise StoreError("its list of clips is missing")
        entries = [ExportedClip.from_table(clip, settings, layout) for clip in clips]
        return replace(
            plain, clips={entry.header.key: entry for entry in entries}, missing=[str(key) for key in missing]
        )


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Say that the export is whole, and forget how far it had come."""
    path = folder / MANIFEST
    write_atomically(path, (json.dumps(manifest.to_table(), indent=1, sort_keys=True) + "\n").encode())
    (folder / JOURNAL).unlink(missing_ok=True)
    return path


def write_journal(folder: Path, manifest: Manifest) -> Path:
    """Say that an export has begun, with the clips it already has; lines are appended as it goes on."""
    path = folder / JOURNAL
    head = {**manifest.to_table(), "clips": []}
    lines = [head, *(entry.to_table() for entry in manifest.clips.values())]
    write_atomically(path, "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines).encode())
    return path


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an export that is whole; None where there is none of ours.

    Raises StoreError where it is damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        table = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as fault:
        raise StoreError(f"{path}: this is not JSON ({str(fault)[:80]}); copy it or export again") from None
    if not isinstance(table, dict) or not {"flowfeat", "layout", "fingerprint"} <= set(table):
        return None  # other tools call their files so too
    try:
        return Manifest.from_table(table)
    except StoreError as fault:
        raise StoreError(f"{path}: {fault}; export again") from None


def read_journal(folder: Path) -> Manifest | None:
    """How far an export came that is not whole; None where none was begun.

    Raises StoreError where that is damaged.
    """
    path = folder / JOURNAL
    if not path.is_file():
        return None
    head, *lines = path.read_bytes().split(b"\n")
    try:
        manifest = Manifest.from_table(json.loads(head))
    except (ValueError, AttributeError) as fault:
        raise StoreError(
            f"{path}: an export was begun here and this is damaged ({fault}); give another --out"
        ) from None
    for line in lines:
        try:
            entry = ExportedClip.from_table(json.loads(line), manifest.settings, manifest.layout)
        except ValueError:  # the line that was being written when the export was killed
            continue
        manifest.clips[entry.header.key] = entry
    return manifest
