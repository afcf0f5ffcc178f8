"""Error against width and against runtime, from records: the paper's figures 4 and 5."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from flowfeat.atomic import write_atomically
from flowfeat.benchmarks.record import BenchmarkRecord, Measured
from flowfeat.errors import InputError
from flowfeat.networks.zoo import Composition, named_composition
from flowfeat.visualization import check_picture_ending
from flowfeat.visualization.figures import figure_of

Against = Literal["width", "runtime"]
_BLUE, _GREY = "#1f5fa8", "#8a8a8a"


def plot_records(records: Sequence[BenchmarkRecord], out: Path, against: Against) -> int:
    """Draw the endpoint error of every model in the records into a .png or .jpg.

    `width` is figure 4: networks of the FlowNet 2.0 family, error and runtime over their share of the channels.
    `runtime` is figure 5: all models, error over milliseconds a pair.

    Returns:
        How many models were drawn.

    Raises:
        InputError: the records are of different data or, for runtime, machines; a model is in several; there is nothing
            to draw; or the ending is no picture's.
    """
    check_picture_ending(out)
    _refuse_mixture(records, against)
    models = [model for record in records for model in record.models]
    points = [(known, model) for model in models if (known := named_composition(model.model.model))]
    if against == "width" and not points:
        raise InputError(f"{out}: no network of the FlowNet 2.0 family is in these records, so none has a width")
    figure = figure_of(7, 4.5)
    axes = figure.add_subplot()
    if against == "width":
        _draw_width(axes, points)
    else:
        _draw_runtime(axes, models)
    axes.set_ylabel(f"endpoint error in pixels, {_data(records[0])}")
    axes.margins(x=0.15)  # room for the names
    axes.set_ylim(0, 1.12 * max(model.endpoint_error for model in models) or 1)
    axes.grid(alpha=0.3)
    file = io.BytesIO()
    figure.savefig(file, format="png" if out.suffix.lower() == ".png" else "jpeg")
    write_atomically(out, file.getvalue())
    return len(points) if against == "width" else len(models)


def _draw_width(axes: Any, points: Sequence[tuple[Composition, Measured]]) -> None:
    """A line for each kind of network: S, C, CSS and so on."""
    times = axes.twinx()
    for letters in dict.fromkeys(composition.letters for composition, _ in points):
        line = sorted(
            ((known.width, model) for known, model in points if known.letters == letters), key=lambda point: point[0]
        )
        widths = [width for width, _ in line]
        axes.plot(widths, [model.endpoint_error for _, model in line], "o-", color=_BLUE)
        times.plot(widths, [model.milliseconds for _, model in line], "s--", color=_GREY)
        for width, model in line:
            _label(axes, model, width)
    axes.set_xlabel("channels, as a share of the published network's")
    times.set_ylabel("milliseconds a pair (dashed)")
    times.set_ylim(bottom=0)


def _draw_runtime(axes: Any, models: Sequence[Measured]) -> None:
    axes.scatter([model.milliseconds for model in models], [model.endpoint_error for model in models], color=_BLUE)
    for model in models:
        _label(axes, model, model.milliseconds)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a pair, median")


def _label(axes: Any, model: Measured, x: float) -> None:
    place = (x, model.endpoint_error)
    axes.annotate(model.model.model, place, xytext=(4, 4), textcoords="offset points", fontsize=8)


def _data(record: BenchmarkRecord) -> str:
    return " ".join(part for part in (record.dataset, record.split, record.rendering) if part)


def _refuse_mixture(records: Sequence[BenchmarkRecord], against: Against) -> None:
    if not records:
        raise InputError("there is no record to draw; give what flowfeat benchmark --out wrote")
    if len({(_data(record), *record.files.values()) for record in records}) > 1:
        kinds = ", ".join(dict.fromkeys(f"{_data(record)} ({len(record.files)} pairs)" for record in records))
        raise InputError(f"the records are of different pairs, {kinds}; draw one data set at a time")
    places = {f"{record.machine.get('processor')}, {record.machine.get('gpu') or 'no GPU'}" for record in records}
    if against == "runtime" and len(places) > 1:
        raise InputError(f"the records are of different machines, {'; '.join(sorted(places))}, so times do not compare")
    names = [model.model.model for record in records for model in record.models]
    double = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if double:
        raise InputError(f"{double[0]} is in several of the records; give each model once")
