"""Zero stays zero, values are rounded, and what is beyond the bound is clipped and counted."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flowfeat.store.quantise import dequantise, measure, quantise, quantise_and_measure

BOUNDS = [0.5, 8.0, 20.0, 32.0, 400.0]


@pytest.mark.parametrize("bound", BOUNDS)
def test_zero_is_level_128_and_decodes_to_exactly_zero(bound):
    levels = quantise(torch.zeros(1, 2, 3, 4), bound)
    assert levels.unique().tolist() == [128]
    assert not dequantise(levels.numpy(), bound).any()


@given(
    arrays(np.float32, (1, 2, 3, 4), elements=st.floats(-1000, 1000, width=32)),
    st.sampled_from(BOUNDS),
)
def test_the_error_is_half_a_level_within_the_bound_and_the_sign_is_kept(flow, bound):
    decoded = dequantise(quantise(torch.from_numpy(flow), bound).numpy(), bound)
    inside = np.abs(flow) <= bound
    half_a_level = bound / 127 / 2
    assert (np.abs(decoded - flow)[inside] <= half_a_level * 1.001).all()
    assert np.allclose(decoded[~inside], np.sign(flow[~inside]) * bound, rtol=1e-6)
    assert (decoded * flow >= 0).all()


def test_levels_decode_to_themselves():
    levels = torch.arange(1, 256, dtype=torch.uint8).reshape(1, 1, 15, 17)
    flow = torch.from_numpy(dequantise(levels.numpy(), 20.0))
    assert torch.equal(quantise(flow, 20.0), levels)


def test_mirrored_flow_has_mirrored_levels():
    flow = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0)) * 10
    assert torch.equal(256 - quantise(flow, 20.0).int(), quantise(-flow, 20.0).int())


def test_measurements_by_hand():
    flow = torch.zeros(2, 2, 2, 2)
    flow[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    flow[1, 0] = 21.0
    flow[1, 1, 0, 0] = -30.0
    facts = measure(flow, 20.0)
    assert facts.clipped_pixels.tolist() == [0, 4]
    assert facts.max_displacement.tolist() == pytest.approx([5.0, (21**2 + 30**2) ** 0.5])
    assert facts.mean_displacement[0].item() == pytest.approx(5 / 4)
    assert facts.finite.tolist() == [True, True]
    flow[0, 1, 1, 1] = float("nan")
    assert measure(flow, None).finite.tolist() == [False, True]
    assert measure(flow, None).clipped_pixels.tolist() == [0, 0]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_at_once_they_give_what_they_give_apart(device):
    flow = (torch.randn(3, 2, 25, 31, generator=torch.Generator().manual_seed(1)) * 12).to(device)
    levels, facts = quantise_and_measure(flow, 20.0)
    assert torch.equal(levels, quantise(flow, 20.0))
    expected = measure(flow, 20.0)
    assert expected.clipped_pixels.min() > 0
    assert torch.equal(facts.clipped_pixels, expected.clipped_pixels)
    assert torch.equal(facts.finite, expected.finite)
    torch.testing.assert_close(facts.max_displacement, expected.max_displacement)
    torch.testing.assert_close(facts.mean_displacement, expected.mean_displacement, rtol=1e-6, atol=0)
