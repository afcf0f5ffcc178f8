"""A run over the shots of an input: what is done stays, what fails is told, and the rest is made."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

import flowfeat
from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from flowfeat.provenance import machine, versions
from flowfeat.store.records import partial_files
from flowfeat.typed_json import json_bytes
from segmentation.calibration_file import read_calibration
from segmentation.dense import DenseSettings
from segmentation.runs.inputs import InputShot, RunInput, find_shots
from segmentation.runs.layout import RunFolder, file_sha256
from segmentation.runs.one_shot import ShotTask, clear
from segmentation.runs.record import SCHEMA, Failure, RunRecord, ShotRecord, ThisRun, Totals
from segmentation.runs.settings import MaskFrames, RunSettings
from segmentation.runs.sources import SourceChoice, TrackSource
from segmentation.runs.table import shots_csv
from segmentation.runs.workers import Outcome, do_shot, shots_beside_each_other
from segmentation.segment import SegmentationSettings
from segmentation.tracking import TrackerSettings

FramesDone = Callable[[int, int | None], None]
"""Called with the frames tracked and masks made so far, and how many there will be; None where nobody knows."""


@dataclass(frozen=True)
class RunOptions:
    """What a run is asked for.

    Attributes:
        out: the folder of results.
        source: of the tracks.
        shots: names; all shots of the input without one.
        tracker: which points are tracked; that of `source.tracks` where these are given.
        segmentation: which tracks belong together; None only tracks.
        calibration: a file with weights of affinities, in place of those of `segmentation`.
        dense: how labels spread to all pixels; None makes no masks.
        frames: which frames get a mask; None takes those with ground truth in FBMS-59, all frames elsewhere.
        workers: processes; None takes one where a network or a GPU computes, otherwise one a processor.
    """

    out: Path
    source: SourceChoice = field(default_factory=SourceChoice)
    shots: Sequence[str] = ()
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    segmentation: SegmentationSettings | None = field(default_factory=SegmentationSettings)
    calibration: Path | None = None
    dense: DenseSettings | None = None
    frames: MaskFrames | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise InputError(f"--workers {self.workers}: it must be 1 or more")
        if self.segmentation is None and (self.dense or self.calibration or self.source.tracks):
            raise ValueError("shots that are only tracked have no masks, no weights and no tracks of before")
        if self.source.tracks is not None and self.source.tracks.resolve() == self.out.resolve():
            raise InputError(f"--tracks {self.source.tracks}: it is --out too; give the results another folder")


def run_segmentation(path: Path, options: RunOptions, progress: FramesDone | None = None) -> RunRecord:
    """Segment every shot of an input, or only track it, as far as it is not done yet.

    The same input and options give the same files whatever the number of workers, wherever the run was killed and
    begun again; but for the times in records, and where the multicut's solver comes to the end of its seconds
    (`budget_hit` in the record of the shot): how far it came depends on the machine and on what else it does. No other
    process may be writing into the same folder.

    Args:
        path: as for `find_shots`.
        options: what is asked for.
        progress: told how far it is.

    Returns:
        The record, also in `run.json`. A shot that cannot be made is in `failed` and the others go on; where it was
        done before with these settings, its result stays.

    Raises:
        InputError: before anything is written, where input, options or folder cannot be used.
    """
    given = find_shots(path)
    chosen = given.select(options.shots)
    threads = torch.get_num_threads()
    source = options.source.open(os.cpu_count() or 1)
    settings = _settings(given, options, source)
    folder = RunFolder(options.out)
    _check_folder(folder, given, chosen, settings)
    folder.home.mkdir(parents=True, exist_ok=True)
    for path_left in list(partial_files(folder.home)):  # by a run that was killed
        path_left.unlink(missing_ok=True)

    workers = _workers(options, source, len(chosen.shots))
    # A network on a CPU gives other last bits with another number of threads, and results may not depend on workers.
    each = threads if source.network else max(1, threads // workers)
    begun, started = time.monotonic(), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    outcomes: list[Outcome] = []

    def record(state: Literal["running", "stopped", "finished"]) -> RunRecord:
        this = ThisRun(
            state=state,
            started=started,
            seconds=round(time.monotonic() - begun, 3),
            workers=workers,
            threads=each,
            machine=machine(),
            made=tuple(sorted(outcome.shot for outcome in outcomes if outcome.state == "made")),
            done_before=tuple(sorted(outcome.shot for outcome in outcomes if outcome.state == "done")),
            redone={outcome.shot: outcome.redone for outcome in outcomes if outcome.redone},
        )
        failed = {outcome.shot: outcome.failure for outcome in outcomes if outcome.failure is not None}
        return _write_records(folder, given, options, settings, failed, this)

    record("running")
    task = ShotTask(folder, settings)
    state: Literal["stopped", "finished"] = "finished"
    counted = _Count(chosen.shots, settings, progress)
    try:
        if workers == 1:
            made: Iterator[Outcome] = (
                do_shot(shot, task, source, lambda count, shot=shot: counted.add(shot.name, count))
                for shot in chosen.shots
            )
        else:
            made = shots_beside_each_other(chosen.shots, task, options.source, workers, each, counted.add)
        for outcome in made:
            outcomes.append(outcome)
            if outcome.state == "failed" and _record_under(settings, folder, outcome.shot) is None:
                clear(folder, outcome.shot)  # a part of a result, or one of other settings
            counted.end(outcome.shot)
    except KeyboardInterrupt:
        state = "stopped"
    return record(state)


def _settings(given: RunInput, options: RunOptions, source: TrackSource) -> RunSettings:
    segmentation, dense = options.segmentation, options.dense
    if options.calibration is not None and segmentation is not None:
        segmentation = replace(segmentation, affinities=read_calibration(options.calibration).affinities)
    frames: MaskFrames | None = None
    if dense is not None:
        frames = options.frames or ("annotated" if given.kind == "fbms" else "all")
    iterative = dense is not None and dense.method != "nearest"
    return RunSettings(
        flowfeat=flowfeat.__version__,
        flow=source.flow,
        tracker=source.tracker or options.tracker,
        segmentation=segmentation,
        dense=dense,
        frames=frames,
        warm=iterative and frames == "all" and source.tracker is None,
    )


def _check_folder(folder: RunFolder, given: RunInput, chosen: RunInput, settings: RunSettings) -> None:
    """Raise InputError where the results could not be told from what is in the folder already."""
    home = folder.home
    if home.exists() and not home.is_dir():
        raise InputError(f"{home}: this is a file, and results are a folder; give another --out")
    done = folder.shots()
    if home.is_dir() and not folder.run_file.exists() and not done and any(home.iterdir()):
        raise InputError(f"{home}: this folder has other things in it; give one that is empty or not there as --out")
    known = {shot.name: shot for shot in given.shots}
    making = {shot.name for shot in chosen.shots}
    for name in done:
        if name in making:
            continue
        record = folder.record(name)
        if name not in known:
            raise InputError(
                f"{home}: it has results of {name!r} ({record.source}), which is no shot of {given.path}; give another "
                "--out"
            )
        if record.settings != settings:
            raise InputError(
                f"{home}: its results of {name!r} were made with other settings "
                f"({record.settings.differences(settings)}) and would stay beside those of this run; give another "
                "--out, or leave --shots out to make all again"
            )


def _workers(options: RunOptions, source: TrackSource, shots: int) -> int:
    if options.workers is not None:
        return min(options.workers, max(1, shots))
    if source.network or source.device.type != "cpu":
        return 1
    return max(1, min(os.cpu_count() or 1, shots))


def _write_records(
    folder: RunFolder,
    given: RunInput,
    options: RunOptions,
    settings: RunSettings,
    failed: dict[str, Failure],
    this: ThisRun,
) -> RunRecord:
    # While a run goes on, there may be others, to be made again.
    records = [record for name in folder.shots() if (record := _record_under(settings, folder, name)) is not None]
    failed = dict(sorted(failed.items()))
    calibration = options.calibration
    record = RunRecord(
        schema=SCHEMA,
        command="track" if options.segmentation is None else "run",
        input=str(given.path.absolute()),
        kind=given.kind,
        flow=str(options.source),
        calibration=str(calibration) if calibration else None,
        calibration_sha256=file_sha256(calibration) if calibration else None,
        settings=settings,
        fingerprint=settings.fingerprint,
        versions=versions(),
        shots=tuple(record.shot for record in records),
        failed=failed,
        totals=_totals(records, failed),
        this_run=this,
    )
    write_atomically(folder.table_file, shots_csv(records, failed))
    write_atomically(folder.run_file, json_bytes(record))
    return record


def _record_under(settings: RunSettings, folder: RunFolder, shot: str) -> ShotRecord | None:
    """The record of a shot that is done under these settings; one that is damaged is made again, and that is told."""
    try:
        record = folder.record(shot)
    except InputError:
        return None
    return record if record.settings == settings else None


def _totals(records: Sequence[ShotRecord], failed: dict[str, Failure]) -> Totals:
    segments = [record.segments for record in records if record.segments is not None]
    return Totals(
        shots=len(records),
        failed=len(failed),
        frames=sum(record.frames for record in records),
        tracks=sum(record.tracks for record in records),
        points=sum(record.points for record in records),
        clusters=sum(found.clusters for found in segments),
        objects=sum(found.objects for found in segments),
        masks=sum(record.masks.written for record in records if record.masks is not None),
    )


class _Count:
    """Frames tracked and masks made, of how many: of shots that end otherwise than expected, as many as there were."""

    def __init__(self, shots: Sequence[InputShot], settings: RunSettings, told: FramesDone | None):
        self._told = told
        self._expected = {shot.name: _expected(shot, settings) for shot in shots} if told else {}
        self._done = dict.fromkeys(self._expected, 0)

    def add(self, shot: str, count: int) -> None:
        if self._told:
            self._done[shot] += count
            self._tell()

    def end(self, shot: str) -> None:
        if self._told:
            self._expected[shot] = self._done[shot]
            self._tell()

    def _tell(self) -> None:
        assert self._told is not None
        expected = self._expected.values()
        known = [value for value in expected if value is not None]
        self._told(sum(self._done.values()), sum(known) if len(known) == len(expected) else None)


def _expected(shot: InputShot, settings: RunSettings) -> int | None:
    """Frames to track and masks to make."""
    frames = shot.expected_frames()
    if frames is None or settings.dense is None:
        return frames
    try:
        return frames + (frames if settings.frames == "all" else len(shot.annotated()))
    except InputError:
        return frames  # the shot will fail, and say why
