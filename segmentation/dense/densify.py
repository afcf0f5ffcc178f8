"""From labels of tracks to labels of all pixels of a frame (Ochs and Brox, ICCV 2011)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from segmentation.dense.diffusion import diffuse
from segmentation.dense.seeds import Seeds, conductance, plant
from segmentation.dense.total_variation import minimise_variation


@dataclass(frozen=True)
class DenseSettings:
    """How labels spread.

    Attributes:
        method: nearest track, diffusion that stops at edges, or total variation.
        alpha: how much smoothness counts beside the tracks' own labels.
        edge: the distance of colours, in grey levels, at which an edge counts as one.
        floor: conductance over the strongest edge, so that regions without tracks get a label too.
    """

    method: Literal["nearest", "diffusion", "variation"] = "diffusion"
    alpha: float = 2.0
    edge: float = 12.0
    floor: float = 1e-3


@dataclass(frozen=True)
class Dense:
    """A frame with a label at every pixel.

    Attributes:
        labels: 0 to k - 1.
        u: the label functions that the next frame can begin from; None of nearest tracks.
        iterations: of the solver.
    """

    labels: Int[Tensor, "h w"]
    u: Float[Tensor, "k h w"] | None
    iterations: int


def densify(
    image: UInt8[Tensor, "3 h w"],
    xy: Float[np.ndarray, "n 2"],
    labels: Int[np.ndarray, " n"],
    count: int,
    settings: DenseSettings,
    start: Float[Tensor, "k h w"] | None = None,
) -> Dense:
    """The labels of all pixels of a frame.

    Args:
        image: RGB, on the device that is to compute.
        xy: where tracks run through the frame, in pixels.
        labels: theirs, 0 to `count` - 1.
        count: of labels.
        start: label functions of the frame before, warped here; they make the solver quicker, not the result another.

    Raises:
        ValueError: no track lies inside the frame, so there is nothing to spread.
    """
    height, width = image.shape[1:]
    seeds = plant(xy, labels, count, (height, width), image.device)
    if not bool(seeds.weight.any()):
        raise ValueError("no track runs through the frame")
    if settings.method == "nearest":
        return Dense(nearest(seeds), None, 0)
    spread = conductance(image, settings.edge, settings.floor)
    solved = diffuse(seeds, spread, settings.alpha, start)
    if settings.method == "variation":
        solved = minimise_variation(seeds, spread, settings.alpha, solved.u)
    return Dense(solved.u.argmax(0), solved.u, solved.iterations)


def nearest(seeds: Seeds) -> Int[Tensor, "h w"]:
    """The label of the nearest pixel that a track runs through; of several tracks on it, of most of them."""
    weight = seeds.weight.cpu().numpy()
    places = distance_transform_edt(weight == 0, return_distances=False, return_indices=True)
    row, column = np.asarray(places)
    return seeds.share.argmax(0)[torch.from_numpy(row).long(), torch.from_numpy(column).long()]
