"""Stacks a second out of the store, as a training run reads them, beside loose JPEGs read by OpenCV and by Pillow.

    python scripts/bench/stacks.py ucf101-flow --out docs/records/stacks.json

Loose are two JPEGs a field, flow_x_00001.jpg and flow_y_00001.jpg: the store's own planes, byte for byte. All decode
the same stacks, cut the same windows, mirror the same half and give the same batches to the same loader; OpenCV and
Pillow resample with their own means, on 8 bits, as the tools do that read loose JPEGs. No network is run: this is how
fast one may be fed. Beside the rate is the processor's time for a stack, of all processes together, which other
programs disturb less.
"""

import resource
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import tyro
from jaxtyping import Float32, UInt8
from measure import ratios, record, seconds_of, write_record
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from tyro.conf import Positional

from flowfeat.errors import InputError
from flowfeat.store import FlowStore
from recognition.datasets import LabelledClip, Split, SplitInStore, find_in_store
from recognition.presets import FlowInput, find_preset
from recognition.stacks import StackSettings, TrainStacks
from recognition.stacks.dataset import Example
from recognition.stacks.loading import load
from recognition.stacks.transforms import flip_stack
from recognition.stacks.window import Window

Levels = UInt8[np.ndarray, "h w c"]
Decode = Callable[[list[Path], Window, int], Levels]


@dataclass(frozen=True)
class Arguments:
    """Measure reading from a store of JPEGs and write the record."""

    store: Positional[Path]
    """A store, best of UCF101's 320x240 flow."""
    out: Path
    """The record, JSON."""
    preset: str = "two-stream-2014"
    """Whose stacks are read."""
    clips: int = 16
    """How many clips, spread through the store."""
    batch: int = 16
    """Stacks in a batch."""
    batches: int = 24
    """Batches read in each repetition; workers fill new memory for their first three."""
    repetitions: int = 3
    """Repetitions, in turn."""
    workers: tuple[int, ...] = (0, 1, 2, 4)
    """Numbers of worker processes."""


def main(arguments: Arguments) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    where = choose(FlowStore(arguments.store), arguments.clips)
    settings = StackSettings.of(find_preset(arguments.preset, "temporal"))
    stacks = TrainStacks(where, where.split.train, settings, 0, "clip")
    with tempfile.TemporaryDirectory() as scratch:
        write_loose(where, Path(scratch))
        results = measure_rates(stacks, Path(scratch), where, arguments)
    table = record(
        "stacks",
        [],
        {
            "preset": arguments.preset,
            "length": settings.length,
            "side": settings.cropping.side,
            "batch": arguments.batch,
            "stacks": arguments.batch * arguments.batches,
            "results": results,
        },
    )
    headers = [where.store[where.key(clip)].header for clip in where.split.train]
    write_record(arguments.out, {**table, "inputs": {header.key: header.source.sha256 for header in headers}})


def choose(store: FlowStore, count: int) -> SplitInStore:
    """Clips spread evenly through the store, all of one class: what they show is not looked at."""
    keys = list(store)
    chosen = [keys[i * len(keys) // count] for i in range(min(count, len(keys)))]
    if not chosen or store[chosen[0]].header.settings.encoding != "jpeg":
        raise InputError(f"{store.path}: only stores of JPEGs are measured beside loose JPEGs")
    clips = tuple(LabelledClip(key.rsplit("/", 1)[-1], 0) for key in chosen)
    return find_in_store(Split("store", 1, ("any",), clips, ()), store)


def write_loose(where: SplitInStore, folder: Path) -> None:
    """The planes of the split's clips as files, a folder for each clip."""
    for clip in where.split.train:
        (folder / clip.name).mkdir()
        for number, jpeg in enumerate(where.store[where.key(clip)].read_jpegs()):
            (folder / clip.name / f"flow_{'xy'[number % 2]}_{number // 2 + 1:05d}.jpg").write_bytes(jpeg)


# The rivals


def by_opencv(files: list[Path], window: Window, side: int) -> Levels:
    """Loose JPEGs decoded, cut and resampled by OpenCV."""
    planes = [_cut(window, cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)) for file in files]
    return np.dstack([cv2.resize(plane, (side, side), interpolation=cv2.INTER_LINEAR) for plane in planes])


def by_pillow(files: list[Path], window: Window, side: int) -> Levels:
    """Loose JPEGs decoded, cut and resampled by Pillow."""
    box = (window.left, window.top, window.left + window.width, window.top + window.height)
    planes = []
    for file in files:
        with Image.open(file) as picture:
            cut = picture.convert("L").crop(box)
            planes.append(np.asarray(cut.resize((side, side), Image.Resampling.BILINEAR)))
    return np.dstack(planes)


def _cut(window: Window, plane: Any) -> UInt8[np.ndarray, "h w"]:
    return plane[window.top : window.top + window.height, window.left : window.left + window.width]


class Loose(Dataset):
    """Training examples out of loose JPEGs; what is drawn is given, so that it costs no time."""

    def __init__(self, folder: Path, drawn: list[Example], settings: StackSettings, bound: float, decode: Decode):
        assert isinstance(settings.input, FlowInput)
        self._folder, self._drawn, self._settings, self._decode = folder, drawn, settings, decode
        self._input, self._pixels_a_level = settings.input, bound / 127

    def __getitem__(self, number: int) -> tuple[Float32[Tensor, "s c h w"], int]:
        drawn, side = self._drawn[number], self._settings.cropping.side
        levels = np.stack([self._decode(self._files(drawn, start), drawn.window, side) for start in drawn.starts])
        stacks = (torch.from_numpy(levels).float() - 128) * self._pixels_a_level
        if self._input.bound is not None:
            stacks.clamp_(-self._input.bound, self._input.bound)
        if self._input.mean == "field":
            stacks -= stacks.mean((1, 2), keepdim=True)
        stacks = (stacks * self._input.scale).movedim(-1, -3)
        return (flip_stack(stacks) if drawn.mirrored else stacks), drawn.clip.label

    def _files(self, drawn: Example, start: int) -> list[Path]:
        fields = range(start + 1, start + self._settings.length + 1)  # no clip of UCF101 is shorter than a stack
        return [self._folder / drawn.clip.name / f"flow_{axis}_{t:05d}.jpg" for t in fields for axis in "xy"]


def measure_rates(stacks: TrainStacks, folder: Path, where: SplitInStore, arguments: Arguments) -> dict[str, Any]:
    """Stacks a second of each reader, and the ratio of the store's rate to each rival's, by numbers of workers."""
    count = arguments.batch * arguments.batches
    drawn = [stacks.example(number) for number in range(count)]
    bound = where.store[where.key(where.split.train[0])].header.settings.bound
    assert bound is not None
    readers: dict[str, Dataset] = {
        "store": stacks,
        "opencv": Loose(folder, drawn, stacks.settings, bound, by_opencv),
        "pillow": Loose(folder, drawn, stacks.settings, bound, by_pillow),
    }
    numbers = [list(range(first, first + arguments.batch)) for first in range(0, count, arguments.batch)]
    results: dict[str, Any] = {}
    read = count * stacks.settings.segments
    for workers in arguments.workers:
        seconds: dict[str, list[float]] = {name: [] for name in readers}
        processor: dict[str, list[float]] = {name: [] for name in readers}
        for repetition in range(1 + arguments.repetitions):
            for name, reader in readers.items():
                before = processor_seconds()
                taken = seconds_of(lambda reader=reader: [None for _ in load(reader, numbers, workers)])  # noqa: B023
                if repetition:  # in the first every file is read once, so that the cache is warm
                    seconds[name].append(taken)
                    processor[name].append(processor_seconds() - before)
        results[str(workers)] = {
            "stacks_per_second": {name: [read / each for each in times] for name, times in seconds.items()},
            "processor_milliseconds": {
                name: [1e3 * each / read for each in times] for name, times in processor.items()
            },
            "median": {name: read / statistics.median(times) for name, times in seconds.items()},
            "rate_over": {name: ratios(seconds[name], seconds["store"]) for name in ("opencv", "pillow")},
            "processor_over": {name: ratios(processor["store"], processor[name]) for name in ("opencv", "pillow")},
        }
    return results


def processor_seconds() -> float:
    """Of this process and of all workers that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments, config=(tyro.conf.FlagCreatePairsOff,))))
