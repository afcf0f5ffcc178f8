"""Pairs in FlyingChairs' layout and configurations, small enough for tests."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flowfeat.formats import write_flow
from flowfeat.rendering import MEDIUM, Renderer, SceneSettings

NEUTRAL = """
[augmentation]
translation = 0.0
rotation = 0.0
scale = [1.0, 1.0]
relative = 0.0
noise = 0.0
contrast = [0.0, 0.0]
colour = [1.0, 1.0]
gamma = [1.0, 1.0]
brightness = 0.0
"""
"""Nothing is changed but the crop."""


@pytest.fixture(scope="session")
def chairs(tmp_path_factory) -> Path:
    """Eight rendered pairs of 64x64 to train on and the same to validate on, as FlyingChairs has them."""
    return _write_pairs(tmp_path_factory.mktemp("chairs"), MEDIUM)


@pytest.fixture(scope="session")
def few_objects(tmp_path_factory) -> Path:
    """The same with an object or two: flow of a quarter of the resolution is blurred where objects end."""
    return _write_pairs(tmp_path_factory.mktemp("few_objects"), replace(MEDIUM, objects=(1, 2)))


def _write_pairs(root: Path, settings: SceneSettings) -> Path:
    (root / "data").mkdir()
    pairs = Renderer(settings, 64, 64, seed=1, textures=16).batch(0, 8)
    frames = (pairs.frames * 255).round().byte().permute(0, 1, 3, 4, 2).numpy()
    for number in range(16):
        for place in (0, 1):
            Image.fromarray(frames[number % 8, place]).save(root / f"data/{number + 1:05d}_img{place + 1}.ppm")
        write_flow(root / f"data/{number + 1:05d}_flow.flo", pairs.flow[number % 8].numpy())
    (root / "FlyingChairs_train_val.txt").write_text("1\n" * 8 + "2\n" * 8)
    assert np.hypot(*pairs.flow.numpy().transpose(1, 0, 2, 3)).mean() > 2, "no motion would already be right"
    return root


@pytest.fixture
def write_configuration(tmp_path) -> Callable[..., Path]:
    """`write_configuration(model, iterations, **entries)` writes one that trains on `chairs`."""

    def write(
        model: str, iterations: int, *, rate: float = 1e-3, every: int = 10**6, pairs: int = 4, rest: str = ""
    ) -> Path:
        path = tmp_path / f"{model}-{iterations}.toml"
        path.write_text(
            f'model = "{model}"\ncrop = [64, 64]\n{rest}\n[schedule]\niterations = {iterations}\nrate = {rate}\n'
            'warm_up = 20\nshape = "cosine"\n'
            f'[[data]]\ndataset = "flyingchairs"\npairs = {pairs}\n'
            f'[validation]\ndataset = "flyingchairs"\nsplit = "validation"\nevery = {every}\n{NEUTRAL}'
        )
        return path

    return write
