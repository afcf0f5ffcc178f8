import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from segmentation.evaluation.boundaries import boundaries, boundary_map, dilate, f_measure, tolerance

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14))


def _slow_boundary(mask):
    edge = np.zeros_like(mask)
    height, width = mask.shape
    for y in range(height):
        for x in range(width):
            for down, right in ((0, 1), (1, 0), (1, 1)):
                if y + down < height and x + right < width and mask[y, x] != mask[y + down, x + right]:
                    edge[y, x] = True
    return edge


def _slow_f(first, second, radius):
    one, two = np.argwhere(_slow_boundary(first)), np.argwhere(_slow_boundary(second))
    if not len(one) or not len(two):
        return float(len(one) == len(two))
    squared = ((one[:, None] - two[None]) ** 2).sum(axis=2)
    precision, recall = (squared.min(axis=1) <= radius**2).mean(), (squared.min(axis=0) <= radius**2).mean()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def test_the_boundary_of_a_square_lies_half_a_pixel_up_and_left():
    mask = np.zeros((6, 6), np.bool_)
    mask[2:4, 2:4] = True
    # (2, 2) has the square to its right, below and between: it is inside. (1, 1) touches it with its corner alone.
    expected = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2), (3, 3)]
    assert [tuple(place) for place in np.argwhere(boundary_map(mask)).tolist()] == expected


def test_the_border_of_the_picture_is_no_boundary():
    assert not boundary_map(np.ones((4, 5), np.bool_)).any()
    corner = np.zeros((3, 3), np.bool_)
    corner[2, 2] = True
    # The lower right pixel has no neighbour to differ from; the three before it differ from it.
    assert [tuple(place) for place in np.argwhere(boundary_map(corner)).tolist()] == [(1, 1), (1, 2), (2, 1)]


@pytest.mark.parametrize(
    ("size", "pixels"),
    # 0.008 times the diagonal: 979.6 -> 7.84, 800 -> 6.4, 2202.9 -> 17.6, 125 -> exactly 1, 14.1 -> 0.11.
    [((480, 854), 8), ((480, 640), 7), ((1080, 1920), 18), ((75, 100), 1), ((10, 10), 1)],
)
def test_the_tolerance_is_rounded_up(size, pixels):
    assert tolerance(*size) == pixels


def test_the_f_measure_of_a_step_by_hand():
    first, second = np.zeros((10, 20), np.uint8), np.zeros((10, 20), np.uint8)
    first[:, 5:] = 1  # boundary: column 4 of all 10 rows
    second[:5, 6:], second[5:, 7:] = 1, 1  # column 5 of rows 0 to 4, column 6 of rows 5 to 9, and (4, 6) on the step
    one, two = boundaries(first, 1)[1], boundaries(second, 1)[1]
    assert (one.length, two.length) == (10, 11)
    # Within a pixel: rows 0 to 4 of both. (5, 4) is the square root of 2 away from (4, 5), which is more.
    assert (one.matched(two), two.matched(one)) == (5, 5)
    # 2 * 5/10 * 5/11 / (5/10 + 5/11) = 10/21
    assert f_measure(one, two) == f_measure(two, one) == pytest.approx(10 / 21, abs=1e-15)


def test_a_boundary_that_is_missing():
    square = np.zeros((9, 9), np.uint8)
    square[3:5, 3:5] = 1
    boundary = boundaries(square, 1)[1]
    assert f_measure(None, None) == 1
    assert f_measure(boundary, None) == f_measure(None, boundary) == 0
    assert boundaries(np.ones((9, 9), np.uint8), 1) == {}  # covers the picture, so it has no boundary
    assert boundaries(np.zeros((9, 9), np.uint8), 1) == {}


def test_segments_far_apart_do_not_match():
    labels = np.zeros((40, 40), np.int32)
    labels[2:5, 2:5], labels[30:35, 30:35] = 1, 7
    found = boundaries(labels, 2)
    assert list(found) == [1, 7]
    assert found[1].matched(found[7]) == 0
    assert f_measure(found[1], found[7]) == 0


@settings(max_examples=60)
@given(MASKS, st.integers(0, 5))
def test_dilation_is_that_by_a_disk(mask, radius):
    expected = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        for v, u in np.ndindex(mask.shape):
            expected[v, u] |= (v - y) ** 2 + (u - x) ** 2 <= radius**2
    np.testing.assert_array_equal(dilate(mask, radius), expected)


@settings(max_examples=100)
@given(st.data())
def test_the_f_measure_is_that_of_loops(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=14))
    first, second = (data.draw(hnp.arrays(np.bool_, shape)) for _ in range(2))
    radius = data.draw(st.integers(1, 4))
    np.testing.assert_array_equal(boundary_map(first), _slow_boundary(first))
    one, two = (boundaries(mask.astype(np.uint8), radius).get(1) for mask in (first, second))
    assert f_measure(one, two) == pytest.approx(_slow_f(first, second, radius), abs=1e-15)


def test_the_f_measure_of_blobs_is_that_of_loops():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:90, :160]
    for _ in range(20):
        # Ellipses that may reach beyond the picture; those of one round overlap more or less.
        cy, cx, ry, rx = rng.uniform((0, 0, 8, 8), (90, 160, 60, 80))
        shift = rng.uniform(-6, 6, 2)
        first = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1
        second = ((y - cy - shift[0]) / ry) ** 2 + ((x - cx - shift[1]) / rx) ** 2 < rng.uniform(0.8, 1.2)
        radius = tolerance(90, 160)
        assert radius == math.ceil(0.008 * math.sqrt(90**2 + 160**2)) == 2
        one, two = (boundaries(mask.astype(np.uint8), radius).get(1) for mask in (first, second))
        assert f_measure(one, two) == pytest.approx(_slow_f(first, second, radius), abs=1e-15)


@settings(max_examples=40)
@given(MASKS.flatmap(lambda mask: hnp.arrays(np.int32, mask.shape, elements=st.integers(0, 4))), st.integers(1, 3))
def test_each_segment_has_the_boundary_of_its_own_mask(labels, radius):
    found = boundaries(labels, radius)
    for label in range(1, 5):
        edge = _slow_boundary(labels == label)
        assert (label in found) == edge.any()
        if label in found:
            boundary = found[label]
            window = (slice(boundary.top, None), slice(boundary.left, None))
            whole = np.zeros_like(edge)
            whole[window][: boundary.edge.shape[0], : boundary.edge.shape[1]] = boundary.edge
            np.testing.assert_array_equal(whole, edge)
            near = np.zeros_like(edge)
            near[window][: boundary.near.shape[0], : boundary.near.shape[1]] = boundary.near
            np.testing.assert_array_equal(near, dilate(edge, radius))
