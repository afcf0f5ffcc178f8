import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowfeat.errors import InputError
from flowfeat.visualization import colour_wheel, displacement_scale, fill_unknown, flow_to_colour


def field(*vectors: tuple[float, float]) -> np.ndarray:
    """One row of pixels with these flow vectors."""
    return np.array(vectors, dtype=np.float32).T[:, None, :]


def published_colour(u: float, v: float) -> tuple[int, ...]:
    """`computeColor` of Baker et al.'s colorcode.cpp, pixel by pixel; (u, v) in units of the full colour."""
    wheel = []
    for steps, start, channel, sign in [
        (15, (255, 0, 0), 1, 1),
        (6, (255, 255, 0), 0, -1),
        (4, (0, 255, 0), 2, 1),
        (11, (0, 255, 255), 1, -1),
        (13, (0, 0, 255), 0, 1),
        (6, (255, 0, 255), 2, -1),
    ]:
        for i in range(steps):
            colour = list(start)
            colour[channel] += sign * (255 * i // steps)
            wheel.append(colour)
    assert len(wheel) == 55
    radius = math.sqrt(u * u + v * v)
    fk = (math.atan2(-v, -u) / math.pi + 1) / 2 * 54
    k0 = int(fk)
    k1 = (k0 + 1) % 55
    out = []
    for b in range(3):
        col = (1 - (fk - k0)) * wheel[k0][b] / 255 + (fk - k0) * wheel[k1][b] / 255
        col = 1 - radius * (1 - col) if radius <= 1 else col * 0.75
        out.append(int(255 * col))
    return tuple(out)


@pytest.mark.parametrize(
    ("vector", "colour"),
    [
        ((1, 0), (255, 0, 0)),  # right: wheel position 0, red
        ((1, -0.0), (255, 0, 0)),
        # down: position 54/4 = 13.5, half-way from 255*13//15 = 221 to 238 green
        ((0, 1), (255, 229, 0)),
        # left: position 27, 255 - 255*2//11 = 209 green
        ((-1, 0), (0, 209, 255)),
        # up: position 40.5, half-way from 255*4//13 = 78 to 98 red
        ((0, -1), (88, 0, 255)),
        ((0.5, 0), (255, 127, 127)),
        ((2, 0), (191, 0, 0)),  # beyond the full colour: 0.75 * 255
        ((0, 0), (255, 255, 255)),
    ],
)
def test_anchor_colours(vector, colour):
    assert tuple(flow_to_colour(field(vector), 1.0)[0, 0].tolist()) == colour


@given(
    radius=st.floats(0, 3).filter(lambda r: abs(r - 1) > 1e-3),
    angle=st.floats(-math.pi, math.pi),
    scale=st.sampled_from([0.5, 1.0, 7.3]),
)
def test_equals_the_published_formula(radius, angle, scale):
    flow = field((radius * scale * math.cos(angle), radius * scale * math.sin(angle)))
    u, v = (float(x) / scale for x in flow[:, 0, 0])
    got = flow_to_colour(flow, scale)[0, 0].astype(int)
    # Truncation to bytes may fall one level apart between two ways of computing the same number.
    assert np.abs(got - published_colour(u, v + 0.0)).max() <= 1


def test_saturation_grows_with_displacement():
    colour = flow_to_colour(field(*[(0.1 * i, 0) for i in range(11)]), 1.0)[0].astype(int)
    saturation = colour.max(axis=1) - colour.min(axis=1)
    assert (np.diff(saturation) > 0).all()
    assert (saturation[0], saturation[-1]) == (0, 255)


def test_only_the_ratio_to_max_displacement_counts():
    flow = np.random.default_rng(0).normal(size=(2, 9, 11)).astype(np.float32)
    assert (flow_to_colour(flow, 2.0) == flow_to_colour(flow * 4, 8.0)).all()
    assert (flow_to_colour(flow, 2.0) != flow_to_colour(flow, 8.0)).any()


def test_unknown_pixels_are_black_whatever_they_hold():
    flow = field((1, 0), (np.nan, np.inf), (1e30, 1e30))
    colour = flow_to_colour(flow, 1.0, np.array([[True, False, False]]))
    assert colour.tolist() == [[[255, 0, 0], [0, 0, 0], [0, 0, 0]]]


def test_huge_flow_is_a_colour_not_an_overflow():
    assert flow_to_colour(field((3e38, 3e38)), 1.0)[0, 0].max() == 191


def test_known_flow_must_be_finite():
    with pytest.raises(InputError, match="1 known pixels have a flow that is not finite"):
        flow_to_colour(field((1, 0), (np.nan, 0)), 1.0)
    with pytest.raises(InputError, match="not finite"):
        displacement_scale(field((1, 0), (np.inf, 0)))


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan, math.inf])
def test_max_displacement_must_be_positive(limit):
    with pytest.raises(InputError, match="max_displacement must be a positive number"):
        flow_to_colour(field((1, 0)), limit)


def test_scale_is_the_99th_percentile_of_known_displacement():
    # Displacements 5 * (0..100): the 99th percentile is 5 * 99.
    flow = field(*[(3 * i, -4 * i) for i in range(101)], (1e9, 1e9))
    valid = np.ones((1, 102), dtype=bool)
    valid[0, -1] = False
    assert displacement_scale(flow, valid) == pytest.approx(495)


def test_scale_of_a_still_field_is_one_pixel():
    assert displacement_scale(field((0, 0), (0.01, 0))) == 1.0


def test_fill_takes_the_nearest_known_flow():
    flow = field((1, 2), (np.nan, np.nan), (0, 0), (1e9, 1e9), (3, 4))
    valid = np.array([[True, False, False, False, True]])
    filled = fill_unknown(flow, valid)
    assert filled[:, 0, [0, 1, 3, 4]].T.tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert filled[:, 0, 2].tolist() in ([1, 2], [3, 4])  # as far from both
    assert filled.dtype == np.float32


def test_nothing_known():
    nothing = np.zeros((1, 1), dtype=bool)
    with pytest.raises(InputError, match="without a single known pixel"):
        fill_unknown(field((1, 0)), nothing)
    with pytest.raises(InputError, match="without a single known pixel"):
        displacement_scale(field((1, 0)), nothing)
    assert flow_to_colour(field((1, 0)), 1.0, nothing).max() == 0


@pytest.mark.parametrize("size", [1, 2, 65, 100])
def test_legend_size(size):
    assert colour_wheel(size).shape == (size, size, 3)


def test_legend_shows_each_direction_where_it_points():
    wheel = colour_wheel(101).astype(int)
    assert (wheel[[0, 0, 100, 100], [0, 100, 0, 100]] == 255).all()  # white outside the disc
    assert wheel[50, 50].min() > 245  # white in the middle
    # Just above red the published wheel ends at 43 blue, so the averaged rim there has half of it.
    for x, y, colour in [
        (99, 50, (255, 0, 21)),
        (50, 99, (255, 229, 0)),
        (1, 50, (0, 209, 255)),
        (50, 1, (88, 0, 255)),
    ]:
        assert np.abs(wheel[y, x] - colour).max() < 12


def test_legend_needs_a_size():
    with pytest.raises(InputError, match="at least 1 pixel"):
        colour_wheel(0)
