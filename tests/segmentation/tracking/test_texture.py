import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from segmentation.tracking.texture import central_differences, corner_strength


def test_derivatives_are_central_and_nought_across_the_border():
    field = torch.tensor([[[0.0, 1.0, 4.0, 9.0]] * 3]) + torch.tensor([[[0.0], [10.0], [40.0]]])
    right, down = central_differences(field)
    assert right[0, 1].tolist() == [0, 2, 4, 0]
    assert down[0, :, 0].tolist() == [0, 20, 0]


def test_it_is_the_smaller_eigenvalue_of_the_structure_tensor():
    frame = np.random.default_rng(1).uniform(0, 255, (3, 21, 26))
    right, down = np.zeros_like(frame), np.zeros_like(frame)
    right[:, :, 1:-1] = (frame[:, :, 2:] - frame[:, :, :-2]) / 2
    down[:, 1:-1] = (frame[:, 2:] - frame[:, :-2]) / 2
    inside = gaussian_filter(np.ones((21, 26)), 3.0, mode="constant")
    xx, xy, yy = (
        gaussian_filter((one * other).sum(0), 3.0, mode="constant") / inside
        for one, other in ((right, right), (right, down), (down, down))
    )
    expected = np.linalg.eigvalsh(np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1))[..., 0]
    found = corner_strength(torch.from_numpy(frame), 3.0)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9)


def test_an_edge_is_no_corner_and_neither_is_a_plain_surface():
    edge = torch.zeros(3, 40, 40)
    edge[:, :, 20:] = 200
    assert float(corner_strength(edge, 3.0).abs().max()) < 1e-3
    crossing = edge.clone()
    crossing[:, 20:] = 200
    assert float(corner_strength(crossing, 3.0)[20, 20]) > 100


def test_a_corner_that_is_the_same_in_all_directions_is_one():
    # xx = yy and xy = 0: the reference's root is of a number that rounding makes negative as often as not.
    dot = torch.zeros(3, 31, 31)
    dot[:, 15, 15] = 255
    assert float(corner_strength(dot, 3.0)[15, 15]) > 50
