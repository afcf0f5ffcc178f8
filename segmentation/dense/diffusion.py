"""Labels that spread from tracks like heat, and stop at edges: the quadratic form of Ochs and Brox's energy.

With seeds c and s, conductances g and label functions u_k it is the minimum of

    sum_i c_i (u_k(i) - s_k(i))^2  +  alpha sum_ij g_ij (u_k(i) - u_k(j))^2

which is one sparse linear system for all labels: (C + alpha L) u_k = C s_k. It is solved by conjugate gradients whose
preconditioner is a multigrid cycle, so that labels cross a picture in a few steps, whatever its size.
"""

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
    """The system on one grid: `diagonal` - neighbours, coupled by `right` and `down`."""

    right: Float[Tensor, "h w1"]
    down: Float[Tensor, "h1 w"]
    diagonal: Float[Tensor, "h w"]

    def apply(self, u: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
        """(C + alpha L) u."""
        out = self.diagonal * u
        out[:, :, :-1].addcmul_(self.right, u[:, :, 1:], value=-1)
        out[:, :, 1:].addcmul_(self.right, u[:, :, :-1], value=-1)
        out[:, :-1].addcmul_(self.down, u[:, 1:], value=-1)
        out[:, 1:].addcmul_(self.down, u[:, :-1], value=-1)
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
    levels = grids(seeds.weight, Conductance(alpha * spread.right, alpha * spread.down))
    finest = levels[0]
    wanted = seeds.share
    scale = float(wanted.norm())
    if scale == 0:
        return Solved(torch.zeros_like(wanted), 0, 0.0)
    u = torch.zeros_like(wanted) if start is None else start.clone()
    residual = wanted - finest.apply(u)
    done, direction, before = 0, None, torch.ones((), device=u.device)
    while float(residual.norm()) > tolerance * scale and done < most:
        step = _cycle(levels, 0, residual)
        # All labels share one system, but each is a problem of its own with steps of its own length.
        now = (residual * step).sum((1, 2), keepdim=True)
        direction = step if direction is None else step + now / before.clamp(min=1e-30) * direction
        applied = finest.apply(direction)
        length = now / (direction * applied).sum((1, 2), keepdim=True).clamp(min=1e-30)
        u += length * direction
        residual -= length * applied
        before, done = now, done + 1
    return Solved(u, done, float(residual.norm()) / scale)


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
    return Level(spread.right, spread.down, diagonal)


def _sums(values: Float[Tensor, "h w"], across: bool = True) -> Tensor:
    """Of blocks of two rows and, `across`, two columns; what an odd side has over is a block of its own."""
    height, width = values.shape
    padded = functional.pad(values, (0, width % 2 if across else 0, 0, height % 2))
    rows = padded[0::2] + padded[1::2]
    return rows[:, 0::2] + rows[:, 1::2] if across else rows


def _cycle(levels: list[Level], place: int, wanted: Float[Tensor, "k h w"]) -> Float[Tensor, "k h w"]:
    """One V-cycle: an approximate solution, linear and symmetric in `wanted` as conjugate gradients ask for."""
    level = levels[place]
    inverse = _DAMPING / level.diagonal.clamp(min=1e-12)
    if place + 1 == len(levels):
        u = inverse * wanted
        for _ in range(_COARSEST_SMOOTHINGS):
            u += inverse * (wanted - level.apply(u))
        return u
    u = inverse * wanted
    for _ in range(_SMOOTHINGS - 1):
        u += inverse * (wanted - level.apply(u))
    left = wanted - level.apply(u)
    height, width = left.shape[1:]
    padded = functional.pad(left, (0, width % 2, 0, height % 2))
    rows = padded[:, 0::2] + padded[:, 1::2]
    coarse = _cycle(levels, place + 1, rows[:, :, 0::2] + rows[:, :, 1::2])
    u += coarse.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, :height, :width]
    for _ in range(_SMOOTHINGS):
        u += inverse * (wanted - level.apply(u))
    return u
