"""Make the pictures of the documentation with flowfeat itself, on a scene that is drawn here.

    python docs/make_pictures.py

The scene is procedural, so the pictures may be redistributed and anyone can make them again.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from flowfeat.cli import run

HEIGHT, WIDTH, FRAMES = 240, 320, 14
PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip, store, parts = Path(folder) / "scene", Path(folder) / "flow", Path(folder) / "segments"
        clip.mkdir()
        for t, frame in enumerate(scene()):
            Image.fromarray(frame).save(clip / f"{t:05d}.png")
        for command in (
            ["extract", str(clip), "--out", str(store), "--model", "dis", "--frames"],
            ["show", str(store), "--clip", "scene", "--out", str(PICTURES / "scene.jpg")],
            ["segmentation", "run", str(clip), "--out", str(parts), "--model", "dis", "--sampling", "4", "--dense"],
            ["segmentation", "show", str(parts), "--out", str(PICTURES / "segmentation.jpg")],
        ):
            if run(command) != 0:
                raise SystemExit(f"flowfeat {' '.join(command)} did not end well")


def scene():
    """Frames of a panning ground, a turning disc, a square that comes closer and an ellipse that crosses."""
    generator = np.random.default_rng(7)
    ground = texture(generator, HEIGHT + 40, WIDTH + 80, (150, 140, 110))
    disc, square, ellipse = (
        texture(generator, 140, 140, colour) for colour in [(60, 110, 190), (200, 90, 60), (70, 150, 80)]
    )
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    for t in range(FRAMES):
        frame = sample(ground, y + 10, x + 1.5 * t)
        moves = [
            (disc, turned(y - 120, x - 90, 0.06 * t), lambda v, u: v**2 + u**2 < 58**2),
            (
                square,
                ((y - 90) / (1 + 0.025 * t), (x - 235) / (1 + 0.025 * t)),
                lambda v, u: np.maximum(abs(v), abs(u)) < 36,
            ),
            (ellipse, (y - 195, x - 90 - 4.5 * t), lambda v, u: (v / 22) ** 2 + (u / 40) ** 2 < 1),
        ]
        for surface, (v, u), inside in moves:
            frame = np.where(inside(v, u)[..., None], sample(surface, v + 70, u + 70), frame)
        yield np.clip(frame, 0, 255).astype(np.uint8)


def turned(v: np.ndarray, u: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    return np.cos(angle) * v - np.sin(angle) * u, np.sin(angle) * v + np.cos(angle) * u


def texture(generator: np.random.Generator, height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    """Blotches and grain around a colour, with a few lines for the eye to follow."""
    noise = sum(gaussian_filter(generator.normal(0, 1, (height, width)), s) * s * 22 for s in (1, 3, 8))
    picture = Image.fromarray(np.clip(np.array(colour) + noise[..., None], 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for _ in range(height * width // 2500):
        ends = generator.integers(0, [width, height], (2, 2))
        draw.line([tuple(ends[0]), tuple(ends[0] + (ends[1] - ends[0]) // 5)], fill=(235, 230, 220), width=2)
    return np.asarray(picture, float)


def sample(surface: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.stack([map_coordinates(surface[..., c], [y, x], order=1, mode="mirror") for c in range(3)], -1)


if __name__ == "__main__":
    main()
