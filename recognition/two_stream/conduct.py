"""An experiment from its plan to its report: what stands is left, what does not is made, and all else goes on."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from flowfeat.errors import InputError
from flowfeat.provenance import machine, versions
from flowfeat.training.distributed import Processes, join, leave
from recognition.baseline import histograms_of_flow
from recognition.fusion import FittedWeights
from recognition.metrics import evaluate
from recognition.presets import Preset
from recognition.report.contents import read_report
from recognition.report.write import write_report
from recognition.scores import SCHEMA, read_scores, write_scores
from recognition.testing import TestOptions, score_run
from recognition.training import RunFolder, train
from recognition.training.run import starting_network
from recognition.training.settings import digest
from recognition.two_stream.combine import baseline_scores, fuse
from recognition.two_stream.outcome import Outcome, PartOutcome, Watch
from recognition.two_stream.parts import REPORT, BaselinePart, FusionPart, RunPart, ScoredPart
from recognition.two_stream.plan import Plan, PlannedRun, is_fitted, published_weights, refuse_mixture
from recognition.two_stream.record import ExperimentFolder, Session, checksum
from recognition.two_stream.so_far import trained_steps, training_seconds
from recognition.two_stream.summary import summarise


def conduct(
    plan: Plan, out: Path, device: str | torch.device = "cpu", workers: int = 0, watch: Watch | None = None
) -> Outcome | None:
    """Train, test, fuse and report all that a plan holds, in the folder `out`; killed and called again, it goes on.

    What stands is not made again: a run that has come to its end with these settings, and every other part whose
    record says that it was made of what it would be made of now. A part that fails is told, and those that need it;
    the others are made. Where torchrun started several processes they train and test together, a part that fails ends
    them all, and the first alone makes the rest.

    Args:
        plan: of `make_plan`.
        out: the folder.
        device: where, unless torchrun says it.
        workers: processes that read ahead, for each of the processes.
        watch: who is told.

    Returns what it came to; None to all processes but the first.

    Raises:
        InputError: the folder holds another experiment, or the weights to begin with cannot be had.
        KeyboardInterrupt: on Ctrl-C; a run's state is written.
    """
    folder = ExperimentFolder(out)
    refuse_mixture(plan, out)
    processes = join(torch.device(device))
    experiment = _Experiment(plan, folder, processes, workers, watch or Watch())
    try:
        experiment.fetch_weights()
        processes.meet()  # all have looked at the folder, and weights are fetched, before one of them begins
        for (split, seed), runs in groupby(plan.runs, lambda run: (run.part.split, run.part.seed)):
            for run in runs:
                experiment.train_and_score(run)
            experiment.fuse(split, seed)
    finally:
        leave(processes)
    if processes.rank:
        return None
    for baseline in plan.baselines:
        experiment.score_baseline(baseline)
    experiment.report()
    return experiment.outcome()


@dataclass(eq=False)
class _Experiment:
    plan: Plan
    folder: ExperimentFolder
    processes: Processes
    workers: int
    watch: Watch
    outcomes: list[PartOutcome] = field(default_factory=list)
    scored: list[ScoredPart] = field(default_factory=list)
    histograms: dict[str, Float32[np.ndarray, "d"]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        device, count = str(self.processes.device), self.processes.count
        self.session = Session(begun, self.plan.options, device, count, versions(), machine())
        self.written: Path | None = None

    @property
    def out(self) -> Path:
        return self.folder.path

    def fetch_weights(self) -> None:
        """Begin one network of each stream, so that weights that cannot be had stop the experiment before it begins."""
        if self.processes.rank:
            return
        new: dict[Preset, PlannedRun] = {}
        for run in self.plan.runs:
            if run.settings.preset.initial != "scratch" and not trained_steps(self.out, run):
                new.setdefault(run.settings.preset, run)
        for run in new.values():
            starting_network(run.settings, run.options.weights, goes_on=False)

    def train_and_score(self, run: PlannedRun) -> None:
        """A run, and its scores of the test clips or of those that it held out."""
        try:
            trained = self._train(run)
            scored = self._score(run)
        except (InputError, OSError) as fault:
            self._failed(str(run.part), fault)
            if self.processes.count > 1:  # the others wait for what will not come
                raise
            return
        if not self.processes.rank:
            self._done(run.part, not trained and not scored)

    def fuse(self, split: int, seed: int) -> None:
        """The fusions of a split and a seed."""
        if self.processes.rank:
            return
        for part in self.plan.fusions:
            if (part.split, part.seed) == (split, seed):
                self._make(part, self._fusion_inputs, self._fuse)

    def score_baseline(self, part: BaselinePart) -> None:
        """The baseline of a split."""
        self._make(part, self._baseline_inputs, self._score_baseline)

    def report(self) -> None:
        """The report of all scores of test clips that there are."""
        files = [part.scores for part in self._tested()]
        if not files:
            return
        inputs = {file: checksum(self.out / file) or "" for file in files}
        standing = self.folder.stands(REPORT, inputs)
        try:
            if not standing:
                begun = time.monotonic()
                write_report(
                    read_report([self.out / file for file in files]), self.out / REPORT, self.plan.options.store
                )
                self._keep(REPORT, self.out / REPORT, inputs, time.monotonic() - begun)
        except (InputError, OSError) as fault:
            self._failed(REPORT, fault)
            return
        self.written = self.out / REPORT
        self._told(PartOutcome(REPORT, standing=standing))

    def outcome(self) -> Outcome:
        """All of it."""
        tested = sorted(self._tested(), key=_system_first)
        found = {part: evaluate(read_scores(self.out / part.scores)) for part in tested}
        options = self.plan.options
        rows = summarise(found, options.splits, len(options.seeds))
        return Outcome(rows, tuple(self.outcomes), self.plan.missing, self.written)

    def _train(self, run: PlannedRun) -> bool:
        """Whether there was something to train."""
        path, first = self.out / run.part.folder, not self.processes.rank
        standing = self.processes.as_first(first and trained_steps(self.out, run) == run.settings.steps)
        if not standing:
            with self.watch.training() as report:
                train(run.options, path, self.processes.device, self.workers, report=report)
        self.processes.meet()  # the first has written the weights that all will test
        inputs = {"settings": run.settings.sha256}
        if first and not (standing and self.folder.stands(run.part.folder, inputs, path / "last.safetensors")):
            seconds = training_seconds(RunFolder(path).lines(), run.settings)
            self._keep(run.part.folder, path / "last.safetensors", inputs, seconds)
        return not standing

    def _score(self, run: PlannedRun) -> bool:
        """Whether there was something to score."""
        options, data = self.plan.options, run.data
        part = "validation" if run.part.fold else "test"
        views = run.settings.preset.views
        inputs = {
            "weights": checksum(self.out / run.part.folder / "last.safetensors") or "",
            "clips": digest(data.clips(part)),
            "missing": str(len(data.missing(part))),
            "schema": str(SCHEMA),
            "store": data.flow.fingerprint,
            "views": f"{views.stacks}x{views.crops}",
        }
        if self.processes.as_first(not self.processes.rank and self.folder.stands(run.part.scores, inputs)):
            return False
        begun = time.monotonic()
        asked = TestOptions(
            part=part, store=options.store, annotations=options.annotations, allow_missing=options.allow_missing
        )
        with self.watch.counting("stacks") as progress:
            told = None if self.processes.rank else progress
            found = score_run(self.out / run.part.folder, asked, self.processes.device, self.workers, told)
        if not self.processes.rank:
            path = self.out / run.part.scores
            write_scores(path, found)
            self._keep(run.part.scores, path, inputs, time.monotonic() - begun)
        return True

    def _make(
        self,
        part: FusionPart | BaselinePart,
        inputs_of: Callable[..., Mapping[str, str]],
        make: Callable[..., FittedWeights | None],
    ) -> None:
        try:
            inputs = inputs_of(part)
            standing = self.folder.stands(part.scores, inputs)
            if not standing:
                begun = time.monotonic()
                fitted = make(part)
                self._keep(part.scores, self.out / part.scores, inputs, time.monotonic() - begun, fitted)
        except (InputError, OSError) as fault:
            self._failed(str(part), fault)
            return
        self._done(part, standing)

    def _streams(self, part: FusionPart) -> tuple[RunPart, ...]:
        return tuple(RunPart(part.split, preset.stream, part.seed) for preset in self.plan.options.presets)

    def _held_out(self, part: FusionPart) -> tuple[RunPart, ...]:
        if not is_fitted(part.method, self.plan.options.presets):
            return ()
        whose = (part.split, part.seed)
        runs = (run.part for run in self.plan.runs)
        return tuple(run for run in runs if run.fold and (run.split, run.seed) == whose)

    def _fusion_inputs(self, part: FusionPart) -> dict[str, str]:
        needed = (*self._streams(part), *self._held_out(part))
        if lacking := [str(each) for each in needed if each not in self.scored]:
            raise InputError(f"it needs {lacking[0]}, which failed")
        inputs = {each.scores: checksum(self.out / each.scores) or "" for each in needed}
        weights = published_weights(self.plan.options.presets) if part.method == "weighted" else None
        return inputs | ({"weights": " ".join(map(str, weights))} if weights else {})

    def _fuse(self, part: FusionPart) -> FittedWeights | None:
        streams, held_out = (
            [read_scores(self.out / each.scores) for each in of] for of in (self._streams(part), self._held_out(part))
        )
        fused, fitted = fuse(part.method, streams, held_out, published_weights(self.plan.options.presets))
        write_scores(self.out / part.scores, fused)
        return fitted

    def _baseline_inputs(self, part: BaselinePart) -> dict[str, str]:
        data = self.plan.data[part.split]
        clips = {name: digest(data.clips(name)) for name in ("train", "test")}
        missing = str(len(data.missing("test")))
        return {"store": data.flow.fingerprint, **clips, "missing": missing, "schema": str(SCHEMA)}

    def _score_baseline(self, part: BaselinePart) -> None:
        data = self.plan.data[part.split]
        new = [clip for clip in data.where.split.clips if clip.name not in self.histograms]
        with self.watch.counting("clips") as progress:
            self.histograms |= histograms_of_flow(data.where, new, self.workers, progress)
        write_scores(self.out / part.scores, baseline_scores(data, self.histograms))

    def _tested(self) -> list[ScoredPart]:
        """What is scored on test clips."""
        return [part for part in self.scored if not (isinstance(part, RunPart) and part.fold)]

    def _keep(
        self, part: str, made: Path, inputs: Mapping[str, str], seconds: float, fitted: FittedWeights | None = None
    ) -> None:
        self.folder.keep(part, made, inputs, seconds, self.session, fitted)

    def _done(self, part: ScoredPart, standing: bool) -> None:
        self.scored.append(part)
        scores, known = read_scores(self.out / part.scores), self.folder.record.parts[part.scores]
        accuracy = float((scores.scores.argmax(1) == scores.labels).mean())
        self._told(PartOutcome(str(part), accuracy, standing, known.fitted))

    def _failed(self, part: str, fault: Exception) -> None:
        self._told(PartOutcome(part, failed=str(fault)))

    def _told(self, outcome: PartOutcome) -> None:
        self.outcomes.append(outcome)
        if not self.processes.rank:
            self.watch.told(outcome)


def _system_first(part: ScoredPart) -> int:
    return (RunPart, FusionPart, BaselinePart).index(type(part))
