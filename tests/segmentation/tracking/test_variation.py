import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from segmentation.tracking.settings import PAPER, TrackerSettings
from segmentation.tracking.variation import flow_variation, gaussian_variation

BILATERAL = TrackerSettings(variation="bilateral")


def two_halves(across: float) -> torch.Tensor:
    """Flow that is nought on the left and `across` to the right on the right."""
    flow = torch.zeros(2, 60, 80)
    flow[0, :, 40:] = across
    return flow


def test_it_is_the_deviation_in_a_gaussian_window():
    flow = np.random.default_rng(2).normal(size=(2, 37, 50)) * 3
    inside = gaussian_filter(np.ones((37, 50)), 9, mode="constant")
    u, v, squared = (
        gaussian_filter(values, 9, mode="constant") / inside for values in (*flow, flow[0] ** 2 + flow[1] ** 2)
    )
    expected = np.sqrt(squared - u**2 - v**2)
    np.testing.assert_allclose(gaussian_variation(torch.from_numpy(flow), 9.0).numpy(), expected, rtol=1e-9)
    at = flow_variation(torch.from_numpy(flow), torch.tensor([[49, 0], [3, 30]]), PAPER)
    np.testing.assert_allclose(at.numpy(), [expected[0, 49], expected[30, 3]], rtol=1e-9)


def test_a_large_common_motion_leaves_no_rounding():
    flow = torch.full((2, 50, 60), 123.4)
    assert float(gaussian_variation(flow, 9.0).max()) < 1e-4
    flow[0] += 0.01 * torch.randn(50, 60, generator=torch.Generator().manual_seed(0))
    assert 0.009 < float(gaussian_variation(flow, 9.0)[25, 30]) < 0.011


def test_the_bilateral_window_ends_at_an_edge_of_the_motion():
    beside = torch.tensor([[36, 30], [43, 30]])
    flow = two_halves(5.0)
    assert float(flow_variation(flow, beside, PAPER).min()) > 2
    assert float(flow_variation(flow, beside, BILATERAL).max()) < 1e-3


def test_without_edges_both_windows_measure_alike():
    generator = torch.Generator().manual_seed(3)
    flow = 0.1 * torch.randn(2, 90, 120, generator=generator)
    # Around every pixel the bilateral window has its samples, so it is compared over many.
    pixels = torch.cartesian_prod(torch.arange(40, 80, 4), torch.arange(40, 50, 2))
    both = flow_variation(flow, pixels, PAPER), flow_variation(flow, pixels, BILATERAL)
    np.testing.assert_allclose(both[0].mean(), both[1].mean(), rtol=0.08)


def test_the_bilateral_window_is_the_sum_it_is_said_to_be():
    flow = np.random.default_rng(4).normal(size=(2, 20, 24))
    x, y = 5, 17
    centre = flow[:, y, x]
    alike = 0.01 * centre @ centre + 0.5
    weights, seen = [], []
    for down in range(-27, 28, 3):
        for right in range(-27, 28, 3):
            if 0 <= x + right < 24 and 0 <= y + down < 20:
                there = flow[:, y + down, x + right]
                far = (right**2 + down**2) / 81
                weights.append(np.exp(-0.5 * (far + ((there - centre) ** 2).sum() / alike)))
                seen.append(there)
    mean = np.average(seen, axis=0, weights=weights)
    expected = np.sqrt(np.average(((seen - mean) ** 2).sum(1), weights=weights))
    found = flow_variation(torch.from_numpy(flow), torch.tensor([[x, y]]), BILATERAL)
    np.testing.assert_allclose(found.numpy(), [expected], rtol=1e-9)
