"""What the worst confusions look like: colour and flow of clips that are taken for another class."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from flowfeat.errors import StoreError
from flowfeat.store import FlowStore, StoredClip
from flowfeat.visualization import Panel, contact_sheet, displacement_scale, flow_panel
from recognition.report.contents import Confusion

_MOMENTS = 5
_PANEL_WIDTH = 240
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
        shown = [(clip, told) for clip in confusion.clips[:_CLIPS_OF_A_CONFUSION]]
        if confusion.right is not None:
            shown.append((confusion.right, f"{confusion.said}, recognised"))
        for clip, caption in shown:
            try:
                row += _panels(store[clip], clip, caption)
            except (KeyError, StoreError, OSError):
                absent.append(clip)
        if row:
            rows.append(row)
    return Thumbnails(contact_sheet(rows, panel_width=_PANEL_WIDTH) if rows else None, tuple(absent))


def _panels(clip: StoredClip, name: str, caption: str) -> Iterator[Panel]:
    by_motion = sorted(_fields(clip), key=lambda found: float(np.hypot(*found[1]).mean()))
    moment, flow = by_motion[len(by_motion) // 2]
    if clip.frames:
        frame = clip.read_frames(moment, 1)[0].permute(1, 2, 0).numpy()
        yield Panel(frame, f"{caption}\n{name}, frame {moment}")
        yield flow_panel(flow, None, displacement_scale(flow), "its flow")
    else:
        yield flow_panel(flow, None, displacement_scale(flow), f"{caption}\n{name}, field {moment}")


def _fields(clip: StoredClip) -> Iterator[tuple[int, Float32[np.ndarray, "2 h w"]]]:
    for moment in np.unique(np.linspace(0, clip.pairs - 1, _MOMENTS).round().astype(int)).tolist():
        yield moment, clip.read(moment, 1)[0].numpy()
