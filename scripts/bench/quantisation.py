"""What storing flow as 8 bits loses, against the formula that cuts to whole levels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from torch import Tensor

from flowfeat.store.planes import decode_plane, encode_plane
from flowfeat.store.quantise import dequantise, measure, quantise

STILL = 0.05  # pixels; a shorter displacement counts as none
BOUNDS = (8.0, 15.0, 20.0, 32.0)
_EVERY = 3  # neighbouring fields are much alike, and each goes through JPEG three times


@dataclass
class Errors:
    """Sums over the components of pixels within the bound, and over those of still pixels; in pixels."""

    squares: float = 0.0
    components: int = 0
    still_errors: float = 0.0
    still_components: int = 0
    worst: float = 0.0

    def add(
        self, error: Float64[np.ndarray, "2 h w"], within: Bool[np.ndarray, "h w"], still: Bool[np.ndarray, "h w"]
    ) -> None:
        """Take in the errors of one field."""
        self.squares += float(np.square(error[:, within]).sum())
        self.components += 2 * int(within.sum())
        self.still_errors += float(error[:, still].sum())
        self.still_components += 2 * int(still.sum())
        self.worst = max(self.worst, float(np.abs(error[:, within]).max(initial=0)))

    def summary(self) -> dict[str, float]:
        return {
            "rmse": (self.squares / self.components) ** 0.5,
            "still_bias": self.still_errors / max(1, self.still_components),
            "worst": self.worst,
        }


def measure_errors(flows: Sequence[Float32[Tensor, "t 2 h w"]], bound: float) -> dict[str, dict[str, float]]:
    """What is lost between the flow and what is read back, for each way to store it; pixels of one component."""
    sums = {name: Errors() for name in ("rounding", "jpeg_95", "jpeg_90", "flooring", "flooring_jpeg_95")}
    for flow in flows:
        for exact, levels in zip(flow[::_EVERY].double().numpy(), quantise(flow[::_EVERY], bound).numpy(), strict=True):
            floored = floor_levels(exact, bound)
            decoded = {
                "rounding": dequantise(levels, bound),
                "jpeg_95": dequantise(_through_jpeg(levels, 95), bound),
                "jpeg_90": dequantise(_through_jpeg(levels, 90), bound),
                "flooring": floored_pixels(floored, bound),
                "flooring_jpeg_95": floored_pixels(_through_jpeg(floored, 95), bound),
            }
            within, still = (np.abs(exact) <= bound).all(0), np.hypot(exact[0], exact[1]) < STILL
            for name, pixels in decoded.items():
                sums[name].add(pixels - exact, within, still)
    return {name: each.summary() for name, each in sums.items()}


def floor_levels(flow: Float64[np.ndarray, "2 h w"], bound: float) -> UInt8[np.ndarray, "2 h w"]:
    """The formula of common extraction scripts: (flow + bound) * 255 / (2 bound), cut to whole numbers."""
    return np.clip((flow + bound) * (255 / (2 * bound)), 0, 255).astype(np.uint8)


def floored_pixels(levels: UInt8[np.ndarray, "2 h w"], bound: float) -> Float64[np.ndarray, "2 h w"]:
    """The inverse that goes with `floor_levels`."""
    return levels.astype(np.float64) * (2 * bound / 255) - bound


def measure_clipping(flows: Sequence[Float32[Tensor, "t 2 h w"]]) -> dict[str, float]:
    """For each bound in pixels, the share of pixels with a component beyond it."""
    pixels = sum(flow[:, 0].numel() for flow in flows)
    return {
        f"{bound:g}": sum(int(measure(flow, bound).clipped_pixels.sum()) for flow in flows) / pixels for bound in BOUNDS
    }


def still_share(flows: Sequence[Float32[Tensor, "t 2 h w"]]) -> float:
    """The share of pixels that move less than `STILL`."""
    return sum(int((flow.norm(dim=1) < STILL).sum()) for flow in flows) / sum(flow[:, 0].numel() for flow in flows)


def _through_jpeg(levels: UInt8[np.ndarray, "2 h w"], quality: int) -> UInt8[np.ndarray, "2 h w"]:
    return np.stack([decode_plane(encode_plane(plane, quality), *plane.shape) for plane in levels])
