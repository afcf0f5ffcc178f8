"""Data sets of some frames each, as the application table reads them, and the options of a table on them."""

from pathlib import Path
from typing import Any

from application.checksums import Checksums
from application.inputs import Inputs, hash_inputs
from application.layout import Layout
from application.options import TableOptions
from fixture_clips import write_clip
from fixture_datasets import middlebury_tree
from fixture_formats import write_definition, write_label_maps
from PIL import Image

from segmentation.formats import Annotation, Definition
from segmentation.synthetic import SyntheticShot, synthesise

CLASSES = ("Up", "Down", "Never")
"""In the lists' order. Of the last no clip is there."""

_HEIGHT, _WIDTH, _FRAMES = 48, 64, 5


def table_options(root: Path, out: Path, **changes: Any) -> TableOptions:
    """A table on data that `write_table_data` wrote, with a training that is soon over."""
    given: dict[str, Any] = {
        "models": ("zero",),
        "out": out,
        "ucf101": root / "clips",
        "annotations": root / "lists",
        "fbms": root / "FBMS",
        "davis": root / "DAVIS",
        "truth": ("middlebury", root / "middlebury"),
        "sampling": 8,
        "steps": 2,
        "device": "cpu",
    }
    return TableOptions(**{**given, **changes})


def write_table_data(root: Path) -> Path:
    """Clips of two classes with their lists, one shot of FBMS-59, one sequence of DAVIS, two pairs with true flow."""
    _write_ucf101(root / "clips", root / "lists")
    _write_fbms(root / "FBMS/Testset/cars1", synthesise("A", _HEIGHT, _WIDTH, frames=_FRAMES, seed=1))
    _write_davis(root / "DAVIS", "bear", synthesise("B", _HEIGHT, _WIDTH, frames=_FRAMES, seed=2))
    middlebury_tree(root / "middlebury", (_HEIGHT, _WIDTH))
    return root


def _write_ucf101(clips: Path, lists: Path) -> None:
    names = []
    for label, name in enumerate(CLASSES, 1):
        for group in range(1, 5):
            file = f"{name}/v_{name}_g{group:02d}_c01.avi"
            names.append((group, f"{file} {label}", file))
            if name != "Never":
                write_clip(clips / file, frames=13, height=48, width=64, seed=10 * label + group)
    lists.mkdir()
    (lists / "classInd.txt").write_text("".join(f"{n} {name}\n" for n, name in enumerate(CLASSES, 1)))
    (lists / "trainlist01.txt").write_text("".join(f"{line}\n" for group, line, _ in names if group > 2))
    (lists / "testlist01.txt").write_text("".join(f"{file}\n" for group, _, file in names if group <= 2))


def _write_fbms(folder: Path, shot: SyntheticShot) -> None:
    truth = folder / "GroundTruth"
    truth.mkdir(parents=True)
    codes, annotations = tuple(40 * label for label in range(int(shot.labels.max()) + 1)), []
    for frame, picture in enumerate(shot.frames):
        image = f"{folder.name}_{frame + 1:02d}.png"
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / image)
        if frame in (0, _FRAMES - 1):
            Image.fromarray(40 * shot.labels[frame]).save(truth / f"{frame + 1:03d}_gt.pgm")
            annotations.append(Annotation(frame, f"{frame + 1:03d}_gt.pgm", image))
    write_definition(truth / f"{folder.name}Def.dat", Definition(codes, _FRAMES, tuple(annotations)))


def _write_davis(root: Path, name: str, shot: SyntheticShot) -> None:
    frames = root / "JPEGImages/480p" / name
    frames.mkdir(parents=True)
    for frame, picture in enumerate(shot.frames):
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(frames / f"{frame:05d}.jpg", quality=95)
    write_label_maps(root / "Annotations/480p" / name, [labels > 0 for labels in shot.labels])


def inputs_of(options: TableOptions) -> Inputs:
    """The data of a table, read as its script reads it."""
    return hash_inputs(options, Checksums(Layout(options.out).checksums))
