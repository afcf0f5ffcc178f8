"""What lies ahead of an experiment: how many runs of how many steps, and what of it stands."""

from dataclasses import dataclass
from pathlib import Path

from recognition.presets import FusionMethod, Stream
from recognition.training import RunFolder
from recognition.two_stream.plan import Plan, refuse_mixture
from recognition.two_stream.so_far import trained_steps, training_seconds


@dataclass(frozen=True)
class StreamForecast:
    """The training of one stream.

    Attributes:
        stream: which.
        runs: on all training clips of a split.
        fold_runs: on less, to fit fusions.
        standing, begun: runs of both kinds that are done, and that will go on.
        steps: of each run.
        batch: videos a step.
        steps_left: of all runs together.
        seconds_left: by the speed of runs of this stream so far; None before the first.
    """

    stream: Stream
    runs: int
    fold_runs: int
    standing: int
    begun: int
    steps: int
    batch: int
    steps_left: int
    seconds_left: float | None


@dataclass(frozen=True)
class Forecast:
    """What an experiment consists of.

    Attributes:
        splits: their clips in words.
        streams: what is trained.
        seeds: how many.
        folds: of each run, to fit fusions; 0 where nothing is fitted.
        fusions: methods that will be used.
        left_out: methods of the system that would need folds.
        missing: clips of the splits that the store does not hold.
    """

    splits: tuple[str, ...]
    streams: tuple[StreamForecast, ...]
    seeds: int
    folds: int
    fusions: tuple[FusionMethod, ...]
    left_out: tuple[FusionMethod, ...]
    missing: int

    @property
    def seconds_left(self) -> float | None:
        """Of training, of all streams; None where the speed of one that has steps left is unknown."""
        seconds = [each.seconds_left for each in self.streams if each.steps_left]
        return None if None in seconds else sum(filter(None, seconds))


def forecast(plan: Plan, out: Path) -> Forecast:
    """What is to be done in the folder `out`. Raises InputError where another experiment is in it."""
    refuse_mixture(plan, out)
    options = plan.options
    return Forecast(
        splits=tuple(data.where.split.description for data in plan.data.values()),
        streams=tuple(_of_stream(plan, out, preset.stream) for preset in options.presets),
        seeds=len(options.seeds),
        folds=options.folds if any(run.part.fold for run in plan.runs) else 0,
        fusions=tuple(dict.fromkeys(part.method for part in plan.fusions)),
        left_out=plan.left_out,
        missing=plan.missing,
    )


def _of_stream(plan: Plan, out: Path, stream: Stream) -> StreamForecast:
    runs = [run for run in plan.runs if run.part.stream == stream]
    steps = runs[0].settings.steps
    done = [trained_steps(out, run) for run in runs]
    left = steps * len(runs) - sum(done)
    seconds, timed = 0.0, 0
    for run in runs:
        lines = RunFolder(out / run.part.folder).lines()
        if lines:
            seconds, timed = seconds + training_seconds(lines, run.settings), timed + lines[-1].step
    return StreamForecast(
        stream=stream,
        runs=sum(run.part.fold is None for run in runs),
        fold_runs=sum(run.part.fold is not None for run in runs),
        standing=done.count(steps),
        begun=sum(0 < each < steps for each in done),
        steps=steps,
        batch=runs[0].settings.preset.batch,
        steps_left=left,
        seconds_left=seconds / timed * left if timed else None,
    )
