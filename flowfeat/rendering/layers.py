"""A layer of a scene: where its pixels go, what outline it has, and what its surface looks like; a batch at a time.

A layer's own coordinates are pixels from its centre in the first frame. There it moves by an affine map and a sum of
waves, so its flow is known exactly; where a pixel of the second frame came from is found by iteration.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

from flowfeat.rendering.settings import SceneSettings

_WAVES = 2
_LOBES = 5
_INVERSIONS = 5
"""Each makes the error at most `bending` times as large: 1e-5 of the waves' few pixels at last."""


@dataclass(frozen=True)
class Layers:
    """One layer of each scene of a batch.

    Attributes:
        centre: in the first frame, x and y.
        linear: the affine map's matrix.
        shift: where the centre goes, less where it is.
        wave_height, wave_number, wave_phase: of the non-rigid motion.
        radius: of the outline; infinite for a background.
        lobes: cosines and sines of the outline's radius around the centre, as shares of it.
        hole: radius of a hole, as a share of the outline's; 0 for none.
        stretch: the matrix that makes ellipses of circles.
        texture: which one of the bank.
        surface: from the layer's coordinates to the texture's.
        contrast: of the texture.
        present: whether the scene has this layer at all.
    """

    centre: Float[Tensor, "b 2"]
    linear: Float[Tensor, "b 2 2"]
    shift: Float[Tensor, "b 2"]
    wave_height: Float[Tensor, "b 2 w"]
    wave_number: Float[Tensor, "b w 2"]
    wave_phase: Float[Tensor, "b w"]
    radius: Float[Tensor, "b"]
    lobes: Float[Tensor, "b 2 k"]
    hole: Float[Tensor, "b"]
    stretch: Float[Tensor, "b 2 2"]
    texture: Int[Tensor, "b"]
    surface: Float[Tensor, "b 2 2"]
    contrast: Float[Tensor, "b"]
    present: Bool[Tensor, "b"]

    def to(self, device: torch.device) -> "Layers":
        """The same on a device."""
        return Layers(**{name: value.to(device) for name, value in vars(self).items()})

    @property
    def reach(self) -> tuple[float, float]:
        """How far from its centre any of the layers reaches in the first frame, and in the second."""
        outline = 1 + torch.linalg.vector_norm(self.lobes, dim=1).sum(1)
        first = self.radius * outline / torch.linalg.svdvals(self.stretch)[:, -1]
        waves = torch.linalg.vector_norm(self.wave_height, dim=1).sum(1)
        second = first * torch.linalg.svdvals(self.linear)[:, 0] + waves
        return float(first.max()) + 1, float(second.max()) + 1

    def forward(self, own: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
        """Where own coordinates are in the second frame."""
        return _times(self.linear, own) + self._waves(own) + (self.centre + self.shift)[..., None, None]

    def backward(self, position: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
        """The own coordinates of what is at a position of the second frame."""
        inverse = torch.linalg.inv(self.linear)
        straight = _times(inverse, position - (self.centre + self.shift)[..., None, None])
        own = straight
        for _ in range(_INVERSIONS):
            own = straight - _times(inverse, self._waves(own))
        return own

    def _waves(self, own: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
        phase = torch.einsum("bwc,bchv->bwhv", self.wave_number, own) + self.wave_phase[..., None, None]
        return torch.einsum("bcw,bwhv->bchv", self.wave_height, torch.sin(phase))

    def coverage(self, own: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 1 h w"]:
        """How much of each pixel the layer covers, 0..1; edges are a pixel wide."""
        round_ = _times(self.stretch, own)
        distance = torch.hypot(round_[:, 0], round_[:, 1]).clamp(min=1e-3)
        cosine, sine = round_[:, 0] / distance, round_[:, 1] / distance
        outline = torch.ones_like(distance)
        c, s = cosine, sine
        for lobe in range(self.lobes.shape[2]):
            outline = outline + self.lobes[:, 0, lobe, None, None] * c + self.lobes[:, 1, lobe, None, None] * s
            c, s = c * cosine - s * sine, s * cosine + c * sine  # the next multiple of the angle
        radius = self.radius[:, None, None]
        inside = outline * radius - distance
        edge = torch.minimum(inside, distance - self.hole[:, None, None] * radius * outline)
        covered = torch.where(self.hole[:, None, None] > 0, edge, inside)
        covered = torch.where(torch.isinf(radius), torch.ones_like(covered), (covered + 0.5).clamp(0, 1))
        return (covered * self.present[:, None, None])[:, None]

    def colour(self, own: Float[Tensor, "b 2 h w"], bank: UInt8[Tensor, "t 3 size size"]) -> Float[Tensor, "b 3 h w"]:
        """What the layer looks like at own coordinates, 0..1."""
        pictures = bank[self.texture].float() / 255
        place = _times(self.surface, own) * (2 / bank.shape[-1])
        seen = functional.grid_sample(
            pictures, place.permute(0, 2, 3, 1), mode="bilinear", padding_mode="reflection", align_corners=False
        )
        mean = pictures.mean((2, 3), keepdim=True)
        return mean + (seen - mean) * self.contrast[:, None, None, None]


def _times(matrix: Float[Tensor, "b 2 2"], points: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
    return torch.einsum("bij,bjhw->bihw", matrix, points)


@dataclass(frozen=True)
class Draw:
    """Random numbers for a batch of layers."""

    count: int
    generator: torch.Generator

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(self.count, *shape, generator=self.generator)

    def one(self, low: float, high: float) -> Tensor:
        """A single number for the whole batch."""
        return low + (high - low) * torch.rand((), generator=self.generator)

    def normal(self, deviation: float, *shape: int) -> Tensor:
        return deviation * torch.randn(self.count, *shape, generator=self.generator)

    def chance(self, share: float) -> Tensor:
        return torch.rand(self.count, generator=self.generator) < share

    def motion(self, median: float, spread: float, largest: float) -> Tensor:
        """(count, 2): displacements of log-normal lengths in any direction."""
        length = (median * torch.exp(self.normal(spread))).clamp(max=largest)
        angle = self.uniform(0, 2 * math.pi)
        return torch.stack([length * angle.cos(), length * angle.sin()], 1)

    def turned(self, rotation: float, scaling: float) -> Tensor:
        """(count, 2, 2): matrices that turn and scale a little."""
        return rotations(self.normal(rotation)) * torch.exp(self.normal(scaling))[:, None, None]


def rotations(angle: Float[Tensor, "b"]) -> Float[Tensor, "b 2 2"]:
    """The matrices that turn by an angle."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cosine, -sine], 1), torch.stack([sine, cosine], 1)], 1)


def draw_background(draw: Draw, settings: SceneSettings, height: int, width: int, textures: int) -> Layers:
    """The layers behind all others."""
    short, still = min(height, width), draw.chance(settings.still)
    shift = draw.motion(*settings.background_motion, largest=0.3 * short)
    linear = draw.turned(settings.rotation / 4, settings.scaling / 4)
    moved = ~still[:, None]
    plain = draw.chance(settings.plain)
    layers = _draw(draw, settings, short, textures)
    return Layers(
        **{
            **vars(layers),
            "centre": torch.tensor([[width / 2, height / 2]]).expand(draw.count, 2),
            "linear": torch.where(moved[..., None], linear, torch.eye(2)),
            "shift": shift * moved,
            "wave_height": layers.wave_height * moved[..., None] * draw.chance(0.3)[:, None, None],
            "radius": torch.full((draw.count,), math.inf),
            "contrast": torch.where(plain, draw.uniform(0, 0.05), layers.contrast),
            "present": torch.ones(draw.count, dtype=torch.bool),
        }
    )


def draw_object(
    draw: Draw, settings: SceneSettings, background: Layers, height: int, width: int, textures: int, share: float
) -> Layers:
    """Layers in front, each in `share` of the scenes; they move with the background, and by themselves."""
    short = min(height, width)
    layers = _draw(draw, settings, short, textures)
    centre = torch.stack([draw.uniform(0, width), draw.uniform(0, height)], 1)
    carried = torch.einsum("bij,bj->bi", background.linear, centre - background.centre)
    own = draw.motion(*settings.object_motion, largest=0.4 * short)
    return Layers(
        **{
            **vars(layers),
            "centre": centre,
            "linear": background.linear @ draw.turned(settings.rotation, settings.scaling),
            "shift": background.centre + background.shift + carried - centre + own,
            "present": draw.chance(share),
        }
    )


def _draw(draw: Draw, settings: SceneSettings, short: int, textures: int) -> Layers:
    """What layers of both kinds have, with the motion of objects left out."""
    # Waves whose heights times numbers sum up to no more than the bending.
    length = draw.uniform(0.3, 1.5, _WAVES) * short
    number = 2 * math.pi / length
    turn = draw.uniform(0, 2 * math.pi, _WAVES)
    numbers = torch.stack([number * turn.cos(), number * turn.sin()], 2)
    heights = draw.uniform(0, settings.bending / _WAVES, _WAVES) / number
    turn = draw.uniform(0, 2 * math.pi, _WAVES)
    bent = draw.chance(0.4)[:, None, None]
    zoom = torch.exp(draw.uniform(math.log(0.4), math.log(1.6)))
    low, high = settings.radius
    fall = torch.arange(1, _LOBES + 1) ** -1.0
    return Layers(
        centre=torch.zeros(draw.count, 2),
        linear=torch.eye(2).expand(draw.count, 2, 2),
        shift=torch.zeros(draw.count, 2),
        wave_height=torch.stack([heights * turn.cos(), heights * turn.sin()], 1) * bent,
        wave_number=numbers,
        wave_phase=draw.uniform(0, 2 * math.pi, _WAVES),
        # Much the same in all scenes of a batch, so that windows around the objects fit all of them.
        radius=torch.exp(draw.one(math.log(low), math.log(high)) + draw.uniform(-0.2, 0)) * short,
        lobes=draw.normal(0.18, 2, _LOBES) * fall * draw.chance(0.8)[:, None, None],
        hole=draw.uniform(0.4, 0.8) * draw.chance(0.15),
        stretch=_stretched(draw),
        texture=torch.randint(textures, (draw.count,), generator=draw.generator),
        surface=rotations(draw.uniform(0, 2 * math.pi)) * zoom[:, None, None],
        contrast=draw.uniform(0.5, 1.0),
        present=torch.ones(draw.count, dtype=torch.bool),
    )


def _stretched(draw: Draw) -> Tensor:
    """(count, 2, 2): from bars to discs, in any direction."""
    longer = torch.exp(draw.uniform(0, math.log(4)) * draw.chance(0.5))
    turn = rotations(draw.uniform(0, 2 * math.pi))
    return torch.diag_embed(torch.stack([1 / longer.sqrt(), longer.sqrt()], 1)) @ turn
