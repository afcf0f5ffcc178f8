"""A small labelled data set in a store, made for tests of recognition."""

from pathlib import Path

import torch
from fixture_stores import settings, smooth_flow, write_stored_clip

from flowfeat.store import ClipWriter, FlowStore, SourceFacts
from flowfeat.store.records import claim_store
from recognition.datasets import LabelledClip, Split, SplitInStore, find_in_store

CLASSES = ("Wave", "Jump")
FIELDS = {"v_Wave_g01_c01": 14, "v_Wave_g08_c01": 6, "v_Jump_g01_c01": 9, "v_Jump_g08_c01": 20, "v_Jump_g09_c01": 3}
"""How many fields each clip has; g01 is test."""


def labelled(name: str) -> LabelledClip:
    return LabelledClip(name, CLASSES.index(name.split("_")[1]), name.rsplit("_", 1)[0])


def small_split() -> Split:
    clips = [labelled(name) for name in FIELDS]
    test = tuple(clip for clip in clips if "_g01_" in clip.name)
    return Split("Small", 1, CLASSES, tuple(clip for clip in clips if clip not in test), test)


def write_small_store(store: Path, encoding: str = "uint8", height: int = 48, width: int = 64) -> SplitInStore:
    """Waves go left and right, jumps up and down; every field of every clip is another one."""
    split = small_split()
    for seed, clip in enumerate(split.clips):
        flow = smooth_flow(FIELDS[clip.name], height, width, largest=6.0, seed=seed)
        flow[:, 1 - clip.label] = 0
        flow += torch.arange(len(flow))[:, None, None, None] / 10
        write_stored_clip(store, f"{split.classes[clip.label]}/{clip.name}", settings(encoding, frames=True), flow)
    return find_in_store(split, FlowStore(store))


def write_single_frame(store: Path, key: str) -> None:
    """A clip of one frame, which has no flow."""
    claim_store(store, settings())
    with ClipWriter(store, key, settings(), 16, 16) as writer:
        writer.commit(SourceFacts(f"{key}.avi", 1, "0" * 64, "decord 0.6.0", 1, 1, 0, 0, 25.0, 16, 16))
