"""What is wrong with a copy of a data set, before it spoils a table.

Findings are faults, which make scores wrong or impossible, and remarks, which one should know of: FBMS-59 itself has
colours that its definitions do not name, and many copies are a part of the whole on purpose.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from flowfeat.datasets.layout import subfolders
from flowfeat.errors import InputError
from segmentation.davis import MERGED, UNSUPERVISED, VOID, Annotations, Davis, open_davis
from segmentation.fbms import SPLITS, Shot, definition_of, is_fbms, open_shot, split_folders
from segmentation.formats.image_list import listed_images
from segmentation.formats.label_map import LabelMap

Kind = Literal["missing", "unreadable", "size", "colours", "labels", "list", "definition"]

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong or odd.

    Attributes:
        kind: `missing` files and frames, `unreadable` ones, other `size`, `colours` that no definition names, `labels`
            that no evaluator counts, a `list` that does not fit, a `definition` that cannot be true.
        path: where.
        told: what it is, one sentence.
        fault: whether scores are wrong or impossible for it; otherwise it is a remark.
    """

    kind: Kind
    path: Path
    told: str
    fault: bool


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, and what was found.

    Attributes:
        dataset: `FBMS-59` or `DAVIS`.
        shots, frames, annotated: how many of each there are.
    """

    dataset: str
    root: Path
    shots: int
    frames: int
    annotated: int
    findings: tuple[Finding, ...]

    @property
    def faults(self) -> int:
        return sum(finding.fault for finding in self.findings)

    @property
    def healthy(self) -> bool:
        """There may be remarks, but no fault."""
        return not self.faults


Progress = Callable[[int, int], None]
"""Called with shots done and shots in all."""


def check_dataset(root: str | Path, progress: Progress | None = None) -> Diagnosis:
    """Look at a copy of FBMS-59 or of DAVIS, whichever it is. Raises InputError where it is neither."""
    root = Path(root)
    if is_fbms(root):
        return check_fbms(root, progress)
    try:
        open_davis(root)
    except InputError as fault:
        raise InputError(
            f"{root}: this is neither FBMS-59, which has {' and '.join(SPLITS)} in it, nor DAVIS, which has JPEGImages "
            "and Annotations; give the folder that one of them was unpacked in"
        ) from fault
    return check_davis(root, progress)


def check_fbms(root: str | Path, progress: Progress | None = None) -> Diagnosis:
    """Look at every file of a copy of FBMS-59: the frames' headers, the whole ground truth.

    Args:
        root: the folder that holds `Trainingset` and `Testset`, or one of them.

    Raises:
        InputError: none of that is there.
    """
    record = _Record()
    splits = split_folders(root)
    for split in splits:
        _check_split(split, record)
    folders = [split / name for split in splits for name in subfolders(split, "FBMS-59")]
    for done, folder in enumerate(folders):
        if progress is not None:
            progress(done, len(folders))
        _check_shot(folder, record)
    if progress is not None:
        progress(len(folders), len(folders))
    return Diagnosis("FBMS-59", Path(root), len(folders), record.frames, record.annotated, tuple(record.findings))


def check_davis(root: str | Path, progress: Progress | None = None) -> Diagnosis:
    """Look at every file of a copy of DAVIS at 480p: the frames' headers, all masks, the lists.

    Args:
        root: as for `segmentation.davis.open_davis`.

    Raises:
        InputError: neither frames nor masks are there.
    """
    record, davis = _Record(), open_davis(root)
    sets = [kind for kind in (MERGED, UNSUPERVISED) if (davis.home / kind.folder).is_dir()]
    annotated = {kind: davis.annotated(kind) for kind in sets}
    filmed = davis.filmed() if (davis.home / "JPEGImages/480p").is_dir() else []
    names = sorted({*filmed, *(name for present in annotated.values() for name in present)})
    for done, name in enumerate(names):
        if progress is not None:
            progress(done, len(names))
        sizes = _check_frames_of_davis(davis, name, name in filmed, record)
        for kind in sets:
            if name in annotated[kind]:
                _check_masks(davis, name, kind, sizes, record)
            elif kind is MERGED:
                record.remark("missing", davis.home / kind.folder / name, "the sequence has frames and no masks here")
    for kind in sets:
        try:
            davis.validation(kind)
        except InputError as fault:
            record.told("list", davis.home, fault)
    if progress is not None:
        progress(len(names), len(names))
    return Diagnosis("DAVIS", davis.home, len(names), record.frames, record.annotated, tuple(record.findings))


@dataclass
class _Record:
    """What was found so far."""

    findings: list[Finding] = field(default_factory=list)
    frames: int = 0
    annotated: int = 0

    def fault(self, kind: Kind, path: Path, told: str) -> None:
        self.findings.append(Finding(kind, path, told, True))

    def remark(self, kind: Kind, path: Path, told: str) -> None:
        self.findings.append(Finding(kind, path, told, False))

    def told(self, kind: Kind, path: Path, error: InputError | OSError) -> None:
        """A fault in the words of the error, less a path at its beginning, which the finding has."""
        begin, _, rest = str(error).partition(": ")
        if rest and begin.startswith(str(path)):
            self.fault(kind, Path(begin), rest)
        else:
            self.fault(kind, path, str(error))


def _check_split(split: Path, record: _Record) -> None:
    here, official = subfolders(split, "FBMS-59"), SPLITS[split.absolute().name]
    for name in here:
        home = next((other for other, shots in SPLITS.items() if name in shots), None)
        if home is None:
            record.fault(
                "list", split / name, "FBMS-59 has no shot of this name; some copies are mixed with other sets"
            )
        elif name not in official:
            record.fault("list", split / name, f"the shot belongs to {home}")
    missing = [name for name in official if name not in here]
    if missing:
        record.remark("list", split, f"{len(missing)} of {len(official)} shots are not here: {_some(missing)}")


def _check_shot(folder: Path, record: _Record) -> None:
    try:
        shot = open_shot(definition_of(folder))
        images = shot.images
    except (InputError, OSError) as fault:
        kind = "definition" if (folder / "GroundTruth" / f"{folder.name}Def.dat").is_file() else "missing"
        record.told(kind, folder, fault)
        return
    definition, path = shot.definition, shot.definition_file
    record.frames += len(images)
    record.annotated += len(definition.annotations)
    if len(images) != definition.frames:
        record.fault("missing", folder, f"{len(images)} frames are here and {path.name} says {definition.frames}")
    if gaps := _gaps(images):
        record.fault("missing", folder, f"the frames numbered {_some(gaps)} are not here")
    sizes = _sizes(images, record)
    for annotation, count in Counter(annotation.frame for annotation in definition.annotations).items():
        if count > 1:
            record.fault("definition", path, f"frame {annotation} is annotated {count} times and would count as often")
        if annotation >= definition.frames:
            record.fault("definition", path, f"frame {annotation} is annotated and the shot has {definition.frames}")
    if not definition.annotations:
        record.fault("definition", path, "no frame is annotated")
    _check_truth(shot, images, sizes, record)
    for listing in sorted(folder.glob("*.bmf")):
        try:
            count = len(listed_images(listing))
        except (InputError, OSError) as fault:
            record.told("list", listing, fault)
            continue
        if count != len(images):
            record.fault("list", listing, f"{count} images are listed and {len(images)} are here")


def _check_truth(shot: Shot, images: list[Path], sizes: set[tuple[int, int]], record: _Record) -> None:
    seen: set[int] = set()
    for annotation in shot.definition.annotations:
        path = shot.truth_file(annotation)
        if annotation.frame < len(images) and images[annotation.frame].stem != Path(annotation.image).stem:
            record.remark(
                "definition",
                shot.definition_file,
                f"frame {annotation.frame} is said to be {annotation.image} and is {images[annotation.frame].name}",
            )
        try:
            truth = shot.read_truth(annotation)
        except (InputError, OSError) as fault:
            record.told("unreadable" if path.is_file() else "missing", path, fault)
            continue
        height, width = truth.region.shape
        seen |= set(np.unique(truth.region).tolist())
        if len(sizes) == 1 and (width, height) not in sizes:
            record.fault("size", path, f"it is {width}x{height} and the frames are {_size(*sizes)}")
        if truth.unknown:
            record.remark(
                "colours", path, f"{truth.unknown} pixels have a colour that {shot.name}Def.dat does not name"
            )
        if path.suffix.lower() == ".ppm" and not truth.probabilities:
            record.fault(
                "missing", path.with_suffix(".pgm"), "the probability map is not here; every pixel would be sure"
            )
    never = [region for region in range(len(shot.definition.regions)) if region not in seen]
    if never and shot.definition.annotations:
        record.remark("definition", shot.definition_file, f"no annotated frame has the regions {_some(never)}")


def _check_frames_of_davis(davis: Davis, name: str, filmed: bool, record: _Record) -> set[tuple[int, int]]:
    folder = davis.home / "JPEGImages/480p" / name
    if not filmed:
        record.fault("missing", folder, "the sequence has masks and no frames")
        return set()
    try:
        images = davis.frames(name)
    except InputError as fault:
        record.told("missing", folder, fault)
        return set()
    record.frames += len(images)
    return _sizes(images, record)


def _check_masks(davis: Davis, name: str, kind: Annotations, sizes: set[tuple[int, int]], record: _Record) -> None:
    folder = davis.home / kind.folder / name
    try:
        maps = davis.masks(name, kind)
    except InputError as fault:
        record.told("missing", folder, fault)
        return
    try:
        first, later, size = _labels(iter(maps), {0, VOID} if kind is UNSUPERVISED else {0})
    except InputError as fault:
        record.told("unreadable", folder, fault)
        return
    record.annotated += len(maps)
    if len(sizes) == 1 and size not in sizes:
        record.fault("size", folder, f"the masks are {_size(size)} and the frames {_size(*sizes)}")
    if not first:
        record.remark("labels", folder, "there is no object in the first frame")
    if kind is UNSUPERVISED:
        highest = max(first, default=0)
        if gaps := sorted(set(range(1, highest)) - first):
            record.remark("labels", folder, f"the first frame has no object {_some(gaps)}, and each would count as one")
        if extra := sorted(label for label in later if label > highest):
            record.remark("labels", folder, f"the objects {_some(extra)} come later and no evaluator counts them")


def _labels(maps: Iterator[LabelMap], none: set[int]) -> tuple[set[int], set[int], tuple[int, int]]:
    """The objects of the first frame, those of all others, and the size (width, height); labels in `none` are none."""
    start = next(maps)
    first, later = set(np.unique(start).tolist()), set()
    for labels in maps:
        later |= set(np.unique(labels).tolist())
    return first - none, later - none, (start.shape[1], start.shape[0])


def _sizes(images: list[Path], record: _Record) -> set[tuple[int, int]]:
    """The sizes (width, height) that the headers of these pictures tell."""
    found: dict[tuple[int, int], list[Path]] = {}
    for path in images:
        try:
            with Image.open(path) as picture:
                found.setdefault(picture.size, []).append(path)
        except Exception:  # Pillow's decoders raise what they like on a damaged file
            record.fault("unreadable", path, "the picture cannot be decoded; copy it again")
    if len(found) > 1:
        usual = max(found, key=lambda size: len(found[size]))
        odd = next(paths[0] for size, paths in found.items() if size != usual)
        told = ", ".join(f"{len(paths)} of {_size(size)}" for size, paths in found.items())
        record.fault("size", odd, f"the frames of one shot differ in size: {told}")
    return set(found)


def _gaps(images: list[Path]) -> list[int]:
    """The numbers between the first and the last that no file name ends with."""
    endings = [re.search(r"(\d+)$", path.stem) for path in images]
    numbers = {int(found[1]) for found in endings if found}
    if len(numbers) != len(images) or not numbers or max(numbers) - min(numbers) > 10 * len(numbers):
        return []  # not numbered one by one: nothing can be told
    return sorted(set(range(min(numbers), max(numbers))) - numbers)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _some(items: list) -> str:
    shown = ", ".join(map(str, items[:_SHOWN]))
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"
