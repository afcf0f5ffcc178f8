"""Rows of an application table with made-up numbers, none of them measured."""

from dataclasses import replace
from typing import Any

from application.results import (
    Actions,
    Cell,
    Errors,
    Kind,
    Masks,
    Method,
    Result,
    Row,
    SequenceMasks,
    ShotTracks,
    Speed,
    Store,
    Tracks,
)

from recognition.metrics import wilson_interval

CLASSES = ("JumpRope", "Lunges", "Push|Ups")
CLIPS = 12

HOSTILE = ("a|b*c_d`<i>$x$", r"\textbf{50% & #1}~^", '"><script>alert(1)</script>', "[1](evil:x)")
"""Names that Markdown, LaTeX and HTML would read as something else."""


def make_cell(kind: Kind, method: str, result: Result | None, failed: str | None = None, **made_of: str) -> Cell:
    """A measurement of a method on the data that all of these share, but for what `made_of` says."""
    return Cell(
        kind=kind,
        method=Method(method, method, "made 1.0", {"preset": "medium"}, None),
        made_of={"method": method, "data": "0" * 64, **made_of},
        result=result,
        failed=failed,
        begun="2026-01-02T03:04:05Z",
        seconds=12.5,
        machine={"processor": "made", "cores": 2, "gpu": None, "system": "Linux"},
        versions={"flowfeat": "0.1.0"},
    )


def make_row(name: str, **results: Result | str) -> Row:
    """A row of these results by their kind; a text is why it failed."""
    cells: dict[Kind, Cell] = {}
    kinds: Any = results
    for kind, result in kinds.items():
        failed = result if isinstance(result, str) else None
        if isinstance(result, Store):
            result = replace(result, folder=f"work/{name}/ucf101-made")
        cells[kind] = make_cell(kind, name, None if failed else result, failed)
    return Row(name, cells)


def speed(milliseconds: float, width: int = 320) -> Speed:
    return Speed(milliseconds, 8, 0, 240, width, "cpu", 2)


def errors(endpoint_error: float, at_edges: float | None = 1.5) -> Errors:
    columns = {"EPE": endpoint_error, "s0-1": 0.25, "edges": at_edges, "<1px": 0.875}
    return Errors("middlebury", "train", 8, columns)


def tracks(f_measure: float | None, extracted: int = 2, failed: dict[str, str] | None = None) -> Tracks:
    shots = (
        ShotTracks("cars1", 19, 100, 1000, 0.8, 0.9, 0.8, f_measure, extracted, 3, 0.4, 12.0, False),
        ShotTracks("cars|2", 30, 300, 1400, 0.8, 0.9, 0.8, f_measure, 0, 0, 0.4, 8.0, False),
    )
    return Tracks(8, "moseg", shots, 30, 0.8, 0.9, 0.8, f_measure, extracted, 3, 0.4, failed or {})


def masks(similarity: float) -> Masks:
    return Masks("binary", (SequenceMasks("bear", 82, similarity, 0.5, 0.125),), 3, similarity, 0.5, 0.125, {})


def store(kib_a_pair: int, seconds: float = 20.0) -> Store:
    return Store(
        "work/METHOD/ucf101-made",
        18,
        1000,
        "shorter:128",
        128,
        170,
        kib_a_pair * 1024 * 1000,
        0.0004,
        seconds,
        900,
        {},
        "f" * 64,
    )


def actions(correct: int, seeds: int = 1, **changes: Any) -> Actions:
    """So many of 12 clips right with the first seed, and one clip less with every other."""
    shares = tuple((correct - (seed > 0)) / CLIPS for seed in range(seeds))
    right = [min(4, max(0, correct - 4 * place)) for place in range(3)]
    confusion = tuple(
        tuple(right[true] if true == said else (4 - right[true] if said == (true + 1) % 3 else 0) for said in range(3))
        for true in range(3)
    )
    given: dict[str, Any] = {
        "preset": "quick",
        "steps": 100,
        "split": 1,
        "seeds": tuple(range(seeds)),
        "accuracies": shares,
        "mean_class_accuracies": shares,
        "accuracy": sum(shares) / seeds,
        "interval": wilson_interval(correct, CLIPS),
        "top5": 1.0,
        "baseline": 0.5,
        "clips_trained": 6,
        "clips": CLIPS,
        "of_clips_trained": 9537,
        "of_clips": 3783,
        "missing": 0,
        "classes": CLASSES,
        "confusion": confusion,
        "failed": {},
    }
    return Actions(**{**given, **changes})


def full_row(name: str, quality: int) -> Row:
    """A row of every kind; the higher the quality, 0 to 3, the better every number."""
    return make_row(
        name,
        speed=speed(100 / (1 + quality)),
        errors=errors(4 - quality, 3 - quality / 2),
        fbms=tracks(0.6 + quality / 10, quality),
        davis=masks(0.5 + quality / 10),
        store=store(8 - quality, 40 - 10 * quality),
        actions=actions(6 + quality),
    )
