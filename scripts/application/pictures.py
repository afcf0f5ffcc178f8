"""What the page shows beside its tables: flow, segmentations, confusion matrices, and accuracy against its price."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8

from application.columns import ACCURACY, EDGES, EPE, F_MEASURE, MILLISECONDS, Column, cell_of, result_of
from application.comparable import compare
from application.flow_sheets import flow_sheet, shown_clips
from application.layout import Layout, folder_name
from application.overlay_sheets import overlay_sheet, shown_shots
from application.results import Actions, Kind, Row
from application.scatter import Axes, Point, scatter_picture
from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from flowfeat.store import FlowStore
from flowfeat.visualization import save_picture
from flowfeat.wording import counted
from recognition.report.pictures import confusion_picture
from segmentation.runs.layout import open_run

Opened = TypeVar("Opened")
Drawn = UInt8[np.ndarray, "H W 3"]

CLIPS = 3
"""Clips of UCF101 whose flow is shown."""

SHOTS = 2
"""Shots of each data set whose segmentation is shown."""


@dataclass(frozen=True)
class Picture:
    """A picture, or why there is none.

    Attributes:
        title: what it should show.
        file: where it was written; None where it could not be drawn.
        caption: what is seen.
        missing: why there is none; None where there is one.
    """

    title: str
    file: Path | None
    caption: str = ""
    missing: str | None = None


@dataclass(frozen=True)
class Pictures:
    """All pictures of a table.

    Attributes:
        flow: of some clips, all methods on one sheet.
        fbms, davis: segmentations of some shots, all methods on one sheet.
        confusions: of each method.
        runtime: accuracy and F-measure against runtime.
        errors: accuracy against endpoint errors.
    """

    flow: tuple[Picture, ...] = ()
    fbms: tuple[Picture, ...] = ()
    davis: tuple[Picture, ...] = ()
    confusions: tuple[Picture, ...] = ()
    runtime: tuple[Picture, ...] = ()
    errors: tuple[Picture, ...] = ()


def draw_pictures(rows: Sequence[Row], layout: Layout, videos: Path | None = None) -> Pictures:
    """Draw them into `layout.pictures`, from the records, the stores and the results of segmentation.

    Args:
        rows: of the table.
        layout: of its folder.
        videos: the folder of UCF101's clips, for the frames that flow is shown beside.

    What cannot be drawn, as a store that is gone or damaged, has its reason in its place. Pictures of an earlier table
    that are not among these are removed.

    Raises:
        OSError: a picture cannot be written.
    """
    drawn = Pictures(
        flow=tuple(_flow(rows, layout, videos)),
        fbms=tuple(_overlays(rows, layout, "fbms")),
        davis=tuple(_overlays(rows, layout, "davis")),
        confusions=tuple(_confusions(rows, layout)),
        runtime=tuple(_plots(rows, layout, _RUNTIME)),
        errors=tuple(_plots(rows, layout, _ERRORS)),
    )
    kept = {picture.file for part in vars(drawn).values() for picture in part}
    for file in layout.pictures.glob("*"):
        if file not in kept and file.suffix in (".jpg", ".png"):
            file.unlink()
    return drawn


def _flow(rows: Sequence[Row], layout: Layout, videos: Path | None) -> Iterator[Picture]:
    folders = {row.name: layout.home / result_of(row, "store").folder for row in rows if result_of(row, "store")}
    if not folders:
        return
    stores, without = _opened(folders, FlowStore)
    try:
        clips = shown_clips(stores, CLIPS)
    except InputError as fault:
        yield Picture("flow of UCF101", None, missing=f"{fault}{without}")
        return
    for place, clip in enumerate(clips, 1):
        file, told = (
            layout.pictures / f"flow-{place}.jpg",
            f"Flow of {clip} by every method, all in one scale.{without}",
        )
        yield _tried(f"flow of {clip}", file, lambda clip=clip: flow_sheet(stores, clip, videos), told)


def _overlays(rows: Sequence[Row], layout: Layout, kind: Kind) -> Iterator[Picture]:
    folders = {row.name: layout.segments(row.name, kind) for row in rows if cell_of(row, kind) is not None}
    if not folders:
        return
    runs, without = _opened(folders, open_run)
    dense = kind == "davis"
    title, shown = ("DAVIS", "masks") if dense else ("FBMS-59", "tracks")
    try:
        shots = shown_shots(runs, SHOTS)
    except InputError as fault:
        yield Picture(f"segmentation of {title}", None, missing=f"{fault}{without}")
        return
    for place, shot in enumerate(shots, 1):
        file = layout.pictures / f"{kind}-{place}.jpg"
        told = f"{title}, {shot}: the {shown} of every method. Equal colours are the same true object.{without}"
        yield _tried(f"segmentation of {shot}", file, lambda shot=shot: overlay_sheet(runs, shot, dense), told)


def _opened(folders: Mapping[str, Path], opened: Callable[[Path], Opened]) -> tuple[dict[str, Opened], str]:
    """What could be opened, by method; and, in words, what could not."""
    found: dict[str, Opened] = {}
    without = ""
    for method, folder in folders.items():
        try:
            found[method] = opened(folder)
        except (InputError, OSError) as fault:
            without += f" Without {method}: {fault}."
    return found, without


def _confusions(rows: Sequence[Row], layout: Layout) -> Iterator[Picture]:
    for row in rows:
        actions = result_of(row, "actions")
        if isinstance(actions, Actions):
            file = layout.pictures / f"confusion-{folder_name(row.name)}.png"
            title = f"confusion matrix of {row.name}"
            yield _tried(title, file, lambda row=row, actions=actions: _confusion(row.name, actions))


def _confusion(name: str, actions: Actions) -> bytes:
    """The confusion matrix of a method's first seed."""
    clips = counted(actions.clips, "clip")
    title = f"{name}\naccuracy {100 * actions.accuracies[0]:.1f} %, {clips}, seed {actions.seeds[0]}"
    return confusion_picture(title, actions.classes, np.array(actions.confusion, np.int64))


@dataclass(frozen=True)
class _Plot:
    """A plot: its file, what it shows, what is on its axes, and how they are called."""

    name: str
    title: str
    x: Column
    y: Column
    axes: Axes


_ACCURACY, _F = "accuracy on UCF101, %", "F-measure on FBMS-59, %"
_RUNTIME = (
    _Plot(
        "accuracy-runtime",
        "Accuracy of action recognition against runtime",
        MILLISECONDS,
        ACCURACY,
        Axes("milliseconds a pair, median", _ACCURACY, "log"),
    ),
    _Plot(
        "f-measure-runtime",
        "F-measure of motion segmentation against runtime",
        MILLISECONDS,
        F_MEASURE,
        Axes("milliseconds a pair, median", _F, "log"),
    ),
)
_ERRORS = (
    _Plot(
        "accuracy-epe",
        "Accuracy of action recognition against endpoint error",
        EPE,
        ACCURACY,
        Axes("endpoint error, px", _ACCURACY, "linear"),
    ),
    _Plot(
        "accuracy-epe-edges",
        "Accuracy of action recognition against endpoint error at motion boundaries",
        EDGES,
        ACCURACY,
        Axes("endpoint error at motion boundaries, px", _ACCURACY, "linear"),
    ),
)


def _plots(rows: Sequence[Row], layout: Layout, plots: Sequence[_Plot]) -> Iterator[Picture]:
    """Plots of what several methods have both numbers of, measured on identical data."""
    for plot in plots:
        have = [row for row in rows if None not in (plot.x.number_of(row), plot.y.number_of(row))]
        if not have:
            continue
        title = plot.title
        kept = [compare(rows, axis.kind, axis.timed).methods for axis in (plot.x, plot.y)]
        shown = [row for row in have if row.name in kept[0] & kept[1]]
        points = [_point(row, plot) for row in shown]
        if len(points) < 2:
            names = ", ".join(row.name for row in shown) or "no method"
            told = f"a plot needs two methods with both numbers from identical data; {names} alone has them"
            yield Picture(title, None, missing=told)
            continue
        left = [row.name for row in have if row not in shown]
        told = f"{title}." + (" Whiskers: 95 % interval for as many clips." if plot.y is ACCURACY else "")
        told += f" Left out, as measured on other data: {', '.join(left)}." if left else ""
        file = layout.pictures / f"{plot.name}.png"
        yield _tried(title, file, lambda points=points, plot=plot: scatter_picture(points, plot.axes), told)


def _point(row: Row, plot: _Plot) -> Point:
    x, y = plot.x.number_of(row), plot.y.number_of(row)
    assert x is not None
    assert y is not None
    low, high = None, None
    if plot.y is ACCURACY:
        low, high = (100 * end for end in result_of(row, "actions").interval)
    # A clock may say nothing for a method that does nothing, and a logarithm has no place for that.
    return Point(row.name, max(x, 1e-4), 100 * y, low, high)


def _tried(title: str, file: Path, draw: Callable[[], bytes | Drawn], caption: str = "") -> Picture:
    """A picture, drawn and written; or why it could not be drawn."""
    try:
        picture = draw()
    except (InputError, OSError) as fault:
        return Picture(title, None, missing=str(fault))
    if isinstance(picture, bytes):
        write_atomically(file, picture)
    else:
        save_picture(file, picture)
    return Picture(title, file, caption)
