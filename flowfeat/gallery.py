"""Flow to look at: contact sheets and movies of stored clips, of videos, and of flow files."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, UInt8

from flowfeat.errors import InputError
from flowfeat.estimators import FlowEstimator, Pair
from flowfeat.formats import read_flow
from flowfeat.networks.blocks import brightness_error
from flowfeat.ops import warp
from flowfeat.store import FlowStore, StoredClip
from flowfeat.video import ClipDecoder, key_of
from flowfeat.visualization import (
    Panel,
    contact_sheet,
    displacement_scale,
    flow_panel,
    flow_picture,
    overlay,
    save_picture,
    write_movie,
)

_CLIPS_SHOWN = 6
_MOMENTS_SHOWN = 6
_MOMENTS_MEASURED = 12
_DEFAULT_FPS = 25.0

Frame = UInt8[np.ndarray, "h w 3"]
Field = Float32[np.ndarray, "2 h w"]


def is_movie(out: Path) -> bool:
    """Whether the ending asks for a movie and not for a picture."""
    return out.suffix.lower() == ".mp4"


def show_flow_file(path: Path, out: Path) -> None:
    """Draw a .flo, .pfm, .npy or KITTI .png; unknown pixels are interpolated and marked."""
    field = read_flow(path)
    save_picture(out, flow_picture(field.flow, field.valid, caption=path.name))


def stages_sheet(
    frames: UInt8[np.ndarray, "2 h w 3"], flows: Mapping[str, Field]
) -> UInt8[np.ndarray, "height width 3"]:
    """What each network of a stack contributes, as in the supplement's figures 5 and 6: a row for each.

    Its flow, all in one scale; the second frame warped back by it; and the brightness error that is left, the Euclidean
    norm of the colour difference.

    Args:
        frames: RGB.
        flows: by the letters of the networks so far, as `FlowNet.stages` gives them.
    """
    first, second = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    scale = displacement_scale(list(flows.values())[-1])
    still = brightness_error(first[None], second[None])[0, 0].numpy()
    shown = max(1.0, float(np.percentile(still, 99)))
    rows = [
        [
            Panel(frames[0], "first frame"),
            Panel(frames[1], "second frame"),
            _error_panel(still, shown, f"without flow; white = {shown:.0f} levels"),
        ]
    ]
    for letters, flow in flows.items():
        warped = warp(second[None], torch.from_numpy(flow)[None])
        error = brightness_error(first[None], warped)[0, 0].numpy()
        picture = warped[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()
        panels = [flow_panel(flow, None, scale, letters), Panel(picture, "second frame, warped back")]
        rows.append([*panels, _error_panel(error, shown, "brightness error")])
    return contact_sheet(rows)


def _error_panel(error: Float32[np.ndarray, "h w"], shown: float, caption: str) -> Panel:
    grey = (error * (255 / shown)).clip(0, 255).astype(np.uint8)
    return Panel(np.repeat(grey[..., None], 3, axis=2), f"{caption}, mean {error.mean():.1f}")


def show_store(store: Path, out: Path, clip: str | None = None) -> int:
    """Draw clips of a store, or the clip called `clip` at several moments, or its movie. Returns pictures or frames.

    Raises InputError where the store is empty, has no such clip, or a movie is asked for without a clip.
    """
    flows = FlowStore(store)
    if len(flows) == 0:
        raise InputError(f"{store}: no clip is in this store")
    if clip is None and is_movie(out):
        raise InputError(f"{out}: a movie is of one clip; name it with --clip")
    try:
        return show_clip(flows[clip], out) if clip else _show_clips(flows, out)
    except KeyError as fault:
        raise InputError(str(fault.args[0])) from fault


def show_clip(clip: StoredClip, out: Path) -> int:
    """Draw a stored clip at several moments, or its movie: flow over its frames where these are stored."""
    scale = displacement_scale(
        np.concatenate([_field(clip, t) for t in _moments(clip.pairs, _MOMENTS_MEASURED)], axis=1)
    )
    if is_movie(out):
        frames = (overlay(_frame(clip, t), _field(clip, t), scale) for t in range(clip.pairs))
        return write_movie(out, frames, clip.header.source.fps or _DEFAULT_FPS)
    panels = []
    for t in _moments(clip.pairs, _MOMENTS_SHOWN):
        row = [Panel(_frame(clip, t), f"frame {t}")] if clip.frames else []
        panels.append([*row, flow_panel(_field(clip, t), None, scale, f"flow {t} to {t + clip.header.settings.step}")])
    save_picture(out, contact_sheet(_columns(panels), f"{clip.key}, {clip.header.settings.model}"))
    return len(panels)


def show_video(path: Path, estimator: FlowEstimator, out: Path) -> int:
    """Compute and draw the flow of a video or folder of frames at several moments, or its movie.

    The clip is read once to choose the scale and, for a movie, a second time to draw it; memory stays small.
    """
    moments = _fields_at_moments(path, estimator)
    if not moments:
        raise InputError(f"{path}: the clip has fewer than 2 frames; flow needs two")
    scale = displacement_scale(np.concatenate([flow for _, _, flow in moments], axis=1))
    if is_movie(out):
        frames = (overlay(frame, flow, scale) for _, frame, flow in _fields(path, estimator, None))
        with ClipDecoder() as decoder:
            fps = decoder.open(path).facts.fps
        return write_movie(out, frames, fps or _DEFAULT_FPS)
    shown = [moments[i] for i in _moments(len(moments), _MOMENTS_SHOWN)]
    panels = [
        [Panel(frame, f"frame {t}"), flow_panel(flow, None, scale, f"flow {t} to {t + 1}")] for t, frame, flow in shown
    ]
    save_picture(out, contact_sheet(_columns(panels), f"{path.name}, {estimator.description.model}"))
    return len(panels)


def _show_clips(flows: FlowStore, out: Path) -> int:
    keys = list(flows)
    panels = []
    for index in _moments(len(keys), _CLIPS_SHOWN):
        clip = flows[keys[index]]
        t = clip.pairs // 2
        name = "/".join(clip.key.split("/")[-2:])  # clips of two classes may have one name
        row = [Panel(_frame(clip, t), f"{name}, frame {t}")] if clip.frames else []
        panels.append([*row, flow_panel(_field(clip, t), caption=f"{name}, flow {t}")])
    save_picture(out, contact_sheet(_columns(panels), f"{flows.path.name}: {len(panels)} of {len(keys)} clips"))
    return len(panels)


def _fields_at_moments(path: Path, estimator: FlowEstimator) -> list[tuple[int, Frame, Field]]:
    with ClipDecoder() as decoder:
        declared = decoder.open(path).facts.declared_frames
    # Without a count to go by, the first moments have to stand for the whole clip.
    wanted = set(_moments(max(1, (declared or _MOMENTS_MEASURED) - 1), _MOMENTS_MEASURED))
    return list(_fields(path, estimator, wanted))


def _fields(path: Path, estimator: FlowEstimator, wanted: set[int] | None) -> Iterator[tuple[int, Frame, Field]]:
    with ClipDecoder() as decoder:
        previous: Frame | None = None
        frames = (frame for chunk in decoder.open(path) for frame in chunk)
        for t, frame in enumerate(islice(frames, None if wanted is None else max(wanted) + 2)):
            if previous is not None and (wanted is None or t - 1 in wanted):
                pair = torch.from_numpy(np.stack([previous, frame])).permute(0, 3, 1, 2)
                yield t - 1, previous, estimator.alone(pair, Pair(key_of(path), t - 1, t)).cpu().numpy()
            previous = frame


def _moments(count: int, most: int) -> list[int]:
    """At most `most` indices spread evenly over `count`, the ends left out."""
    shown = min(count, most)
    return [(2 * i + 1) * count // (2 * shown) for i in range(shown)]


def _columns(panels: list[list[Panel]]) -> list[list[Panel]]:
    """Frame and flow pairs two a row, bare flow three a row."""
    across = 2 if len(panels[0]) == 2 else 3
    rows = [panels[i : i + across] for i in range(0, len(panels), across)]
    return [[panel for cell in row for panel in cell] for row in rows]


def _field(clip: StoredClip, t: int) -> Field:
    return clip.read(t, 1)[0].numpy()


def _frame(clip: StoredClip, t: int) -> Frame:
    if not clip.frames:
        return np.full((clip.height, clip.width, 3), 255, np.uint8)
    return np.ascontiguousarray(clip.read_frames(t, 1)[0].permute(1, 2, 0).numpy())
