"""Which points of the grid begin a new track: those far from every track, on texture."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from segmentation.tracking.settings import TrackerSettings


@dataclass(frozen=True, eq=False)
class Seeds:
    """The points of one frame that tracks begin at, and how many points of the grid were refused, for the first cause.

    Attributes:
        xy: in pixels, row after row.
        near_track: refused because a track is closer than the sampling.
        below_mean: refused for a corner strength far below the frame's mean.
        below_absolute: refused for a corner strength below what noise has.
    """

    xy: Float[Tensor, "n 2"]
    near_track: int
    below_mean: int
    below_absolute: int


def seeds(
    live: Float[Tensor, "k 2"], corner: Float[Tensor, "h w"] | None, height: int, width: int, settings: TrackerSettings
) -> Seeds:
    """The points of the grid x, y = 4, 4 + s, ... that become tracks (Sundaram et al., ECCV 2010, section 3).

    Args:
        live: where the live tracks are, inside the frame.
        corner: the corner strength of the frame, 0..255 squared; None where `settings.texture` is `none`.
        height, width: of the frame.
        settings: for the constants.
    """
    device, margin, step = live.device, settings.margin, settings.sampling
    x = torch.arange(margin, max(margin, width - margin), step, device=device)
    y = torch.arange(margin, max(margin, height - margin), step, device=device)[:, None]
    near = _near_a_track(live, len(y), len(x), settings)
    weak = flat = torch.zeros_like(near)
    if corner is not None and near.numel():
        to_border = torch.minimum(torch.minimum(x, width - x), torch.minimum(y, height - y))
        near_border = torch.exp(-settings.border_decay * to_border)
        strength = corner[y, x]
        # The mean of a million numbers, of which float32 would lose the last digits.
        mean = corner.mean(dtype=torch.float64)
        weak = strength < mean * (settings.relative_threshold + near_border)
        if settings.texture == "paper":
            flat = strength < settings.absolute_threshold + near_border
    accepted = ~(near | weak | flat)
    row, column = accepted.nonzero(as_tuple=True)
    return Seeds(
        xy=torch.stack([x[column], y[row, 0]], 1).to(live.dtype),
        near_track=int(near.sum()),
        below_mean=int((weak & ~near).sum()),
        below_absolute=int((flat & ~weak & ~near).sum()),
    )


def _near_a_track(
    live: Float[Tensor, "k 2"], rows: int, columns: int, settings: TrackerSettings
) -> Bool[Tensor, "{rows} {columns}"]:
    """The points of the grid less than the sampling away from the truncated position of a track.

    A track is that close only to corners of the cell of the grid it is in, so four are marked for each track instead
    of a distance computed for each pixel.
    """
    near = torch.zeros(rows, columns, dtype=torch.bool, device=live.device)
    # In the grid's own coordinates, so that point (i, j) is at step * (i, j).
    place = live.long() - settings.margin
    cell = place.div(settings.sampling, rounding_mode="floor")
    for right in (0, 1):
        for down in (0, 1):
            corner = cell + torch.tensor([right, down], device=live.device)
            column, row = corner.unbind(1)
            close = (corner * settings.sampling - place).square().sum(1) < settings.sampling**2
            close &= (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
            near[row[close], column[close]] = True
    return near
