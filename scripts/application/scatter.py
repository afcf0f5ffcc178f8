"""Accuracy or F-measure over what it costs, a point a method: the plots of the paper. PNG, as bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from flowfeat.visualization.figures import figure_of, plain_text, png_of

BLUE, INK = "#1f5fa8", "#222222"
_GAP = 6
"""Points between a dot and its name."""
_FAR = 40
"""What a name so much further away weighs, in square pixels hidden: less than a name, about as much as a whisker."""


@dataclass(frozen=True)
class Point:
    """A method in a plot.

    Attributes:
        name: beside the point.
        x: what it costs, above 0.
        y: what it brings, in percent.
        low, high: ends of its interval in percent; None without one.
    """

    name: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Axes:
    """What the axes are: labels, and how x is scaled."""

    x: str
    y: str
    scale: Literal["log", "linear"]


def scatter_picture(points: Sequence[Point], of: Axes) -> bytes:
    """The points with their names, which overlap neither each other nor a point, and intervals as whiskers."""
    figure = figure_of(6.4, 4.4)
    draw_points(figure, points, of)
    return png_of(figure)


def draw_points(figure: Any, points: Sequence[Point], of: Axes) -> list[Any]:
    """Draw them into a figure of matplotlib. Returns the names as its annotations, in the order of the points."""
    axes = figure.add_subplot()
    axes.set_xscale(of.scale)
    for point in points:
        if point.low is not None and point.high is not None:
            # An interval of Wilson's holds the share but for rounding.
            reach = [[max(0.0, point.y - point.low)], [max(0.0, point.high - point.y)]]
            axes.errorbar(point.x, point.y, reach, color=BLUE, alpha=0.55, elinewidth=1, capsize=3, fmt="none")
    axes.scatter([point.x for point in points], [point.y for point in points], color=BLUE, s=28, zorder=3)
    axes.set_xlabel(of.x)
    axes.set_ylabel(of.y)
    _set_limits(axes, points, of)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if of.scale == "log":
        _tick_in_words(axes)
    # Layout first: names are placed in pixels.
    figure.canvas.draw()
    return list(_named(axes, points, figure.canvas.get_renderer()))


def box_of(name: Any, renderer: Any) -> Any:
    """The box of an annotation's text in pixels, without the line that leads to its point."""
    from matplotlib.text import Text

    name.update_positions(renderer)
    return Text.get_window_extent(name, renderer)


def _set_limits(axes: Any, points: Sequence[Point], of: Axes) -> None:
    """Room for names, and never so little of an axis that noise looks like a difference."""
    xs = [point.x for point in points]
    ys = [end for point in points for end in (point.y, point.low, point.high) if end is not None]
    bottom, top = min(ys), max(ys)
    short = max(0.0, 30 - (top - bottom)) / 2
    axes.set_ylim(max(-2, bottom - short - 5), min(104, top + short + 5))
    if of.scale == "log":
        low, high = np.log10(min(xs)), np.log10(max(xs))
        room = max(0.15 * (high - low), (1.2 - (high - low)) / 2)
        axes.set_xlim(10 ** (low - room), 10 ** (high + room))
    else:
        room = 0.15 * (max(xs) - min(xs)) or 0.5 * max(xs) or 1
        axes.set_xlim(max(0, min(xs) - room), max(xs) + room)


def _tick_in_words(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if np.diff(np.log10(axes.get_xlim()))[0] < 2.5 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _named(axes: Any, points: Sequence[Point], renderer: Any) -> Iterator[Any]:
    """The names, each near its point where it hides nothing; where that cannot be, where it hides the least."""
    taken = [box for point in points for box in _drawn(axes, point)]
    frame = axes.get_window_extent(renderer)
    for point in points:
        tried = []
        for distance in (1, 2.5, 4, 6, 8.5, 11):
            far = _FAR * (distance - 1)
            if tried and min(tried)[0] <= far:
                break
            for across, up in ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1)):
                place = _annotation(axes, point, across * distance * _GAP, up * distance * _GAP)
                box = box_of(place, renderer)
                place.remove()
                tried.append((far + _hidden(box, taken) + 4 * _outside(box, frame), len(tried), place, box))
        _, _, place, box = min(tried)
        axes.add_artist(place)
        taken.append(box)
        yield place


def _annotation(axes: Any, point: Point, across: float, up: float) -> Any:
    far = max(abs(across), abs(up)) > _GAP
    place = axes.annotate(
        plain_text(point.name),
        (point.x, point.y),
        xytext=(across, up),
        textcoords="offset points",
        fontsize=8.5,
        color=INK,
        ha="left" if across > 0 else "right" if across < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        arrowprops={"arrowstyle": "-", "color": "#9a9a9a", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2}
        if far
        else None,
    )
    # It lies within the axes, and the layout must not change once names are placed.
    place.set_in_layout(False)
    return place


def _drawn(axes: Any, point: Point) -> Iterator[Any]:
    """The boxes of a dot and of its whisker."""
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform((point.x, point.y))
    yield Bbox.from_extents(x - 8, y - 8, x + 8, y + 8)
    if point.low is not None and point.high is not None:
        (_, low), (_, high) = axes.transData.transform([(point.x, point.low), (point.x, point.high)])
        yield Bbox.from_extents(x - 2, low, x + 2, high)


def _hidden(box: Any, others: Sequence[Any]) -> float:
    """How many square pixels of others a box lies on."""
    both = (type(box).intersection(box, other) for other in others)
    return sum(float(part.width * part.height) for part in both if part is not None)


def _outside(box: Any, frame: Any) -> float:
    inside = type(box).intersection(box, frame)
    return float(box.width * box.height) - (0 if inside is None else float(inside.width * inside.height))
