"""Layers of scenes: where their pixels go, what outlines they have, and what their surfaces look like; many at a time.

A layer's own coordinates are pixels from its centre in the first frame. There it moves by an affine map and a sum of
waves, so its flow is known exactly; where a pixel of the second frame came from is found by iteration.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional

_INVERSIONS = 4
"""Each makes the error at most `bending` times as large: under a thousandth of a pixel at last."""

_ANGLES = 128

Points = tuple[Tensor, Tensor]
"""x and y, each `b #h #w`: the pixels of a window are a row and a column, and stay it until something bends them."""


@dataclass(frozen=True)
class Layers:
    """Some layers, at most one of each scene of a batch.

    Attributes:
        scene: which one of the batch each is in.
        centre: in the first frame, x and y.
        linear: the affine map's matrix.
        inverse: of `linear`.
        shift: where the centre goes, less where it is.
        bent: which of these layers have waves at all.
        wave_height, wave_number, wave_phase: of the non-rigid motion.
        circle: the matrix that takes the outline to the unit circle, but for its lobes.
        even, odd: the outline's radius at an angle there is `even`, a polynomial of its cosine, plus its sine times
            `odd`, another; the lowest powers first.
        hole: radius of a hole, as a share of the outline's; -1 for none.
        texture: which one of the bank.
        surface: from the layer's coordinates to the texture's pixels.
        contrast: of the texture.
    """

    scene: Int[Tensor, "b"]
    centre: Float[Tensor, "b 2"]
    linear: Float[Tensor, "b 2 2"]
    inverse: Float[Tensor, "b 2 2"]
    shift: Float[Tensor, "b 2"]
    bent: Int[Tensor, "n"]
    wave_height: Float[Tensor, "b waves 2"]
    wave_number: Float[Tensor, "b waves 2"]
    wave_phase: Float[Tensor, "b waves"]
    circle: Float[Tensor, "b 2 2"]
    even: Float[Tensor, "b k"]
    odd: Float[Tensor, "b k"]
    hole: Float[Tensor, "b"]
    texture: Int[Tensor, "b"]
    surface: Float[Tensor, "b 2 2"]
    contrast: Float[Tensor, "b"]

    def to(self, device: torch.device) -> "Layers":
        """The same on a device."""
        return Layers(**{name: value.to(device) for name, value in vars(self).items()})

    def forward(self, own: Points) -> Points:
        """Where own coordinates are in the second frame."""
        x, y = _affine(self.linear, own, self.centre + self.shift)
        if len(self.bent):
            wave_x, wave_y = self._waves((own[0].expand_as(x)[self.bent], own[1].expand_as(y)[self.bent]))
            x.index_add_(0, self.bent, wave_x)
            y.index_add_(0, self.bent, wave_y)
        return x, y

    def backward(self, position: Points) -> Points:
        """The own coordinates of what is at a position of the second frame."""
        arrived = self.centre + self.shift
        x, y = _affine(self.inverse, position, -torch.einsum("bij,bj->bi", self.inverse, arrived))
        if len(self.bent):
            inverse, straight = self.inverse[self.bent], (x[self.bent], y[self.bent])
            own = straight
            for _ in range(_INVERSIONS):
                moved = _affine(inverse, self._waves(own), torch.zeros_like(arrived[self.bent]))
                own = straight[0] - moved[0], straight[1] - moved[1]
            x, y = x.index_copy(0, self.bent, own[0]), y.index_copy(0, self.bent, own[1])
        return x, y

    def _waves(self, own: Points) -> Points:
        """What the waves of the bent layers add to the displacement at own coordinates of these."""
        height, number, phase = (
            each[self.bent, ..., None, None] for each in (self.wave_height, self.wave_number, self.wave_phase)
        )
        x = y = torch.zeros((), device=phase.device)
        for wave in range(phase.shape[1]):
            angle = torch.addcmul(phase[:, wave] + number[:, wave, 1] * own[1], number[:, wave, 0], own[0])
            swing = angle.sin_()
            x, y = x + height[:, wave, 0] * swing, y + height[:, wave, 1] * swing
        return x, y

    def coverage(self, own: Points) -> Float[Tensor, "b h w"]:
        """How much of each pixel of a window the layers cover, 0..1; edges are a pixel wide in the frame.

        The radius as a share of the outline's grows everywhere outwards; how much it does from one pixel to the next
        turns it into pixels.
        """
        x, y = _affine(self.circle, own, torch.zeros_like(self.centre))
        distance = torch.addcmul(x * x, y, y).sqrt_().clamp_(min=1e-6)
        share = distance / self._radius(x.div_(distance), y.div_(distance))
        edge = torch.minimum(1 - share, share - self.hole[:, None, None])
        return edge.div_(_slope(share)).add_(0.5).clamp_(0, 1)

    def _radius(self, cosine: Float[Tensor, "b h w"], sine: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
        """The outline's at an angle, as a share of the unit circle's."""
        even, odd = self.even[..., None, None], self.odd[..., None, None]
        one, other = even[:, -1], odd[:, -1]
        for power in range(self.even.shape[1] - 2, -1, -1):
            one = torch.addcmul(even[:, power], one, cosine)
            other = torch.addcmul(odd[:, power], other, cosine)
        return torch.addcmul(one, other, sine)

    def textures(self, bank: UInt8[Tensor, "t 3 size size"]) -> Float[Tensor, "b 3 size size"]:
        """The layers' textures out of the bank, 0..255."""
        return bank[self.texture].float()

    def colour(
        self, own: Points, textures: Float[Tensor, "b 3 size size"], means: Float[Tensor, "t 3"]
    ) -> Float[Tensor, "b 3 h w"]:
        """What the layers look like at own coordinates, 0..1.

        Args:
            own: own coordinates.
            textures: of the layers.
            means: the mean colour of each texture of the bank, 0..1.
        """
        x, y = _affine(self.surface * (2 / textures.shape[-1]), own, torch.zeros_like(self.centre))
        place = torch.stack([x, y], -1)
        seen = functional.grid_sample(textures, place, padding_mode="reflection", align_corners=False)
        contrast, mean = self.contrast[:, None, None, None], means[self.texture][..., None, None]
        return torch.addcmul(mean * (1 - contrast), seen, contrast / 255)

    def boxes(self) -> tuple[Float[Tensor, "b 2 2"], Float[Tensor, "b 2 2"]]:
        """The least and the greatest x and y that the outlines reach in the first frame, and in the second."""
        angle = torch.arange(_ANGLES, device=self.centre.device) * (2 * math.pi / _ANGLES)
        cosine, sine = angle.cos().expand(len(self.scene), 1, -1), angle.sin().expand(len(self.scene), 1, -1)
        radius = self._radius(cosine, sine)
        inverse = torch.linalg.inv(self.circle)
        own = _affine(inverse, (radius * cosine, radius * sine), torch.zeros_like(self.centre))
        first = own[0] + self.centre[:, :1, None], own[1] + self.centre[:, 1:, None]
        # A pixel for half the width of the edge, and for how far an outline bulges between two angles.
        margin = torch.tensor([[-1.0], [1.0]], device=angle.device)
        return tuple(
            torch.stack([torch.stack([axis.amin((1, 2)), axis.amax((1, 2))], 1) for axis in points], 2) + margin
            for points in (first, self.forward(own))
        )  # type: ignore[return-value]


def _affine(matrix: Float[Tensor, "b 2 2"], points: Points, offset: Float[Tensor, "b 2"]) -> Points:
    x, y = points
    m, t = matrix[..., None, None], offset[..., None, None]
    return (
        torch.addcmul(m[:, 0, 1] * y + t[:, 0], m[:, 0, 0], x),
        torch.addcmul(m[:, 1, 1] * y + t[:, 1], m[:, 1, 0], x),
    )


def _slope(values: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """How steep they are at each pixel, towards the next one to the right and the next one down."""
    slope = torch.empty_like(values)
    right = values[:, :-1, 1:] - values[:, :-1, :-1]
    down = values[:, 1:, :-1] - values[:, :-1, :-1]
    torch.sqrt(torch.addcmul(right.mul_(right), down, down), out=slope[:, :-1, :-1])
    slope[:, -1, :-1], slope[..., -1] = slope[:, -2, :-1], slope[..., -2]
    return slope.clamp_(min=1e-6)
