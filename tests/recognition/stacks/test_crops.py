from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recognition.presets import find_preset
from recognition.stacks.crops import (
    crops_of_view,
    fixed_windows,
    random_window,
    resample,
    resampled_size,
)
from recognition.stacks.transforms import flip_stack
from recognition.stacks.window import Window

PLAIN = find_preset("two-stream-2014", "temporal").cropping
TSN = find_preset("tsn", "temporal").cropping


def test_sizes_keep_the_aspect():
    assert resampled_size(240, 320, 256) == (256, 341)
    assert resampled_size(320, 240, 256) == (341, 256)
    assert resampled_size(256, 256, 256) == (256, 256)


@settings(max_examples=60)
@given(st.integers(100, 700), st.integers(100, 700), st.integers(0, 999), st.sampled_from(["plain", "tsn", "anywhere"]))
def test_windows_lie_in_the_frame_before_and_behind_resampling(height, width, seed, kind):
    cropping = {"plain": PLAIN, "tsn": TSN, "anywhere": replace(TSN, placement="random")}[kind]
    size = resampled_size(height, width, cropping.shorter_side)
    assert min(size) == cropping.shorter_side
    window = random_window(*size, cropping, np.random.default_rng(seed))
    for part, frame in ((window, size), (window.scaled(size, (height, width)), (height, width))):
        assert part.top >= 0
        assert part.left >= 0
        assert part.top + part.height <= frame[0]
        assert part.left + part.width <= frame[1]
    stored = window.scaled(size, (height, width))
    assert abs(stored.height - window.height * height / size[0]) <= 1
    assert abs(stored.width - window.width * width / size[1]) <= 1


def test_plain_crops_come_from_anywhere():
    rng = np.random.default_rng(0)
    windows = [random_window(256, 341, PLAIN, rng) for _ in range(3000)]
    assert {(window.height, window.width) for window in windows} == {(224, 224)}
    assert {window.top for window in windows} == set(range(33))
    assert {window.left for window in windows} == set(range(118))


def test_jittered_crops_are_neighbouring_scales_in_corners_and_centre():
    rng = np.random.default_rng(0)
    windows = {random_window(256, 340, TSN, rng) for _ in range(2000)}
    sizes = {(window.height, window.width) for window in windows}
    # Sides of 256 pixels at 1, 0.875 and 0.75, no two further apart than one step.
    assert sizes == {(256, 256), (224, 224), (192, 192), (256, 224), (224, 256), (224, 192), (192, 224)}
    assert {window for window in windows if window.height == window.width == 192} == {
        Window(0, 0, 192, 192),
        Window(0, 148, 192, 192),
        Window(64, 0, 192, 192),
        Window(64, 148, 192, 192),
        Window(32, 74, 192, 192),
    }


def test_the_ten_crops_come_in_the_documented_order():
    stack = torch.arange(2 * 6 * 9, dtype=torch.float32).reshape(2, 6, 9)
    got = crops_of_view(stack, 4, 10, "temporal")
    corners = [stack[:, :4, :4], stack[:, :4, 5:], stack[:, 2:, :4], stack[:, 2:, 5:], stack[:, 1:5, 2:6]]
    assert got.shape == (10, 2, 4, 4)
    for place, corner in enumerate(corners):
        assert torch.equal(got[place], corner)
        assert torch.equal(got[5 + place], flip_stack(corner))
    assert torch.equal(crops_of_view(stack, 4, 1, "temporal")[0], corners[4])
    frames = torch.rand(3, 6, 9)
    assert torch.equal(crops_of_view(frames, 4, 10, "spatial")[7], frames[:, 2:, :4].flip(-1))


def test_fixed_windows_of_a_frame_of_their_size_are_all_of_it():
    assert set(fixed_windows(5, 5, 5, 5)) == {Window(0, 0, 5, 5)}


@pytest.mark.parametrize("size", [(48, 64), (96, 128), (30, 40), (10, 13)])
def test_resampling_keeps_the_length_of_displacements(size):
    stack = torch.tensor([3.0, -2.0])[:, None, None].expand(2, 48, 64)
    assert torch.allclose(resample(stack, *size), torch.tensor([3.0, -2.0])[:, None, None].expand(2, *size), atol=1e-5)


def test_resampling_far_down_takes_every_pixel_in():
    dots = torch.zeros(1, 64, 64)
    dots[:, ::8, ::8] = 64.0
    assert abs(float(resample(dots, 8, 8).mean()) - 1) < 0.1
    assert float(resample(dots, 8, 8).min()) > 0


@pytest.mark.parametrize("size", [(40, 50), (10, 12)])
def test_resampling_minds_no_order_in_memory(size):
    stack = torch.rand(4, 30, 37, generator=torch.Generator().manual_seed(0))
    beside = stack.movedim(0, -1).contiguous().movedim(-1, 0)
    got = resample(beside, *size)
    assert torch.allclose(got, resample(stack, *size), atol=1e-6)
    assert got.movedim(0, -1).is_contiguous()
