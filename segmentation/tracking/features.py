"""What is kept of the frames and the flow at the points of tracks, so that neither need be kept themselves."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class TrackFeatures:
    """One row for each row of `Trajectories.xy`.

    Attributes:
        sigma: the flow's variation around the point, in pixels, see `variation.py`.
        lab: colour of the smoothed frame at the point's pixel, in CIE L*a*b*: L from 0 to 100.
    """

    sigma: Float[np.ndarray, " points"]
    lab: Float[np.ndarray, "points 3"]


def lab(rgb: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """sRGB (IEC 61966-2-1) as CIE L*a*b* under its own white, D65: equal distances look equally far apart.

    Args:
        rgb: 0..255.
    """
    value = rgb / 255
    linear = torch.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = torch.tensor(_SRGB_TO_XYZ, dtype=rgb.dtype, device=rgb.device)
    # The rows' sums are the white: grey has equal shares of it.
    share = linear @ (to_xyz / to_xyz.sum(1, keepdim=True)).T
    cube = torch.where(share > (6 / 29) ** 3, share.clamp(min=0) ** (1 / 3), share / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = cube.unbind(1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


_SRGB_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
