"""Scenes come from the seed alone, whatever the batch, and displacements and frames are as they should be."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from flowfeat.rendering import LARGE, SMALL, Renderer
from flowfeat.rendering.layers import Layers
from flowfeat.rendering.scenes import draw_scenes, radius_range

FEW = replace(LARGE, objects=(2, 4))


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(FEW, 64, 96, seed=3, textures=4, texture_size=32)


def scenes(seed: int, count: int) -> list[Layers]:
    return draw_scenes([np.random.default_rng((seed, i)) for i in range(count)], LARGE, 96, 128, 4)


def test_a_pair_is_the_same_in_any_batch(renderer: Renderer):
    again = Renderer(FEW, 64, 96, seed=3, textures=4, texture_size=32)
    again.batch(7, 2)  # what was rendered before makes no difference
    eight = renderer.batch(1, 8)
    for count in (1, 4):
        fewer = again.batch(8 // count, count)
        for name in ("flow", "frames", "occluded"):
            difference = getattr(fewer, name).float() - getattr(eight, name)[:count].float()
            assert difference.abs().max() < 1e-4, f"{name} in a batch of {count}"
    assert torch.equal(renderer.batch(1, 8).frames, eight.frames)


def test_other_seeds_and_numbers_give_other_pairs(renderer: Renderer):
    other = Renderer(FEW, 64, 96, seed=4, textures=4, texture_size=32)
    flow = renderer.batch(1, 2).flow
    assert not torch.equal(flow, other.batch(1, 2).flow)
    assert not torch.equal(flow, renderer.batch(2, 2).flow)


def test_layers_come_back_from_where_they_went():
    x = (60 * torch.rand(1, 20, 20, generator=torch.Generator().manual_seed(1)) - 30) * torch.ones(8, 1, 1)
    bent = 0
    for layers in scenes(0, 8):
        own = (x[: len(layers.scene)], -x[: len(layers.scene)].mT)
        back = layers.backward(layers.forward(own))
        assert max(float((a - b).abs().max()) for a, b in zip(back, own, strict=True)) < 1e-3
        bent += len(layers.bent)
    assert bent > 5


def test_boxes_hold_all_that_layers_cover():
    y, x = torch.arange(-150.0, 250)[None, :, None], torch.arange(-150.0, 250)[None, None]
    for layers in scenes(1, 3)[1:5]:
        first, second = layers.boxes()
        covered = (
            layers.coverage((x - layers.centre[:, :1, None], y - layers.centre[:, 1:, None])),
            layers.coverage(layers.backward((x, y))),
        )
        for box, shares in zip((first, second), covered, strict=True):
            outside = (x < box[:, 0, 0, None, None]) | (x > box[:, 1, 0, None, None])
            outside = outside | (y < box[:, 0, 1, None, None]) | (y > box[:, 1, 1, None, None])
            assert (shares * outside).max() == 0
            assert shares.max() > 0.99


def test_edges_are_a_pixel_wide_whatever_the_shape():
    y, x = torch.arange(-150.0, 150)[None, :, None], torch.arange(-150.0, 150)[None, None]
    for layers in scenes(2, 4)[1:5]:
        shares = layers.coverage((x, y))
        mixed = ((shares > 0.01) & (shares < 0.99)).sum((1, 2))
        inside = (shares > 0.5).float()
        length = (inside.diff(dim=1).abs().sum((1, 2)) + inside.diff(dim=2).abs().sum((1, 2))) / 1.27
        assert (mixed < 1.6 * length).all()


def test_places_share_the_range_of_radii():
    ranges = sorted(radius_range(SMALL, place) for place in range(SMALL.objects[1]))
    assert ranges[0][0] == pytest.approx(SMALL.radius[0])
    assert ranges[-1][1] == pytest.approx(SMALL.radius[1])
    assert all(high == pytest.approx(low) for (_, high), (low, _) in pairwise(ranges))


def test_displacements_are_small_where_small_ones_are_asked_for():
    large, small = (
        Renderer(kind, 64, 96, seed=0, textures=2, texture_size=16).batch(0, 16).flow.norm(dim=1)
        for kind in (LARGE, SMALL)
    )
    assert 0.5 < (small < 1).float().mean() < 0.85
    assert 0.05 < (small > 2).float().mean() < 0.3
    assert (large < 1).float().mean() < 0.3
    assert large.mean() > 4 * small.mean()


def test_frames_are_pictures_and_shapes_are_as_promised(renderer: Renderer):
    pairs = renderer.batch(5, 3)
    assert pairs.frames.shape == (3, 2, 3, 64, 96)
    assert pairs.flow.shape == (3, 2, 64, 96)
    assert pairs.occluded.shape == (3, 64, 96)
    assert 0 <= pairs.frames.min() < pairs.frames.max() <= 1
    assert torch.isfinite(pairs.flow).all()
    assert 0.005 < pairs.occluded.float().mean() < 0.5


def test_light_and_noise_change_what_they_say():
    dark = replace(FEW, lighting=0.0, noise=0.0)
    plain, noisy = (
        Renderer(kind, 64, 96, seed=1, textures=4, texture_size=32).batch(0, 2)
        for kind in (dark, replace(dark, noise=0.05))
    )
    assert torch.equal(plain.flow, noisy.flow)
    assert 0.001 < (plain.frames - noisy.frames).std() < 0.05


@pytest.mark.gpu
def test_a_gpu_renders_the_same_scenes(renderer: Renderer):
    there = Renderer(FEW, 64, 96, seed=3, device="cuda", textures=4, texture_size=32).batch(1, 4)
    here = renderer.batch(1, 4)
    assert (there.flow.cpu() - here.flow).abs().quantile(0.99) < 1e-3
    assert (there.occluded.cpu() != here.occluded).float().mean() < 0.01
