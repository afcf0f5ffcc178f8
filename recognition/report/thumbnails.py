"""What the worst confusions look like: colour and flow of clips that are taken for another class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, UInt8

from flowfeat.errors import StoreError
from flowfeat.store import FlowStore, StoredClip
from flowfeat.visualization import Panel, contact_sheet, displacement_scale, flow_panel
from recognition.report.contents import Answer, Confusion

_MOMENTS = 5
_PANEL_WIDTH = 360
_GAP = 4
"""White pixels between a frame and its flow."""
_CLIPS_OF_A_CONFUSION = 2


@dataclass(frozen=True)
class Thumbnails:
    """A sheet, a row for each confusion.

    Attributes:
        sheet: None where no clip of them is in the store.
        absent: clips that should be on it and are not in the store, or cannot be read.
    """

    sheet: UInt8[np.ndarray, "h w 3"] | None
    absent: tuple[str, ...]


def confusion_thumbnails(confusions: Sequence[Confusion], store: FlowStore) -> Thumbnails:
    """A row for each confusion: the surest mistakes, then the clip that is most surely right of the class they are
    taken for, each as a frame, where frames are stored, and as flow.

    Of five moments of a clip it is shown at the one of median motion: the fastest is often a cut or a fade, the slowest
    a pause. Each flow is scaled by itself.
    """
    rows, absent = [], []
    for confusion in confusions:
        told = f"{confusion.true}, taken for {confusion.said}"
        row: list[Panel] = []
        shown = [(answer, told) for answer in confusion.clips[:_CLIPS_OF_A_CONFUSION]]
        if confusion.right is not None:
            shown.append((confusion.right, f"{confusion.said}, recognised"))
        for answer, caption in shown:
            try:
                row.append(_panel(store[answer.clip], answer, caption))
            except (KeyError, StoreError, OSError):
                absent.append(answer.clip)
        if row:
            rows.append(row)
    return Thumbnails(contact_sheet(rows, panel_width=_PANEL_WIDTH) if rows else None, tuple(absent))


def _panel(clip: StoredClip, answer: Answer, caption: str) -> Panel:
    """A clip's frame, where it has one, and its flow, side by side, so that one caption is of both."""
    by_motion = sorted(_fields(clip), key=lambda found: float(np.hypot(*found[1]).mean()))
    moment, flow = by_motion[len(by_motion) // 2]
    shown = flow_panel(flow, None, displacement_scale(flow))
    told = f"{caption}\n{answer.clip}, {100 * answer.sure:.0f} % sure\nfield {moment}, {shown.caption}"
    if not clip.frames:
        return replace(shown, caption=told)
    frame = clip.read_frames(moment, 1)[0].permute(1, 2, 0).numpy()
    gap = np.full((frame.shape[0], _GAP, 3), 255, np.uint8)
    return Panel(np.concatenate([frame, gap, shown.image], axis=1), told)


def _fields(clip: StoredClip) -> Iterator[tuple[int, Float32[np.ndarray, "2 h w"]]]:
    for moment in np.unique(np.linspace(0, clip.pairs - 1, _MOMENTS).round().astype(int)).tolist():
        yield moment, clip.read(moment, 1)[0].numpy()
