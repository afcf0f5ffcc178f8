"""Colour-coded flow of the same pair of frames by every method, in one scale, so that methods compare by eye."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from jaxtyping import Float32, UInt8

from flowfeat.errors import InputError
from flowfeat.store import FlowStore, StoredClip
from flowfeat.video import find_clips, read_clip
from flowfeat.visualization import Panel, contact_sheet, displacement_scale, flow_panel

ACROSS = 4
"""Panels in a row of a sheet."""
WIDTH = 300
"""Of a panel in pixels."""
_MOMENTS = 5


def shown_clips(stores: Mapping[str, FlowStore], count: int) -> list[str]:
    """Keys of clips that all stores have, of as many classes as there are, spread evenly over them.

    Raises InputError where no clip is in all of them.
    """
    common = sorted(set.intersection(*map(set, stores.values()))) if stores else []
    if not common:
        methods = ", ".join(stores) or "there is none"
        raise InputError(f"no clip is in the stores of all methods ({methods}), so no flow can be compared")
    # The first clip of each class, then second ones where there are too few classes.
    of_class: dict[str, list[str]] = {}
    for key in common:
        of_class.setdefault(key.rpartition("/")[0], []).append(key)
    firsts = [keys[0] for keys in of_class.values()]
    clips = firsts if len(firsts) >= count else common
    shown = min(count, len(clips))
    return [clips[(2 * place + 1) * len(clips) // (2 * shown)] for place in range(shown)]


def flow_sheet(stores: Mapping[str, FlowStore], key: str, videos: Path | None = None) -> UInt8[np.ndarray, "H W 3"]:
    """The frame, where the clip is there, and each method's flow from it to the next.

    Of a few moments it is the one whose motion is the median, by the first method that sees any: the fastest is often a
    cut, the slowest a pause. Full colour is the median of the scales that the methods' flows would have alone: neither
    a method that sees nothing nor a wild one decides it. Flow of stores in another size is brought to the first one's.

    Args:
        stores: by method, in the order of the sheet.
        key: of a clip that all of them have.
        videos: the folder that the clips' flow was extracted from.

    Raises:
        InputError: a clip is damaged, or has no pair in one of the stores.
    """
    clips = {method: store[key] for method, store in stores.items()}
    moment = _moment(list(clips.values()), key)
    width = next(iter(clips.values())).width
    flows = {method: _field(clip, moment) * np.float32(width / clip.width) for method, clip in clips.items()}
    scale = median(displacement_scale(flow) for flow in flows.values())
    panels = [] if videos is None else [*_frame(videos, key, moment)]
    panels += [_panel(method, flow, scale) for method, flow in flows.items()]
    told = f"{key}, frame {moment}; full colour = {scale:.3g} px for every method, darker beyond"
    return contact_sheet(in_rows(panels), told, WIDTH)


def in_rows(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Panels in rows of `ACROSS`."""
    return [list(panels[place : place + ACROSS]) for place in range(0, len(panels), ACROSS)]


def _moment(clips: Sequence[StoredClip], key: str) -> int:
    pairs = min(clip.pairs for clip in clips)
    if not pairs:
        raise InputError(f"{key}: a store has no pair of this clip, so there is no flow to show")
    moments = np.unique(np.linspace(0, pairs - 1, _MOMENTS).round().astype(int)).tolist()
    for clip in clips:
        motion = {moment: float(np.hypot(*_field(clip, moment)).mean()) for moment in moments}
        if any(motion.values()):
            return sorted(moments, key=motion.__getitem__)[len(moments) // 2]
    return moments[len(moments) // 2]


def _frame(videos: Path, key: str, moment: int) -> Iterator[Panel]:
    for clip in find_clips([videos]):
        if clip.key == key:
            yield Panel(read_clip(clip.path).frames[moment], "the frame")


def _panel(method: str, flow: Float32[np.ndarray, "2 h w"], scale: float) -> Panel:
    mean = float(np.hypot(*flow).mean())
    return Panel(flow_panel(flow, None, scale).image, f"{method}\nmean displacement {mean:.2f} px")


def _field(clip: StoredClip, moment: int) -> Float32[np.ndarray, "2 h w"]:
    return clip.read(moment, 1)[0].numpy()
