"""What a run counts, while it goes on: totals, and what is to be said of single clips."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from flowfeat.store import ClipHeader


@dataclass(frozen=True)
class Progress:
    """How far a run has come. `pairs` are pairs stored or on their way; a clip counts when it is committed."""

    clips_done: int
    clips_failed: int
    clips: int
    pairs: int
    bytes_done: int
    bytes: int


@dataclass
class Totals:
    """What was done: whole numbers, so that the order in which clips finish leaves no trace.

    `computed_pairs` were computed, those of clips that failed among them; `pairs`, `frames`, `invented_frames`,
    `pixels` and `clipped_pixels` (both of all fields) and `bytes_written` are of the `extracted` clips alone.
    `source_bytes` are those of clips that are done or failed. `failed`, `short` and `gaps` name clips; `batches`
    has the pairs of a batch for each size of frames, as `240x320`.
    """

    extracted: int = 0
    pairs: int = 0
    computed_pairs: int = 0
    padded_pairs: int = 0
    frames: int = 0
    invented_frames: int = 0
    pixels: int = 0
    clipped_pixels: int = 0
    bytes_written: int = 0
    source_bytes: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    short: dict[str, str] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    batches: dict[str, int] = field(default_factory=dict)

    def add(self, other: "Totals") -> None:
        """Take in what was done elsewhere, to other clips."""
        for name in (one.name for one in fields(self)):
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, {**mine, **theirs} if isinstance(mine, dict) else mine + theirs)

    def add_clip(self, header: ClipHeader, bytes_written: int) -> None:
        """Take in a clip that is in the store."""
        source = header.source
        pixels = header.pairs * (1 + header.settings.backward) * header.height * header.width
        self.extracted += 1
        self.pairs += header.pairs
        self.frames += source.frames_decoded
        self.invented_frames += source.frames_invented
        self.pixels += pixels
        self.clipped_pixels += round(header.clipped_share * pixels)
        self.bytes_written += bytes_written
        if source.frames_declared is not None and source.frames_decoded < source.frames_declared:
            self.short[header.key] = f"{source.frames_decoded} of {source.frames_declared} declared frames decode"
        if source.frame_gaps:
            self.gaps[header.key] = source.frame_gaps


@dataclass
class Tally:
    """The totals of a run of so many `clips` and `bytes`, shared by its threads; it tells `progress` of every step."""

    progress: Callable[[Progress], None] | None
    clips: int
    bytes: int
    totals: Totals = field(default_factory=Totals)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, totals: Totals) -> None:
        """What was done elsewhere, to clips of this run."""
        with self.lock:
            self.totals.add(totals)
            self._report()

    def pairs_computed(self, pairs: int) -> None:
        with self.lock:
            self.totals.computed_pairs += pairs
            self._report()

    def batches_chosen(self, sizes: Mapping[tuple[int, int], int]) -> None:
        with self.lock:
            self.totals.batches |= {f"{height}x{width}": pairs for (height, width), pairs in sizes.items()}

    def pairs_padded(self, pairs: int) -> None:
        with self.lock:
            self.totals.padded_pairs += pairs

    def clip_done(self, header: ClipHeader, source_bytes: int, bytes_written: int) -> None:
        with self.lock:
            self.totals.add_clip(header, bytes_written)
            self.totals.source_bytes += source_bytes
            self._report()

    def clip_failed(self, key: str, reason: str, source_bytes: int) -> None:
        with self.lock:
            if key not in self.totals.failed:
                self.totals.failed[key] = reason
                self.totals.source_bytes += source_bytes
            self._report()

    def _report(self) -> None:
        if self.progress:
            now = self.totals
            self.progress(
                Progress(now.extracted, len(now.failed), self.clips, now.computed_pairs, now.source_bytes, self.bytes)
            )
