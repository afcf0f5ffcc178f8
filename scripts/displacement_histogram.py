"""How far pixels move in rendered pairs, FlyingChairs, Sintel and UCF101 (FlowNet 2.0, supplement, figure 3).

    flowfeat render --out small --setting small --pairs 256 --size 240x320
    python scripts/displacement_histogram.py --rendered small=small --chairs FlyingChairs_release --ucf101 UCF-101 \
        --sintel MPI-Sintel --out displacements.png

The flow of UCF101, which nobody knows, is that of DIS (extra opencv). A data set that is not given is left out.
"""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro

from flowfeat.atomic import write_atomically
from flowfeat.cli.output import columns
from flowfeat.datasets import FlowDataset, open_dataset
from flowfeat.errors import InputError
from flowfeat.estimators import load_estimator
from flowfeat.rendering.displacements import EDGES, bin_names, displacement_counts, shares
from flowfeat.video import ClipDecoder, find_clips

_FINE = 0.1
"""Pixels a bin of the curves."""
_SHOWN, _ZOOMED = 50.0, 2.0
"""Pixels that the two curves reach."""


@dataclass(frozen=True)
class Arguments:
    """Print the displacement histograms of data sets side by side, and draw them."""

    rendered: tuple[str, ...] = ()
    """NAME=DIR of folders that `flowfeat render` made."""
    chairs: Path | None = None
    """FlyingChairs_release."""
    sintel: Path | None = None
    """MPI-Sintel."""
    ucf101: Path | None = None
    """UCF-101, or any folder of clips."""
    most: int = 300
    """Pairs of each, spread evenly."""
    out: Path | None = None
    """Also draw them into this .png or .svg (needs matplotlib)."""
    json: bool = False
    """Print the shares as JSON on standard output."""


@dataclass
class Histogram:
    """Pixels counted by their displacement: in the bins of the table, and in fine ones for the curves."""

    coarse: np.ndarray
    fine: np.ndarray
    pairs: int = 0

    def add(self, flow: np.ndarray) -> None:
        """Count the pixels of one field, (2, h, w) or (2, n)."""
        self.coarse += displacement_counts(flow)
        distance = np.hypot(flow[0], flow[1])
        self.fine += np.histogram(distance, len(self.fine), (0, len(self.fine) * _FINE))[0]
        self.pairs += 1


def main(arguments: Arguments) -> None:
    sources: dict[str, Iterator[np.ndarray]] = {}
    for entry in arguments.rendered:
        name, equals, folder = entry.partition("=")
        if not equals:
            raise InputError(f"--rendered {entry}: give a name for it, NAME=DIR")
        sources[name] = _of_dataset(open_dataset("flyingchairs", folder, "all"), arguments.most)
    if arguments.chairs:
        sources["FlyingChairs"] = _of_dataset(open_dataset("flyingchairs", arguments.chairs, "all"), arguments.most)
    if arguments.sintel:
        sources["Sintel"] = _of_dataset(open_dataset("sintel", arguments.sintel, "train"), arguments.most)
    if arguments.ucf101:
        sources["UCF101 (DIS)"] = _of_clips(arguments.ucf101, arguments.most)
    if not sources:
        raise InputError("give --rendered, --chairs, --sintel or --ucf101")
    histograms = {name: _counted(fields) for name, fields in sources.items()}
    if arguments.json:
        table = {name: {"pairs": h.pairs, "edges": EDGES, "shares": shares(h.coarse)} for name, h in histograms.items()}
        print(json.dumps(table, indent=1))
    else:
        rows = [
            [text, *(f"{shares(h.coarse)[place]:.1%}" for h in histograms.values())]
            for place, text in enumerate(bin_names())
        ]
        under = [f"{h.coarse[: EDGES.index(1.0)].sum() / h.coarse.sum():.1%}" for h in histograms.values()]
        pairs = [str(h.pairs) for h in histograms.values()]
        header = ["displacement", *histograms]
        print(columns([header, *rows, ["under 1 px", *under], ["pairs", *pairs]], right=range(1, len(header))))
    if arguments.out:
        _draw(histograms, arguments.out)


def _counted(fields: Iterator[np.ndarray]) -> Histogram:
    histogram = Histogram(np.zeros(len(EDGES), np.int64), np.zeros(round(_SHOWN / _FINE), np.int64))
    for flow in fields:
        histogram.add(flow)
    return histogram


def _of_dataset(dataset: FlowDataset, most: int) -> Iterator[np.ndarray]:
    for index in _spread(len(dataset), most):
        sample = dataset[index]
        if sample.flow is not None:
            yield sample.flow[:, sample.valid]


def _of_clips(folder: Path, most: int) -> Iterator[np.ndarray]:
    """DIS flow of pairs of many clips, from the middle of each."""
    clips, estimator = find_clips([folder]), load_estimator("dis")
    each = -(-most // len(clips))
    with ClipDecoder() as decoder:
        for index in _spread(len(clips), most):
            frames = np.concatenate(list(decoder.open(clips[index].path)))
            for first in _spread(len(frames) - 1, each):
                pair = torch.from_numpy(frames[first : first + 2]).permute(0, 3, 1, 2)[None]
                yield estimator(pair)[0].numpy()


def _spread(count: int, most: int) -> list[int]:
    shown = min(count, most)
    return [(2 * i + 1) * count // (2 * shown) for i in range(shown)]


def _draw(histograms: dict[str, Histogram], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    whole, zoomed = figure.subplots(1, 2)
    for axes, reach, width in ((whole, _SHOWN, 1.0), (zoomed, _ZOOMED, _FINE)):
        for name, histogram in histograms.items():
            bins = histogram.fine[: round(reach / _FINE)].reshape(-1, round(width / _FINE)).sum(1)
            middle = (np.arange(len(bins)) + 0.5) * width
            axes.plot(middle, bins / histogram.coarse.sum() / width, label=name)
        axes.set(xlabel="displacement in pixels", ylabel="share of the pixels, per pixel", xlim=(0, reach))
        axes.set_yscale("log")
    whole.set_title("all displacements")
    zoomed.set_title("small displacements")
    zoomed.legend()
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.removeprefix(".") or "png", dpi=100)
    write_atomically(path, picture.getvalue())


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except InputError as fault:
        sys.exit(f"displacement_histogram.py: {fault}")
