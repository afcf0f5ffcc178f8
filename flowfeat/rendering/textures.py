"""Procedural textures: noise of many slopes, bands, patches and stripes, in random colours."""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional


def texture_bank(count: int, size: int, generator: torch.Generator) -> UInt8[Tensor, "{count} 3 {size} {size}"]:
    """`count` textures, each of one of four kinds, one after the other."""
    kinds = (_noise, _bands, _patches, _stripes)
    return torch.stack([_coloured(kinds[i % len(kinds)](size, generator), generator) for i in range(count)])


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _noise(size: int, generator: torch.Generator) -> Float[Tensor, "{size} {size}"]:
    """Octaves of smooth noise, 0..1; how fast they fall with frequency decides between clouds and sand."""
    slope = _uniform(0.4, 1.6, generator)
    total = torch.zeros(size, size)
    cells = 2
    while cells <= size // 2:
        lattice = torch.randn(1, 1, cells, cells, generator=generator)
        octave = functional.interpolate(lattice, (size, size), mode="bicubic", align_corners=False)[0, 0]
        total += octave * cells**-slope
        cells *= 2
    ranks = total.flatten().argsort().argsort().view(size, size)  # as much of every value as of any other
    return ranks / (size * size - 1)


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
