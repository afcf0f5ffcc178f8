"""The application table of FlowNet 2.0 (Table 5) for any flow methods: motion segmentation and action recognition.

    python scripts/application_table.py --models zero dis flownet2-thin --out table \\
        --ucf101 UCF-101 --annotations ucfTrainTestlist --fbms FBMS --davis DAVIS --truth middlebury other

For each method: the flow of UCF101's clips, the temporal stream trained and tested on it, point tracks and segments of
FBMS-59 scored by MoSegEval, masks of DAVIS, endpoint errors where the flow is known, and how long a pair takes. Data
that is not given leaves its columns out; data in part makes a table in part, which says what it is made of.

Run it again to go on: each measurement is a record in OUT/cells with its method and the version of the library that
computes it, its settings and checksums of its inputs, for times the machine too, and is made again only where one of
these has changed, or where it failed. Other versions are recorded and decide nothing. --dry-run says what stands.

Exit status: 0 done, 1 done but incomplete (a measurement, clip or shot failed), 2 wrong usage or unusable input.
"""

import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from application.cells import complete
from application.checksums import Checksums
from application.conduct import Watch, conduct, standing_cells
from application.inputs import hash_inputs
from application.layout import Layout
from application.options import TableOptions
from application.outputs import write_outputs
from application.page import write_page
from application.pictures import draw_pictures
from application.progress import ReadingBar, TableBar
from application.remarks import remarks_of
from application.results import Kind
from application.table import build_table

from flowfeat.cli import DONE, INCOMPLETE, exit_status
from flowfeat.cli.output import columns, result
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.store.settings import DEFAULT_BOUND, Encoding


@dataclass(frozen=True)
class ApplicationTable:
    """Measure flow methods by what flow is for, and put them into one table. Run it again to go on."""

    models: tuple[str, ...]
    """The rows: names that `flowfeat models` lists, or files:DIR; +v adds variational refinement."""
    out: Path
    """The folder of the table."""
    ucf101: Path | None = None
    """UCF101's clips, with --annotations."""
    annotations: Path | None = None
    """UCF101's ucfTrainTestlist."""
    fbms: Path | None = None
    """FBMS-59, or one of its splits."""
    davis: Path | None = None
    """DAVIS, 480p."""
    truth: tuple[str, Path] | None = None
    """A data set with true flow and its folder, as `middlebury DIR`, for the columns of endpoint errors."""
    weights: tuple[str, ...] = ()
    """Checkpoints of models that need one, as flownet2=FlowNet2_checkpoint.pth.tar."""
    resize: str | None = None
    """shorter:PIXELS or HEIGHTxWIDTH: UCF101's frames are resized first, where a method is slow; the table says so."""
    encoding: Encoding = "jpeg"
    """Of UCF101's stored flow: float16 clips nothing."""
    bound: float = DEFAULT_BOUND
    """Pixels beyond which jpeg and uint8 clip."""
    sampling: Literal[4, 8] = 8
    """Pixels between tracked points: our settings were chosen at 8, the published table has 4."""
    segmentation: Literal["ours", "paper"] = "ours"
    """paper is the published tracker and costs as far as they are known, and every cluster an object."""
    preset: str = "quick"
    """Of the temporal stream; fn2-table5 is the published table's."""
    steps: int | None = None
    """Train for so many steps, the preset's schedule shortened or stretched to them."""
    split: int = 1
    """Of UCF101."""
    seeds: tuple[int, ...] = (0,)
    """The temporal stream is trained once with each."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    workers: int | None = None
    """Measurements at a time: one where a GPU computes, otherwise one a processor."""
    dry_run: bool = False
    """Say which measurements stand and which would be made; write nothing."""

    def run(self) -> int:
        options = self._options()
        workers = self._workers()
        with ReadingBar() as reading:
            checksums = Checksums(Layout(options.out).checksums, reading.told)
            inputs = hash_inputs(options, checksums)
        if self.dry_run:
            states, closed = standing_cells(options, inputs)
            result(describe_plan(options, states, closed))
            return INCOMPLETE if closed else DONE
        checksums.keep()
        with TableBar(options) as bar:
            rows = conduct(options, inputs, workers, Watch(bar.closed, bar.begun, bar.progress, bar.told))
        table = build_table(rows, remarks_of(rows, options, workers))
        write_outputs(table, rows, options.out)
        write_page(table, rows, draw_pictures(rows, Layout(options.out), options.ucf101), options.out)
        result((options.out / "table.md").read_text(encoding="utf-8"))
        result(f"{options.out / 'index.html'}")
        return DONE if all(map(complete, rows)) else INCOMPLETE

    def _options(self) -> TableOptions:
        return TableOptions(
            models=self.models,
            out=self.out,
            weights=dict(map(_named_weights, self.weights)),
            ucf101=self.ucf101,
            annotations=self.annotations,
            fbms=self.fbms,
            davis=self.davis,
            truth=self.truth,
            resize=self.resize,
            encoding=self.encoding,
            bound=self.bound,
            segmentation=self.segmentation,
            sampling=self.sampling,
            preset=self.preset,
            steps=self.steps,
            split=self.split,
            seeds=self.seeds,
            device=self.device,
        )

    def _workers(self) -> int:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"--workers {self.workers}: it must be 1 or more")
        return self.workers or (1 if resolve_device(self.device).type == "cuda" else os.cpu_count() or 1)


def describe_plan(options: TableOptions, states: Mapping[tuple[str, Kind], str], closed: Mapping[str, str]) -> str:
    """Which measurements stand, a line for each method, and why a method cannot be had."""
    rows = [[model, *(states.get((model, kind), "-") for kind in options.kinds)] for model in options.models]
    return "\n".join(
        [columns([["", *options.kinds], *rows]), *(f"{name}: {reason}" for name, reason in closed.items())]
    )


def _named_weights(given: str) -> tuple[str, Path]:
    name, sign, path = given.partition("=")
    if not (name and sign and path):
        raise InputError(f"--weights {given}: write the model's name, = and the file, as flownet2=FILE")
    return name, Path(path)


def main() -> int:
    logging.basicConfig(format="%(message)s")
    options = tyro.cli(ApplicationTable, config=(tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone))
    return exit_status("application_table", options.run)


if __name__ == "__main__":
    sys.exit(main())
