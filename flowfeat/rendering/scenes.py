"""Scenes drawn at random: a background and the objects in front of it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from flowfeat.rendering.draws import Draw, rotations
from flowfeat.rendering.layers import Layers
from flowfeat.rendering.settings import SceneSettings

_WAVES = 2
_LOBES = 5
_SMALLEST_RADIUS = 0.3
"""Of an outline anywhere, as a share of its mean."""
_THINNEST = 3.0
"""Pixels, of what is left around a hole."""
_NUMBERS = 48
"""As many as one layer draws, or more."""


def draw_scenes(
    pairs: Sequence[np.random.Generator], settings: SceneSettings, height: int, width: int, textures: int
) -> list[Layers]:
    """The layers of a scene for each generator, from the back to the front: of all scenes, then of those that have it.

    Each scene takes its numbers from its own generator, so that it does not depend on those beside it.
    """
    fewest, most = settings.objects
    table = np.stack([pair.random((2 + most, _NUMBERS), dtype=np.float32) for pair in pairs])
    numbers = torch.from_numpy(table)
    order = Draw(numbers[:, 0])
    background = draw_background(Draw(numbers[:, 1]), settings, height, width, textures)
    # Which ones of the objects' places are taken: their sizes differ, so that these are not always the first.
    wanted = fewest + order.whole(most - fewest + 1)
    taken = order.uniform(0, 1, most).argsort(1).argsort(1) < wanted[:, None]
    objects = []
    for place in range(most):
        scene = taken[:, place].nonzero()[:, 0]
        if len(scene):
            draw = Draw(numbers[scene, 2 + place])
            radius = radius_range(settings, place)
            objects.append(draw_object(draw, settings, background, scene, radius, height, width, textures))
    return [background, *objects]


def draw_background(draw: Draw, settings: SceneSettings, height: int, width: int, textures: int) -> Layers:
    """The layers behind all others, one of each scene."""
    short, moved = min(height, width), ~draw.chance(settings.still)
    shift = draw.motion(*settings.background_motion, largest=0.3 * short)
    linear = draw.turned(settings.rotation / 4, settings.scaling / 4)
    plain, bent = draw.chance(settings.plain), draw.chance(0.12)
    contrast = torch.where(plain, draw.uniform(0, 0.05), draw.uniform(0.5, 1.0))
    return _layers(
        draw,
        settings,
        short,
        textures,
        scene=torch.arange(draw.count),
        centre=torch.tensor([[width / 2, height / 2]]).expand(draw.count, 2),
        linear=torch.where(moved[:, None, None], linear, torch.eye(2)),
        shift=shift * moved[:, None],
        bent=(moved & bent).nonzero()[:, 0],
        contrast=contrast,
        radius=torch.ones(draw.count),
    )


def draw_object(
    draw: Draw,
    settings: SceneSettings,
    background: Layers,
    scene: Int[Tensor, "b"],
    radius: tuple[float, float],
    height: int,
    width: int,
    textures: int,
) -> Layers:
    """Layers in front, one in each of these scenes; they move with the background, and by themselves."""
    short = min(height, width)
    centre = torch.stack([draw.uniform(0, width), draw.uniform(0, height)], 1)
    linear, middle = background.linear[scene], background.centre[scene]
    carried = torch.einsum("bij,bj->bi", linear, centre - middle)
    own = draw.motion(*settings.object_motion, largest=0.4 * short)
    return _layers(
        draw,
        settings,
        short,
        textures,
        scene=scene,
        centre=centre,
        linear=linear @ draw.turned(settings.rotation, settings.scaling),
        shift=middle + background.shift[scene] + carried - centre + own,
        bent=draw.chance(0.4).nonzero()[:, 0],
        contrast=draw.uniform(0.5, 1.0),
        radius=torch.exp(draw.uniform(math.log(radius[0]), math.log(radius[1]))) * short,
    )


def radius_range(settings: SceneSettings, place: int) -> tuple[float, float]:
    """Between which radii an object is, as shares of the shorter side.

    Each place has its own part of the whole range, so that the objects painted together are much of a size and a
    window that holds one holds any; which place has which part has no order.
    """
    most = settings.objects[1]
    part = int(torch.randperm(most, generator=torch.Generator().manual_seed(0))[place])
    low, high = settings.radius
    return low * (high / low) ** (part / most), low * (high / low) ** ((part + 1) / most)


def _layers(
    draw: Draw,
    settings: SceneSettings,
    short: int,
    textures: int,
    radius: Float[Tensor, "b"],
    linear: Float[Tensor, "b 2 2"],
    **given: Tensor,
) -> Layers:
    """Layers with what is drawn alike for backgrounds and objects."""
    # Waves whose heights times numbers sum up to no more than the bending.
    number = 2 * math.pi / (draw.uniform(0.3, 1.5, _WAVES) * short)
    turn, swing = draw.uniform(0, 2 * math.pi, _WAVES), draw.uniform(0, 2 * math.pi, _WAVES)
    height = draw.uniform(0, settings.bending / _WAVES, _WAVES) / number
    longer = torch.exp(draw.uniform(0, math.log(4)) * draw.chance(0.5))
    stretch = torch.diag_embed(torch.stack([1 / longer.sqrt(), longer.sqrt()], 1))
    even, odd = _outline(draw)
    ring, thin = draw.chance(0.15), 1 - _THINNEST * longer.sqrt() / (_SMALLEST_RADIUS * radius)
    hole = torch.minimum(draw.uniform(0.4, 0.8), thin)
    zoom = torch.exp(draw.uniform(math.log(0.4), math.log(1.6)))
    return Layers(
        linear=linear,
        inverse=torch.linalg.inv(linear),
        wave_height=torch.stack([height * swing.cos(), height * swing.sin()], 2),
        wave_number=torch.stack([number * turn.cos(), number * turn.sin()], 2),
        wave_phase=draw.uniform(0, 2 * math.pi, _WAVES),
        circle=stretch @ rotations(draw.uniform(0, 2 * math.pi)) / radius[:, None, None],
        even=even,
        odd=odd,
        hole=torch.where(ring & (hole > 0.2), hole, -1.0),
        texture=draw.whole(textures),
        surface=rotations(draw.uniform(0, 2 * math.pi)) * zoom[:, None, None],
        **given,
    )


def _outline(draw: Draw) -> tuple[Float[Tensor, "b k"], Float[Tensor, "b k"]]:
    """1 plus lobes, cosines and sines of multiples of the angle, as polynomials of the cosine (Layers.even and .odd).

    Chebyshev's: cos(k a) is T_k of the cosine, and sin(k a) is the sine times U_(k-1) of it.
    """
    lobes = draw.normal(0.18, 2, _LOBES) / torch.arange(1, _LOBES + 1) * draw.chance(0.8)[:, None, None]
    swing = torch.linalg.vector_norm(lobes, dim=1).sum(1)
    lobes = lobes * ((1 - _SMALLEST_RADIUS) / swing).clamp(max=1)[:, None, None]
    first, second = torch.zeros(_LOBES + 1, _LOBES + 1), torch.zeros(_LOBES + 1, _LOBES + 1)
    first[0, 0] = first[1, 1] = second[1, 0] = 1
    second[2, 1] = 2
    for k in range(2, _LOBES + 1):
        first[k, 1:] = 2 * first[k - 1, :-1]
        first[k] -= first[k - 2]
        if k > 2:
            second[k, 1:] = 2 * second[k - 1, :-1]
            second[k] -= second[k - 2]
    even = first[0] + lobes[:, 0] @ first[1:]
    return even, lobes[:, 1] @ second[1:]
