"""The store beside two loose JPEGs a pair, the field's layout: bytes, writing, reading, and what quantisation costs.

    python scripts/bench/store.py UCF-101 --out docs/records/store.json

DIS flow of a few clips is computed once. Both layouts get the same levels from the same JPEG library in the same
thread; what differs is the files. The loose ones are written as common tools write them, without a sync.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro
from einops import rearrange
from jaxtyping import Float32, UInt8
from measure import interleave, ratios, record, seconds_of, spread_clips, write_record
from PIL import Image
from quantisation import measure_clipping, measure_errors, still_share
from torch import Tensor
from tyro.conf import Positional

from flowfeat.estimators import load_estimator
from flowfeat.extraction import ExtractionOptions
from flowfeat.formats import write_flo
from flowfeat.store import ClipWriter, FlowStore, SourceFacts, StoreSettings
from flowfeat.store.encoding import encode_field, stored_values
from flowfeat.store.planes import decode_plane, encode_plane
from flowfeat.store.quantise import dequantise, measure, quantise
from flowfeat.store.settings import DEFAULT_BOUND, JPEG_QUALITY, Encoding
from flowfeat.video import read_clip

BOUND = DEFAULT_BOUND
STACK = 10
BATCH = 16
ENCODINGS: tuple[Encoding, ...] = ("jpeg", "uint8", "float16")

Flow = Float32[Tensor, "t 2 h w"]


@dataclass(frozen=True)
class Arguments:
    """Measure the store on real clips and write the record."""

    clips_folder: Positional[Path]
    """A folder of clips, best UCF-101."""
    out: Path
    """The record, JSON."""
    clips: int = 8
    """How many clips, spread through the folder."""
    write_pairs: int = 50
    """Pairs of each clip that are written in each repetition."""
    repetitions: int = 5
    """Repetitions of writing, and blocks of reading."""
    reads: int = 100
    """Stacks read in each block."""


def main(arguments: Arguments) -> None:
    # Else torch splits quantising among threads, and the comparison hangs on what else the machine does.
    torch.set_num_threads(1)
    clips = spread_clips(arguments.clips_folder, arguments.clips)
    estimator = load_estimator("dis", None, "cpu", os.cpu_count() or 1)
    settings = ExtractionOptions(out=Path(), model="dis", bound=BOUND).settings(estimator)
    flows: dict[str, Flow] = {}
    for clip in clips:
        frames = torch.from_numpy(read_clip(clip.path).frames)
        pairs = rearrange(torch.stack([frames[:-1], frames[1:]], 1), "b p h w c -> b p c h w")
        flows[clip.key] = torch.cat([estimator(batch) for batch in pairs.split(BATCH)])
    with tempfile.TemporaryDirectory() as scratch:
        results = {
            "pairs": sum(map(len, flows.values())),
            "bound": BOUND,
            "bytes_per_pair": measure_bytes(flows, settings, Path(scratch)),
            "write": measure_writing(flows, settings, Path(scratch), arguments),
            "read": measure_reading(flows, Path(scratch), arguments),
            "error": measure_errors(list(flows.values()), BOUND),
            "still_share": still_share(list(flows.values())),
            "clipped_share": measure_clipping(list(flows.values())),
        }
    write_record(arguments.out, record("store", clips, results))


# Bytes and files


def measure_bytes(flows: dict[str, Flow], settings: StoreSettings, scratch: Path) -> dict[str, Any]:
    """Bytes a pair of each layout, as long as the files are and as much disk as they fill, and files a clip."""
    for encoding in ENCODINGS:
        write_store(scratch / encoding, flows, with_encoding(settings, encoding))
    write_loose(scratch / "loose", flows)
    pairs = sum(map(len, flows.values()))
    table: dict[str, Any] = {}
    for name in (*ENCODINGS, "loose"):
        files = [path for path in (scratch / name).rglob("*") if path.is_file()]
        table[name] = {**_bytes_of(files, pairs), "files_per_clip": len(files) / len(flows)}
    flo_files = [scratch / f"{number}.flo" for number in range(len(flows))]  # one a clip: all are of one length
    for path, flow in zip(flo_files, flows.values(), strict=True):
        write_flo(path, flow[0].numpy())
    table["flo"] = {**_bytes_of(flo_files, len(flo_files)), "files_per_clip": pairs / len(flows)}
    return table


def _bytes_of(files: list[Path], pairs: int) -> dict[str, float]:
    return {
        "length": sum(path.stat().st_size for path in files) / pairs,
        "on_disk": sum(path.stat().st_blocks for path in files) * 512 / pairs,
    }


# Writing


def measure_writing(
    flows: dict[str, Flow], settings: StoreSettings, scratch: Path, arguments: Arguments
) -> dict[str, Any]:
    """Pairs a second from flow in memory to files, and the ratio of each rate to that of loose JPEGs."""
    part = {key: flow[: arguments.write_pairs] for key, flow in flows.items()}
    number = iter(range(10**6))  # a new folder each time: nothing is overwritten

    def store(encoding: Encoding) -> Callable[[], None]:
        own = with_encoding(settings, encoding)
        return lambda: write_store(scratch / f"w{next(number)}", part, own)

    contestants: dict[str, Callable[[], object]] = {
        "loose": lambda: write_loose(scratch / f"w{next(number)}", part),
        "loose_synced": lambda: write_loose(scratch / f"w{next(number)}", part, sync=True),
        **{encoding: store(encoding) for encoding in ENCODINGS},
    }
    seconds = interleave(contestants, arguments.repetitions)
    pairs = sum(map(len, part.values()))
    return {
        "pairs": pairs,
        "pairs_per_second": {name: [pairs / each for each in times] for name, times in seconds.items()},
        "rate_over_loose": {
            name: ratios(seconds["loose"], times) for name, times in seconds.items() if name != "loose"
        },
    }


def write_store(store: Path, flows: dict[str, Flow], settings: StoreSettings) -> None:
    """Flow to a store, as the pipeline does it: measured, quantised, encoded, committed with a sync for each clip."""
    store.mkdir()
    for key, flow in flows.items():
        with ClipWriter(store, key, settings, flow.shape[2], flow.shape[3]) as writer:
            for batch in flow.split(BATCH):
                writer.count(measure(batch, settings.bound))
                for values in stored_values(batch, settings):
                    writer.append_fields("forward", encode_field(values, settings))
            writer.commit(_source(flow))


def write_loose(folder: Path, flows: dict[str, Flow], sync: bool = False) -> None:
    """Flow as flow_x_00001.jpg and flow_y_00001.jpg in a folder for each clip."""
    for key, flow in flows.items():
        (folder / key).mkdir(parents=True)
        for number, levels in enumerate(levels_of(flow), 1):
            for axis, plane in zip("xy", levels, strict=True):
                with (folder / key / f"flow_{axis}_{number:05d}.jpg").open("wb") as file:
                    file.write(encode_plane(plane, JPEG_QUALITY))
                    if sync:
                        file.flush()
                        os.fsync(file.fileno())


def levels_of(flow: Flow) -> Iterator[UInt8[np.ndarray, "2 h w"]]:
    for batch in flow.split(BATCH):
        yield from quantise(batch, BOUND).numpy()


def with_encoding(settings: StoreSettings, encoding: Encoding) -> StoreSettings:
    return replace(
        settings,
        encoding=encoding,
        bound=None if encoding == "float16" else BOUND,
        quality=JPEG_QUALITY if encoding == "jpeg" else None,
    )


def _source(flow: Flow) -> SourceFacts:
    frames, height, width = len(flow) + 1, *flow.shape[2:]
    return SourceFacts("clip.avi", 0, "0" * 64, "bench", frames, frames, 0, 0, 25.0, height, width)


# Reading


def measure_reading(flows: dict[str, Flow], scratch: Path, arguments: Arguments) -> dict[str, Any]:
    """Milliseconds for a stack of fields in pixels at a random place of a random clip, its file opened each time."""
    stores = {encoding: FlowStore(scratch / encoding) for encoding in ENCODINGS}
    height, width = next(iter(flows.values())).shape[2:]

    def loose(key: str, start: int, plane_of: Callable[[Path], np.ndarray]) -> Tensor:
        folder = scratch / "loose" / key
        levels = np.empty((STACK, 2, height, width), np.uint8)
        for t in range(STACK):
            for axis in range(2):
                levels[t, axis] = plane_of(folder / f"flow_{'xy'[axis]}_{start + t + 1:05d}.jpg")
        return torch.from_numpy(dequantise(levels, BOUND))

    readers: dict[str, Callable[[str, int], object]] = {
        "loose": lambda key, start: loose(key, start, lambda path: decode_plane(path.read_bytes(), height, width)),
        "loose_pillow": lambda key, start: loose(key, start, _plane_by_pillow),
        **{name: (lambda key, start, store=store: store[key].read(start, STACK)) for name, store in stores.items()},
    }
    rng = np.random.default_rng(0)
    keys = list(flows)
    for name, read in readers.items():  # every file is read once, so that the cache is warm
        for key, flow in flows.items():
            for start in range(0, len(flow) - STACK + 1, STACK):
                assert read(key, start) is not None, name
    blocks: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(arguments.repetitions):
        times: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(arguments.reads):
            key = keys[rng.integers(len(keys))]
            start = int(rng.integers(len(flows[key]) - STACK + 1))
            for name, read in readers.items():
                times[name].append(1000 * seconds_of(lambda read=read, key=key, start=start: read(key, start)))
        for name in readers:
            blocks[name].append(statistics.median(times[name]))
    return {
        "reads": arguments.repetitions * arguments.reads,
        "fields": STACK,
        "milliseconds": blocks,
        "time_over_loose": {name: ratios(each, blocks["loose"]) for name, each in blocks.items() if name != "loose"},
    }


def _plane_by_pillow(path: Path) -> UInt8[np.ndarray, "h w"]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments, config=(tyro.conf.FlagCreatePairsOff,))))
