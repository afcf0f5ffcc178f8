import pytest
import torch

from segmentation.tracking.features import lab


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((0, 0, 0), (0, 0, 0)),
        ((255, 255, 255), (100, 0, 0)),
        ((119, 119, 119), (50.03, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.74, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        # Near black all is linear: Y = (0.2126 x 3 + 0.7152 x 2 + 0.0722) / 255 / 12.92 = 0.00065, and L = 903.3 Y.
        ((3, 2, 1), (0.587, 0.122, 0.471)),
    ],
)
def test_colours_have_their_published_values(rgb: tuple[int, int, int], expected: tuple[float, float, float]):
    found = lab(torch.tensor([rgb], dtype=torch.float64))[0].tolist()
    assert found == pytest.approx(expected, abs=0.05)
