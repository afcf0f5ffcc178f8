"""Stores made for measurements, through the writer of `extract`: so many clips, of fields that are encoded once."""

from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

from jaxtyping import Float32
from torch import Tensor

from flowfeat.extraction import ExtractionOptions
from flowfeat.store import ClipWriter, SourceFacts
from flowfeat.store.encoding import encode_field, stored_values
from flowfeat.store.quantise import measure
from flowfeat.store.records import claim_store


def write_made_store(store: Path, flow: Float32[Tensor, "t 2 h w"], clips: Iterable[tuple[str, Path | None]]) -> None:
    """A store as `extract --model zero` has it, of which each clip has this flow; nothing is synced to the disk.

    Args:
        store: a new folder.
        flow: the fields of every clip, in pixels.
        clips: their keys, and the videos whose names and sizes they tell of, where there are any.
    """
    options = ExtractionOptions(out=store, model="zero")
    settings = options.settings(options.load_estimators()[0])
    claim_store(store, settings)
    height, width, frames = *flow.shape[2:], len(flow) + 1
    facts = measure(flow, settings.bound)
    planes = [plane for values in stored_values(flow, settings) for plane in encode_field(values, settings)]
    with patch("os.fsync"):  # what is thrown away afterwards need not outlive a power cut
        for key, video in clips:
            name, size = (video.name, video.stat().st_size) if video else ("v.avi", 1)
            source = SourceFacts(name, size, "0" * 64, settings.model, frames, frames, 0, 0, 25.0, height, width)
            with ClipWriter(store, key, settings, height, width) as writer:
                writer.append_fields("forward", planes)
                writer.count(facts)
                writer.commit(source)
