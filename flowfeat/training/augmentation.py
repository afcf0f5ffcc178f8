"""Changes of a pair that keep its flow right (FlowNet 2015, section 4.3): geometry, and colours."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor
from torch.nn import functional

_TRIES = 50


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges of what is changed; the numbers that are the default are the paper's.

    Attributes:
        translation: the largest, as a share of the frame's sides.
        rotation: the largest, in degrees.
        scale: the smallest and the largest.
        relative: what the second frame is moved by besides, as a share of the three ranges above.
        noise: the largest standard deviation of Gaussian noise.
        contrast: the smallest and the largest change; 0 is none.
        colour: the smallest and the largest factor of each colour.
        saturation: the smallest and the largest factor of how far colours are from grey.
        gamma: the smallest and the largest exponent.
        brightness: standard deviation of what is added.
        flip: whether half of the pairs are mirrored, and half of them turned upside down.
    """

    translation: float = 0.2
    rotation: float = 17.0
    scale: tuple[float, float] = (0.9, 2.0)
    relative: float = 0.05
    noise: float = 0.04
    contrast: tuple[float, float] = (-0.8, 0.4)
    colour: tuple[float, float] = (0.5, 2.0)
    saturation: tuple[float, float] = (1.0, 1.0)
    gamma: tuple[float, float] = (0.7, 1.5)
    brightness: float = 0.2
    flip: bool = False

    @property
    def straight(self) -> bool:
        """Whether crops are taken as the pixels are: nothing is turned, scaled or moved by itself."""
        return self.rotation == 0 and self.scale == (1, 1) and self.relative == 0


@dataclass(frozen=True)
class Batch:
    """What a training step sees.

    Attributes:
        frames: RGB, 0..1.
        flow: in pixels, x first; 0 where it is unknown.
        valid: where it is known.
    """

    frames: Float[Tensor, "b 2 3 h w"]
    flow: Float[Tensor, "b 2 h w"]
    valid: Bool[Tensor, "b h w"]


def crop_geometrically(
    frames: UInt8[Tensor, "2 3 h w"],
    flow: Float[Tensor, "2 h w"],
    valid: Bool[Tensor, "h w"],
    size: tuple[int, int],
    ranges: Augmentation,
    generator: torch.Generator,
) -> Batch:
    """A crop of `size` out of a turned, scaled, shifted pair, as a batch of one.

    Both frames are moved alike and the second a little more, which changes the flow as a moving camera would. A
    crop that would reach beyond the frame is drawn again, and after 50 draws taken straight out of the frame.
    """
    height, width = flow.shape[1:]
    if ranges.straight and height >= size[0] and width >= size[1]:
        return _cut(frames, flow, valid, size, ranges, generator)
    for _ in range(_TRIES):
        first = _drawn(ranges, 1.0, (height, width), size, generator)
        corners = _apply(first, _corners(size))
        if bool((corners >= 0).all() and (corners[0] <= width - 1).all() and (corners[1] <= height - 1).all()):
            break
    else:
        first = _straight((height, width), size, generator)
    second = first @ _relative(ranges, size, (height, width), generator)
    first, second = first.to(flow.device), second.to(flow.device)
    grid = _grid(size, flow.device)
    place = _apply(first, grid)
    moved, known = _sample_flow(flow, valid, place)
    arrived = place + moved
    new = _apply(torch.linalg.inv(second), arrived) - grid
    pictures = torch.stack(
        [_sample_frame(frames[0], place), _sample_frame(frames[1], _apply(second, grid))],
    )
    return Batch((pictures / 255)[None], (new * known)[None], known[None])


def recolour(frames: Float[Tensor, "b 2 3 h w"], ranges: Augmentation, generator: torch.Generator) -> Tensor:
    """Other contrast, colours, gamma and brightness, alike in both frames of a pair, and noise, different in each."""
    count, device = len(frames), frames.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    contrast = 1 + uniform(*ranges.contrast, 1)
    colour = torch.exp(uniform(math.log(ranges.colour[0]), math.log(ranges.colour[1]), 3))
    gamma = torch.exp(uniform(math.log(ranges.gamma[0]), math.log(ranges.gamma[1]), 1))
    brightness = ranges.brightness * torch.randn(count, 1, generator=generator)
    noise = uniform(0, ranges.noise, 1)

    def spread(values: Tensor) -> Tensor:
        return values[:, None, :, None, None].to(device)

    mean = frames.mean((1, 3, 4), keepdim=True)
    frames = mean + (frames - mean) * spread(contrast)
    # Colours change without the picture getting brighter: the mean over the channels stays.
    light = frames.mean(2, keepdim=True)
    if ranges.saturation != (1, 1):
        frames = light + (frames - light) * spread(uniform(*ranges.saturation, 1))
    frames = frames * spread(colour)
    frames = frames * (light.clamp(min=0) / frames.mean(2, keepdim=True).clamp(min=1e-3)).clamp(max=4)
    frames = frames.clamp(0, 1) ** spread(gamma) + spread(brightness)
    seed = int(torch.randint(2**31, (), generator=generator))
    grain = torch.randn(frames.shape, generator=torch.Generator(device).manual_seed(seed), device=device)
    return (frames.clamp(0, 1) + grain * spread(noise)).clamp(0, 1)


def _cut(
    frames: UInt8[Tensor, "2 3 h w"],
    flow: Float[Tensor, "2 h w"],
    valid: Bool[Tensor, "h w"],
    size: tuple[int, int],
    ranges: Augmentation,
    generator: torch.Generator,
) -> Batch:
    """A shifted crop, mirrored or turned upside down by chance, of the very pixels that there are."""
    draws = torch.rand(4, generator=generator).tolist()
    here: list[slice] = []
    for axis, draw in enumerate(draws[:2]):
        side = flow.shape[1 + axis]
        middle, reach = (side - size[axis]) / 2, ranges.translation * side
        start = round(middle + (2 * draw - 1) * min(reach, middle))
        here.append(slice(start, start + size[axis]))
    frames, flow, valid = (field[..., here[0], here[1]] for field in (frames, flow, valid))
    for component, axis in ((0, -1), (1, -2)):
        if ranges.flip and draws[2 + component] < 0.5:
            frames, flow, valid = frames.flip(axis), flow.flip(axis), valid.flip(axis)
            flow[component].neg_()
    return Batch((frames.float() / 255)[None], (flow * valid)[None], valid[None])


def _drawn(
    ranges: Augmentation, share: float, frame: tuple[int, int], size: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """(3, 3), float64: from positions in the crop to positions in the frame."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=generator))

    turn = math.radians(ranges.rotation) * share * uniform(-1, 1)
    scale = math.exp(share * uniform(math.log(ranges.scale[0]), math.log(ranges.scale[1])))
    shift = [side * ranges.translation * share * uniform(-1, 1) for side in (frame[1], frame[0])]
    mirrored = [-1.0 if ranges.flip and uniform(0, 1) < 0.5 else 1.0 for _ in range(2)]
    centre = torch.tensor([(frame[1] - 1) / 2 + shift[0], (frame[0] - 1) / 2 + shift[1]], dtype=torch.float64)
    return _around(centre, _turned(turn, 1 / scale) @ torch.diag(torch.tensor(mirrored, dtype=torch.float64)), size)


def _relative(
    ranges: Augmentation, size: tuple[int, int], frame: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """(3, 3): what the second frame moves by besides, in the crop's own coordinates; normally distributed."""
    draws = torch.randn(4, generator=generator, dtype=torch.float64) * ranges.relative
    turn = math.radians(ranges.rotation) * float(draws[0])
    scale = math.exp(math.log(max(ranges.scale)) * float(draws[1]))
    sides = torch.tensor([frame[1], frame[0]], dtype=torch.float64)
    middle = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2], dtype=torch.float64)
    return _around(middle + draws[2:] * ranges.translation * sides, _turned(turn, scale), size)


def _straight(frame: tuple[int, int], size: tuple[int, int], generator: torch.Generator) -> Tensor:
    """A crop at a random place; of the middle where the frame is no larger."""
    shift = [
        float(torch.randint(frame[axis] - size[axis] + 1, (), generator=generator))
        if frame[axis] >= size[axis]
        else (frame[axis] - size[axis]) / 2
        for axis in (1, 0)
    ]
    matrix = torch.eye(3, dtype=torch.float64)
    matrix[:2, 2] = torch.tensor(shift, dtype=torch.float64)
    return matrix


def _around(centre: Tensor, linear: Tensor, size: tuple[int, int]) -> Tensor:
    """The map that takes the crop's middle to `centre`."""
    middle = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2], dtype=torch.float64)
    matrix = torch.eye(3, dtype=torch.float64)
    matrix[:2, :2] = linear
    matrix[:2, 2] = centre - linear @ middle
    return matrix


def _turned(angle: float, scale: float) -> Tensor:
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    return torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)


def _corners(size: tuple[int, int]) -> Tensor:
    bottom, right = size[0] - 1.0, size[1] - 1.0
    return torch.tensor([[0, right, 0, right], [0, 0, bottom, bottom]], dtype=torch.float64)[..., None]


def _grid(size: tuple[int, int], device: torch.device) -> Float[Tensor, "2 h w"]:
    y, x = torch.meshgrid(*(torch.arange(side, dtype=torch.float32, device=device) for side in size), indexing="ij")
    return torch.stack([x, y])


def _apply(matrix: Tensor, points: Float[Tensor, "2 h w"]) -> Float[Tensor, "2 h w"]:
    matrix = matrix.to(points.dtype)
    return torch.einsum("ij,jhw->ihw", matrix[:2, :2], points) + matrix[:2, 2, None, None]


def _normalised(place: Float[Tensor, "2 h w"], frame: tuple[int, int]) -> Float[Tensor, "1 h w 2"]:
    x = (2 * place[0] + 1) / frame[1] - 1
    y = (2 * place[1] + 1) / frame[0] - 1
    return torch.stack([x, y], -1)[None]


def _sample_frame(frame: UInt8[Tensor, "3 h w"], place: Float[Tensor, "2 h2 w2"]) -> Float[Tensor, "3 h2 w2"]:
    grid = _normalised(place, (frame.shape[1], frame.shape[2]))
    return functional.grid_sample(frame[None].float(), grid, padding_mode="border", align_corners=False)[0]


def _sample_flow(
    flow: Float[Tensor, "2 h w"], valid: Bool[Tensor, "h w"], place: Float[Tensor, "2 h2 w2"]
) -> tuple[Float[Tensor, "2 h2 w2"], Bool[Tensor, "h2 w2"]]:
    """Between pixels whose flow is much the same it is interpolated; elsewhere that of the nearest pixel is taken."""
    height, width = valid.shape
    near_x, near_y = place[0].round(), place[1].round()
    inside = (near_x >= 0) & (near_x <= width - 1) & (near_y >= 0) & (near_y <= height - 1)
    near = near_y.clamp(0, height - 1).long() * width + near_x.clamp(0, width - 1).long()
    left, top = place[0].floor().clamp(0, width - 1).long(), place[1].floor().clamp(0, height - 1).long()
    smooth = _smooth_cells(flow, valid).flatten()[top * width + left]
    linear = functional.grid_sample(
        flow[None], _normalised(place, (height, width)), padding_mode="border", align_corners=False
    )[0]
    nearest = flow.flatten(1)[:, near]
    return torch.where(smooth, linear, nearest), valid.flatten()[near] & inside


def _smooth_cells(flow: Float[Tensor, "2 h w"], valid: Bool[Tensor, "h w"]) -> Bool[Tensor, "h w"]:
    """Of each square of four pixels, by its top left one: whether flow is known in all and hardly changes."""
    padded = functional.pad(flow[None], (0, 1, 0, 1), mode="replicate")
    largest = functional.max_pool2d(padded, 2, 1)
    smallest = -functional.max_pool2d(-padded, 2, 1)
    known = functional.pad(valid[None, None].float(), (0, 1, 0, 1), mode="replicate")
    return ((largest - smallest)[0] < 0.5).all(0) & (-functional.max_pool2d(-known, 2, 1)[0, 0] > 0)
