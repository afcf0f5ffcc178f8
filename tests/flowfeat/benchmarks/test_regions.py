import numpy as np
import pytest

from flowfeat.benchmarks.regions import distance_to_occlusions, motion_boundaries, textured


def test_an_edge_of_the_motion_is_four_pixels_wide_on_either_side():
    flow = np.zeros((2, 20, 30))
    flow[0, :, 15:] = 5
    edges = motion_boundaries(flow, np.ones((20, 30), np.bool_))
    assert edges[7].nonzero()[0].tolist() == list(range(10, 20))
    assert not motion_boundaries(flow / 5, np.ones((20, 30), np.bool_)).any(), "a step of 1 px is none"


def test_a_slanted_surface_has_no_edge():
    y, x = np.mgrid[:20, :30] * 0.5
    assert not motion_boundaries(np.stack([x, y]), np.ones((20, 30), np.bool_)).any()


def test_unknown_flow_makes_no_edge():
    flow, known = np.zeros((2, 20, 30)), np.ones((20, 30), np.bool_)
    flow[:, 5:9, 5:9], known[5:9, 5:9] = 50, False
    assert not motion_boundaries(flow, known).any()


def test_texture_is_a_change_of_grey_and_one_pixel_around():
    frame = np.full((9, 12, 3), 100, np.uint8)
    assert not textured(frame).any()
    frame[4, 6] = 110
    ys, xs = textured(frame).nonzero()
    assert (ys.min(), ys.max(), xs.min(), xs.max()) == (2, 5, 4, 7)
    frame[4, 6] = 102
    assert not textured(frame).any()


def test_distances_are_those_of_brute_force():
    occluded = np.random.default_rng(0).random((14, 18)) < 0.03
    padded = np.pad(occluded, 1, mode="edge")
    shifted = [padded[1 + y : 15 + y, 1 + x : 19 + x] for y, x in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    edge = np.argwhere(np.any([occluded != other for other in shifted], axis=0))
    every = np.argwhere(np.ones_like(occluded)).reshape(14, 18, 1, 2)
    np.testing.assert_allclose(distance_to_occlusions(occluded), np.hypot(*(every - edge).transpose(3, 0, 1, 2)).min(2))


@pytest.mark.parametrize("hidden", [False, True])
def test_without_an_edge_nothing_is_near_one(hidden: bool):
    assert np.isinf(distance_to_occlusions(np.full((4, 5), hidden))).all()
