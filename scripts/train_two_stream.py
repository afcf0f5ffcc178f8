"""Two-stream action recognition from a store of flow and frames to a report: both streams, all splits, fusions.

    python scripts/extract_ucf101.py UCF-101 --annotations ucfTrainTestlist --out ucf101-flow --model dis --frames
    python scripts/train_two_stream.py --store ucf101-flow --annotations ucfTrainTestlist --preset tsn --out two-stream
    torchrun --nproc-per-node 4 scripts/train_two_stream.py --store ucf101-flow ... --out two-stream

What lies ahead is told first; --dry-run tells it and ends. Run it again to go on: what is done is not done again. A
part is done if it was made of what it would be made of now: a run, of the same settings and clips; scores, of the same
weights, clips and store settings; fusions and the report, of the same scores; record.json in OUT holds the checksums.
Other splits, seeds and folds go into the same folder; a preset, steps, weights, classes or flow that differ are
refused.

Weights and SVM of a fusion never see test clips. They are fitted to training clips that were held out, and for these
each stream is trained --folds times more, each time without another part of the training clips: with 3 folds an
experiment costs four times as much as with 0. Presets whose weights were published (tsn, 1 : 1.5) need none.

Exit status: 0 done, 1 done but incomplete (a part failed, clips are missing), 2 wrong usage or unusable input.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from flowfeat.cli import DONE, INCOMPLETE, exit_status
from flowfeat.cli.output import columns, duration, result, result_json, say
from flowfeat.cli.progress import CountBar
from flowfeat.errors import InputError
from flowfeat.estimators.protocol import resolve_device
from flowfeat.training.distributed import is_first
from flowfeat.wording import counted
from recognition.cli.progress import TrainingBar
from recognition.metrics import MeanAndSpread
from recognition.presets import PRESETS, Stream, find_preset
from recognition.two_stream import (
    Forecast,
    Outcome,
    PartOutcome,
    TwoStreamOptions,
    Watch,
    conduct,
    forecast,
    make_plan,
)
from recognition.two_stream.summary import SummaryRow


@dataclass(frozen=True)
class TrainTwoStream:
    """Train, test, fuse and report both streams of a preset on all splits. Run it again to go on."""

    store: Path
    """The store of `flowfeat extract`; with --frames for the spatial stream."""
    annotations: Path
    """UCF101's ucfTrainTestlist, HMDB51's lists, or a folder with a folder of clips for each class."""
    preset: str
    """fn2-table5, two-stream-2014, tsn, tsn-bn-inception, quick or quick-imagenet."""
    out: Path
    """The folder of runs, scores and the report."""
    splits: tuple[int, ...] = (1, 2, 3)
    """Which of the data set's splits."""
    streams: tuple[Stream, ...] = ()
    """temporal, spatial or both; all that the preset has if not given."""
    seeds: tuple[int, ...] = (0,)
    """Each run is made once with each."""
    classes: tuple[str, ...] = ()
    """Only these."""
    folds: int = 3
    """Parts that training clips are cut into to fit fusions, each held out of a further run of each stream; 0 leaves
    out the fusions that are fitted. Nothing is held out for presets that have none."""
    allow_missing: bool = False
    """Go on without the clips that the store has not; they are counted."""
    steps: int | None = None
    """Train every run for so many steps, the preset's schedule shortened or stretched to them."""
    weights: Path | None = None
    """ImageNet weights, for streams that begin with them; downloaded if not given."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the forward pass."""
    accumulate: int = 1
    """Parts that a device's share of a batch is learnt in, where its memory is small; their gradients add up."""
    device: str = "auto"
    """cpu, cuda, or auto: a GPU if there is one."""
    workers: int = 0
    """Processes that read stacks ahead, for each device; 0 reads between the steps."""
    dry_run: bool = False
    """Say what would be done and what is already done; write nothing."""
    json: bool = False
    """Print the numbers as JSON on standard output."""

    def run(self) -> int:
        plan = make_plan(self._options())
        ahead = forecast(plan, self.out)
        if self.dry_run:
            result_json(ahead) if self.json else result(describe_forecast(ahead))
            return INCOMPLETE if ahead.missing else DONE
        if is_first():
            say(describe_forecast(ahead))
        watch = Watch(TrainingBar, CountBar, lambda outcome: say(describe_part(outcome)))
        found = conduct(plan, self.out, resolve_device(self.device), self.workers, watch)
        if found is None:
            return DONE
        if self.json:
            result_json(outcome_json(found, ahead))
        else:
            result(describe_outcome(found, ahead))
        return DONE if found.complete else INCOMPLETE

    def _options(self) -> TwoStreamOptions:
        for name, least, values in (
            ("--steps", 1, (self.steps,)),
            ("--accumulate", 1, (self.accumulate,)),
            ("--workers", 0, (self.workers,)),
            ("--seeds", 0, self.seeds),
            ("--splits", 1, self.splits),
        ):
            for value in values:
                if value is not None and value < least:
                    raise InputError(f"{name} {value}: say {least} or more")
        if self.preset not in PRESETS:
            raise InputError(f"--preset {self.preset}: there is no such preset; there are {', '.join(PRESETS)}")
        streams = self.streams or tuple(each.stream for each in PRESETS[self.preset])
        return TwoStreamOptions(
            store=self.store,
            annotations=self.annotations,
            presets=tuple(find_preset(self.preset, stream) for stream in streams),
            splits=self.splits,
            seeds=self.seeds,
            classes=self.classes,
            folds=self.folds,
            allow_missing=self.allow_missing,
            steps=self.steps,
            weights=self.weights,
            precision=self.precision,
            accumulate=self.accumulate,
        )


def describe_forecast(ahead: Forecast) -> str:
    """What lies ahead, a line for each thing."""
    lines = [f"split: {split}" for split in ahead.splits]
    for each in ahead.streams:
        folds = f", and {each.fold_runs} without a part of the training clips" if each.fold_runs else ""
        begun = f", {each.begun} begun" if each.begun else ""
        lines.append(
            f"{each.stream}: {counted(each.runs, 'run')}{folds}, of {counted(each.steps, 'step')} of "
            f"{counted(each.batch, 'video')} each; "
            f"{each.standing} already done{begun}, {counted(each.steps_left, 'step')} to do"
        )
    if ahead.fusions:
        fitted = f", fitted to held-out training clips in {ahead.folds} folds" if ahead.folds else ""
        lines.append(f"fusions: {', '.join(ahead.fusions)}{fitted}")
    if ahead.left_out:
        lines.append(_left_out(ahead))
    if ahead.missing:
        are = "is" if ahead.missing == 1 else "are"
        lines.append(f"{counted(ahead.missing, 'clip')} {are} missing in the store and will be in no number")
    seconds = ahead.seconds_left
    if any(each.steps_left for each in ahead.streams):
        told = "unknown before the first run" if seconds is None else f"about {duration(seconds)}"
        lines.append(f"time to train: {told}")
    return "\n".join(lines)


def describe_part(outcome: PartOutcome) -> str:
    """A part in a line, as `split 1, temporal, seed 0: 0.8214 (already done)`."""
    if outcome.failed is not None:
        return f"{outcome.part}: failed: {outcome.failed}"
    accuracy = "done" if outcome.accuracy is None else f"{outcome.accuracy:.4f}"
    remarks = ["already done"] if outcome.standing else []
    if outcome.fitted is not None:
        fitted = outcome.fitted
        alone = ", ".join(f"{each:.4f}" for each in fitted.streams)
        weights = " : ".join(f"{weight:g}" for weight in fitted.weights)
        remarks.append(
            f"weights {weights}; on {fitted.clips} held-out training clips {fitted.fused:.4f}, alone {alone}"
        )
    return f"{outcome.part}: {accuracy}" + (f" ({'; '.join(remarks)})" if remarks else "")


def describe_outcome(found: Outcome, ahead: Forecast) -> str:
    """The table, and what a reader has to know about it."""
    head = ["", "split", "seeds", "accuracy", "95 %", "mean class accuracy", "clips", "missing"]
    rows = [head, *(_row(row) for row in found.rows)]
    lines = []
    if found.rows:
        spread = "± is the standard deviation over the seeds, beside the mean that over the splits"
        lines += [columns(rows, right=range(1, len(head))), f"percent; {spread}"]
    lines += [
        f"a part of a data set: {each}; these are not its numbers" for each in ahead.splits if "; part of" in each
    ]
    if ahead.left_out:
        lines.append(_left_out(ahead))
    lines += [f"failed: {each.part}: {each.failed}" for each in found.failed]
    if found.report:
        lines.append(str(found.report / "index.html"))
    return "\n".join(lines)


def _left_out(ahead: Forecast) -> str:
    need = "needs" if len(ahead.left_out) == 1 else "need"
    return f"left out: {', '.join(ahead.left_out)}, which {need} --folds 2 or more"


def outcome_json(found: Outcome, ahead: Forecast) -> dict[str, object]:
    """The same for programs, shares as fractions."""
    return {
        "complete": found.complete,
        "missing": found.missing,
        "left_out": ahead.left_out,
        "rows": found.rows,
        "parts": found.parts,
        "report": found.report,
    }


def _row(row: SummaryRow) -> list[str]:
    low_high = "" if row.interval is None else f"{100 * row.interval[0]:.1f} to {100 * row.interval[1]:.1f}"
    return [
        row.system,
        "mean" if row.split is None else str(row.split),
        str(row.seeds) if row.seeds else "",
        _percent(row.accuracy),
        low_high,
        _percent(row.mean_class_accuracy),
        str(row.clips),
        str(row.missing),
    ]


def _percent(found: MeanAndSpread) -> str:
    spread = "" if found.spread is None else f" ± {100 * found.spread:.2f}"
    return f"{100 * found.mean:.2f}{spread}"


def main() -> int:
    config = (tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
    return exit_status("train_two_stream", lambda: tyro.cli(TrainTwoStream, config=config).run())


if __name__ == "__main__":
    sys.exit(main())
