import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from segmentation.tracking.gaussian import gaussian


@pytest.mark.parametrize("sigma", [0.8, 3.0, 9.0])
@pytest.mark.parametrize("size", [(1, 1), (5, 70), (33, 64), (65, 31)])
def test_it_is_the_mean_over_the_pixels_inside_the_frame(sigma: float, size: tuple[int, int]):
    field = np.random.default_rng(0).normal(size=(2, *size))
    inside = gaussian_filter(np.ones(size), sigma, mode="constant")
    expected = [gaussian_filter(channel, sigma, mode="constant") / inside for channel in field]
    np.testing.assert_allclose(gaussian(torch.from_numpy(field), sigma).numpy(), expected, atol=1e-12)


def test_it_keeps_the_type_and_a_constant():
    smooth = gaussian(torch.full((1, 40, 50), 7.0), 3.0)
    assert smooth.dtype == torch.float32
    torch.testing.assert_close(smooth, torch.full((1, 40, 50), 7.0))
