"""What decides which points are tracked and when they are given up."""

from dataclasses import dataclass
from typing import Literal

Texture = Literal["none", "relative", "paper"]
Interpolation = Literal["nearest", "bilinear"]
Variation = Literal["gaussian", "bilateral"]


@dataclass(frozen=True)
class TrackerSettings:
    """The tracker of Sundaram, Brox and Keutzer (ECCV 2010) with the constants of its public reference code.

    Where our default is another, because objects and masks came out better by it on real sequences, `PAPER` has the
    reference's. Lengths are in pixels, intensities from 0 to 255.

    Attributes:
        sampling: between points of the grid that is seeded; 8 in Ochs et al. (PAMI 2014), 4 in the application table
            of FlowNet 2.0.
        texture: which seeds are refused for lack of texture. `paper` compares the corner strength with its mean over
            the frame and with 1, `relative` with the mean alone, `none` seeds the whole grid: what is flat is followed
            by the flow around it, and masks need points there.
        interpolation: where a point's displacement is read, at its nearest pixel (the reference) or between four.
        variation: the window over which the flow's variation around a point is taken, see `variation.py`.
        smoothing: standard deviation of the Gaussian that frames are smoothed with.
        tensor_smoothing: the same for the structure tensor (rho).
        margin: of the grid to the border of the frame.
        border_decay, relative_threshold, absolute_threshold: with e = exp(-border_decay * pixels to the border), seeds
            have a corner strength of at least mean * (relative_threshold + e), and absolute_threshold + e.
        consistency_slope, consistency_offset: forward and backward flow agree where the square of their sum is below
            slope * (sum of their squares) + offset.
        boundary_slope, boundary_offset: motion has a boundary where the squared gradient of the flow is above
            slope * |flow|^2 + offset.
        variation_window: standard deviation of the Gaussian window of the variation; ours, the original's is not known.
    """

    sampling: int = 8
    texture: Texture = "none"
    interpolation: Interpolation = "nearest"
    variation: Variation = "bilateral"
    smoothing: float = 0.8
    tensor_smoothing: float = 3.0
    margin: int = 4
    border_decay: float = 0.1
    relative_threshold: float = 0.1
    absolute_threshold: float = 1.0
    consistency_slope: float = 0.01
    consistency_offset: float = 0.5
    boundary_slope: float = 0.01
    boundary_offset: float = 0.002
    variation_window: float = 9.0

    def __post_init__(self) -> None:
        if self.sampling < 1:
            raise ValueError(f"points are sampled at least 1 pixel apart, not {self.sampling}")


PAPER = TrackerSettings(texture="paper", variation="gaussian")
"""The reference; 8 pixels between points."""
