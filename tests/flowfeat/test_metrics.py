import doctest
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat import metrics
from flowfeat.metrics import (
    Mean,
    angular_error,
    endpoint_error,
    masked_mean,
    mean_over_pairs,
    mean_over_pixels,
    outliers,
)

NUMBERS = st.floats(-500, 500, width=32)
VECTORS = st.tuples(NUMBERS, NUMBERS)


def field(*vectors: tuple[float, float]) -> torch.Tensor:
    """(2, 1, n) of these displacements."""
    return torch.tensor(vectors, dtype=torch.float64).T[:, None]


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(metrics).attempted == 3
    assert doctest.testmod(metrics).failed == 0


@given(st.lists(st.tuples(VECTORS, VECTORS), min_size=1, max_size=8))
@settings(max_examples=60)
def test_errors_are_those_of_the_definitions(pairs):
    flow, truth = (field(*vectors) for vectors in zip(*pairs, strict=True))
    error, angle = endpoint_error(flow, truth)[0], angular_error(flow, truth)[0]
    wrong, far = outliers(endpoint_error(flow, truth), truth)[0], outliers(endpoint_error(flow, truth), truth, False)[0]
    for place, ((u, v), (x, y)) in enumerate(pairs):
        distance, length = math.hypot(u - x, v - y), math.hypot(x, y)
        assert float(error[place]) == pytest.approx(distance, abs=1e-9)
        cosine = (u * x + v * y + 1) / math.sqrt((u * u + v * v + 1) * (x * x + y * y + 1))
        assert float(angle[place]) == pytest.approx(math.degrees(math.acos(max(-1, min(1, cosine)))), abs=2e-4)
        if abs(distance - 3) > 1e-6 and abs(distance - 0.05 * length) > 1e-6:
            assert bool(far[place]) == (distance > 3)
            assert bool(wrong[place]) == (distance > 3 and (length == 0 or distance / length > 0.05))


def test_an_angle_has_digits_near_zero():
    assert float(angular_error(field((1e-7, 0)), field((0, 0)))) == pytest.approx(math.degrees(1e-7), rel=1e-6)


def test_thresholds_of_kitti_are_strict():
    truth = field((100, 0), (100, 0), (0, 0), (0, 0))
    error = endpoint_error(field((105, 0), (105.1, 0), (3, 0), (3.01, 0)), truth)
    assert outliers(error, truth)[0].tolist() == [False, True, False, True]
    assert outliers(error, truth, relative=False)[0].tolist() == [True, True, False, True]


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_leading_dimensions_are_kept(batch):
    flow, truth = torch.rand(*batch, 2, 4, 5), torch.rand(*batch, 2, 4, 5)
    for error in (endpoint_error(flow, truth), angular_error(flow, truth)):
        assert error.shape == (*batch, 4, 5)
    torch.testing.assert_close(endpoint_error(flow, truth), (flow - truth).square().sum(-3).sqrt())


def test_the_gradient_is_zero_where_nothing_is_wrong():
    flow = torch.zeros(2, 3, 3, requires_grad=True)
    endpoint_error(flow, torch.zeros(2, 3, 3)).sum().backward()
    assert flow.grad is not None
    assert not flow.grad.any()


def test_means_skip_what_the_mask_leaves_out():
    values = torch.tensor([[1.0, 2.0], [6.0, torch.nan]])
    assert masked_mean(values, torch.tensor([[True, True], [True, False]])) == Mean(3.0, 3)
    assert masked_mean(values > 1.5, torch.tensor([[True, True], [True, False]])) == Mean(2 / 3, 3)
    assert masked_mean(values, torch.zeros(2, 2, dtype=torch.bool)) is None


def test_a_mean_over_many_pixels_keeps_its_digits():
    # Added up in float32 one by one, 0.1 would come out as 0.1000 only to four digits.
    found = masked_mean(torch.full((2000, 2000), 0.1), torch.ones(2000, 2000, dtype=torch.bool))
    assert found is not None
    assert found.value == pytest.approx(float(torch.tensor(0.1)), rel=1e-12)


def test_pairs_count_the_same_or_pixels_do():
    means = [Mean(1.0, 30), Mean(5.0, 10)]
    assert mean_over_pairs(means) == 3.0
    assert mean_over_pixels(means) == 2.0
    assert mean_over_pairs([]) is None
    assert mean_over_pixels([]) is None
