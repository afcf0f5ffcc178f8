"""Labels that spread from tracks like heat, and stop at edges: the quadratic form of Ochs and Brox's energy.

With seeds c and s, conductances g and label functions u_k it is the minimum of

    sum_i c_i (u_k(i) - s_k(i))^2  +  alpha sum_ij g_ij (u_k(i) - u_k(j))^2

which is one sparse linear system for all labels: (C + alpha L) u_k = C s_k. It is solved by conjugate gradients whose
preconditioner is a multigrid cycle, so that labels cross a picture in a few steps, whatever its size.

What takes the time is to read and write pictures, so they are read and written as seldom as can be: the system is
scaled to a diagonal of ones, D^-1/2 (C + alpha L) D^-1/2; and as the label functions sum up to one everywhere, the
first label that occurs is not solved for, nor are those that do not occur.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from segmentation.dense.seeds import Conductance, Seeds

_COARSEST = 8
"""Pixels of the shorter side from which on a picture is not halved again."""

_SMOOTHINGS = 2
_COARSEST_SMOOTHINGS = 24
_DAMPING = 0.8
"""Of Jacobi's steps, which smooth best when they go not quite all the way."""


@dataclass(frozen=True)
class Level:
    """The scaled system on one grid: v - what its neighbours add to each pixel, for v = `root` u.

    Attributes:
        right: coupling to the pixel on the right, row after row; 0 at the end of a row, and none for the last pixel.
        down: to the pixel below.
        root: of the diagonal.
    """

    right: Float[Tensor, " n1"]
    down: Float[Tensor, " nw"]
    root: Float[Tensor, "h w"]

    def apply(self, v: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """The system times v."""
        return self._with_neighbours(v.clone(), v, -1)

    def residual(self, v: Float[Tensor, "k h w"], wanted: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """What v leaves of the right-hand side."""
        return self._with_neighbours(wanted - v, v, 1)

    def smoothed(self, v: Float[Tensor, "k h w"], wanted: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """v after one of Jacobi's steps."""
        return self._with_neighbours(torch.lerp(v, wanted, _DAMPING), v, _DAMPING)

    def _with_neighbours(
        self, out: Float[Tensor, "k h w"], v: Float[Tensor, "k h w"], share: float
    ) -> Float[Tensor, "k h w"]:
        """`out`, in place, plus a share of what the neighbours add."""
        width = v.shape[2]
        into, of = out.flatten(1), v.flatten(1)
        into[:, :-1].addcmul_(self.right, of[:, 1:], value=share)
        into[:, 1:].addcmul_(self.right, of[:, :-1], value=share)
        into[:, :-width].addcmul_(self.down, of[:, width:], value=share)
        into[:, width:].addcmul_(self.down, of[:, :-width], value=share)
        return out


@dataclass(frozen=True)
class Solved:
    """Label functions, and how well they solve the system.

    Attributes:
        u: near 0..1; what it is largest for is a pixel's label.
        iterations: of conjugate gradients.
        residual: what is left of the right-hand side, as a share of it.
    """

    u: Float[Tensor, "k h w"]
    iterations: int
    residual: float


def diffuse(
    seeds: Seeds,
    spread: Conductance,
    alpha: float,
    start: Float[Tensor, "k h w"] | None = None,
    tolerance: float = 1e-4,
    most: int = 60,
) -> Solved:
    """The label functions of the energy above, from `start` or from nothing, until the residual is small enough."""
    u = torch.zeros_like(seeds.share)
    scale = float(seeds.share.norm())
    if scale == 0:
        return Solved(u, 0, 0.0)
    implied, *sought = seeds.share.flatten(1).any(1).nonzero().flatten().tolist()
    levels = grids(seeds.weight, Conductance(alpha * spread.right, alpha * spread.down))
    root = levels[0].root
    wanted = seeds.share[sought] / root
    v = torch.zeros_like(wanted) if start is None else start[sought] * root
    residual = wanted if start is None else levels[0].residual(v, wanted)
    done, direction, before = 0, None, torch.ones((), device=u.device)
    left = _norm(residual * root)
    while left > tolerance * scale and done < most:
        step = _cycle(levels, 0, residual)
        # All labels share one system, but each is a problem of its own with steps of its own length.
        now = _products(residual, step)
        direction = step if direction is None else direction.mul_(now / before.clamp(min=1e-30)).add_(step)
        applied = levels[0].apply(direction)
        length = now / _products(direction, applied).clamp(min=1e-30)
        v.addcmul_(length, direction)
        residual = torch.addcmul(residual, length, applied, value=-1)
        left = _norm(residual * root)
        before, done = now, done + 1
    u[sought] = v / root
    u[implied] = 1 - u[sought].sum(0)
    return Solved(u, done, left / scale)


def _products(first: Float[Tensor, "k h w"], second: Float[Tensor, "k h w"]) -> Float[Tensor, "k 1 1"]:
    return (first * second).sum((1, 2), keepdim=True)


def _norm(residual: Float[Tensor, "k h w"]) -> float:
    """Of these labels' residuals together with that of the implied label, which is minus their sum."""
    return math.hypot(float(residual.norm()), float(residual.sum(0).norm()))


def grids(weight: Float[Tensor, "h w"], spread: Conductance) -> list[Level]:
    """The system on the picture, and on pictures of half the size each, down to a few pixels.

    Four pixels become one. Its seeds are theirs; what couples it to the next one is what coupled them across the
    border, halved, because its middle is twice as far away.
    """
    levels = [_level(weight, spread)]
    while min(weight.shape) > _COARSEST:
        height, width = weight.shape
        weight = _sums(weight)
        right = _sums(spread.right[:, 1::2], across=False) / 2
        down = _sums(spread.down[1::2].T, across=False).T / 2
        spread = Conductance(right[:, : (width + 1) // 2 - 1], down[: (height + 1) // 2 - 1])
        levels.append(_level(weight, spread))
    return levels


def _level(weight: Float[Tensor, "h w"], spread: Conductance) -> Level:
    diagonal = weight.clone()
    diagonal[:, :-1] += spread.right
    diagonal[:, 1:] += spread.right
    diagonal[:-1] += spread.down
    diagonal[1:] += spread.down
    root = diagonal.clamp(min=1e-12).sqrt()
    right = functional.pad(spread.right / (root[:, :-1] * root[:, 1:]), (0, 1))
    return Level(right.flatten()[:-1], (spread.down / (root[:-1] * root[1:])).flatten(), root)


def _sums(values: Float[Tensor, "*k h w"], across: bool = True) -> Tensor:
    """Of blocks of two rows and, `across`, two columns; what an odd side has over is a block of its own."""
    height, width = values.shape[-2:]
    if height % 2 or (across and width % 2):
        values = functional.pad(values, (0, width % 2 if across else 0, 0, height % 2))
    rows = values[..., 0::2, :] + values[..., 1::2, :]
    return rows[..., 0::2] + rows[..., 1::2] if across else rows


def _cycle(levels: list[Level], place: int, wanted: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
    """One V-cycle: an approximate solution, linear and symmetric in `wanted` as conjugate gradients ask for."""
    level = levels[place]
    v = _DAMPING * wanted
    if place + 1 == len(levels):
        for _ in range(_COARSEST_SMOOTHINGS):
            v = level.smoothed(v, wanted)
        return v
    for _ in range(_SMOOTHINGS - 1):
        v = level.smoothed(v, wanted)
    left = level.residual(v, wanted).mul_(level.root)
    below = levels[place + 1].root
    coarse = _cycle(levels, place + 1, _sums(left) / below) / below
    height, width = level.root.shape
    v.addcmul_(level.root, coarse.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :height, :width])
    for _ in range(_SMOOTHINGS):
        v = level.smoothed(v, wanted)
    return v
