"""How far runs have come, and how long it took."""

from collections.abc import Sequence
from pathlib import Path

from flowfeat.errors import InputError
from recognition.training import RunFolder, RunSettings
from recognition.training.run_folder import LogLine
from recognition.two_stream.plan import PlannedRun


def trained_steps(out: Path, run: PlannedRun) -> int:
    """Steps that a run has done and has weights of; 0 where it has not begun. Raises InputError as `RunFolder`."""
    folder = RunFolder(out / run.part.folder)
    if not folder.check(run.settings):
        return 0
    try:
        return folder.read_weights("last").step
    except InputError:
        return 0


def training_seconds(lines: Sequence[LogLine], settings: RunSettings) -> float:
    """Seconds that a run's steps took, in all sessions, without validation; a step that was done twice counts once."""
    steps = [line.step - before for line, before in zip(lines, [0, *(line.step for line in lines)], strict=False)]
    batch = settings.preset.batch
    return sum(count * batch / line.clips_per_second for count, line in zip(steps, lines, strict=True))
