"""The shots of a result of `flowfeat segmentation run`, ready to be drawn."""

from pathlib import Path

from flowfeat.errors import InputError
from segmentation.formats import read_tracks
from segmentation.overlays.scores import mask_score, track_score
from segmentation.overlays.shot import SegmentedShot
from segmentation.overlays.truth import truth_beside
from segmentation.runs.inputs import find_shots
from segmentation.runs.layout import RunFolder
from segmentation.runs.record import ShotRecord


def shot_of_run(run: RunFolder, name: str, root: Path | None = None) -> SegmentedShot:
    """A shot of a result with its frames, and its ground truth where it lies beside them.

    Args:
        run: the result.
        name: of the shot.
        root: the video, folder or data set that its frames are in; where they were if not given.

    Raises:
        InputError: the shot is not in the result, its files are damaged, its frames are not where they were, or its
            masks or ground truth cannot be used.
    """
    record, stored = run.record(name), run.stored_tracks(name)
    frames = _frames(record, root)
    truth = truth_beside(frames)
    masks = run.mask_folder(name) if record.settings.dense is not None else None
    objects = 0 if stored.object is None else max(0, int(stored.object.max(initial=0)))
    scored = truth is not None and stored.object is not None and bool(truth.definition.annotations)
    return SegmentedShot(
        name=name,
        method=_method(record),
        frames=frames,
        height=stored.height,
        width=stored.width,
        tracks=stored.trajectories,
        objects=stored.object,
        masks=masks,
        truth=truth,
        track_score=track_score(read_tracks(run.tracks_file(name)), truth) if truth and scored else "",
        mask_score=mask_score(masks, truth, objects) if truth and scored and masks else "",
    )


def _frames(record: ShotRecord, root: Path | None) -> Path:
    if root is not None:
        return find_shots(root).select([record.shot]).shots[0].path
    source = Path(record.source)
    if not source.exists():
        raise InputError(
            f"{source}: the frames of {record.shot} are no longer there; say --root with the video, folder or data set "
            "that they are in now"
        )
    return source


def _method(record: ShotRecord) -> str:
    settings = record.settings
    method = "tracked" if settings.segmentation is None else settings.segmentation.method
    return f"{method} on {settings.flow.model}, points {settings.tracker.sampling} px apart"
