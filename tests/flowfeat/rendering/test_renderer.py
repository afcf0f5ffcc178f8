"""Rendered pairs: the flow is that of the scene, scenes come from the seed alone, and displacements are as wanted."""

from dataclasses import replace

import pytest
import torch

from flowfeat.ops import warp
from flowfeat.rendering import LARGE, SMALL, Renderer
from flowfeat.rendering.layers import Draw, draw_background, draw_object


@pytest.fixture(scope="module")
def plain() -> Renderer:
    """Without change of light and noise, so that frames differ by motion alone."""
    return Renderer(replace(LARGE, lighting=0.0, noise=0.0), 96, 128, seed=3, textures=16, texture_size=128)


def test_warping_the_second_frame_by_the_flow_gives_the_first(plain):
    smooth_textures = Renderer(plain.settings, 96, 128, seed=3, textures=16, texture_size=128)
    # Without grain, so that what is left is the flow's error and not that of interpolating between pixels.
    blurred = torch.nn.functional.avg_pool2d(smooth_textures._bank.float(), 13, 1, 6, count_include_pad=False)
    smooth_textures._bank = blurred.round().to(torch.uint8)
    pairs = smooth_textures.batch(0, 6)
    warped = warp(pairs.frames[:, 1], pairs.flow)
    # A pixel next to an edge is a mixture, in another proportion in each frame.
    edges = torch.nn.functional.max_pool2d(pairs.occluded.float(), 5, 1, 2) > 0
    smooth = torch.ones_like(edges)
    for axis in (1, 2):
        step = pairs.flow.diff(dim=axis + 1).abs().amax(1) > 0.5
        smooth &= torch.nn.functional.max_pool2d(_at_size(step, edges.shape).float(), 5, 1, 2) == 0
    seen = smooth & ~edges
    assert seen.float().mean() > 0.3
    error = (warped - pairs.frames[:, 0]).abs().mean(1)
    still = (pairs.frames[:, 1] - pairs.frames[:, 0]).abs().mean(1)
    # Thin parts, of which a pixel is never wholly covered, keep the mean from being as small.
    assert error[seen].median() < 0.004
    assert error[seen].mean() < still[seen].mean() / 3


def _at_size(step: torch.Tensor, size: torch.Size) -> torch.Tensor:
    whole = torch.zeros(size, dtype=torch.bool)
    whole[:, : step.shape[1], : step.shape[2]] = step
    return whole


def test_layers_come_back_from_where_they_went():
    draw = Draw(8, torch.Generator().manual_seed(0))
    background = draw_background(draw, LARGE, 96, 128, 4)
    for layers in (background, draw_object(draw, LARGE, background, 96, 128, 4, 1.0)):
        own = 60 * torch.rand(8, 2, 20, 20, generator=torch.Generator().manual_seed(1)) - 30
        assert (layers.backward(layers.forward(own)) - own).abs().max() < 1e-3


def test_scenes_come_from_the_seed_and_the_number_alone(plain):
    again = Renderer(plain.settings, 96, 128, seed=3, textures=16, texture_size=128)
    other = Renderer(plain.settings, 96, 128, seed=4, textures=16, texture_size=128)
    again.batch(7, 2)  # what was rendered before makes no difference
    first, second = plain.batch(1, 2), again.batch(1, 2)
    assert torch.equal(first.frames, second.frames)
    assert torch.equal(first.flow, second.flow)
    assert not torch.equal(first.flow, other.batch(1, 2).flow)
    assert not torch.equal(first.flow, plain.batch(2, 2).flow)


def test_displacements_are_small_where_small_ones_are_asked_for():
    large, small = (
        Renderer(kind, 96, 128, seed=0, textures=4, texture_size=32).batch(0, 24).flow.norm(dim=1)
        for kind in (LARGE, SMALL)
    )
    assert 0.4 < (small < 1).float().mean() < 0.85
    assert (large < 1).float().mean() < 0.3
    assert large.mean() > 4 * small.mean()


def test_frames_are_pictures_and_shapes_are_as_promised(plain):
    pairs = plain.batch(5, 3)
    assert pairs.frames.shape == (3, 2, 3, 96, 128)
    assert pairs.flow.shape == (3, 2, 96, 128)
    assert pairs.occluded.shape == (3, 96, 128)
    assert 0 <= pairs.frames.min() < pairs.frames.max() <= 1
    assert torch.isfinite(pairs.flow).all()
    assert 0.005 < pairs.occluded.float().mean() < 0.5
