"""Shots whose flow and objects are known exactly, from a description of layers and how they move.

A scene is a list of layers, the furthest first, each a textured outline under a chain of motions, seen by a moving
camera. Outlines are described in shares of the frame, so a scene can be made at any size; motions are in pixels a
frame at every size, because so are the constants of the tracker.

The scenes A to E are those that the choice of our weights was made on; the others hold what those lack. A seed moves,
mirrors and colours a scene anew, so that settings chosen on some seeds can be reported on others.
"""

import colorsys
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.ndimage import map_coordinates
from torch import Tensor

from flowfeat.errors import InputError
from segmentation.tracking import FlowStep
from segmentation.tracking.gaussian import gaussian

Point = tuple[float, float]
"""x and y, as shares of the frame's width and height."""

_TEXTURE_SIZE = 256
_GRAIN = ((1.2, 0.5), (3.0, 1.0), (8.0, 0.8))
"""Standard deviations in pixels and weights of the noise that textures are made of."""
_CONTRAST = 24.0
"""Standard deviation of a texture, in grey levels."""


@dataclass(frozen=True)
class Motion:
    """Uniform motion from a frame on.

    Attributes:
        velocity: pixels to the right and downwards, a frame.
        spin: radians a frame, from the x axis towards the y axis.
        growth: of the logarithm of the size, a frame.
        about: what it turns and grows about; it is carried along by the velocity.
        start: the frame it begins in.
    """

    velocity: tuple[float, float] = (0.0, 0.0)
    spin: float = 0.0
    growth: float = 0.0
    about: Point = (0.5, 0.5)
    start: int = 0

    def matrix(self, frame: int, height: int, width: int) -> Float[np.ndarray, "3 3"]:
        """From the place in the first frame to that in another, homogeneous, in pixels."""
        t = max(0, frame - self.start)
        size, angle = math.exp(self.growth * t), self.spin * t
        turn = size * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        about = np.array(self.about) * (width, height)
        matrix = np.eye(3)
        matrix[:2, :2] = turn
        matrix[:2, 2] = about - turn @ about + np.array(self.velocity) * t
        return matrix


@dataclass(frozen=True)
class Blob:
    """A disc with lobes; the radius is a share of the frame's height."""

    centre: Point
    radius: float
    lobes: float = 0.12
    phase: float = 0.0

    def depth(self, x: np.ndarray, y: np.ndarray, height: int, width: int) -> np.ndarray:
        """How many pixels inside the outline places are; negative outside."""
        right, down = x - self.centre[0] * width, y - self.centre[1] * height
        angle = np.arctan2(down, right)
        lobes = np.cos(3 * angle + self.phase) + 0.5 * np.cos(2 * angle - self.phase)
        return self.radius * height * (1 + self.lobes * lobes) - np.hypot(right, down)


@dataclass(frozen=True)
class Capsule:
    """What is within a radius, a share of the height, of the line between two points: limbs, poles, ground."""

    first: Point
    second: Point
    radius: float

    def depth(self, x: np.ndarray, y: np.ndarray, height: int, width: int) -> np.ndarray:
        """How many pixels inside the outline places are; negative outside."""
        scale = np.array([width, height])
        (ax, ay), (bx, by) = np.array(self.first) * scale, np.array(self.second) * scale
        along_x, along_y = bx - ax, by - ay
        share = ((x - ax) * along_x + (y - ay) * along_y) / (along_x**2 + along_y**2)
        share = np.clip(share, 0, 1)
        return self.radius * height - np.hypot(x - ax - share * along_x, y - ay - share * along_y)


@dataclass(frozen=True)
class Layer:
    """A surface.

    Attributes:
        outline: None covers the whole frame.
        label: of the object it belongs to; 0 is the background.
        motions: what moves it in the world, the first one innermost: a limb turns about its joint, then moves with
            the body.
        hue: of its colour, 0..1.
        distance: how many times slower than the camera it passes by.
    """

    outline: Blob | Capsule | None
    label: int = 0
    motions: tuple[Motion, ...] = ()
    hue: float = 0.3
    distance: float = 1.0


@dataclass(frozen=True)
class FlowNoise:
    """What estimated flow gets wrong.

    Attributes:
        amplitude: standard deviation of the error in each component, in pixels.
        correlation: standard deviation of the Gaussian the error is smooth by, in pixels.
        blur: standard deviation of the Gaussian the true flow is blurred with, in pixels.
    """

    amplitude: float
    correlation: float
    blur: float


@dataclass(frozen=True)
class Scene:
    """Layers from the furthest to the nearest, the motion the camera gives them all, and how good the flow is."""

    layers: tuple[Layer, ...]
    camera: Motion = Motion()
    frames: int = 10
    noise: FlowNoise | None = None


@dataclass(frozen=True, eq=False)
class SyntheticShot:
    """A rendered scene.

    Attributes:
        frames: RGB.
        forward: from each frame to the next, in pixels.
        backward: from each frame but the first to the one before, on the later one's pixels.
        labels: which object each pixel shows, 0 for the background.
    """

    frames: UInt8[Tensor, "t 3 h w"]
    forward: Float32[Tensor, "pairs 2 h w"]
    backward: Float32[Tensor, "pairs 2 h w"]
    labels: UInt8[np.ndarray, "t h w"]

    def steps(self) -> Iterator[FlowStep]:
        """The shot as the tracker takes it."""
        for frame, forward, backward in zip(self.frames[:-1], self.forward, self.backward, strict=True):
            yield FlowStep(frame, forward, backward)
        yield FlowStep(self.frames[-1], None, None)


_PAN, _ZOOM = Motion(velocity=(1.5, -0.6)), Motion(velocity=(0.4, 0.2), growth=0.004)
_NOISE = FlowNoise(amplitude=0.15, correlation=12, blur=1.5)
_TRANSLATING = Layer(Blob((0.25, 0.32), 0.14), 1, (Motion((2.8, 1.0)),), hue=0.0)
_ROTATING = Layer(Blob((0.72, 0.34), 0.15), 2, (Motion((-2.0, 1.6), spin=0.02, about=(0.72, 0.34)),), hue=0.6)
_GROWING = Layer(Blob((0.46, 0.72), 0.13), 3, (Motion((0.8, -2.4), growth=0.01, about=(0.46, 0.72)),), hue=0.85)
_THREE = (Layer(None), _TRANSLATING, _ROTATING, _GROWING)


def _from(frame: int, layer: Layer) -> Layer:
    """The layer at rest in the world until that frame."""
    return replace(layer, motions=tuple(replace(motion, start=frame) for motion in layer.motions))


def _slower(share: float, layer: Layer) -> Layer:
    """For long shots, through which objects at full speed would leave the frame."""
    return replace(layer, motions=tuple(_scaled(motion, share) for motion in layer.motions))


def _scaled(motion: Motion, by: float) -> Motion:
    u, v = motion.velocity
    return replace(motion, velocity=(by * u, by * v), spin=by * motion.spin, growth=by * motion.growth)


_BODY = Motion((2.2, -1.0))
_FIGURE = (
    Layer(Capsule((0.38, 0.4), (0.42, 0.66), 0.09), 1, (_BODY,), hue=0.0),
    Layer(Capsule((0.42, 0.66), (0.64, 0.72), 0.06), 1, (Motion(spin=-0.03, about=(0.42, 0.66)), _BODY), hue=0.08),
)
"""A trunk, and a limb that turns about where they meet."""

_DEPTHS = (
    Layer(None, distance=4.0),
    Layer(Capsule((-1.0, 1.1), (2.0, 1.0), 0.5), hue=0.2, distance=2.0),
    Layer(Capsule((0.15, -0.5), (0.2, 1.5), 0.05), hue=0.1, distance=1.0),
    Layer(Blob((0.8, 0.95), 0.2), hue=0.4, distance=1.3),
)
"""Sky, ground, a pole and a bush: all of it background, and four motions."""

SCENES: dict[str, Scene] = {
    "A": Scene(_THREE, _PAN),
    "B": Scene(_THREE, _PAN, noise=_NOISE),
    "C": Scene(_THREE, _ZOOM, noise=_NOISE),
    "D": Scene((Layer(None), _TRANSLATING, _from(4, _ROTATING), _from(6, _GROWING)), _PAN, noise=_NOISE),
    "E": Scene((Layer(None), *(_slower(0.6, layer) for layer in _THREE[1:])), _ZOOM, frames=40, noise=_NOISE),
    "parallax": Scene(
        (*_DEPTHS, Layer(Blob((0.5, 0.4), 0.14), 1, (Motion((-1.5, -1.8)),), hue=0.0)),
        Motion(velocity=(4.0, 0.0)),
        noise=_NOISE,
    ),
    "articulation": Scene((Layer(None), *_FIGURE), _PAN, noise=_NOISE),
    "camouflage": Scene(tuple(replace(layer, hue=0.3) for layer in _THREE), _PAN, noise=_NOISE),
    "still": Scene(tuple(replace(layer, motions=()) for layer in _THREE), noise=_NOISE),
}
"""A an exact pan, B a noisy pan, C a noisy zoom, D objects that start late, E 40 frames of a zoom; a background in four
depths, an object in two parts, objects of the background's colour, and a scene in which nothing moves."""


def synthesise(
    scene: Scene | str, height: int = 480, width: int = 640, frames: int | None = None, seed: int = 0
) -> SyntheticShot:
    """Render a scene.

    Args:
        scene: one of `SCENES` by its name, or any other.
        height, width: of the frames.
        frames: how many, by default as the scene says.
        seed: of the textures, the noise and how the scene is varied; the same seed gives the same shot.

    Raises:
        InputError: where there is no such scene, or fewer than two frames are asked for.
    """
    if isinstance(scene, str):
        if scene not in SCENES:
            raise InputError(f"there is no scene called {scene!r}; say {', '.join(SCENES)}")
        scene = SCENES[scene]
    count = scene.frames if frames is None else frames
    if count < 2:
        raise InputError(f"a shot of {count} frames has no motion; ask for at least two")
    random = np.random.default_rng(seed)
    scene = varied(scene, random)
    textures = [_texture(random, layer.hue) for layer in scene.layers]
    places = [[_place(scene, layer, t, height, width) for layer in scene.layers] for t in range(count)]
    painted, forward, backward, labels = [], [], [], []
    for t in range(count):
        picture, top = _paint(scene, places[t], textures, height, width)
        painted.append(picture)
        labels.append(np.array([layer.label for layer in scene.layers], np.uint8)[top])
        if t + 1 < count:
            forward.append(_estimated(_displacement(top, places[t], places[t + 1]), scene.noise, random))
        if t > 0:
            backward.append(_estimated(_displacement(top, places[t], places[t - 1]), scene.noise, random))
    return SyntheticShot(
        frames=torch.from_numpy(np.stack(painted)),
        forward=torch.from_numpy(np.stack(forward)),
        backward=torch.from_numpy(np.stack(backward)),
        labels=np.stack(labels),
    )


def varied(scene: Scene, random: np.random.Generator) -> Scene:
    """The same scene elsewhere: mirrored or not, objects moved about, faster or slower, in other colours.

    The parts of an object are changed alike, and so stay together.
    """
    mirror_x, mirror_y, hue = random.random() < 0.5, random.random() < 0.5, float(random.random())
    changes = {
        label: (random.uniform(-0.03, 0.03, 2), float(random.uniform(0.85, 1.2)))
        for label in sorted({layer.label for layer in scene.layers} - {0})
    }

    def moved(point: Point, shift: np.ndarray) -> Point:
        x, y = point[0] + float(shift[0]), point[1] + float(shift[1])
        return 1 - x if mirror_x else x, 1 - y if mirror_y else y

    def mirrored(motion: Motion, shift: np.ndarray) -> Motion:
        u, v = motion.velocity
        velocity = -u if mirror_x else u, -v if mirror_y else v
        spin = -motion.spin if mirror_x != mirror_y else motion.spin
        return replace(motion, velocity=velocity, spin=spin, about=moved(motion.about, shift))

    def change(layer: Layer) -> Layer:
        shift, speed = changes.get(layer.label, (np.zeros(2), 1.0))
        outline = layer.outline
        if isinstance(outline, Blob):
            phase = float(random.uniform(0, 2 * math.pi))
            outline = replace(outline, centre=moved(outline.centre, shift), phase=phase)
        elif isinstance(outline, Capsule):
            outline = replace(outline, first=moved(outline.first, shift), second=moved(outline.second, shift))
        motions = tuple(_scaled(mirrored(motion, shift), speed) for motion in layer.motions)
        return replace(layer, outline=outline, motions=motions, hue=(layer.hue + hue) % 1)

    layers = tuple(change(layer) for layer in scene.layers)
    return replace(scene, layers=layers, camera=mirrored(scene.camera, np.zeros(2)))


def _place(scene: Scene, layer: Layer, frame: int, height: int, width: int) -> Float[np.ndarray, "3 3"]:
    """From the layer's place in the first frame to that in another."""
    u, v = scene.camera.velocity
    camera = replace(scene.camera, velocity=(u / layer.distance, v / layer.distance))
    place = np.eye(3)
    for motion in (*layer.motions, camera):
        place = motion.matrix(frame, height, width) @ place
    return place


def _texture(random: np.random.Generator, hue: float) -> Float[np.ndarray, "3 size size"]:
    """Noise of several grains around a colour, 0..255, that repeats without a seam."""
    base = np.array(colorsys.hsv_to_rgb(hue, 0.45, 0.6)) * 255
    frequency = np.hypot(np.fft.fftfreq(_TEXTURE_SIZE)[:, None], np.fft.rfftfreq(_TEXTURE_SIZE))
    # Smoothing white noise by sigma leaves it 1 / sigma of its deviation, which the factor sigma gives back.
    grains = [weight * sigma * np.exp(-2 * (math.pi * sigma * frequency) ** 2) for sigma, weight in _GRAIN]
    spectrum = np.sqrt(np.sum(np.square(grains), axis=0))
    white = random.normal(size=(4, _TEXTURE_SIZE, _TEXTURE_SIZE))
    smooth = np.fft.irfft2(np.fft.rfft2(white) * spectrum, white.shape[1:])
    # Mostly light and dark, a little of it colour, as surfaces are.
    total = smooth[:1] + 0.4 * smooth[1:]
    return base[:, None, None] + total * (_CONTRAST / total.std())


def _paint(
    scene: Scene, places: list[np.ndarray], textures: list[np.ndarray], height: int, width: int
) -> tuple[UInt8[np.ndarray, "3 h w"], np.ndarray]:
    """The picture, and the number of the layer that each pixel shows."""
    picture, top = np.zeros((3, height, width)), np.zeros((height, width), np.int64)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    for number, (layer, place, texture) in enumerate(zip(scene.layers, places, textures, strict=True)):
        (a, b, c), (d, e, f), _ = np.linalg.inv(place)
        own_x, own_y = a * x + b * y + c, d * x + e * y + f
        if layer.outline is None:
            cover = np.ones((height, width))
        else:
            # A pixel wide edge, so that frames have no steps that no camera would see; objects grow by little.
            cover = np.clip(layer.outline.depth(own_x, own_y, height, width) + 0.5, 0, 1)
        seen: Bool[np.ndarray, "h w"] = cover > 0
        at, share = np.stack([own_y[seen], own_x[seen]]), cover[seen]
        for channel in range(3):
            colour = map_coordinates(texture[channel], at, order=1, mode="grid-wrap")
            picture[channel, seen] += share * (colour - picture[channel, seen])
        top[cover >= 0.5] = number
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), top


def _displacement(top: np.ndarray, here: list[np.ndarray], there: list[np.ndarray]) -> Float[np.ndarray, "2 h w"]:
    """How the surface that each pixel shows moves from one frame to another, seen there or not."""
    flow = np.zeros((2, *top.shape))
    for number, (from_place, to_place) in enumerate(zip(here, there, strict=True)):
        y, x = np.nonzero(top == number)
        change = to_place @ np.linalg.inv(from_place) - np.eye(3)
        flow[:, y, x] = change[:2] @ np.stack([x, y, np.ones(len(x))])
    return flow


def _estimated(
    flow: Float[np.ndarray, "2 h w"], noise: FlowNoise | None, random: np.random.Generator
) -> Float32[np.ndarray, "2 h w"]:
    """The flow with its noise."""
    estimated = torch.from_numpy(flow)
    if noise is not None:
        error = gaussian(torch.from_numpy(random.normal(size=flow.shape)), noise.correlation)
        # White noise keeps 1 / (2 sqrt(pi) s) of its deviation; in a small frame, what was drawn may have any.
        scale = noise.amplitude * 2 * math.sqrt(math.pi) * noise.correlation
        estimated = gaussian(estimated, noise.blur) + scale * error
    return estimated.float().numpy()
