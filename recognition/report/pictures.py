"""The confusion matrix and the bars of the classes, to print. PNG, as bytes."""

import io
from typing import Any

import numpy as np

from recognition.metrics import wilson_interval
from recognition.report.contents import Entry

_PALE_BLUE, _INK = "#9cc0e4", "#222222"
_NUMBERS_UP_TO = 30
"""Classes beyond which numbers in the cells could not be read."""


def confusion_picture(entry: Entry) -> bytes:
    """True classes by class said, each row coloured by its shares; clips are written into the cells where they fit."""
    from matplotlib.colors import PowerNorm

    classes, confusion = entry.scores.classes, np.asarray(entry.evaluation.confusion)
    clips = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, clips, out=np.zeros(confusion.shape), where=clips > 0)
    many = len(classes) > _NUMBERS_UP_TO
    side = 0.155 * len(classes) + 3.2 if many else 0.55 * len(classes) + 3
    figure = _figure(side + 0.6, side)
    axes = figure.add_subplot()
    # Where numbers do not fit, the root of the share: one clip of forty would be as white as none.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5 if many else 1, vmin=0, vmax=1))
    size = 6.5 if many else 9
    axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=size)
    axes.set_yticks(range(len(classes)), classes, fontsize=size)
    axes.set_xlabel("class said")
    axes.set_ylabel("true class")
    axes.set_title(_title(entry), fontsize=10 if not many else 13, loc="left", color=_INK)
    # White lines between the cells, so that a single dark one can be followed to both of its names.
    axes.set_xticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(classes) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e4e4e4", linewidth=0.4 if many else 0.8)
    axes.tick_params(which="minor", length=0)
    if not many:
        for true, said in zip(*np.nonzero(confusion), strict=True):
            ink = "white" if shares[true, said] > 0.5 else _INK
            axes.text(said, true, str(confusion[true, said]), ha="center", va="center", fontsize=9, color=ink)
    bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.02, format=lambda share, _: f"{100 * share:.0f} %")
    bar.set_label("share of the true class's clips")
    return _png(figure)


def classes_picture(entry: Entry) -> bytes:
    """A bar for each class that has clips, the best on top, with Wilson's interval and the counts."""
    tested = sorted(
        (each for each in entry.evaluation.per_class if each.clips), key=lambda each: each.correct / each.clips
    )
    shares = np.array([each.correct / each.clips for each in tested])
    bounds = np.array([wilson_interval(each.correct, each.clips) for each in tested])
    places = np.arange(len(tested))
    many = len(tested) > _NUMBERS_UP_TO
    size = 7 if many else 9
    figure = _figure(7.5, (0.155 if many else 0.34) * len(tested) + 1.6)
    axes = figure.add_subplot()
    axes.barh(places, 100 * shares, color=_PALE_BLUE, height=0.72)
    # An interval of Wilson's holds the share but for rounding.
    reach = 100 * np.maximum(0, np.stack([shares - bounds[:, 0], bounds[:, 1] - shares]))
    axes.errorbar(100 * shares, places, xerr=reach, fmt="none", ecolor=_INK, elinewidth=0.8, capsize=1.5 if many else 3)
    axes.axvline(100 * entry.evaluation.mean_class_accuracy, color=_INK, linewidth=0.9, linestyle="--")
    axes.set_yticks(places, [each.name for each in tested], fontsize=size)
    axes.set_ylim(-0.7, len(tested) - 0.3)
    axes.set_xlim(0, 112)
    axes.set_xticks(range(0, 101, 20), [f"{share} %" for share in range(0, 101, 20)])
    for place, each in enumerate(tested):
        axes.text(111, place, f"{each.correct}/{each.clips}", ha="right", va="center", fontsize=size, color=_INK)
    axes.set_xlabel("right, with the 95 % interval; dashed: mean class accuracy; at the right: clips")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_title(entry), fontsize=10, loc="left", color=_INK)
    return _png(figure)


def _title(entry: Entry) -> str:
    found = entry.evaluation
    return (
        f"{entry.name}: accuracy {100 * found.accuracy:.1f} %, mean class accuracy "
        f"{100 * found.mean_class_accuracy:.1f} %, {found.clips} clips"
    ).replace("$", r"\$")  # matplotlib would read formulas between dollar signs


def _figure(width: float, height: float) -> Any:
    # Agg draws without a screen; pyplot would look for one, and would keep every figure.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    # Without its version in the file the same report gives the same bytes.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
