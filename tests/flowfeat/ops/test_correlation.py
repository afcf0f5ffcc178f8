"""The cost volume: against the published kernel's numbers, against its formula, and its gradients."""

import pytest
import torch
from oracle import operator_fixtures

from flowfeat.ops import correlation, correlation_reference
from flowfeat.ops.correlation import _correlation

# (max_displacement, displacement_stride, stride, patch)
PARAMETERS = [
    (20, 2, 1, 1),
    (4, 1, 1, 1),
    (3, 2, 2, 1),
    (5, 2, 1, 3),
    (2, 1, 3, 3),
    (6, 3, 1, 1),
    (7, 3, 2, 5),
    (0, 1, 1, 1),
]


def maps(count=2, channels=5, height=7, width=9, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(count, channels, height, width, dtype=dtype, generator=generator) for _ in range(2)]


def test_the_published_cuda_kernel_gives_these_numbers(data):
    inputs, expected = operator_fixtures(data)
    for operator in (correlation, correlation_reference):
        costs = operator(inputs["corr_a"], inputs["corr_b"])
        assert (costs - expected["correlation"]).abs().max() <= 1e-6


def test_one_cost_by_hand():
    first, second = torch.zeros(1, 2, 5, 6), torch.zeros(1, 2, 5, 6)
    first[0, :, 2, 3] = torch.tensor([2.0, 3.0])
    second[0, :, 4, 1] = torch.tensor([5.0, 7.0])
    costs = correlation(first, second, max_displacement=2, displacement_stride=1)
    # 2 down and 2 to the left: dy = 2 is the fifth of five rows, dx = -2 the first of five columns.
    assert costs[0, 4 * 5 + 0, 2, 3] == pytest.approx((2 * 5 + 3 * 7) / 2)
    assert (costs != 0).sum() == 1


@pytest.mark.parametrize("parameters", PARAMETERS)
@pytest.mark.parametrize("size", [(7, 9), (8, 8), (1, 1), (13, 6)])
def test_it_equals_its_formula(parameters, size):
    first, second = maps(height=size[0], width=size[1], dtype=torch.float64)
    costs = correlation(first, second, *parameters)
    expected = correlation_reference(first, second, *parameters)
    assert costs.shape == expected.shape
    assert torch.allclose(costs, expected, atol=1e-12)


@pytest.mark.parametrize("parameters", PARAMETERS[1:6])
def test_its_gradients_are_right(parameters):
    first, second = maps(1, 2, 4, 5, torch.float64)
    assert torch.autograd.gradcheck(
        lambda a, b: correlation(a, b, *parameters), (first.requires_grad_(), second.requires_grad_())
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_sum_in_float32(dtype):
    first, second = (values.to(dtype) for values in maps(1, 512, 6, 8))
    costs = correlation(first, second, 4, 2)
    exact = correlation_reference(first.double(), second.double(), 4, 2)
    assert costs.dtype == dtype
    assert (costs.double() - exact).abs().max() <= torch.finfo(dtype).eps * exact.abs().max()


def test_memory_formats_give_the_same():
    first, second = maps()
    last = [values.contiguous(memory_format=torch.channels_last) for values in (first, second)]
    assert torch.equal(correlation(first, second), correlation(*last))


def test_torch_accepts_the_operator():
    first, second = maps()
    for parameters in [(4, 2, 1), (3, 1, 2)]:
        torch.library.opcheck(_correlation, (first.requires_grad_(), second.requires_grad_(), *parameters))


def test_what_it_does_not_take_is_a_sentence():
    first, second = maps()
    for parameters in [(-1, 1, 1, 1), (4, 0, 1, 1), (4, 1, 0, 1), (4, 1, 1, 2)]:
        with pytest.raises(ValueError, match="max_displacement >= 0, strides >= 1 and an odd patch"):
            correlation(first, second, *parameters)
