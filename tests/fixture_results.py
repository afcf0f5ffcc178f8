"""Small results of `segmentation run`, written as it writes them, from tracks and masks that a test makes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from fixture_formats import write_label_maps

from flowfeat.typed_json import json_bytes
from segmentation.dense import DenseSettings
from segmentation.formats import LabelledTracks
from segmentation.formats import write_tracks as write_track_file
from segmentation.runs.layout import RunFolder, file_sha256
from segmentation.runs.record import (
    SCHEMA,
    InputKind,
    RunRecord,
    ShotInputs,
    ShotRecord,
    ThisRun,
    Timing,
    Totals,
)
from segmentation.runs.settings import FlowFacts, RunSettings
from segmentation.runs.stored_tracks import StoredTracks, write_tracks
from segmentation.segment import SegmentationSettings
from segmentation.tracking import StopCounts, TrackerSettings, TrackingReport


def write_result(
    home: Path,
    root: Path,
    kind: InputKind,
    shots: Mapping[str, StoredTracks],
    masks: Mapping[str, Iterable[np.ndarray]] | None = None,
) -> Path:
    """A result with these tracks; segmented where they have clusters, dense where there are masks."""
    run = RunFolder(home)
    segmented = all(stored.cluster is not None for stored in shots.values())
    settings = RunSettings(
        flowfeat="0",
        flow=FlowFacts("dis", "made", {}, None),
        tracker=TrackerSettings(),
        segmentation=SegmentationSettings() if segmented else None,
        dense=None if masks is None else DenseSettings(),
        frames=None if masks is None else "all",
        warm=False,
    )
    (home / "shots").mkdir(parents=True)
    for name, stored in shots.items():
        write_tracks(run.stored_tracks_file(name), stored)
        if stored.cluster is not None:
            labelled = LabelledTracks(stored.trajectories, stored.cluster, stored.trajectories.frames)
            write_track_file(run.tracks_file(name), labelled)
        if masks is not None:
            write_label_maps(run.mask_folder(name), masks[name])
        run.record_file(name).write_bytes(json_bytes(_shot(run, name, stored, settings)))
    record = RunRecord(
        schema=SCHEMA,
        command="run" if segmented else "track",
        input=str(root),
        kind=kind,
        flow="dis",
        calibration=None,
        calibration_sha256=None,
        settings=settings,
        fingerprint=settings.fingerprint,
        versions={},
        shots=tuple(sorted(shots)),
        failed={},
        totals=Totals(len(shots), 0, 0, 0, 0, 0, 0, 0),
        this_run=ThisRun("finished", "", 0.0, 1, 1, {}, tuple(sorted(shots)), (), {}),
    )
    run.run_file.write_bytes(json_bytes(record))
    return home


def make_otherwise(home: Path, shot: str) -> None:
    """As if a run before, with points at another distance, had made this shot and the last one had not come to it."""
    run = RunFolder(home)
    record = run.record(shot)
    settings = replace(record.settings, tracker=replace(record.settings.tracker, sampling=4))
    run.record_file(shot).write_bytes(json_bytes(replace(record, settings=settings, fingerprint=settings.fingerprint)))


def _shot(run: RunFolder, name: str, stored: StoredTracks, settings: RunSettings) -> ShotRecord:
    tracks, frames = stored.trajectories, stored.trajectories.frames
    nothing = TrackingReport(frames, stored.height, stored.width, 0, 0, 0, 0, 0, StopCounts(), StopCounts(), 0)
    return ShotRecord(
        schema=SCHEMA,
        shot=name,
        source=name,
        settings=settings,
        fingerprint=settings.fingerprint,
        inputs=ShotInputs("", 0, None, None, None),
        versions={},
        device="cpu",
        frames=frames,
        height=stored.height,
        width=stored.width,
        tracks=len(tracks),
        points=len(tracks.xy),
        tracking=nothing,
        tracks_sha256=file_sha256(run.stored_tracks_file(name)),
        segments=None,
        masks=None,
        remarks=(),
        timing=Timing(0, 0, 0, 0, 0, 0, 1),
    )
