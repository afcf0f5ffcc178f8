"""FBMS-59, the Freiburg-Berkeley motion segmentation data set: its shots and their ground truth.

Ochs, Malik, Brox, "Segmentation of Moving Objects by Long Term Video Analysis", PAMI 2014.

    FBMS/
        Trainingset/bear01/bear01_0001.jpg ...
        Trainingset/bear01/GroundTruth/bear01Def.dat        # the only authority on which frames are annotated
        Trainingset/bear01/GroundTruth/001_gt.ppm  001_gt.pgm   # regions as colours, and how sure each pixel is
        Testset/cars1/GroundTruth/cars1_01.pgm              # the older shots: regions as grey values, all sure
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int16, UInt8

from flowfeat.datasets.layout import subfolders
from flowfeat.errors import InputError
from flowfeat.video.readers import frame_files, read_picture
from segmentation.formats.definition import Annotation, Definition, read_definition


def _names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


TRAINING = _names(
    "cars2 cars3 cars6 cars7 cars8 cars9 marple1 marple3 marple5 marple8 marple10 marple11 marple13 bear01 bear02 "
    "cats02 cats04 cats05 cats07 ducks01 horses01 horses03 horses06 lion02 meerkats01 people04 people05 rabbits01 "
    "rabbits05"
)
"""The 29 shots of the training set, in the order of the evaluator's list."""

TEST = _names(
    "cars1 cars4 cars5 cars10 marple2 marple4 marple6 marple7 marple9 marple12 people1 people2 tennis camel01 "
    "cats01 cats03 cats06 dogs01 dogs02 farm01 goats01 horses02 horses04 horses05 lion01 people03 giraffes01 "
    "rabbits02 rabbits03 rabbits04"
)
"""The 30 shots of the test set, in the order of the evaluator's list."""

SPLITS = {"Trainingset": TRAINING, "Testset": TEST}
"""The folder of each split and its shots."""

SURE = 255
"""The weight of a pixel that counts fully."""

UnknownColours = Literal["official", "ignore"]
"""What a pixel is whose colour the definition does not name, as in cats04, frame 20: region 0, as the official
evaluator has it (its table of colours happens to be zero there), or nothing that counts."""


@dataclass(frozen=True, eq=False)
class TruthFrame:
    """The ground truth of one annotated frame.

    Attributes:
        frame: counted from 0.
        region: the index of each pixel's region in the definition; -1 where the pixel does not count.
        weight: how sure it is, 0 to `SURE`.
        unknown: pixels whose colour is none of the definition's.
        probabilities: whether a probability map was there; without one every pixel is sure.
    """

    frame: int
    region: Int16[np.ndarray, "h w"]
    weight: UInt8[np.ndarray, "h w"]
    unknown: int
    probabilities: bool


@dataclass(frozen=True)
class Shot:
    """A shot with ground truth.

    Attributes:
        name: as the folder's.
        definition_file: its `Def.dat`; the ground truth is beside it.
        definition: what that says.
    """

    name: str
    definition_file: Path
    definition: Definition

    @cached_property
    def images(self) -> list[Path]:
        """The frames, in order; their numbers need not begin at 0 or 1. Raises OSError where the folder is missing."""
        return frame_files(self.definition_file.absolute().parent.parent)

    def truth_file(self, annotation: Annotation) -> Path:
        """The picture of regions of an annotated frame."""
        return self.definition_file.parent / annotation.truth

    def read_truth(self, annotation: Annotation, unknown: UnknownColours = "official") -> TruthFrame:
        """The ground truth of an annotated frame.

        Raises:
            InputError: the file or its probability map is missing, cannot be decoded, or they differ in size.
        """
        path = self.truth_file(annotation)
        pixels = _read(path, self.definition_file).astype(np.int32)
        coloured = path.suffix.lower() == ".ppm"
        code = pixels @ np.array([65536, 256, 1], np.int32) if coloured else pixels[..., 0]
        region, strange = _regions(code, self.definition.regions)
        region[strange] = 0 if unknown == "official" else -1
        probability = path.with_suffix(".pgm")
        if coloured and probability.is_file():
            return TruthFrame(
                annotation.frame, region, _weights(probability, path, region.shape), int(strange.sum()), True
            )
        return TruthFrame(annotation.frame, region, np.full(region.shape, SURE, np.uint8), int(strange.sum()), False)


def open_shot(definition_file: str | Path) -> Shot:
    """The shot of a `Def.dat`, named as the file or, where that is only `Def.dat`, as the folder two above it.

    Raises:
        FormatError: the file does not follow its format.
        OSError: it is missing or cannot be read.
    """
    path = Path(definition_file)
    name = path.name.removesuffix("Def.dat") or path.absolute().parent.parent.name
    return Shot(name, path, read_definition(path))


def is_fbms(root: str | Path) -> bool:
    """Whether this folder is a copy of FBMS-59, or one of its splits."""
    root = Path(root)
    return any((root / split).is_dir() for split in SPLITS) or (root.absolute().name in SPLITS and root.is_dir())


def split_folders(root: str | Path) -> list[Path]:
    """The folders `Trainingset` and `Testset` of a copy of FBMS-59, or the one of them that is there.

    Args:
        root: the folder that holds them, or one of them.

    Raises:
        InputError: neither is there.
    """
    root = Path(root)
    if not is_fbms(root):
        raise InputError(
            f"{root}: neither {' nor '.join(SPLITS)} is here; give the folder that FBMS-59 was unpacked in"
        )
    return [root / split for split in SPLITS if (root / split).is_dir()] or [root]


def shot_folders(root: str | Path) -> dict[str, Path]:
    """The shots that are in a copy of FBMS-59, those of the lists in official order, then others by name.

    Args:
        root: as for `split_folders`.

    Raises:
        InputError: no split is there, or a shot is in both.
    """
    found: dict[str, Path] = {}
    for folder in split_folders(root):
        for name in subfolders(folder, "FBMS-59"):
            if name in found:
                raise InputError(f"{folder / name}: the shot is in both splits; remove it where it does not belong")
            found[name] = folder / name
    order = {name: place for place, name in enumerate((*TRAINING, *TEST))}
    return {name: found[name] for name in sorted(found, key=lambda name: (order.get(name, len(order)), name))}


def definition_of(folder: Path) -> Path:
    """Where the `Def.dat` of the shot in this folder is, `GroundTruth/<shot>Def.dat`. Raises InputError without it."""
    path = folder / "GroundTruth" / f"{folder.name}Def.dat"
    if not path.is_file():
        raise InputError(f"{path}: the file is missing, so the shot has no ground truth; copy it again")
    return path


def open_fbms(root: str | Path) -> list[Shot]:
    """All shots in a copy of FBMS-59, in official order.

    Args:
        root: as for `shot_folders`.

    Raises:
        InputError: no shot is there, a `Def.dat` is missing or does not follow its format.
    """
    shots = [open_shot(definition_of(folder)) for folder in shot_folders(root).values()]
    if not shots:
        raise InputError(f"{root}: there is no shot in it; unpack FBMS-59 again")
    return shots


def _read(path: Path, definition: Path) -> UInt8[np.ndarray, "h w 3"]:
    if not path.is_file():
        raise InputError(f"{path}: the annotated frame is missing and {definition.name} names it; copy it again")
    return read_picture(path)


def _weights(path: Path, truth: Path, size: tuple[int, ...]) -> UInt8[np.ndarray, "h w"]:
    weights = read_picture(path)[..., 0]
    if weights.shape != size:
        raise InputError(
            f"{path}: it is {weights.shape[1]}x{weights.shape[0]} and {truth.name} is {size[1]}x{size[0]}; both "
            "must be of one size"
        )
    return weights


def _regions(code: np.ndarray, known: tuple[int, ...]) -> tuple[Int16[np.ndarray, "h w"], np.ndarray]:
    """The index of each pixel's region, and where the code is none of them."""
    order = np.argsort(known)
    ranked = np.asarray(known)[order]
    place = np.minimum(np.searchsorted(ranked, code), len(ranked) - 1)
    return order[place].astype(np.int16), ranked[place] != code
