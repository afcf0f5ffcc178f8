"""A tiny data set in UCF101's layout, its flow in a store: what moves up, and what moves down."""

from dataclasses import replace
from pathlib import Path

import torch
from fixture_stores import settings, smooth_flow, write_stored_clip
from torch import nn

from recognition.presets import Preset, Views, find_preset
from recognition.schedules import Schedule
from recognition.training import TrainingOptions

CLASSES = ("Up", "Down")
"""In the lists' order, which is not the sorted one. Mirroring a clip does not change its class."""


def write_two_classes(root: Path, frames: bool = False) -> tuple[Path, Path]:
    """Write the store and the lists; test are groups 1 and 2, training 3 to 6, of two clips each."""
    store, lists = root / "store", root / "lists"
    of, names = settings(encoding="uint8", frames=frames), []
    for label, name in enumerate(CLASSES):
        for group in range(1, 7):
            for clip in (1, 2):
                stem = f"v_{name}_g{group:02d}_c{clip:02d}"
                flow = smooth_flow(7, 32, 40, 2.0, seed=label * 100 + group * 10 + clip)
                flow[:, 1, 12:20] += (-6.0, 6.0)[label]
                write_stored_clip(store, f"{name}/{stem}", of, flow)
                names.append((group, f"{name}/{stem}.avi", label + 1))
    lists.mkdir()
    (lists / "classInd.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(CLASSES, 1)))
    for number in (1, 2, 3):
        train, test = (lists / f"{part}list{number:02d}.txt" for part in ("train", "test"))
        train.write_text("".join(f"{name} {label}\n" for group, name, label in names if group > 2))
        test.write_text("".join(f"{name}\n" for group, name, _ in names if group <= 2))
    return store, lists


def tiny(preset: str = "quick", stream: str = "temporal", steps: int = 12, **changes) -> Preset:
    """A preset on crops of 28 pixels, in batches of 4, tested on 3 views."""
    of = find_preset(preset, stream)  # type: ignore[arg-type]
    cropping = replace(of.cropping, shorter_side=32, side=28)
    schedule = Schedule(iterations=steps, rate=0.1)
    length = min(of.length, 3)
    views = Views(stacks=3, crops=1)
    given = {"cropping": cropping, "schedule": schedule, "length": length, "batch": 4, "views": views}
    return replace(of, **{**given, **changes})


def options(store: Path, lists: Path, preset: Preset | None = None, **others) -> TrainingOptions:
    return TrainingOptions(store=store, annotations=lists, preset=preset or tiny(), **others)


class TinyNetwork(nn.Module):
    """A network that learns the two classes in a moment.

    Plain, it has neither batch normalisation nor dropout: gradients of parts of a batch add up to that of the whole.
    """

    def __init__(self, channels: int, classes: int, plain: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(channels, 8, 5, 2)
        self.bn = nn.Identity() if plain else nn.BatchNorm2d(8)
        self.drop = nn.Identity() if plain else nn.Dropout(0.2)
        self.fc = nn.Linear(8, classes)

    def forward(self, stacks: torch.Tensor) -> torch.Tensor:
        return self.fc(self.drop(torch.relu(self.bn(self.conv(stacks))).mean((2, 3))))
