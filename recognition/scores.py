"""Scores of clips: what testing leaves behind, and what fusion, metrics and reports are made of.

A score file is one npz without pickles, so that any program reads it: `scores`, `clips`, `groups`, `labels`, `classes`,
and `record`, the rest as JSON. Columns are in the data set's official order of classes. UCF101's is not that of sorted
folder names, and a tool that sorts folders exchanges four of its classes; such files are found out and refused.
"""

import io
import json
import re
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Float32, Int64
from scipy.special import log_softmax, softmax

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError

SCHEMA = 2

Kind = Literal["softmax", "logits"]
Part = Literal["train", "validation", "test"]

# Official order first, the pair as `sorted` has it second: lower case comes after upper case there.
_EXCHANGED = (("Hammering", "HammerThrow"), ("JumpingJack", "JumpRope"))
_CLASS_OF_UCF101_NAME = re.compile(r"(?:.*/)?v_([^_/]+)_g[0-9]+_c[0-9]+")
_ARRAYS = {"scores", "clips", "groups", "labels", "classes", "record"}


@dataclass(frozen=True)
class FusedPart:
    """One of the score files that were fused: what it is, and its weight where the method has weights."""

    name: str
    weight: float | None


@dataclass(frozen=True)
class Fusion:
    """How scores were fused.

    Attributes:
        method: average, weighted or svm.
        parts: what was fused, in the order given.
        fitted_on: how many held-out training clips decided weights or SVM; None where nothing was fitted.
    """

    method: Literal["average", "weighted", "svm"]
    parts: tuple[FusedPart, ...]
    fitted_on: int | None


@dataclass(frozen=True)
class ScoreSettings:
    """What made the scores.

    Attributes:
        dataset: UCF101, HMDB51, or the name of a folder.
        split: its number.
        part: whose clips these are: validation clips are training clips held out of this training.
        stream: temporal, spatial, fused, or the name of a baseline.
        preset, network, views: as `recognition train` and `test` call them; None where there is none.
        flow: the model of the store's flow; None where no flow was used.
        seed: of the training.
        steps: of the training.
        part_of: what a partial split is a part of, as in `Split`; None for the whole split.
        store: where the store was.
        fusion: where several score files were fused.
    """

    dataset: str
    split: int
    part: Part
    stream: str
    preset: str | None = None
    network: str | None = None
    views: str | None = None
    flow: str | None = None
    seed: int | None = None
    steps: int | None = None
    part_of: str | None = None
    store: str | None = None
    fusion: Fusion | None = None

    @property
    def method(self) -> str:
        """What made the scores whatever the split and the seed, in words; searched weights are the split's."""
        if self.fusion is not None:
            known = self.fusion.fitted_on is None
            parts = (
                f"{part.weight:g} x {part.name}" if known and part.weight is not None else part.name
                for part in self.fusion.parts
            )
            return f"{self.fusion.method} of {' + '.join(parts)}"
        return ", ".join(filter(None, (self.stream, self.preset, self.network, self.flow, self.views)))


@dataclass(frozen=True)
class Scores:
    """A score for each class of each clip.

    Attributes:
        scores: softmax is in 0..1 and sums to 1; logits are any finite numbers, margins of an SVM too.
        kind: which of the two.
        clips: names without folder and ending, as v_JumpingJack_g01_c01, each once.
        groups: the source video of each clip, as far as the data set names it; else the clip's own name.
        labels: 0-based places in `classes`.
        classes: of the columns, in the official order.
        settings: what made them.
        fingerprint: of the settings of the store that was read; None where there was none.
        missing: how many clips of the split were allowed to be missing and have no scores.

    Raises InputError where these contradict each other, and where class names or clip names show that the classes
    were numbered by sorted folder names.
    """

    scores: Float32[np.ndarray, "clips classes"]
    kind: Kind
    clips: tuple[str, ...]
    groups: tuple[str, ...]
    labels: Int64[np.ndarray, " clips"]
    classes: tuple[str, ...]
    settings: ScoreSettings
    fingerprint: str | None = None
    missing: int = 0

    def __post_init__(self) -> None:
        if self.scores.shape != (len(self.clips), len(self.classes)) or self.labels.shape != (len(self.clips),):
            raise InputError(
                f"{len(self.clips)} clips and {len(self.classes)} classes need as many rows and columns of scores, "
                f"and a label each; there are {self.scores.shape} scores and {self.labels.shape} labels"
            )
        if len(self.groups) != len(self.clips):
            raise InputError(f"{len(self.clips)} clips need a group each; there are {len(self.groups)} groups")
        if not self.clips or len(self.classes) < 2:
            raise InputError("there are no scores: at least one clip and two classes are needed")
        for what, names in (("clip", self.clips), ("class", self.classes)):
            if len(set(names)) < len(names):
                double = next(name for place, name in enumerate(names) if name in names[:place])
                raise InputError(f"{what} {double} is there twice")
        if self.labels.min() < 0 or self.labels.max() >= len(self.classes):
            raise InputError(f"labels must be 0 to {len(self.classes) - 1}, and one is not")
        if self.missing < 0:
            raise InputError(f"{self.missing} clips cannot be missing")
        self._check_values()
        _refuse_sorted_classes(self.classes)
        self._refuse_labels_of_other_classes()

    def __repr__(self) -> str:
        return f"Scores({self.settings.method!r}, clips={len(self.clips)}, classes={len(self.classes)})"

    def _check_values(self) -> None:
        if not np.isfinite(self.scores).all():
            clip = self.clips[int(np.argmin(np.isfinite(self.scores).all(axis=1)))]
            raise InputError(f"the scores of {clip} are not finite; test again")
        if self.kind == "softmax" and (
            self.scores.min() < 0 or np.abs(self.scores.sum(axis=1, dtype=np.float64) - 1).max() > 1e-3
        ):
            raise InputError("the scores are said to be softmax, and are not all in 0..1 with a sum of 1 for each clip")

    def _refuse_labels_of_other_classes(self) -> None:
        """UCF101's names hold the class, so that a wrong numbering shows."""
        spelled = {name.lower(): place for place, name in enumerate(self.classes)}
        for clip, label in zip(self.clips, self.labels.tolist(), strict=True):
            match = _CLASS_OF_UCF101_NAME.fullmatch(clip)
            # Archives spell HandstandPushups either way.
            place = spelled.get(match[1].lower()) if match else None
            if place is not None and place != label:
                raise InputError(
                    f"{clip} is labelled {self.classes[label]}: the classes were numbered in another order than "
                    "classInd.txt has, as tools do that sort class folders; make the scores again with the official "
                    "order"
                )

    def as_softmax(self) -> "Scores":
        """The same with each clip's scores as probabilities."""
        if self.kind == "softmax":
            return self
        return replace(self, scores=softmax(self.scores, axis=1).astype(np.float32), kind="softmax")

    def log_probabilities(self) -> Float[np.ndarray, "clips classes"]:
        """Logarithms of the probabilities, finite where one of them is zero."""
        if self.kind == "logits":
            return log_softmax(self.scores.astype(np.float64), axis=1)
        return np.log(np.maximum(self.scores.astype(np.float64), np.finfo(np.float32).tiny))

    def in_order_of(self, clips: tuple[str, ...]) -> "Scores":
        """The same clips in another order. Raises InputError where they are not the same clips."""
        if clips == self.clips:
            return self
        if set(clips) != set(self.clips):
            only, others = sorted(set(clips) - set(self.clips)), sorted(set(self.clips) - set(clips))
            raise InputError(
                f"score files are of different clips: {(only or others)[0]} is in one alone "
                f"({len(only) + len(others)} such clips); test each on the same split and store"
            )
        places = {clip: place for place, clip in enumerate(self.clips)}
        order = [places[clip] for clip in clips]
        groups = tuple(self.groups[place] for place in order)
        return replace(self, scores=self.scores[order], labels=self.labels[order], clips=clips, groups=groups)


def write_scores(path: str | Path, scores: Scores) -> None:
    """Write a score file, whole or not at all. The same scores give the same bytes.

    Raises:
        InputError: the name does not end in .npz.
        OSError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise InputError(f"{path}: a score file's name must end in .npz")
    record = {
        "schema": SCHEMA,
        "kind": scores.kind,
        "settings": asdict(scores.settings),
        "fingerprint": scores.fingerprint,
        "missing": scores.missing,
    }
    data = io.BytesIO()
    np.savez(
        data,
        scores=scores.scores,
        clips=np.array(scores.clips, dtype=np.str_),
        groups=np.array(scores.groups, dtype=np.str_),
        labels=scores.labels,
        classes=np.array(scores.classes, dtype=np.str_),
        record=np.array(json.dumps(record, sort_keys=True)),
    )
    write_atomically(path, data.getvalue())


def read_scores(path: str | Path) -> Scores:
    """Read what `write_scores` wrote.

    Raises:
        FormatError: not such a file, or damaged.
        InputError: it is not there, what it holds is contradictory, or it was made with sorted class folders.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such score file; `flowfeat recognition test` writes one") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except Exception as fault:  # numpy and zipfile fail in a dozen ways on damaged files
        raise FormatError(f"{path}: not a score file: {str(fault)[:80]}; give what recognition test wrote") from None
    if set(found) == _ARRAYS - {"groups"}:
        raise FormatError(
            f"{path}: scores of an older version of flowfeat, without the clips' source videos; test again"
        )
    if set(found) != _ARRAYS:
        raise FormatError(f"{path}: not a score file: it holds {', '.join(found) or 'nothing'}")
    right = (
        found["scores"].dtype == np.float32
        and found["scores"].ndim == 2
        and found["labels"].dtype == np.int64
        and found["labels"].ndim == 1
        and all(found[name].dtype.kind == "U" and found[name].ndim == 1 for name in ("clips", "groups", "classes"))
        and (found["record"].dtype.kind, found["record"].ndim) == ("U", 0)
    )
    if not right:
        raise FormatError(f"{path}: not a score file: its arrays are of other kinds than recognition test writes")
    try:
        record = json.loads(str(found["record"]))
        if record["schema"] != SCHEMA:
            raise FormatError(f"{path}: scores of schema {record['schema']!r}; this version reads {SCHEMA}")
        kind, missing = record["kind"], record["missing"]
        if kind not in ("softmax", "logits") or type(missing) is not int:
            raise ValueError
        settings, fingerprint = _settings(record["settings"]), _is(record["fingerprint"], str, type(None))
    except (ValueError, KeyError, TypeError, RecursionError) as fault:
        if isinstance(fault, FormatError):
            raise
        raise FormatError(f"{path}: its record is damaged, or of another version of flowfeat") from None
    try:
        return Scores(
            scores=found["scores"],
            kind=kind,
            clips=tuple(found["clips"].tolist()),
            groups=tuple(found["groups"].tolist()),
            labels=found["labels"],
            classes=tuple(found["classes"].tolist()),
            settings=settings,
            fingerprint=fingerprint,
            missing=missing,
        )
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from None


def _refuse_sorted_classes(classes: tuple[str, ...]) -> None:
    for first, second in _EXCHANGED:
        if first in classes and second in classes and classes.index(first) > classes.index(second):
            raise InputError(
                f"class {second} is before {first}: these classes are sorted by folder name, and UCF101's official "
                "order (classInd.txt) is another one; make the scores again with the official order"
            )


def _settings(table: Any) -> ScoreSettings:
    """From parsed JSON. Raises ValueError, KeyError or TypeError where it does not hold settings."""
    if set(table) != {field.name for field in fields(ScoreSettings)} or table["part"] not in (
        "train",
        "validation",
        "test",
    ):
        raise ValueError
    for name in ("dataset", "stream"):
        _is(table[name], str)
    _is(table["split"], int)
    for name in ("preset", "network", "views", "flow", "part_of", "store"):
        _is(table[name], str, type(None))
    for name in ("seed", "steps"):
        _is(table[name], int, type(None))
    fusion = table["fusion"]
    if fusion is not None:
        if set(fusion) != {"method", "parts", "fitted_on"} or fusion["method"] not in ("average", "weighted", "svm"):
            raise ValueError
        parts = tuple(
            FusedPart(_is(part["name"], str), _is(part["weight"], float, type(None))) for part in fusion["parts"]
        )
        fusion = Fusion(fusion["method"], parts, _is(fusion["fitted_on"], int, type(None)))
    return ScoreSettings(**{**table, "fusion": fusion})


def _is(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise ValueError
    return value
