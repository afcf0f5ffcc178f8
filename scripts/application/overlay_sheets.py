"""The segmentation of the same frame by every method, beside the frame and its ground truth."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from application.flow_sheets import WIDTH, in_rows
from flowfeat.errors import InputError
from flowfeat.visualization import Panel, contact_sheet
from segmentation.overlays import SegmentedShot
from segmentation.overlays.frames import Frame, frames_at
from segmentation.overlays.panels import ShotPanels
from segmentation.overlays.truth import truth_beside
from segmentation.runs.layout import RunFolder


def shown_shots(runs: Mapping[str, RunFolder], count: int) -> list[str]:
    """Names of shots that all methods have segmented, spread evenly over them.

    Raises InputError where there is none.
    """
    common = sorted(set.intersection(*(set(run.shots()) for run in runs.values()))) if runs else []
    if not common:
        methods = ", ".join(runs) or "there is none"
        raise InputError(f"no shot was segmented by all methods ({methods}), so no segmentation can be compared")
    shown = min(count, len(common))
    return [common[(2 * place + 1) * len(common) // (2 * shown)] for place in range(shown)]


def overlay_sheet(runs: Mapping[str, RunFolder], name: str, dense: bool) -> UInt8[np.ndarray, "H W 3"]:
    """The frame, its truth where there is some, and each method's tracks or masks.

    It is the middle one of the frames with ground truth, otherwise of all. An object has the colour of the true one
    that it is taken for, by the tracks of the shot or by the mask of this frame, so that equal colours mean the same
    object on the whole sheet.

    Args:
        runs: by method, in the order of the sheet.
        name: of a shot that all of them have.
        dense: whether masks are shown, and not tracks.

    Raises:
        InputError: frames, tracks, masks or ground truth are not there, are damaged, or do not belong together.
    """
    shots = {method: _shot(run, name, dense) for method, run in runs.items()}
    first = next(iter(shots.values()))
    number = _shown_frame(first)
    image = _image(first, number)
    if dense:
        shots = {method: _of_one_frame(shot, number) for method, shot in shots.items()}
    panels: list[Panel] = []
    for method, shot in shots.items():
        drawn = ShotPanels(shot, WIDTH).draw(number, image)
        if not panels:
            panels.append(Panel(image, "the frame"))
            panels += [] if drawn.truth is None else [Panel(drawn.truth.image, "ground truth")]
        panel = drawn.masks if dense else drawn.tracks
        if panel is None:
            raise InputError(f"{shot.masks}: frame {number} of {name} has no mask; run the segmentation again")
        objects = f"{shot.count} object{'' if shot.count == 1 else 's'} in the shot"
        panels.append(Panel(panel.image, f"{method}\n{objects}"))
    return contact_sheet(in_rows(panels), f"{name}, frame {number}", WIDTH)


def _shot(run: RunFolder, name: str, dense: bool) -> SegmentedShot:
    """As `segmentation show` has it, but for the scores, which the table has, and which take long."""
    record, stored = run.record(name), run.stored_tracks(name)
    frames = Path(record.source)
    if not frames.exists():
        raise InputError(f"{frames}: the frames of {name} are no longer there, so its segmentation cannot be shown")
    return SegmentedShot(
        name=name,
        method=record.settings.flow.model,
        frames=frames,
        height=stored.height,
        width=stored.width,
        tracks=stored.trajectories,
        objects=stored.object,
        masks=run.mask_folder(name) if dense else None,
        truth=truth_beside(frames),
    )


def _of_one_frame(shot: SegmentedShot, number: int) -> SegmentedShot:
    """The shot with the ground truth of a frame alone: all masks of a sequence take seconds to count."""
    if shot.truth is None:
        return shot
    definition = shot.truth.definition
    listed = tuple(annotation for annotation in definition.annotations if annotation.frame == number)
    return replace(shot, truth=replace(shot.truth, definition=replace(definition, annotations=listed)))


def _shown_frame(shot: SegmentedShot) -> int:
    frames = shot.annotated() or list(range(shot.tracks.frames))
    return frames[len(frames) // 2]


def _image(shot: SegmentedShot, number: int) -> Frame:
    for _, image in frames_at(shot.frames, [number]):
        return image
    raise InputError(f"{shot.frames}: frame {number} is missing, so the segmentation of {shot.name} cannot be shown")
