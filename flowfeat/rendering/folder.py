"""A folder of rendered pairs in FlyingChairs' layout.

DIR/
    data/00001_img1.ppm  00001_img2.ppm  00001_occ1.png  00001_flow.flo
    FlyingChairs_train_val.txt      # line i is of pair i: 1 train, 2 validation; appears with the last pair
    contact_sheet.png
    render.json                     # what was asked for and what came of it
"""

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, UInt8
from PIL import Image

from flowfeat.atomic import PARTIAL, write_atomically
from flowfeat.errors import InputError
from flowfeat.formats import read_flow, write_flow
from flowfeat.provenance import versions
from flowfeat.rendering.displacements import EDGES, displacement_counts, shares
from flowfeat.rendering.renderer import Renderer
from flowfeat.rendering.settings import SETTINGS
from flowfeat.rendering.sheet import sheet_of_pairs
from flowfeat.visualization import save_picture

BATCH = 8
_VALIDATION_EVERY, _VALIDATION_FIRST = 36, 8
"""As large a share as of FlyingChairs (640 of 22,872), and some of any folder of eight pairs."""
_SMALLEST_SIDE = 16
_WRITERS = 4
_RECORD = "render.json"


@dataclass(frozen=True)
class PairSettings:
    """What decides what is in a pair, besides its number.

    Attributes:
        setting: one of SETTINGS.
        height, width: of the frames.
        seed: 0 or more.
        textures: how many there are.
    """

    setting: str = "large"
    height: int = 384
    width: int = 512
    seed: int = 0
    textures: int = 512

    def __post_init__(self) -> None:
        if self.setting not in SETTINGS:
            raise InputError(f"there is no setting {self.setting!r}; say {', '.join(SETTINGS)}")
        if min(self.height, self.width) < _SMALLEST_SIDE:
            raise InputError(
                f"frames of {self.height}x{self.width} are too small to render; give {_SMALLEST_SIDE} pixels a side"
            )
        if self.seed < 0:
            raise InputError(f"a seed is a whole number from 0, not {self.seed}")


@dataclass(frozen=True)
class RenderedFolder:
    """What is in a folder of rendered pairs.

    Attributes:
        pairs: how many there are.
        written: how many of them this run wrote.
        validation: how many are marked as validation.
        displacements: the share of the pixels in each bin of `displacements.EDGES`.
        mean_displacement: in pixels.
        occluded: the share of the pixels of first frames that are not seen in the second.
    """

    pairs: int
    written: int
    validation: int
    displacements: list[float]
    mean_displacement: float
    occluded: float


def render_folder(
    out: Path,
    settings: PairSettings,
    pairs: int,
    device: torch.device | str = "cpu",
    progress: Callable[[int, int | None], None] | None = None,
) -> RenderedFolder:
    """Render pairs number 1 to `pairs` into a folder; those that are there already stay.

    Pair k is number k - 1 of `Renderer(SETTINGS[setting], height, width, seed, textures=textures)`.

    Args:
        out: the folder; made where it is not there.
        settings: what is rendered.
        pairs: how many the folder holds in the end; more than before is more of the same.
        device: where they are rendered.
        progress: called with the pairs rendered by this run, and those that it has to.

    Raises:
        InputError: `pairs` is none, or the folder holds something else.
    """
    if pairs < 1:
        raise InputError(f"--pairs {pairs}: give 1 or more")
    _claim(out, settings, pairs)
    for partial in (out / "data").glob(f"*{PARTIAL}"):
        partial.unlink(missing_ok=True)
    missing = [number for number in range(1, pairs + 1) if not _paths(out, number)[-1].is_file()]
    if missing:
        _write_pairs(out, settings, missing, torch.device(device), progress)
    marks = [2 if number % _VALIDATION_EVERY == _VALIDATION_FIRST else 1 for number in range(1, pairs + 1)]
    summary = _summary(out, pairs, len(missing), marks.count(2))
    save_picture(out / "contact_sheet.png", sheet_of_pairs(*_shown(out, settings, pairs)))
    write_atomically(out / "FlyingChairs_train_val.txt", "".join(f"{mark}\n" for mark in marks).encode())
    _write_record(out, settings, pairs, {"edges": EDGES, **asdict(summary), "device": torch.device(device).type})
    return summary


def _write_pairs(
    out: Path,
    settings: PairSettings,
    missing: list[int],
    device: torch.device,
    progress: Callable[[int, int | None], None] | None,
) -> None:
    scenes = SETTINGS[settings.setting]
    renderer = Renderer(scenes, settings.height, settings.width, settings.seed, device, settings.textures)
    batches: dict[int, list[int]] = {}
    for number in missing:
        batches.setdefault((number - 1) // BATCH, []).append(number)
    done = 0
    # Writing waits for the disk, and rendering does not have to.
    with ThreadPoolExecutor(_WRITERS, "write") as pool:
        waiting = []
        for batch, numbers in batches.items():
            rendered = renderer.batch(batch, BATCH)
            frames = (rendered.frames * 255).round().to(torch.uint8).permute(0, 1, 3, 4, 2).cpu().numpy()
            flow, occluded = rendered.flow.cpu().numpy(), rendered.occluded.cpu().numpy()
            for writing in waiting:
                writing.result()
            if progress is not None:
                progress(done, len(missing))
            places = [(number - 1) % BATCH for number in numbers]
            waiting = [
                pool.submit(_write_pair, _paths(out, number), frames[i], flow[i], occluded[i])
                for number, i in zip(numbers, places, strict=True)
            ]
            done += len(numbers)
        for writing in waiting:
            writing.result()
    if progress is not None:
        progress(done, len(missing))


def _paths(out: Path, number: int) -> list[Path]:
    """The files of a pair; the last one is written last."""
    return [out / "data" / f"{number:05d}_{kind}" for kind in ("img1.ppm", "img2.ppm", "occ1.png", "flow.flo")]


def _write_pair(
    paths: list[Path],
    frames: UInt8[np.ndarray, "2 h w 3"],
    flow: Float32[np.ndarray, "2 h w"],
    occluded: Bool[np.ndarray, "h w"],
) -> None:
    for path, frame in zip(paths, frames, strict=False):
        head = f"P6\n{frame.shape[1]} {frame.shape[0]}\n255\n".encode()
        write_atomically(path, [head, np.ascontiguousarray(frame).tobytes()])
    picture = io.BytesIO()
    Image.fromarray(occluded).save(picture, format="PNG")
    write_atomically(paths[2], picture.getvalue())
    write_flow(paths[3], flow)


def _summary(out: Path, pairs: int, written: int, validation: int) -> RenderedFolder:
    """Counted in the files themselves, whoever wrote them."""
    counts: Int[np.ndarray, "bins"] = np.zeros(len(EDGES), np.int64)
    displacement = occluded = 0.0
    for number in range(1, pairs + 1):
        *_, mask, field = _paths(out, number)
        flow = read_flow(field).flow
        counts += displacement_counts(flow)
        displacement += float(np.hypot(*flow).mean()) / pairs
        occluded += float(_read(mask).mean()) / pairs
    return RenderedFolder(pairs, written, validation, shares(counts), displacement, occluded)


def _shown(out: Path, settings: PairSettings, pairs: int) -> tuple[list[tuple[np.ndarray, ...]], list[str], str]:
    """Some pairs, their names, and what they are."""
    count = min(pairs, 6)
    numbers = [1 + (2 * i + 1) * pairs // (2 * count) for i in range(count)]
    shown = [
        (_read(first), _read(second), read_flow(field).flow, _read(mask))
        for first, second, mask, field in (_paths(out, number) for number in numbers)
    ]
    told = f"{count} of {pairs} pairs, setting {settings.setting}, seed {settings.seed}"
    return shown, [f"{number:05d}" for number in numbers], told


def _read(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def _claim(out: Path, settings: PairSettings, pairs: int) -> None:
    """Begin `render.json`, or agree with the one that is there."""
    path = out / _RECORD
    if not path.exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(f"{out}: this holds something else than rendered pairs; give another --out")
        _write_record(out, settings, pairs, None)
        return
    try:
        record = json.loads(path.read_bytes())
        found, before = record["settings"], int(record["pairs"])
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{path}: this is not the record of rendered pairs; give another --out") from None
    wanted = _settings(settings)
    differences = [
        f"{name} {found.get(name)!r} there, {value!r} now" for name, value in wanted.items() if found.get(name) != value
    ]
    if differences:
        raise InputError(f"{out}: these pairs were rendered with {'; '.join(differences)}; give another --out")
    if pairs < before:
        raise InputError(f"{out}: {before} pairs were asked for there; give --pairs {before} or more, or another --out")
    if pairs > before:
        _write_record(out, settings, pairs, None)


def _settings(settings: PairSettings) -> dict[str, Any]:
    """As they are in JSON, with the numbers behind the name: these may change from version to version."""
    return json.loads(json.dumps({**asdict(settings), "scenes": asdict(SETTINGS[settings.setting])}))


def _write_record(out: Path, settings: PairSettings, pairs: int, result: dict[str, Any] | None) -> None:
    table = {"schema": 1, "settings": _settings(settings), "pairs": pairs, "versions": versions(), "result": result}
    write_atomically(out / _RECORD, (json.dumps(table, indent=1) + "\n").encode())
