import pytest
import torch
from torch import Tensor

from segmentation.tracking.reliability import Stop, bilinear, stop_causes
from segmentation.tracking.settings import TrackerSettings

HEIGHT, WIDTH = 6, 8


def constant(u: float, v: float) -> Tensor:
    return torch.tensor([u, v], dtype=torch.float32)[:, None, None].repeat(1, HEIGHT, WIDTH)


def cause(forward: Tensor, backward: Tensor, x: int, y: int, settings: TrackerSettings | None = None) -> Stop:
    found = stop_causes(forward, backward, torch.tensor([[x, y]]), settings or TrackerSettings())
    return Stop(int(found[0]))


@pytest.mark.parametrize(("x", "y", "inside"), [(0, 0, True), (6, 4, True), (7, 2, False), (2, 5, False)])
def test_all_four_neighbours_of_the_goal_are_inside_the_frame(x: int, y: int, inside: bool):
    # A still point of the last column or row has a neighbour outside, of weight 0: it counts, as in the reference.
    assert cause(constant(0, 0), constant(0, 0), x, y) == (Stop.NONE if inside else Stop.LEFT_FRAME)


@pytest.mark.parametrize(("u", "v"), [(-3.01, 0), (0, -2.01), (4, 0), (0, 3.5)])
def test_flow_out_of_the_frame_stops_on_every_side(u: float, v: float):
    assert cause(constant(u, v), constant(-u, -v), 3, 2) == Stop.LEFT_FRAME


def test_flow_that_does_not_come_back_stops():
    # 1 >= 0.01 (1 + 0) + 0.5, and 0.49 < 0.01 (0.49 + 0) + 0.5.
    assert cause(constant(1, 0), constant(0, 0), 3, 2) == Stop.INCONSISTENT
    assert cause(constant(0.7, 0), constant(0, 0), 3, 2) == Stop.NONE


def test_consistency_is_relative_to_both_flows():
    # The sum is 1: 1 < 0.01 (36 + 25) + 0.5 = 1.11, but 1 >= 0.01 (25 + 16) + 0.5 = 0.91.
    wide = torch.zeros(2, 3, 40)
    for there, back, expected in ((6.0, -5.0, Stop.NONE), (5.0, -4.0, Stop.INCONSISTENT)):
        forward, backward = wide.clone(), wide.clone()
        forward[0], backward[0] = there, back
        assert cause(forward, backward, 10, 1) == expected


def test_as_much_as_the_tolerance_is_too_much():
    settings = TrackerSettings(consistency_slope=0, consistency_offset=1)
    assert cause(constant(1, 0), constant(0, 0), 3, 2, settings) == Stop.INCONSISTENT
    assert cause(constant(0.99, 0), constant(0, 0), 3, 2, settings) == Stop.NONE


def test_the_backward_flow_is_read_between_pixels():
    backward = torch.zeros(2, HEIGHT, WIDTH)
    backward[0, :, 4] = -1.0  # half of it at 3.5
    forward = constant(0.5, 0)
    assert cause(forward, backward, 3, 2) == Stop.NONE
    assert float(bilinear(backward, torch.tensor([[3.5, 2.0]]))[0, 0]) == -0.5


def test_a_gradient_of_the_flow_stops_beyond_its_bound():
    settings = TrackerSettings(consistency_offset=1e3, boundary_slope=0, boundary_offset=0.25)
    forward = torch.zeros(2, HEIGHT, WIDTH)
    forward[0] = -0.5 * torch.arange(WIDTH)  # |grad u|^2 = 0.25, which is not more than 0.25
    assert cause(forward, -forward, 3, 2, settings) == Stop.NONE
    forward[1] = 0.01 * torch.arange(HEIGHT)[:, None]
    assert cause(forward, -forward, 3, 2, settings) == Stop.MOTION_BOUNDARY


def test_no_derivative_is_taken_across_the_border():
    settings = TrackerSettings(consistency_offset=1e3)
    forward = torch.zeros(2, HEIGHT, WIDTH)
    forward[0] = torch.arange(WIDTH) * 0.5
    forward[0, :, 0] = 1.0
    assert cause(forward, -forward, 0, 2, settings) == Stop.NONE
    assert cause(forward, -forward, 1, 2, settings) == Stop.NONE  # (1.0 - 1.0) / 2
    assert cause(forward, -forward, 2, 2, settings) == Stop.MOTION_BOUNDARY


def test_the_first_cause_is_the_one_that_counts():
    steep = torch.zeros(2, HEIGHT, WIDTH)
    steep[0] = 2.0 * torch.arange(WIDTH)
    assert cause(steep, torch.zeros_like(steep), 5, 2) == Stop.LEFT_FRAME
    assert cause(steep, torch.zeros_like(steep), 1, 2) == Stop.INCONSISTENT
