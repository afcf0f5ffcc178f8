"""One shot from its frames to its files."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError
from flowfeat.ops import warp
from flowfeat.provenance import versions
from flowfeat.typed_json import json_bytes
from flowfeat.video.readers import source_sha256
from flowfeat.visualization import save_picture
from segmentation.formats import LabelledTracks, write_label_map
from segmentation.formats import write_tracks as write_track_file
from segmentation.formats.label_map import ENDING, frame_name
from segmentation.runs.inputs import InputShot
from segmentation.runs.layout import RunFolder, file_sha256
from segmentation.runs.pictures import tracks_picture
from segmentation.runs.record import SCHEMA, MasksRecord, ShotInputs, ShotRecord, Timing
from segmentation.runs.settings import RunSettings
from segmentation.runs.sources import RememberedFlow, TrackSource, Watch
from segmentation.runs.stored_tracks import stored, write_tracks
from segmentation.runs.summary import remarks, segments_record
from segmentation.segment import SegmentedTracks, mask_of_frame, segment_tracks
from segmentation.tracking import Tracking

Progress = Callable[[int], None]
"""Called with the frames that have been tracked, and the masks that have been made, since it was called last."""


@dataclass(frozen=True)
class ShotTask:
    """What is to be done with every shot of a run.

    Attributes:
        folder: of the results.
        settings: of all shots.
    """

    folder: RunFolder
    settings: RunSettings


def inputs_of(shot: InputShot, task: ShotTask, source: TrackSource) -> ShotInputs:
    """The hashes of what the shot is made from. Raises InputError, or OSError, where something is not there."""
    shot.check()
    size, digest = source_sha256(shot.path)
    flow, tracks = source.hashes(shot)
    annotated = shot.annotated() if task.settings.frames == "annotated" else None
    return ShotInputs(digest, size, flow, tracks, annotated)


def standing(shot: InputShot, task: ShotTask, inputs: ShotInputs) -> str | None:
    """None where the shot is done; otherwise why it is to be made, empty where it never was."""
    folder = task.folder
    if not folder.record_file(shot.name).is_file():
        return ""
    try:
        record = folder.record(shot.name)
    except InputError:
        return "its record was damaged, or is of another version"
    if record.settings != task.settings:
        return f"its settings were others ({record.settings.differences(task.settings)})"
    if record.inputs != inputs:
        changed = [
            name
            for name, there, here in (
                ("frames", record.inputs.frames_sha256, inputs.frames_sha256),
                ("flow", record.inputs.flow_sha256, inputs.flow_sha256),
                ("tracks", record.inputs.tracks_sha256, inputs.tracks_sha256),
                ("ground truth", record.inputs.annotated, inputs.annotated),
            )
            if there != here
        ]
        return f"its {' and '.join(changed)} changed since"
    files = [folder.tracks_file(shot.name), folder.stored_tracks_file(shot.name), folder.picture(shot.name)]
    if task.settings.segmentation is not None:
        files.append(folder.clusters_file(shot.name))
    masks = len(list(folder.mask_folder(shot.name).glob(f"*{ENDING}")))
    if not all(path.is_file() for path in files) or masks != (record.masks.written if record.masks else 0):
        return "some of its files were missing"
    return None


def note_source(shot: InputShot, folder: RunFolder) -> None:
    """Where the frames of a shot that is done lie now, for whoever shows them."""
    record, path = folder.record(shot.name), str(shot.path.absolute())
    if record.source != path:
        write_atomically(folder.record_file(shot.name), json_bytes(replace(record, source=path)))


def clear(folder: RunFolder, shot: str) -> None:
    """Remove what there is of a shot, its record first, so that nothing of before is left beside what is made now."""
    folder.record_file(shot).unlink(missing_ok=True)
    for path in (folder.tracks_folder(shot), folder.clusters_folder(shot), folder.mask_folder(shot)):
        if path.exists():
            shutil.rmtree(path)
    folder.picture(shot).unlink(missing_ok=True)


def make_shot(
    shot: InputShot, task: ShotTask, source: TrackSource, inputs: ShotInputs, progress: Progress
) -> ShotRecord:
    """Track, segment, make masks and pictures; write all, the record last.

    Raises:
        InputError: as reading, flow, tracker and solver do. What was written before stays, without a record.
        OSError: a file cannot be written.
    """
    settings, folder, clock = task.settings, task.folder, [time.monotonic()]
    clear(folder, shot.name)
    watch = Watch(progress, RememberedFlow() if settings.warm else None)
    tracking = source.tracks(shot, inputs.frames_sha256, settings.tracker, watch)
    clock.append(time.monotonic())

    segmented = segments = None
    if settings.segmentation is not None:
        segmented = segment_tracks(tracking, settings.segmentation)
        segments = segments_record(segmented, settings.segmentation)
    clock.append(time.monotonic())
    kept = stored(tracking) if segmented is None else stored(tracking, segmented.cluster, segmented.object)
    write_tracks(folder.stored_tracks_file(shot.name), kept)
    write_track_file(folder.tracks_file(shot.name), _labelled(tracking, segmented))
    if segmented is not None:
        clusters = LabelledTracks(tracking.trajectories, segmented.cluster, tracking.report.frames)
        write_track_file(folder.clusters_file(shot.name), clusters)
    caption = f"{shot.name}: {tracking.report.frames} frames, points {settings.tracker.sampling} px apart"
    first = next(shot.frames())
    save_picture(folder.picture(shot.name), tracks_picture(first, kept, caption))
    clock.append(time.monotonic())

    masks = None
    if segmented is not None and settings.dense is not None:
        masks = _write_masks(shot, task, tracking, segmented, inputs.annotated, source.device, watch)
    clock.append(time.monotonic())
    tracked, parted, drawn, spread = (b - a for a, b in itertools.pairwise(clock))
    report = tracking.report
    record = ShotRecord(
        schema=SCHEMA,
        shot=shot.name,
        source=str(shot.path.absolute()),
        settings=settings,
        fingerprint=settings.fingerprint,
        inputs=inputs,
        versions=versions(),
        device=source.device.type,
        frames=report.frames,
        height=report.height,
        width=report.width,
        tracks=report.tracks,
        points=len(tracking.trajectories.xy),
        tracking=report,
        tracks_sha256=file_sha256(folder.stored_tracks_file(shot.name)),
        segments=segments,
        masks=masks,
        remarks=tuple(remarks(report.tracks, segmented, masks)),
        timing=Timing(
            flow=round(watch.seconds, 3),
            tracking=round(tracked - watch.seconds, 3),
            segmentation=round(parted, 3),
            masks=round(spread, 3),
            pictures=round(drawn, 3),
            total=round(clock[-1] - clock[0], 3),
            threads=torch.get_num_threads(),
        ),
    )
    write_atomically(folder.record_file(shot.name), json_bytes(record))
    return record


def _labelled(tracking: Tracking, segmented: SegmentedTracks | None) -> LabelledTracks:
    """The tracks as the evaluators read them: labelled by object; clusters that are too small have labels beyond."""
    trajectories = tracking.trajectories
    if segmented is None:
        return LabelledTracks(trajectories, np.zeros(len(trajectories), np.int64), trajectories.frames)
    # Clusters are numbered by falling size, so those that are too small are the last ones.
    large = len(segmented.background.background)
    labels = np.where(segmented.object >= 0, segmented.object, segmented.cluster - large + segmented.objects + 1)
    return LabelledTracks(trajectories, labels, trajectories.frames)


def _write_masks(
    shot: InputShot,
    task: ShotTask,
    tracking: Tracking,
    segmented: SegmentedTracks,
    annotated: tuple[int, ...] | None,
    device: torch.device,
    watch: Watch,
) -> MasksRecord:
    """A label map for each frame that is wanted, one frame in memory at a time."""
    settings, report = task.settings.dense, tracking.report
    assert settings is not None
    wanted = set(range(report.frames)) if annotated is None else set(annotated)
    if max(wanted, default=0) >= report.frames:
        raise InputError(
            f"{shot.path}: frame {max(wanted)} has ground truth and the shot has {report.frames} frames; copy it again"
        )
    empty, iterations, before = [], [], None
    for frame, picture in enumerate(_until(shot.frames(), max(wanted, default=-1))):
        if frame not in wanted:
            continue
        image = _tensor(picture).to(device)
        with torch.inference_mode():
            start = _carried(before, watch.remembered, frame, device)
            found = mask_of_frame(tracking, segmented, frame, image, settings, start)
        if found is None:
            empty.append(frame)
        iterations.append(0 if found is None else found.iterations)
        before = None if found is None else found.u
        labels = np.zeros(image.shape[1:], np.int64) if found is None else found.labels.cpu().numpy()
        write_label_map(task.folder.mask_folder(shot.name) / f"{frame_name(frame)}{ENDING}", labels)
        watch.progress(1)
    return MasksRecord(len(iterations), tuple(empty), tuple(iterations))


def _until(frames: Iterator[UInt8[np.ndarray, "h w 3"]], last: int) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    return itertools.islice(frames, last + 1)


def _tensor(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[Tensor, "3 h w"]:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)


def _carried(
    before: Float[Tensor, "k h w"] | None, remembered: RememberedFlow | None, frame: int, device: torch.device
) -> Float[Tensor, "k h w"] | None:
    """The label functions of the frame before, moved along the flow to this one."""
    if before is None or remembered is None:
        return None
    _, height, width = before.shape
    back = remembered.back(frame, height, width, device)
    return None if back is None else warp(before[None], back[None])[0]
