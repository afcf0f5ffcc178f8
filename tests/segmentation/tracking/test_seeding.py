from dataclasses import replace

import pytest
import torch

from segmentation.tracking.seeding import seeds
from segmentation.tracking.settings import PAPER, TrackerSettings

NOBODY = torch.empty(0, 2)
BARE = TrackerSettings(texture="none")


def test_the_grid_begins_at_four_and_ends_before_the_margin():
    # x = 4, 12, ... < 24 - 4; y = 4 < 13 - 4; 20 is not less than 20.
    found = seeds(NOBODY, None, 13, 24, BARE)
    assert found.xy.tolist() == [[4, 4], [12, 4]]


@pytest.mark.parametrize("size", [(8, 100), (100, 8), (1, 1), (9, 8)])
def test_a_frame_that_is_all_margin_has_no_grid(size: tuple[int, int]):
    assert len(seeds(NOBODY, None, *size, BARE).xy) == 0


@pytest.mark.parametrize(
    ("track", "free"),
    [
        ((12.0, 12.0), False),
        ((19.99, 12.0), False),  # marked at 19, 7 away
        ((20.0, 12.0), True),  # 8 away
        ((4.9, 12.0), True),  # marked at 4
        ((5.0, 12.0), False),
        ((18.0, 18.0), True),  # 36 + 36 >= 64
        ((17.0, 18.0), False),  # 25 + 36 < 64
    ],
)
def test_a_track_keeps_seeds_at_the_sampling(track: tuple[float, float], free: bool):
    found = seeds(torch.tensor([track]), None, 30, 30, BARE)
    assert ([12, 12] in found.xy.tolist()) == free
    assert len(found.xy) + found.near_track == 9


def test_positions_left_of_the_first_pixel_are_truncated_to_it():
    settings = TrackerSettings(texture="none", sampling=4)
    # Marked at (0, 4), 4 away from (4, 4); rounded down to -1 it would be 5 away from nothing that matters.
    assert seeds(torch.tensor([[-0.4, 4.0]]), None, 12, 12, settings).near_track == 0
    assert seeds(torch.tensor([[0.99, 4.0]]), None, 12, 12, settings).near_track == 0
    assert seeds(torch.tensor([[1.0, 4.0]]), None, 12, 12, settings).near_track == 1


def test_weak_texture_is_refused_against_the_mean_and_absolutely():
    # One point of the grid, 8 from the borders, where e = exp(-0.8) = 0.449.
    def refused(strength: float, elsewhere: float, **options: object) -> tuple[int, int, int]:
        corner = torch.full((16, 16), elsewhere)
        corner[8, 8] = strength
        settings = replace(PAPER, margin=8 - 1, sampling=1, **options)  # type: ignore[arg-type]
        found = seeds(NOBODY, corner, 16, 16, settings)
        assert found.near_track == 0
        accepted = [8, 8] in found.xy.tolist()
        return int(accepted), found.below_mean, found.below_absolute

    assert refused(6.0, 10.0)[0] == 1  # 6 >= 10 x 0.549
    assert refused(5.0, 10.0)[0] == 0
    # All alike pass the mean; 1.44 < 1 + e <= 1.45 where e = 0.4493.
    assert refused(1.45, 1.45)[0] == 1
    assert refused(1.44, 1.44) == (0, 0, 4)
    assert refused(1.44, 1.44, texture="relative")[0] == 1
    assert refused(5.0, 10.0, texture="relative")[0] == 0


def test_nearer_to_the_border_more_texture_is_asked_for():
    corner = torch.full((40, 40), 1.5)  # 1 + e is 1.67 at 4 pixels, 1.30 at 12, 1.14 at 20
    found = seeds(NOBODY, corner, 40, 40, PAPER)
    # 36 is no point of the grid, and 40 - 28 = 12.
    assert found.xy.tolist() == [[x, y] for y in (12, 20, 28) for x in (12, 20, 28)]
    assert found.below_absolute == 16 - 9
