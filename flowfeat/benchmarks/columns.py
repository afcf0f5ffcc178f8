"""The columns of the tables: which pixels of a pair count, what is averaged over them, and how pairs are joined.

Two means are in use and differ. Over pairs: each pair's mean first, then their mean; so are endpoint errors reported,
and everything of KITTI 2012 (its development kit averages over images). Over pixels: all pixels of all pairs
together; so are Fl of KITTI 2015 (its kit adds pixels up) and every column of a region, as a pair in which nothing
moves 40 pixels has no error there. Where all frames have one size and all pixels count, both are the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flowfeat.benchmarks.regions import distance_to_occlusions, motion_boundaries, textured
from flowfeat.datasets import FlowSample
from flowfeat.metrics import (
    Mean,
    angular_error,
    endpoint_error,
    length,
    masked_mean,
    mean_over_pairs,
    mean_over_pixels,
    outliers,
)


class Scene:
    """One pair's truth, and the masks of it that columns ask for, each made once for all methods."""

    def __init__(self, sample: FlowSample, truth: Float[np.ndarray, "2 h w"]):
        self.truth = torch.from_numpy(truth).double()
        self.valid = torch.from_numpy(sample.valid)
        self._sample = sample

    @cached_property
    def displacement(self) -> Float[Tensor, "h w"]:
        return length(self.truth)

    @cached_property
    def occluded(self) -> Bool[Tensor, "h w"] | None:
        return None if self._sample.occluded is None else torch.from_numpy(self._sample.occluded)

    @cached_property
    def from_occlusion(self) -> Float[Tensor, "h w"] | None:
        hidden = self._sample.occluded
        return None if hidden is None else torch.from_numpy(distance_to_occlusions(hidden))

    @cached_property
    def at_boundary(self) -> Bool[Tensor, "h w"]:
        return torch.from_numpy(motion_boundaries(self.truth.numpy(), self._sample.valid))

    @cached_property
    def textured(self) -> Bool[Tensor, "h w"]:
        return torch.from_numpy(textured(self._sample.frames[0]))


class Estimate:
    """The flow that a method computed for a scene, and its error, made once for all columns."""

    def __init__(self, flow: Float[Tensor, "2 h w"], scene: Scene):
        self.flow = flow
        self.scene = scene

    @cached_property
    def error(self) -> Float[Tensor, "h w"]:
        return endpoint_error(self.flow, self.scene.truth)


Where = Callable[[Scene], Bool[Tensor, "h w"] | None]
What = Callable[[Estimate], Float[Tensor, "h w"] | Bool[Tensor, "h w"]]


@dataclass(frozen=True)
class Column:
    """A number of the tables.

    Attributes:
        what: the value of each pixel.
        where: the pixels that count; None where the data set cannot say.
        over: what is averaged: each pair's mean, or all pixels together.
        unit: `px`, `degrees`, or `%` for shares, which are stored as fractions.
        meaning: in words.
    """

    what: What
    where: Where
    over: Literal["pairs", "pixels"]
    unit: Literal["px", "degrees", "%"]
    meaning: str

    def of_pair(self, estimate: Estimate) -> Mean | None:
        """The mean over this column's pixels of one pair; None where it has none."""
        mask = self.where(estimate.scene)
        return None if mask is None else masked_mean(self.what(estimate), mask & estimate.scene.valid)

    def of_pairs(self, means: list[Mean]) -> float | None:
        """The pairs joined."""
        return mean_over_pairs(means) if self.over == "pairs" else mean_over_pixels(means)


def _error(estimate: Estimate) -> Float[Tensor, "h w"]:
    return estimate.error


def _all(scene: Scene) -> Bool[Tensor, "h w"]:
    return scene.valid


def _seen(scene: Scene) -> Bool[Tensor, "h w"] | None:
    return None if scene.occluded is None else ~scene.occluded


def _moving(least: float, most: float) -> Where:
    return lambda scene: (scene.displacement >= least) & (scene.displacement < most)


def _from_occlusion(least: float, most: float) -> Where:
    def where(scene: Scene) -> Bool[Tensor, "h w"] | None:
        distance = scene.from_occlusion
        return None if distance is None else (distance >= least) & (distance < most)

    return where


def _region(where: Where, meaning: str) -> Column:
    return Column(_error, where, "pixels", "px", f"endpoint error {meaning}")


def _wrong(relative: bool, where: Where, over: Literal["pairs", "pixels"], meaning: str) -> Column:
    return Column(lambda found: outliers(found.error, found.scene.truth, relative), where, over, "%", meaning)


_THREE, _FIVE = "share of pixels with an error above 3 px", "share of pixels with an error above 3 px and 5 %"
_EVER = float("inf")

COLUMNS: dict[str, Column] = {
    "EPE": Column(_error, _all, "pairs", "px", "endpoint error"),
    "EPE-noc": Column(_error, _seen, "pairs", "px", "endpoint error of what stays in the picture"),
    "AAE": Column(
        lambda found: angular_error(found.flow, found.scene.truth), _all, "pairs", "degrees", "angular error"
    ),
    "Fl-all": _wrong(True, _all, "pixels", _FIVE),
    "Fl-noc": _wrong(True, _seen, "pixels", f"{_FIVE}, of what stays in the picture"),
    "Out-all": _wrong(False, _all, "pairs", _THREE),
    "Out-noc": _wrong(False, _seen, "pairs", f"{_THREE}, of what stays in the picture"),
    "<1px": Column(lambda found: found.error < 1, _all, "pixels", "%", "share with an error below 1 px"),
    "s0-1": _region(_moving(0, 1), "where the displacement is below 1 px"),
    "s0-10": _region(_moving(0, 10), "where the displacement is below 10 px"),
    "s10-40": _region(_moving(10, 40), "where the displacement is 10 to 40 px"),
    "s40+": _region(_moving(40, _EVER), "where the displacement is 40 px or more"),
    "edges": _region(lambda scene: scene.at_boundary, "within 4 px of an edge of the motion"),
    "bare": _region(lambda scene: ~scene.textured, "in homogeneous regions"),
    "textured": _region(lambda scene: scene.textured, "in textured regions"),
    "matched": _region(_seen, "of what is seen in both frames"),
    "unmatched": _region(lambda scene: scene.occluded, "of what is hidden in the second frame"),
    "d0-10": _region(_from_occlusion(0, 10), "less than 10 px from an edge of an occlusion"),
    "d10-60": _region(_from_occlusion(10, 60), "10 to 60 px from an edge of an occlusion"),
    "d60-140": _region(_from_occlusion(60, 140), "60 to 140 px from an edge of an occlusion"),
}

_SPEEDS = ("s0-1", "s0-10", "s10-40", "s40+")
_DENSE = ("<1px", *_SPEEDS, "edges", "bare", "textured")
_OCCLUSIONS = ("matched", "unmatched", "d0-10", "d10-60", "d60-140")

# KITTI's truth has gaps between the lines of its laser, so edges of the motion cannot be seen in it.
COLUMNS_OF: dict[str, tuple[str, ...]] = {
    "sintel": ("EPE", "Fl-all", *_DENSE, *_OCCLUSIONS),
    "kitti2012": ("EPE", "EPE-noc", "Out-all", "Out-noc", "<1px", *_SPEEDS, "bare", "textured"),
    "kitti2015": ("EPE", "EPE-noc", "Fl-all", "Fl-noc", "<1px", *_SPEEDS, "bare", "textured"),
    "middlebury": ("EPE", "AAE", "Fl-all", *_DENSE),
    "flyingchairs": ("EPE", "Fl-all", *_DENSE),
    "chairssdhom": ("EPE", "Fl-all", *_DENSE),
    "things3d": ("EPE", "Fl-all", *_DENSE, *_OCCLUSIONS),
    "hd1k": ("EPE", "Fl-all", "<1px", *_SPEEDS, "bare", "textured"),
}
"""The columns that are measured on each data set, in the order of its table."""
