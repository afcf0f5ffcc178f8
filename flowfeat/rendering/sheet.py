"""A contact sheet of rendered pairs: frames, flow, and what is occluded."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from flowfeat.visualization import Panel, contact_sheet, flow_panel


def sheet_of_pairs(
    pairs: Sequence[tuple[np.ndarray, ...]], names: Sequence[str], caption: str
) -> UInt8[np.ndarray, "height width 3"]:
    """A row for each pair.

    Args:
        pairs: each two RGB frames (h, w, 3) uint8, the flow (2, h, w) in pixels, and the occlusions (h, w) bool.
        names: of the pairs.
        caption: heads the sheet.
    """
    rows = []
    for name, (first, second, flow, occluded) in zip(names, pairs, strict=True):
        mask = np.repeat(occluded[..., None] * np.uint8(255), 3, axis=2)
        hidden = Panel(mask, f"occluded: {occluded.mean():.1%}")
        rows.append([Panel(first, f"{name}, first frame"), Panel(second, "second frame"), flow_panel(flow), hidden])
    return contact_sheet(rows, caption, panel_width=256)
