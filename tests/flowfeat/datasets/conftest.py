"""Small files in the formats that the data sets have, made for these tests."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 6, 8


def _generator(path: Path) -> np.random.Generator:
    """Random numbers of their own for each file, so that swapped files show."""
    return np.random.default_rng(list(path.name.encode()) + list(path.parent.name.encode()))


@pytest.fixture
def write_frame() -> Callable[..., np.ndarray]:
    """`write_frame(path)` writes a picture in the format of its ending and returns its pixels."""

    def write(path: Path, height: int = HEIGHT, width: int = WIDTH, mode: str = "RGB") -> np.ndarray:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = _generator(path).integers(0, 256, (height, width, 3) if mode == "RGB" else (height, width), np.uint8)
        Image.fromarray(pixels).save(path)
        return pixels if mode == "RGB" else np.repeat(pixels[:, :, None], 3, axis=2)

    return write


@pytest.fixture
def write_mask() -> Callable[..., np.ndarray]:
    """`write_mask(path)` writes a grey picture of 0 and 255 and returns it as bool."""

    def write(path: Path, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
        path.parent.mkdir(parents=True, exist_ok=True)
        mask = _generator(path).random((height, width)) < 0.4
        Image.fromarray(mask.astype(np.uint8) * 255).save(path)
        return mask

    return write


@pytest.fixture
def make_flow() -> Callable[..., np.ndarray]:
    """`make_flow(path)` is a field in steps of 1/64 pixel, which every format keeps exactly."""

    def make(path: Path, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
        return (_generator(path).integers(-640, 640, (2, height, width)) / 64).astype(np.float32)

    return make


@pytest.fixture
def write_lmb_pfm() -> Callable[..., None]:
    """`write_lmb_pfm(path, flow)` writes PFM as the Freiburg group does: three channels, the lowest row first."""

    def write(path: Path, flow: np.ndarray, *, big_endian: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _, height, width = flow.shape
        rows = np.concatenate((flow, np.zeros((1, height, width), np.float32))).transpose(1, 2, 0)[::-1]
        header = f"PF\n{width} {height}\n{'1' if big_endian else '-1'}\n".encode()
        path.write_bytes(header + rows.astype(">f4" if big_endian else "<f4").tobytes())

    return write
