"""The flow of a changed pair is right: the second frame warped back by it is the first."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.ops import warp
from flowfeat.training.augmentation import Augmentation, crop_geometrically, recolour

PLAIN = Augmentation(translation=0, rotation=0, scale=(1, 1), relative=0)
STRONG = Augmentation(translation=0.1, rotation=20, scale=(0.9, 1.7), relative=0.2, flip=True)


def _scene(height: int = 96, width: int = 120):
    """A smooth picture and the same under a known affine motion, with the flow between them."""
    y, x = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing="ij")
    turn, scale = 0.04, 1.03
    matrix = scale * torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    centre = torch.tensor([width / 2, height / 2])[:, None, None]
    here = torch.stack([x, y])
    there = torch.einsum("ij,jhw->ihw", matrix, here - centre) + centre + torch.tensor([2.5, -1.5])[:, None, None]
    before = (
        torch.einsum("ij,jhw->ihw", matrix.inverse(), here - centre - torch.tensor([2.5, -1.5])[:, None, None]) + centre
    )

    def picture(place):
        waves = [torch.sin(place[0] / 7 + k) * torch.cos(place[1] / 9 - k) for k in range(3)]
        return (torch.stack(waves) * 100 + 128).round().byte()

    return torch.stack([picture(here), picture(before)]), there - here, torch.ones(height, width, dtype=torch.bool)


def test_nothing_changed_is_a_crop():
    frames, flow, valid = _scene()
    batch = crop_geometrically(frames, flow, valid, (64, 64), PLAIN, torch.Generator().manual_seed(0))
    assert torch.allclose(batch.frames[0], frames[:, :, 16:80, 28:92] / 255, atol=1e-5)
    assert torch.allclose(batch.flow[0], flow[:, 16:80, 28:92], atol=1e-4)
    assert batch.valid.all()


@given(st.integers(0, 10_000))
@settings(max_examples=6)
def test_a_straight_crop_has_the_pixels_that_there_are(seed):
    frames, flow, valid = _scene()
    valid[20:30, 40:50] = False
    ranges = Augmentation(translation=0.1, rotation=0, scale=(1, 1), relative=0, flip=True)
    batch = crop_geometrically(frames, flow, valid, (64, 64), ranges, torch.Generator().manual_seed(seed))
    expected = []
    for mirrored, upside_down in ((a, b) for a in (False, True) for b in (False, True)):
        signs = torch.tensor([-1.0 if mirrored else 1.0, -1.0 if upside_down else 1.0])[:, None, None]
        axes = [axis for axis, flips in ((-1, mirrored), (-2, upside_down)) if flips]
        expected.append((frames.flip(axes), flow.flip(axes) * signs, valid.flip(axes)))
    found = [
        (y, x)
        for picture, motion, known in expected
        for y in range(33)
        for x in range(57)
        if torch.equal(batch.frames[0], picture[..., y : y + 64, x : x + 64] / 255)
        and torch.equal(batch.valid[0], known[y : y + 64, x : x + 64])
        and torch.equal(batch.flow[0], (motion * known)[:, y : y + 64, x : x + 64])
    ]
    (place,) = found
    assert abs(place[0] - 16) <= 0.1 * 96 + 1
    assert abs(place[1] - 28) <= 0.1 * 120 + 1


def test_saturation_of_nought_is_grey_of_the_same_light():
    frames = torch.rand(3, 2, 3, 16, 20) * 0.5 + 0.2
    none = {"noise": 0, "contrast": (0, 0), "colour": (1, 1), "gamma": (1, 1), "brightness": 0}
    changed = recolour(frames, Augmentation(saturation=(0, 0), **none), torch.Generator().manual_seed(0))
    assert torch.allclose(changed, frames.mean(2, keepdim=True).expand_as(frames), atol=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=25)
def test_the_flow_leads_from_the_first_crop_to_the_second(seed):
    frames, flow, valid = _scene()
    batch = crop_geometrically(frames, flow, valid, (64, 64), STRONG, torch.Generator().manual_seed(seed))
    back = warp(batch.frames[:, 1], batch.flow, "clamp")
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    to_x, to_y = batch.flow[0, 0] + x, batch.flow[0, 1] + y
    seen = (to_x > 1) & (to_x < 62) & (to_y > 1) & (to_y < 62) & batch.valid[0]
    difference = (back - batch.frames[:, 0]).abs().amax(1)[0][seen]
    # Without the flow the frames differ by 0.4; what is left is interpolation and rounding to 8 bits.
    assert float(torch.quantile(difference, 0.97)) < 0.04


def test_at_a_motion_boundary_flow_is_one_side_s_or_the_other_s():
    frames, flow, valid = _scene()
    flow = torch.zeros_like(flow)
    flow[0, :, 60:] = 8.0
    turned = Augmentation(translation=0, rotation=30, scale=(1, 1), relative=0)
    batch = crop_geometrically(frames, flow, valid, (64, 64), turned, torch.Generator().manual_seed(3))
    lengths = batch.flow[0].norm(dim=0)
    assert ((lengths < 1e-3) | ((lengths - 8).abs() < 1e-3)).all()
    assert (lengths < 1e-3).any()
    assert (lengths > 7).any()


def test_sparse_flow_stays_sparse_and_unmixed():
    frames, flow, valid = _scene()
    valid = torch.rand(valid.shape, generator=torch.Generator().manual_seed(1)) < 0.3
    flow = torch.where(valid, flow, torch.full_like(flow, 1e9))
    batch = crop_geometrically(frames, flow, valid, (64, 64), STRONG, torch.Generator().manual_seed(4))
    share = float(batch.valid.float().mean())
    assert 0.2 < share < 0.4
    assert float(batch.flow.abs().max()) < 100
    assert (batch.flow[0][:, ~batch.valid[0]] == 0).all()


def test_a_frame_smaller_than_the_crop_is_unknown_beyond_its_edges():
    frames, flow, valid = _scene(48, 56)
    batch = crop_geometrically(frames, flow, valid, (64, 64), PLAIN, torch.Generator().manual_seed(4))
    assert int(batch.valid.sum()) == 48 * 56


def test_the_same_numbers_are_the_same_crop():
    scene = _scene()
    again = [crop_geometrically(*scene, (64, 64), STRONG, torch.Generator().manual_seed(9)) for _ in range(2)]
    assert torch.equal(again[0].frames, again[1].frames)
    other = crop_geometrically(*scene, (64, 64), STRONG, torch.Generator().manual_seed(10))
    assert not torch.equal(again[0].frames, other.frames)


def test_colours_change_alike_in_both_frames():
    still = torch.rand(1, 1, 3, 16, 16).expand(4, 2, 3, 16, 16).clone()
    changed = recolour(still, Augmentation(noise=0.0), torch.Generator().manual_seed(0))
    assert torch.allclose(changed[:, 0], changed[:, 1])
    assert not torch.allclose(changed, still, atol=0.05)
    assert changed.min() >= 0
    assert changed.max() <= 1
    noisy = recolour(still, Augmentation(), torch.Generator().manual_seed(0))
    assert not torch.allclose(noisy[:, 0], noisy[:, 1], atol=1e-3)


def test_no_ranges_change_no_colours():
    frames = torch.rand(2, 2, 3, 8, 8)
    none = Augmentation(noise=0, contrast=(0, 0), colour=(1, 1), gamma=(1, 1), brightness=0)
    assert torch.allclose(recolour(frames, none, torch.Generator()), frames, atol=1e-6)
