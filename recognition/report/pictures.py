"""The confusion matrix, and bars of the classes and of the score files, to print. PNG, as bytes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from flowfeat.visualization.figures import figure_of, plain_text, png_of
from flowfeat.wording import counted
from recognition.metrics import Interval, wilson_interval
from recognition.report.contents import Entry

_PALE_BLUE, _GREY, _INK = "#9cc0e4", "#c4c4c4", "#222222"

NUMBERS_UP_TO = 30
"""Classes beyond which numbers in the cells could not be read."""


def confusion_picture(title: str, classes: Sequence[str], confusion: Int64[np.ndarray, "classes classes"]) -> bytes:
    """Each row coloured by its shares; clips are written into the cells where they fit.

    Args:
        title: heads the picture, in several lines if it has them.
        classes: of rows and columns.
        confusion: clips by true class (row) and class said (column).
    """
    from matplotlib.colors import PowerNorm

    clips = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, clips, out=np.zeros(confusion.shape), where=clips > 0)
    many = len(classes) > NUMBERS_UP_TO
    size = 9.5 if many else 10
    side = max(3.3, (0.155 if many else 0.55) * len(classes)) + _width_of(classes, size) + 1.2
    figure = figure_of(side + 0.6, side)
    axes = figure.add_subplot()
    # Where numbers do not fit, a root of the share: one clip of forty would be as white as none.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.4 if many else 1, vmin=0, vmax=1))
    names = [plain_text(name) for name in classes]
    axes.set_xticks(range(len(classes)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(classes)), names, fontsize=size)
    axes.set_xlabel("class said", fontsize=14 if many else 10)
    axes.set_ylabel("true class", fontsize=14 if many else 10)
    axes.set_title(plain_text(title), fontsize=16 if many else 11, loc="left", color=_INK)
    # Lines between the cells, so that a single dark one can be followed to both of its names.
    for place in np.arange(1, len(classes)) - 0.5:
        # At a hundred classes the eye loses its row: every fifth line is darker.
        ink, width = ("#9a9a9a", 0.6) if many and (place + 0.5) % 5 == 0 else ("#e4e4e4", 0.4 if many else 0.8)
        axes.axhline(place, color=ink, linewidth=width)
        axes.axvline(place, color=ink, linewidth=width)
    axes.tick_params(length=2)
    if not many:
        for true, said in zip(*np.nonzero(confusion), strict=True):
            ink = "white" if shares[true, said] > 0.5 else _INK
            axes.text(said, true, str(confusion[true, said]), ha="center", va="center", fontsize=10, color=ink)
    shape = {"shrink": 0.35, "aspect": 35, "fraction": 0.02} if many else {"fraction": 0.035}
    bar = figure.colorbar(image, ax=axes, pad=0.015, format=lambda share, _: f"{100 * share:.0f} %", **shape)
    bar.set_label("share of the true class's clips", fontsize=12 if many else 9)
    bar.ax.tick_params(labelsize=11 if many else 9)
    return png_of(figure)


def classes_picture(entry: Entry) -> bytes:
    """A bar for each class that has clips, the best on top, with Wilson's interval and the counts."""
    tested = sorted(
        (each for each in entry.evaluation.per_class if each.clips), key=lambda each: each.correct / each.clips
    )
    many = len(tested) > NUMBERS_UP_TO
    size = 8.5 if many else 10
    names = [each.name for each in tested]
    figure = figure_of(7 + _width_of(names, size), (0.165 if many else 0.36) * len(tested) + 1.6)
    axes = figure.add_subplot()
    shares = [each.correct / each.clips for each in tested]
    bounds = [wilson_interval(each.correct, each.clips) for each in tested]
    _bars(axes, shares, bounds, 1.5 if many else 3)
    axes.axvline(100 * entry.evaluation.mean_class_accuracy, color=_INK, linewidth=0.9, linestyle="--")
    axes.set_yticks(range(len(tested)), [plain_text(name) for name in names], fontsize=size)
    for place, each in enumerate(tested):
        axes.text(111, place, f"{each.correct}/{each.clips}", ha="right", va="center", fontsize=size, color=_INK)
    axes.set_xlabel("right, with the 95 % interval; dashed: mean class accuracy")
    axes.set_title(plain_text(title_of(entry)), fontsize=11, loc="left", color=_INK)
    return png_of(figure)


def accuracy_picture(entries: Sequence[Entry]) -> bytes:
    """A bar for each score file, the most accurate on top, with Wilson's interval; chance is dotted.

    Baselines are grey, and what is of a part of a split is hatched, as it compares with nothing published.
    """
    order = sorted(entries, key=lambda entry: (entry.evaluation.accuracy, not entry.is_baseline))
    names = [entry.name for entry in order]
    figure = figure_of(7 + _width_of(names, 10), 0.36 * len(order) + 1.4)
    axes = figure.add_subplot()
    found = [entry.evaluation for entry in order]
    bars = _bars(axes, [each.accuracy for each in found], [each.accuracy_interval for each in found], 3)
    for bar, entry in zip(bars, order, strict=True):
        if entry.is_baseline:
            bar.set_facecolor(_GREY)
        if entry.scores.settings.part_of is not None:
            bar.set(hatch="//", edgecolor="white", linewidth=0)
    for chance in {100 / len(entry.scores.classes) for entry in order}:
        axes.axvline(chance, color=_INK, linewidth=0.9, linestyle=":")
    axes.set_yticks(range(len(order)), [plain_text(name) for name in names], fontsize=10)
    for place, each in enumerate(found):
        axes.text(111, place, f"{100 * each.accuracy:.1f}", ha="right", va="center", fontsize=10, color=_INK)
    axes.set_xlabel("accuracy, with the 95 % interval")
    return png_of(figure)


def _bars(axes: Any, shares: Sequence[float], bounds: Sequence[Interval], cap: float) -> Any:
    """Horizontal bars of fractions in percent, the last on top, with whiskers, and room for a column at the right."""
    places, values, ends = np.arange(len(shares)), np.array(shares), np.array(bounds)
    bars = axes.barh(places, 100 * values, color=_PALE_BLUE, height=0.72)
    # An interval of Wilson's holds the share but for rounding.
    reach = 100 * np.maximum(0, np.stack([values - ends[:, 0], ends[:, 1] - values]))
    axes.errorbar(100 * values, places, xerr=reach, fmt="none", ecolor=_INK, elinewidth=0.8, capsize=cap)
    axes.set_ylim(-0.7, len(shares) - 0.3)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20), [f"{share} %" for share in range(0, 101, 20)])
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return bars


def title_of(entry: Entry) -> str:
    """What heads the pictures of a score file."""
    found = entry.evaluation
    part = ", part of a split" if entry.scores.settings.part_of is not None else ""
    return (
        f"{entry.name}\naccuracy {100 * found.accuracy:.1f} %, mean class "
        f"{100 * found.mean_class_accuracy:.1f} %, {counted(found.clips, 'clip')}{part}"
    )


def _width_of(names: Sequence[str], size: float) -> float:
    """About how many inches the longest name takes, so that none is cut."""
    return 0.0085 * size * max(map(len, names))
