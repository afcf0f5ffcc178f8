"""Clips of a surveyed folder into a store, one after the other."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from flowfeat.errors import FormatError, InputError, StoreAccessError, StoreError
from flowfeat.store.encoding import encode_field, stored_values
from flowfeat.store.header import ClipHeader, SourceFacts
from flowfeat.store.layouts.detection import ClipListing, list_clip
from flowfeat.store.layouts.reading import Field, FlowOfLevel, flow_of_foreign_level, read_fields, read_frame
from flowfeat.store.layouts.survey import FoundClip, Survey
from flowfeat.store.quantise import FieldFacts, dequantise, measure
from flowfeat.store.reader import StoredClip
from flowfeat.store.settings import FLOAT16_MAX, StoreSettings
from flowfeat.store.writer import ClipWriter, clip_path


def is_exact(found: Survey, settings: StoreSettings) -> bool:
    """Whether values imported under `settings` are bit for bit those of the exported store."""
    if found.manifest is None:
        return False
    was = found.manifest.settings
    same = (was.encoding, was.bound) == (settings.encoding, settings.bound)
    return same and found.layout.eight_bit == (settings.encoding == "jpeg")


class ClipImporter:
    """Imports the clips of a survey.

    Attributes:
        found: what is imported.
        settings: of the store.
        level_bound: pixels; of the levels that are read or written, None where there are none.
        out: the store.
        verbatim: whether JPEGs are taken byte for byte.
        headers: of the clips that were stored.
        done_before: how many clips were in the store already.
        failed: keys of the others, with the reason.
    """

    def __init__(self, found: Survey, settings: StoreSettings, level_bound: float | None, out: Path):
        self.found, self.settings, self.level_bound, self.out = found, settings, level_bound, out
        self.headers: list[ClipHeader] = []
        self.done_before = 0
        self.failed = dict(found.failed)
        manifest, eight_bit = found.manifest, found.layout.eight_bit
        self.verbatim = manifest is not None and eight_bit and settings.encoding == "jpeg"
        # A header tells of the flow before it was quantised, which the manifest knows and the files do not.
        # Where it counts backward flow that was left out, it says nothing of the forward flow alone.
        halved = manifest is not None and manifest.settings.backward and not settings.backward
        known = manifest is not None and not (halved and manifest.settings.bound is not None)
        self._recorded = known and (self.verbatim or is_exact(found, settings))
        self._flow_of_level: FlowOfLevel | None = None
        if eight_bit and level_bound is not None:
            ours = dequantise(np.arange(256, dtype=np.uint8), level_bound)
            self._flow_of_level = ours if manifest else flow_of_foreign_level(level_bound)

    def import_clips(self, progress: Callable[[int, int], None] | None) -> None:
        """Store every clip that is not stored yet. Raises OSError where the store cannot be written."""
        for number, clip in enumerate(self.found.clips, 1):
            try:
                listing = list_clip(self.found.folder, self.found.layout, clip.folder)
                if self._is_stored(clip, listing):
                    self.done_before += 1
                else:
                    self.headers.append(self._import_clip(clip, listing))
            except InputError as fault:
                self.failed[clip.key] = str(fault)
            if progress:
                progress(number, len(self.found.clips))

    def _is_stored(self, clip: FoundClip, listing: ClipListing) -> bool:
        try:
            stored = StoredClip(clip_path(self.out, clip.key))
        except FileNotFoundError:
            return False
        except StoreAccessError:
            raise
        except StoreError:  # damaged: made again
            return False
        header = stored.header
        if header.settings != self.settings:
            difference = header.settings.differences(self.settings)
            raise StoreError(
                f"{stored.path}: this file was made with other settings ({difference}); give another --out"
            )
        if clip.exported:
            return (header.pairs, header.source) == (
                clip.shape.pairs,
                self._source_of_export(clip.exported.header),
            )
        size = sum(path.stat().st_size for path in self._files(listing))
        return (header.pairs, header.source.bytes) == (clip.shape.pairs, size)

    def _files(self, listing: ClipListing) -> list[Path]:
        fields = (path for group in (*listing.forward, *listing.backward) for path in group)
        return [*fields, *(listing.frames if self.settings.frames else [])]

    def _import_clip(self, clip: FoundClip, listing: ClipListing) -> ClipHeader:
        shape, sums = clip.shape, _Sums(clip)
        with ClipWriter(self.out, clip.key, self.settings, shape.height, shape.width) as writer:
            series = {
                "forward": listing.forward,
                **({"backward": listing.backward} if listing.backward else {}),
            }
            for direction, files in series.items():
                for field in read_fields(self.found.layout.storage, files, shape, self._flow_of_level, sums.add):
                    if not self._recorded:
                        writer.count(self._measured(clip, field))
                    writer.append_fields(direction, self._planes(field))
                sums.end_series(direction)
            if self.settings.frames:
                for path in listing.frames:
                    writer.append_frames([read_frame(path, shape, sums.add)])
                sums.end_series("frames")
            if self._recorded and clip.exported:
                writer.count(_recorded_facts(clip.exported.header, len(series)))
            return writer.commit(self._source(clip, sums))

    def _planes(self, field: Field) -> list[bytes]:
        """The two planes of a field as the store holds them."""
        if self.verbatim:
            return list(field.jpegs)
        return encode_field(stored_values(torch.from_numpy(field.flow)[None], self.settings)[0], self.settings)

    def _measured(self, clip: FoundClip, field: Field) -> FieldFacts:
        facts = measure(torch.from_numpy(field.flow)[None], self.settings.bound)
        largest = float(facts.max_displacement)
        if self.settings.encoding == "float16" and largest > FLOAT16_MAX:
            raise FormatError(
                f"{clip.folder}: its flow reaches {largest:.0f} pixels, which float16 cannot hold; mend it, "
                "or import it with --encoding jpeg"
            )
        if not self.found.layout.eight_bit or self.level_bound is None:
            return facts
        # Of a level at the bound nobody knows how far beyond it the flow was.
        saturated = (np.abs(field.flow) >= self.level_bound * (1 - 1e-6)).any(axis=0)
        return replace(facts, clipped_pixels=torch.tensor([int(saturated.sum())]))

    def _source_of_export(self, exported: ClipHeader) -> SourceFacts:
        return replace(exported.source, reader=f"import {self.found.layout.name}")

    def _source(self, clip: FoundClip, sums: "_Sums") -> SourceFacts:
        if clip.exported:
            return self._source_of_export(clip.exported.header)
        return SourceFacts(
            name=Path(clip.folder).name,
            bytes=sums.bytes,
            sha256=sums.all.hexdigest(),
            reader=f"import {self.found.layout.name}",
            frames_decoded=clip.shape.pairs + self.found.step,
            frames_declared=None,
            frames_invented=0,
            frame_gaps=0,
            fps=None,
            height=clip.shape.height,
            width=clip.shape.width,
        )


class _Sums:
    """Checksums of the files of a clip while they are read: of all, and of the series that is being read."""

    def __init__(self, clip: FoundClip):
        self._clip = clip
        self._said = clip.exported.files_sha256 if clip.exported else {}
        self.all, self.bytes = hashlib.sha256(), 0
        self._series = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self.all.update(data)
        self._series.update(data)
        self.bytes += len(data)

    def end_series(self, name: str) -> None:
        """Raise FormatError where the files read since the last call are not those that were exported."""
        digest, self._series = self._series.hexdigest(), hashlib.sha256()
        if name in self._said and self._said[name] != digest:
            raise FormatError(
                f"{self._clip.folder}: its {name} files are not those that were exported, they were changed "
                "or damaged since; copy them again, or remove manifest.json to import them as another "
                "tool's"
            )


def _recorded_facts(header: ClipHeader, directions: int) -> FieldFacts:
    """Measurements of single fields that add up to what the header says of them all."""
    fields = header.pairs * directions
    clipped = torch.zeros(fields, dtype=torch.int64)
    clipped[0] = round(header.clipped_share * fields * header.height * header.width)
    return FieldFacts(
        finite=torch.ones(fields, dtype=torch.bool),
        clipped_pixels=clipped,
        max_displacement=torch.full((fields,), header.max_displacement, dtype=torch.float32),
        mean_displacement=torch.full((fields,), header.mean_displacement, dtype=torch.float64),
    )
