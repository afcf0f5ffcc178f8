"""Scenes to pairs of frames: layers composed from the back to the front, and the flow of whichever is in front."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from flowfeat.rendering.canvas import Canvas, Window, window_around
from flowfeat.rendering.draws import Draw
from flowfeat.rendering.layers import Layers
from flowfeat.rendering.scenes import draw_scenes
from flowfeat.rendering.settings import SceneSettings
from flowfeat.rendering.textures import texture_bank, texture_means


@dataclass(frozen=True)
class Rendered:
    """A batch of training pairs.

    Attributes:
        frames: RGB, 0..1.
        flow: from the first frame to the second, in pixels, x first; exact for what is seen in the first frame.
        occluded: pixels of the first frame that are covered in the second, or have left it.
    """

    frames: Float[Tensor, "b 2 3 h w"]
    flow: Float[Tensor, "b 2 h w"]
    occluded: Bool[Tensor, "b h w"]


class Renderer:
    """Renders batches of one kind of scenes on one device.

    Pairs are numbered: batch `n` of `count` holds the pairs from `n * count`. What is in a pair depends on settings,
    size, textures, `seed` and its number alone, not on the batch that it is in; the noise also on the kind of device.
    """

    def __init__(
        self,
        settings: SceneSettings,
        height: int,
        width: int,
        seed: int = 0,
        device: str | torch.device = "cpu",
        textures: int = 128,
        texture_size: int = 256,
    ):
        self.settings, self.height, self.width, self.seed = settings, height, width, seed
        self.device = torch.device(device)
        bank = texture_bank(textures, texture_size, torch.Generator().manual_seed(seed))
        self._bank, self._means = bank.to(self.device), texture_means(bank).to(self.device)

    def batch(self, number: int, count: int) -> Rendered:
        """The batch called `number`, of `count` pairs."""
        pairs = [np.random.default_rng((self.seed, number * count + i)) for i in range(count)]
        scene = draw_scenes(pairs, self.settings, self.height, self.width, len(self._bank))
        first, second, flow, occluded = self._compose(scene, count)
        frames = self._photographed(torch.stack([first, second], 1), pairs)
        return Rendered(frames, flow, occluded)

    def _compose(self, scene: list[Layers], count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Both frames, the flow, and what is occluded."""
        x, y = _row_and_column(self.height, self.width, self.device)
        background = scene[0].to(self.device)
        textures = background.textures(self._bank)
        own = _own(background, (x, y))
        first = Canvas(background.colour(own, textures, self._means))
        second = Canvas(background.colour(background.backward((x, y)), textures, self._means))
        later_x, later_y = background.forward(own)
        # Flow, and which layer is in front: a number that grows towards the camera.
        motion = Canvas(torch.stack([later_x - x, later_y - y, torch.zeros_like(later_x)], 1))
        front_later = Canvas(torch.zeros(count, 1, self.height, self.width, device=self.device))
        for place, drawn in enumerate(scene[1:], 1):
            layers = drawn.to(self.device)
            textures = layers.textures(self._bank)
            before, after = (
                window_around(box, drawn.scene, self.height, self.width, self.device) for box in drawn.boxes()
            )
            if before is not None:
                self._paint_first(first, motion, before, layers, textures, place)
            if after is not None:
                own = layers.backward(after.positions)
                covered = layers.coverage(own)
                second.blend(after, layers.colour(own, textures, self._means), covered)
                front_later.replace(after, torch.full_like(covered, place)[:, None], covered > 0.5)
        flow = motion.values[:, :2].contiguous()
        later = x + flow[:, 0], y + flow[:, 1]
        occluded = self._occluded(later, motion.values[:, 2], front_later.values[:, 0])
        return first.values, second.values, flow, occluded

    def _paint_first(
        self, first: Canvas, motion: Canvas, window: Window, layers: Layers, textures: Tensor, place: int
    ) -> None:
        own = _own(layers, window.positions)
        covered = layers.coverage(own)
        first.blend(window, layers.colour(own, textures, self._means), covered)
        (x, y), (later_x, later_y) = window.positions, layers.forward(own)
        moved = torch.stack([later_x - x, later_y - y, torch.full_like(covered, place)], 1)
        motion.replace(window, moved, covered > 0.5)

    def _occluded(
        self, later: tuple[Tensor, Tensor], front: Float[Tensor, "b h w"], front_later: Float[Tensor, "b h w"]
    ) -> Bool[Tensor, "b h w"]:
        """Where something in front of what moved there is at a position of the second frame, or nothing any more.

        What is there is taken from the nearest pixel, so that edges are right to half a pixel.
        """
        column, row = later[0].round(), later[1].round()
        outside = (column < 0) | (column > self.width - 1) | (row < 0) | (row > self.height - 1)
        index = row.clamp(0, self.height - 1).long() * self.width + column.clamp(0, self.width - 1).long()
        found = front_later.flatten(1).gather(1, index.flatten(1)).view_as(index)
        return outside | (found > front)

    def _photographed(
        self, frames: Float[Tensor, "b 2 3 h w"], pairs: list[np.random.Generator]
    ) -> Float[Tensor, "b 2 3 h w"]:
        """The light changes a little between the frames, and the camera adds noise."""
        lighting, largest = self.settings.lighting, self.settings.noise
        draw = Draw(torch.from_numpy(np.stack([pair.random(7, dtype=np.float32) for pair in pairs])))
        brightness, contrast = draw.normal(lighting, 3, 1, 1), 1 + draw.normal(lighting, 3, 1, 1)
        noise = draw.uniform(0, largest, 1, 1, 1, 1).to(self.device)
        # (v - 1/2) * contrast + 1/2 + brightness
        offset = (0.5 + brightness - 0.5 * contrast).to(self.device)
        frames[:, 1] = torch.addcmul(offset, frames[:, 1], contrast.to(self.device))
        if largest > 0:
            grain, generator = torch.empty_like(frames), torch.Generator(self.device)
            for each, pair in zip(grain, pairs, strict=True):
                each.normal_(generator=generator.manual_seed(int(pair.integers(2**31))))
            frames.addcmul_(grain, noise)
        return frames.clamp_(0, 1)


def _own(layers: Layers, positions: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Own coordinates of positions of the first frame."""
    x, y = positions
    return x - layers.centre[:, :1, None], y - layers.centre[:, 1:, None]


def _row_and_column(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """x and y of every pixel, (1, 1, width) and (1, height, 1)."""
    x = torch.arange(width, device=device, dtype=torch.float32)
    y = torch.arange(height, device=device, dtype=torch.float32)
    return x[None, None], y[None, :, None]
