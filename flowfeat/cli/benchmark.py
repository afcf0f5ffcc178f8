"""`flowfeat benchmark` and `flowfeat benchmark plot`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from flowfeat.benchmarks import (
    COLUMNS,
    BenchmarkRecord,
    Published,
    benchmark,
    plot_records,
    published_rows,
    read_record,
    write_record,
    write_submission,
)
from flowfeat.benchmarks.published import PUBLISHED_PAIRS
from flowfeat.cli import DONE
from flowfeat.cli.output import columns, result, result_json
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, load_estimator
from flowfeat.wording import counted


@dataclass(frozen=True)
class Benchmark:
    """Endpoint error, outliers and time of a model on DATASET, published numbers beside; or files for its server.

    flowfeat benchmark middlebury --root middlebury --model dis --beside farneback zero

    flowfeat benchmark sintel --root MPI-Sintel --rendering final --weights FlowNet2_checkpoint.pth.tar --out final.json

    flowfeat benchmark kitti2015 --root data_scene_flow --weights flownet2.safetensors --submission kitti
    """

    dataset: Positional[str]
    """sintel, kitti2012, kitti2015, middlebury, flyingchairs, chairssdhom, things3d or hd1k."""
    root: Path
    """The data set's folder."""
    model: str | None = None
    """A name that `flowfeat models` lists."""
    weights: Path | None = None
    """A checkpoint, for models that take one; without --model, of the network that it holds."""
    profile: str | None = None
    """lmb, nvidia, mmflow or flownet1: compute as these did; as the family of the checkpoint does if not given."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    precision: str | None = None
    """float32, float16 or bfloat16, for the FlowNet 2.0 family: by default float16 on a GPU and float32 on a CPU."""
    beside: tuple[str, ...] = ()
    """Other models, measured on the same pairs in the same run; they need no weights of their own."""
    split: str | None = None
    """A split with true flow; by default the one that papers report."""
    rendering: str | None = None
    """clean (the default) or final, of sintel and things3d."""
    robustness: bool = False
    """Also measure under JPEG and H.264 compression, noise, blur and change of light."""
    out: Path | None = None
    """Write the record, JSON: errors of each pair, checksums of its files, settings, versions and machine."""
    submission: Path | None = None
    """Measure nothing; write the test split's flow into this new folder as its server takes it (sintel, kitti)."""
    json: bool = False
    """Print the record as JSON on standard output."""

    def run(self) -> int:
        if self.submission and (self.beside or self.split or self.rendering or self.robustness or self.out):
            raise InputError(
                f"--submission {self.submission}: it is of the whole test split by one model and nothing is measured; "
                "leave out --beside, --split, --rendering, --robustness and --out"
            )
        estimator = load_estimator(
            self.model, self.weights, self.device, profile=self.profile, precision=self.precision
        )
        if self.submission:
            return self._submit(estimator, self.submission)
        if self.out and self.out.is_dir():
            raise InputError(f"{self.out}: it is a folder; name the file of the record")
        others = [load_estimator(name, device=self.device) for name in self.beside]
        with CountBar("pairs") as progress:
            record = benchmark(
                self.dataset,
                self.root,
                [estimator, *others],
                split=self.split,
                rendering=self.rendering,
                robustness=self.robustness,
                progress=progress,
            )
        if self.out:
            write_record(self.out, record)
        rows = published_rows(record.dataset, record.split, record.rendering)
        if self.json:
            result_json({**record.as_json(), "published": [asdict(row) for row in rows]})
        else:
            result("\n\n".join([_measured(record), *_robustness(record), *_published(record, rows)]))
        return DONE

    def _submit(self, estimator: FlowEstimator, folder: Path) -> int:
        with CountBar("files") as progress:
            written = write_submission(self.dataset, self.root, estimator, folder, progress)
        if self.json:
            result_json({"submission": written, "endpoint_error": None, "pairs": []})
        else:
            result(f"{written.folder}: {counted(written.files, 'file')} of {written.model}, all read back")
        return DONE


@dataclass(frozen=True)
class BenchmarkPlot:
    """Draw endpoint error against width or runtime, from what `flowfeat benchmark --out` wrote.

    flowfeat benchmark plot s.json half.json --against width --out width.png
    """

    records: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RECORD...")]
    """Records of one data set."""
    out: Path
    """The picture, .png or .jpg."""
    against: Literal["width", "runtime"] = "runtime"
    """width, of networks of the FlowNet 2.0 family (the paper's figure 4), or runtime (figure 5)."""
    json: bool = False
    """Print what was drawn as JSON on standard output."""

    def run(self) -> int:
        drawn = plot_records([read_record(path) for path in self.records], self.out, self.against)
        if self.json:
            result_json({"out": str(self.out), "drawn": drawn})
        else:
            result(f"{self.out}: {drawn} {'model' if drawn == 1 else 'models'} drawn")
        return DONE


def _measured(record: BenchmarkRecord) -> str:
    names = list(record.models[0].columns)
    header = ["model", *(_heading(name) for name in names), "ms"]
    rows = [
        [each.model.model, *(_cell(name, each.columns[name]) for name in names), f"{each.milliseconds:.0f}"]
        for each in record.models
    ]
    told = " ".join(part for part in (record.dataset, record.split, record.rendering) if part)
    machine = f"{record.machine['processor']}, {record.machine['gpu'] or 'no GPU'}, {record.models[0].device}"
    lines = [
        f"{told}, {counted(len(record.files), 'pair')}; ms: median a pair, warm, without decoding, on {machine}",
        columns([header, *rows], right=range(1, len(header))),
        *(f"  {name}: {COLUMNS[name].meaning}, mean over {COLUMNS[name].over}" for name in names),
    ]
    return "\n".join(lines)


def _robustness(record: BenchmarkRecord) -> list[str]:
    """A block for each model: a row a degradation."""
    blocks = []
    for model in record.models if record.robustness else ():
        name = model.model.model
        kinds = list(record.robustness[0].columns[name])
        rows = [
            [row.degradation, *(_cell(kind, row.columns[name][kind]) for kind in kinds)] for row in record.robustness
        ]
        header = [f"{name} on frames", *(_heading(kind) for kind in kinds)]
        blocks.append(columns([header, *rows], right=range(1, len(header))))
    return blocks


def _published(record: BenchmarkRecord, rows: Sequence[Published]) -> list[str]:
    if not rows:
        return []
    names = [name for name in record.models[0].columns if any(name in row.columns for row in rows)]
    header = ["published", *(_heading(name) for name in names), "ms", "from"]
    table = [
        [
            row.model,
            *(_printed(name, row.columns.get(name)) for name in names),
            "" if row.milliseconds is None else f"{row.milliseconds:.0f}",
            "; ".join(part for part in (row.source, row.training, row.note) if part) + ("" if row.checked else " *"),
        ]
        for row in rows
    ]
    lines = [columns([header, *table], right=range(1, len(header) - 1))]
    if any(row.milliseconds is not None for row in rows):
        lines.append("ms: the paper's, on a GTX 1080")
    if not all(row.checked for row in rows):
        lines.append("*: from memory of the paper; not read again there or in anything that quotes it")
    whole = PUBLISHED_PAIRS.get((record.dataset, record.split))
    if whole and whole != len(record.files):
        lines.append(f"published errors are of {whole} pairs, ours of {len(record.files)}: they do not compare")
    return ["\n".join(lines)]


def _heading(name: str) -> str:
    return f"{name} %" if COLUMNS[name].unit == "%" else name


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.2%}".removesuffix("%") if COLUMNS[name].unit == "%" else f"{value:.3f}"


def _printed(name: str, value: float | None) -> str:
    """With the digits that the source has."""
    return "-" if value is None else f"{100 * value if COLUMNS[name].unit == '%' else value:.6g}"
