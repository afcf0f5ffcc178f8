"""Scenes to pairs of frames: layers composed from the back to the front, and the flow of whichever is in front."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from flowfeat.rendering.layers import Draw, Layers, draw_background, draw_object
from flowfeat.rendering.settings import SceneSettings
from flowfeat.rendering.textures import texture_bank


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

    Which scenes a batch holds depends on `seed` and its number alone; the noise also on the kind of device.
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
        self._bank = texture_bank(textures, texture_size, torch.Generator().manual_seed(seed)).to(self.device)

    def batch(self, number: int, count: int) -> Rendered:
        """The batch called `number`, of `count` pairs."""
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + number) % 2**63)
        first, second, flow, occluded = self._compose(self._scene(Draw(count, generator)), count)
        frames = self._photographed(torch.stack([first, second], 1), count, generator)
        return Rendered(frames, flow, occluded)

    def _scene(self, draw: Draw) -> list[Layers]:
        """From the back to the front."""
        fewest, most = self.settings.objects
        size = self.height, self.width
        background = draw_background(draw, self.settings, *size, len(self._bank))
        wanted = torch.randint(fewest, most + 1, (draw.count,), generator=draw.generator)
        objects = [draw_object(draw, self.settings, background, *size, len(self._bank), 1.0) for _ in range(most)]
        present = [Layers(**{**vars(layers), "present": wanted > place}) for place, layers in enumerate(objects)]
        return [background, *present]

    def _compose(self, scene: list[Layers], count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Both frames, the flow, and what is occluded."""
        background = scene[0].to(self.device)
        grid = _grid(self.height, self.width, self.device).expand(count, -1, -1, -1)
        own = grid - background.centre[..., None, None]
        first = _Canvas(background.colour(own, self._bank))
        second = _Canvas(background.colour(background.backward(grid), self._bank))
        flow, nobody = _Canvas(background.forward(own) - grid), torch.zeros(count, 1, self.height, self.width)
        front, front_later = _Canvas(nobody.to(self.device)), _Canvas(nobody.to(self.device))
        for place, drawn in enumerate(scene[1:], 1):
            layers = drawn.to(self.device)
            reach, reach_later = drawn.reach
            window = first.window(layers.centre, reach)
            own = window.positions - layers.centre[..., None, None]
            covered = layers.coverage(own)
            first.lay(window, layers.colour(own, self._bank), covered)
            seen = (covered > 0.5).float()
            flow.lay(window, layers.forward(own) - window.positions, seen)
            front.lay(window, torch.full_like(seen, place), seen)
            window = second.window(layers.centre + layers.shift, reach_later)
            own = layers.backward(window.positions)
            covered = layers.coverage(own)
            second.lay(window, layers.colour(own, self._bank), covered)
            front_later.lay(window, torch.full_like(covered, place), (covered > 0.5).float())
        occluded = self._occluded(grid + flow.values, front.values, front_later.values)
        return first.values, second.values, flow.values, occluded

    def _occluded(self, later: Tensor, front: Tensor, front_later: Tensor) -> Tensor:
        """Where what is in front at a position of the second frame is not what moved there."""
        column, row = later[:, 0].round(), later[:, 1].round()
        outside = (column < 0) | (column > self.width - 1) | (row < 0) | (row > self.height - 1)
        index = row.clamp(0, self.height - 1).long() * self.width + column.clamp(0, self.width - 1).long()
        found = front_later.flatten(1).gather(1, index.flatten(1)).view_as(index)
        return outside | (found != front[:, 0])

    def _photographed(self, frames: Tensor, count: int, generator: torch.Generator) -> Tensor:
        """The light changes a little between the frames, and the camera adds noise."""
        lighting, largest = self.settings.lighting, self.settings.noise
        draw = Draw(count, generator)
        brightness, contrast = draw.normal(lighting, 3), 1 + draw.normal(lighting, 3)
        noise = draw.uniform(0, largest)
        to = self.device
        brightness, contrast, noise = brightness.to(to), contrast.to(to), noise.to(to)
        second = (frames[:, 1] - 0.5) * contrast[..., None, None] + 0.5 + brightness[..., None, None]
        frames = torch.stack([frames[:, 0], second], 1)
        seed = int(torch.randint(2**31, (), generator=generator))
        grain = torch.randn(frames.shape, generator=torch.Generator(to).manual_seed(seed), device=to)
        return (frames + grain * noise[:, None, None, None, None]).clamp(0, 1)


@dataclass(frozen=True)
class _Window:
    """A square of pixels around a place, another one in each scene; `inside` says which lie in the frame."""

    positions: Float[Tensor, "b 2 s s"]
    index: Int[Tensor, "b s s"]
    inside: Float[Tensor, "b 1 s s"]


class _Canvas:
    """Values of every pixel, painted over from the back to the front."""

    def __init__(self, values: Float[Tensor, "b c h w"]):
        self.values = values.contiguous()

    def window(self, centre: Float[Tensor, "b 2"], reach: float) -> _Window:
        """The pixels at most `reach` from the centre in x and in y."""
        height, width = self.values.shape[2:]
        side = min(2 * int(reach) + 3, 2 * max(height, width))
        corner = centre.round() - side // 2
        positions = corner[..., None, None] + _grid(side, side, self.values.device)
        x, y = positions[:, 0].long(), positions[:, 1].long()
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return _Window(positions, y.clamp(0, height - 1) * width + x.clamp(0, width - 1), inside[:, None].float())

    def lay(self, window: _Window, values: Float[Tensor, "b c s s"], covered: Float[Tensor, "b 1 s s"]) -> None:
        """Paint `values` over what is there, as far as they cover it."""
        count, channels = self.values.shape[:2]
        index = window.index.view(count, 1, -1).expand(-1, channels, -1)
        flat = self.values.view(count, channels, -1)
        covered = (covered * window.inside).flatten(2)
        # Pixels outside share an index with pixels inside, so changes are added: theirs are zero.
        flat.scatter_add_(2, index, (values.flatten(2) - flat.gather(2, index)) * covered)


def _grid(height: int, width: int, device: torch.device) -> Float[Tensor, "2 {height} {width}"]:
    """The position of every pixel, x first."""
    x = torch.arange(width, device=device, dtype=torch.float32).expand(height, width)
    y = torch.arange(height, device=device, dtype=torch.float32)[:, None].expand(height, width)
    return torch.stack([x, y])
