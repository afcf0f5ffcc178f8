"""Textures: noise of many slopes, bands, patches, stripes and leaves in random colours, and pieces of photographs.

The photographs are the two that come with scikit-learn (china.jpg by danielbuechele, flower.jpg by vultilion, both
CC BY 2.0).
"""

import functools
import importlib.util
import math
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn import functional

_LEVELS = 4096


def texture_bank(count: int, size: int, generator: torch.Generator) -> UInt8[Tensor, "{count} 3 {size} {size}"]:
    """`count` textures, each of one of eight kinds, one after the other."""
    made = (_noise, _bands, _patches, _stripes)
    bank = torch.empty(count, 3, size, size, dtype=torch.uint8)
    for i in range(count):
        kind = i % 8
        if kind < len(made):
            bank[i] = _coloured(made[kind](size, generator), generator)
        elif kind < 6:
            bank[i] = _leaves(size, generator)
        else:
            bank[i] = _photograph(size, generator)
    return bank


def texture_means(bank: UInt8[Tensor, "t 3 size size"]) -> Float[Tensor, "t 3"]:
    """The mean colour of each, 0..1."""
    return torch.stack([texture.float().mean((1, 2)) / 255 for texture in bank])


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _noise(size: int, generator: torch.Generator) -> Float[Tensor, "{size} {size}"]:
    """Octaves of smooth noise, 0..1; how fast they fall with frequency decides between clouds and sand."""
    slope = _uniform(0.4, 1.6, generator)
    total = torch.zeros(1, 1, 1, 1)
    cells = 2
    while cells <= size // 2:
        # Each octave is made larger together with the coarser ones below it, which is cheap while they are small.
        total = functional.interpolate(total, (cells, cells), mode="bicubic", align_corners=False)
        total += torch.randn(1, 1, cells, cells, generator=generator) * cells**-slope
        cells *= 2
    return _equalised(functional.interpolate(total, (size, size), mode="bicubic", align_corners=False)[0, 0])


def _equalised(values: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """As much of every value, 0..1, as of any other."""
    low, high = torch.aminmax(values)
    level = ((values - low) * (_LEVELS / (high - low).clamp(min=1e-6))).long().clamp(max=_LEVELS - 1)
    return (level.flatten().bincount(minlength=_LEVELS).cumsum(0) / values.numel()).float()[level]


def _bands(size: int, generator: torch.Generator) -> Float[Tensor, "{size} {size}"]:
    """Wood, marble, water: noise wound around."""
    wound = _noise(size, generator) * _uniform(2, 8, generator)
    sharp = _uniform(1, 6, generator)
    return torch.sigmoid(sharp * torch.sin(2 * math.pi * wound))


def _patches(size: int, generator: torch.Generator) -> Float[Tensor, "{size} {size}"]:
    """A mosaic: every pixel has the value of the nearest of some points, with a little noise."""
    points = torch.rand(int(_uniform(8, 120, generator)), 2, generator=generator) * size
    ramp = torch.arange(size, dtype=torch.float32)
    pixels = torch.cartesian_prod(ramp, ramp)
    nearest = torch.cdist(pixels, points).argmin(1).view(size, size)
    values = torch.rand(len(points), generator=generator)[nearest]
    return (0.85 * values + 0.15 * _noise(size, generator)).clamp(0, 1)


def _stripes(size: int, generator: torch.Generator) -> Float[Tensor, "{size} {size}"]:
    """Stripes or checks, bent by noise."""
    ramp = torch.linspace(0, 1, size)
    bend = _noise(size, generator) * _uniform(0, 0.15, generator)
    x, y = ramp + bend, ramp[:, None] + bend
    lines = _uniform(3, 24, generator)
    wave = torch.sin(2 * math.pi * lines * x)
    if _uniform(0, 1, generator) < 0.5:
        wave = wave * torch.sin(2 * math.pi * _uniform(3, 24, generator) * y)
    shaped = torch.sigmoid(_uniform(2, 12, generator) * wave)
    return (0.8 * shaped + 0.2 * _noise(size, generator)).clamp(0, 1)


def _leaves(size: int, generator: torch.Generator) -> UInt8[Tensor, "3 {size} {size}"]:
    """Discs of all sizes that cover each other: edges and scales are spread as in photographs (Lee et al., 2001)."""
    count, side = 400, np.arange(size, dtype=np.float32)
    low, high = size / 100, size / 3
    share = torch.rand(count, generator=generator)
    radius = (low**-2 + share * (high**-2 - low**-2)) ** -0.5  # density falls with the cube of the radius
    centre = torch.rand(count, 2, generator=generator) * size
    colours = torch.rand(3, generator=generator).lerp(torch.rand(count, 3, generator=generator), 0.8)
    picture = torch.rand(3, 1, 1, generator=generator).repeat(1, size, size)
    painted = picture.numpy()  # the same memory; numpy is quick with many small pieces
    for (x, y), r, colour in zip(centre.tolist(), radius.tolist(), colours.numpy(), strict=True):
        left, right = max(0, math.floor(x - r)), min(size, math.ceil(x + r) + 1)
        top, bottom = max(0, math.floor(y - r)), min(size, math.ceil(y + r) + 1)
        distance = np.sqrt((side[left:right] - x) ** 2 + (side[top:bottom, None] - y) ** 2)
        piece = painted[:, top:bottom, left:right]
        piece += (colour[:, None, None] - piece) * np.clip(r - distance + 0.5, 0, 1)
    shade = 0.8 + 0.4 * _noise(size, generator)
    return ((picture * shade).clamp(0, 1) * 255).round().to(torch.uint8)


def _photograph(size: int, generator: torch.Generator) -> UInt8[Tensor, "3 {size} {size}"]:
    """A piece of a photograph, mirrored, turned by quarters, in other colours."""
    pictures = _photographs()
    picture = pictures[int(torch.randint(len(pictures), (), generator=generator))]
    height, width = picture.shape[1:]
    side = int(_uniform(0.4, 1.0, generator) * min(height, width))
    top = int(torch.randint(height - side + 1, (), generator=generator))
    left = int(torch.randint(width - side + 1, (), generator=generator))
    piece = picture[None, :, top : top + side, left : left + side].float() / 255
    piece = functional.interpolate(piece, (size, size), mode="bilinear", antialias=True)[0]
    piece = torch.rot90(piece, int(torch.randint(4, (), generator=generator)), (1, 2))
    if _uniform(0, 1, generator) < 0.5:
        piece = piece.flip(2)
    if _uniform(0, 1, generator) < 0.3:
        piece = 1 - piece
    piece = piece[torch.randperm(3, generator=generator)] ** math.exp(_uniform(-0.5, 0.5, generator))
    return (piece.clamp(0, 1) * 255).round().to(torch.uint8)


@functools.cache
def _photographs() -> list[UInt8[Tensor, "3 h w"]]:
    # scikit-learn itself takes seconds to import, and only its pictures are wanted.
    package = importlib.util.find_spec("sklearn")
    assert package is not None
    assert package.origin is not None
    pictures = []
    for name in ("china.jpg", "flower.jpg"):
        with Image.open(Path(package.origin).parent / "datasets/images" / name) as picture:
            pictures.append(torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1))
    return pictures


def _coloured(values: Float[Tensor, "s s"], generator: torch.Generator) -> UInt8[Tensor, "3 s s"]:
    """Values through a palette of random colours, with fine grain."""
    count = int(_uniform(2, 6, generator))
    palette = torch.rand(count, 3, generator=generator)
    palette = palette.mean(1, keepdim=True).lerp(palette, _uniform(0.2, 1.0, generator))  # from grey to gaudy
    place = values * (count - 1)
    below = place.floor().long().clamp(0, count - 2)
    picture = torch.lerp(palette[below], palette[below + 1], (place - below)[..., None])
    grain = torch.randn(picture.shape, generator=generator) * _uniform(0, 0.06, generator)
    return ((picture + grain).clamp(0, 1) * 255).round().to(torch.uint8).permute(2, 0, 1)
