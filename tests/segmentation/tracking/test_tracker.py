"""The tracker against a version that tracks one point after the other, and against shots worked out by hand."""

import math
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat import load_estimator, read_clip
from flowfeat.errors import InputError
from segmentation.synthetic import synthesise
from segmentation.tracking import PAPER, FlowStep, StopCounts, TrackerSettings, Tracking, estimated_flow, track
from segmentation.tracking.features import lab
from segmentation.tracking.gaussian import gaussian
from segmentation.tracking.reliability import Stop
from segmentation.tracking.texture import corner_strength
from segmentation.tracking.tracker import advance
from segmentation.tracking.variation import gaussian_variation

BARE = replace(PAPER, texture="none")

Shot = list[FlowStep]


def shot(forward: np.ndarray, backward: np.ndarray, seed: int = 0) -> Shot:
    """A shot of noise, fainter to the left, with this flow, each (pairs, 2, h, w)."""
    pairs, _, height, width = forward.shape
    noise = np.random.default_rng(seed).uniform(-120, 120, (pairs + 1, 3, height, width))
    frames = (128 + noise * np.linspace(0, 1, width)).astype(np.uint8)
    there, back = (torch.from_numpy(flow.astype(np.float32)) for flow in (forward, backward))
    steps = [FlowStep(torch.from_numpy(frames[t]), there[t], back[t]) for t in range(pairs)]
    return [*steps, FlowStep(torch.from_numpy(frames[-1]), None, None)]


def uniform(u: float, v: float, frames: int, height: int = 16, width: int = 20) -> Shot:
    """Everything moves alike, and the backward flow knows it."""
    flow = np.tile(np.array([u, v])[:, None, None], (frames - 1, 1, height, width))
    return shot(flow, -flow)


def of(tracking: Tracking) -> list[tuple[int, list[list[float]]]]:
    """First frame and points of each track, rounded to be compared."""
    return [(start, np.round(xy.astype(np.float64), 4).tolist()) for start, xy in tracking.trajectories]


def plain_cause(forward: np.ndarray, backward: np.ndarray, x: int, y: int) -> Stop:
    """Why a track ends at one pixel, by the rules of the reference written out."""
    height, width = forward.shape[1:]
    w = forward[:, y, x]
    to_x, to_y = x + float(w[0]), y + float(w[1])
    left, top = math.floor(to_x), math.floor(to_y)
    if left < 0 or top < 0 or left + 1 > width - 1 or top + 1 > height - 1:
        return Stop.LEFT_FRAME
    a, b = to_x - left, to_y - top
    back = (1 - b) * ((1 - a) * backward[:, top, left] + a * backward[:, top, left + 1])
    back = back + b * ((1 - a) * backward[:, top + 1, left] + a * backward[:, top + 1, left + 1])
    if ((w + back) ** 2).sum() >= 0.01 * ((w**2).sum() + (back**2).sum()) + 0.5:
        return Stop.INCONSISTENT
    gradient = 0.0
    for component in forward:
        if 0 < x < width - 1:
            gradient += ((component[y, x + 1] - component[y, x - 1]) / 2) ** 2
        if 0 < y < height - 1:
            gradient += ((component[y + 1, x] - component[y - 1, x]) / 2) ** 2
    return Stop.MOTION_BOUNDARY if gradient > 0.01 * (w**2).sum() + 0.002 else Stop.NONE


def plain_seed(x: int, y: int, live: list[tuple[int, int]], corner: np.ndarray, sampling: int) -> bool:
    """Section 1.1 for one point of the grid."""
    height, width = corner.shape
    if any((x - i) ** 2 + (y - j) ** 2 < sampling**2 for i, j in live):
        return False
    e = math.exp(-0.1 * min(x, y, width - x, height - y))
    return corner[y, x] >= corner.mean() * (0.1 + e) and corner[y, x] >= 1 + e


def plain_track(steps: Shot, sampling: int) -> list[tuple[int, list[list[float]]]]:
    """Section 1.3, one point after the other."""
    done: list[tuple[int, list[np.ndarray]]] = []
    live: list[tuple[int, list[np.ndarray]]] = []
    for t, step in enumerate(steps[:-1]):
        assert step.forward is not None
        assert step.backward is not None
        forward, backward = step.forward.numpy(), step.backward.numpy()
        height, width = forward.shape[1:]
        corner = corner_strength(gaussian(step.frame.float(), 0.8), 3.0).double().numpy()
        marked = [(int(points[-1][0]), int(points[-1][1])) for _, points in live]
        for y in range(4, height - 4, sampling):
            for x in range(4, width - 4, sampling):
                if plain_seed(x, y, marked, corner, sampling):
                    live.append((t, [np.array([x, y], np.float32)]))
        going = []
        for start, points in live:
            x, y = (math.floor(c + 0.5) for c in points[-1])
            moved = points[-1] + forward[:, y, x]
            inside = 0 <= math.floor(moved[0] + 0.5) < width and 0 <= math.floor(moved[1] + 0.5) < height
            if plain_cause(forward, backward, x, y) == Stop.NONE and inside:
                points.append(moved)
                going.append((start, points))
            elif len(points) > 1:
                done.append((start, points))
        live = going
    done = sorted(done + live, key=lambda one: (one[0], tuple(one[1][0][::-1])))
    return [(start, np.round(np.array(points, np.float64), 4).tolist()) for start, points in done]


@given(st.integers(0, 10**6), st.sampled_from([4, 8]), st.floats(0, 0.4))
@settings(max_examples=8)
def test_it_is_the_plain_version_made_fast(seed: int, sampling: int, error: float):
    random = np.random.default_rng(seed)
    smooth = gaussian(torch.from_numpy(random.normal(size=(8, 30, 37))), 6.0).numpy() * 18
    forward = smooth.reshape(4, 2, 30, 37) + random.uniform(-2, 2, (4, 2, 1, 1))
    wrong = gaussian(torch.from_numpy(random.normal(size=(8, 30, 37))), 2.0).numpy() * 7 * error
    steps = shot(forward, wrong.reshape(4, 2, 30, 37) - forward, seed)
    found = track(steps, replace(PAPER, sampling=sampling))
    assert of(found) == plain_track(steps, sampling)
    report = found.report
    assert report.grid_points == report.near_track + report.below_mean + report.below_absolute + report.seeds
    assert report.grid_points == 4 * len(range(4, 26, sampling)) * len(range(4, 33, sampling))
    assert report.seeds == report.dropped.total + len(found.trajectories)
    assert report.tracks == len(found.trajectories)
    assert report.reached_end == int((found.trajectories.end == 5).sum())
    assert np.array_equal(found.cause == Stop.NONE, found.trajectories.end == 5)
    for (start, points), cause in zip(found.trajectories, found.cause, strict=True):
        last = start + len(points) - 1
        if last < 4:
            x, y = (math.floor(c + 0.5) for c in points[-1])
            assert steps[last].forward is not None
            assert steps[last].backward is not None
            expected = plain_cause(steps[last].forward.numpy(), steps[last].backward.numpy(), x, y)
            assert cause == expected or (expected == Stop.NONE and cause == Stop.LEFT_FRAME)
    counts = np.bincount(found.cause, minlength=len(Stop)).tolist()
    stopped = report.stopped
    assert counts == [report.reached_end, stopped.left_frame, stopped.inconsistent, stopped.motion_boundary]


def test_where_nothing_moves_tracks_live_from_end_to_end():
    found = track(uniform(0, 0, 3), BARE)
    assert of(found) == [(0, [[4, 4]] * 3), (0, [[12, 4]] * 3)]
    report = found.report
    assert (report.frames, report.height, report.width) == (3, 16, 20)
    assert (report.grid_points, report.near_track, report.seeds, report.reached_end) == (4, 2, 2, 2)
    assert report.stopped == report.dropped == StopCounts()


def test_a_track_ends_where_the_flow_leaves_the_frame():
    # A goal of 19 has a right neighbour of 20, which is outside: 14 and 17 are last positions. In frame 1 the tracks
    # at 9 and 17 are less than 8 from the grid's 4 and 12; in frame 2 the one at 14 leaves 4 free; in frame 3 none.
    found = track(uniform(5, 0, 5), BARE)
    assert of(found) == [(0, [[4, 4], [9, 4], [14, 4]]), (0, [[12, 4], [17, 4]]), (2, [[4, 4], [9, 4], [14, 4]])]
    assert found.report.stopped == StopCounts(left_frame=2)
    assert found.report.dropped == StopCounts()
    assert (found.report.near_track, found.report.seeds, found.report.reached_end) == (5, 3, 1)


def test_a_track_ends_where_forward_and_backward_flow_contradict_each_other():
    forward, backward = np.zeros((3, 2, 16, 20)), np.zeros((3, 2, 16, 20))
    backward[1, 0, :, :10] = 1.0  # from frame 2 back to 1, on the left: what was there is hidden
    found = track(shot(forward, backward), BARE)
    # The left point ends in frame 1; it is lost in that step, and found again as another in frame 2.
    assert of(found) == [(0, [[4, 4], [4, 4]]), (0, [[12, 4]] * 4), (2, [[4, 4], [4, 4]])]
    assert found.report.stopped == StopCounts(inconsistent=1)
    assert found.report.dropped == StopCounts()
    assert found.report.reached_end == 2


def test_a_track_ends_at_an_edge_of_the_motion():
    forward = np.zeros((2, 2, 16, 20))
    forward[1, 0, :, 5:] = 0.5  # at 4, (0.5 - 0) / 2 squared is 0.0625 > 0.002
    found = track(shot(forward, -forward), BARE)
    assert of(found) == [(0, [[4, 4], [4, 4]]), (0, [[12, 4], [12, 4], [12.5, 4]])]
    assert found.report.stopped == StopCounts(motion_boundary=1)


def test_a_seed_that_cannot_be_followed_is_no_track():
    forward, backward = np.zeros((2, 2, 16, 20)), np.zeros((2, 2, 16, 20))
    backward[0, 0, :, :10] = 1.0
    found = track(shot(forward, backward), BARE)
    assert of(found) == [(0, [[12, 4]] * 3), (1, [[4, 4]] * 2)]
    assert found.report.dropped == StopCounts(inconsistent=1)
    assert (found.report.seeds, found.report.tracks) == (3, 2)


def test_the_sub_pixel_part_of_a_position_is_kept():
    forward = np.zeros((3, 2, 16, 20))
    forward[:, 0] = 0.4
    # Rounded, the point is at 4, 4 and 5 in turn.
    (start, first), *_ = of(track(shot(forward, -forward), BARE))
    assert (start, first) == (0, [[4, 4], [4.4, 4], [4.8, 4], [5.2, 4]])


def test_displacements_are_of_the_nearest_pixel_or_between_pixels():
    forward = torch.zeros(2, 16, 20)
    forward[0] = 0.04 * torch.arange(20)
    xy = torch.tensor([[6.25, 4.0], [6.5, 4.0]])
    nearest, cause = advance(xy, forward, -forward, BARE)
    assert cause.tolist() == [Stop.NONE, Stop.NONE]
    torch.testing.assert_close(nearest[:, 0], torch.tensor([6.25 + 0.24, 6.5 + 0.28]))
    between, _ = advance(xy, forward, -forward, TrackerSettings(interpolation="bilinear"))
    torch.testing.assert_close(between[:, 0], torch.tensor([6.25 + 0.25, 6.5 + 0.26]))


def test_a_position_between_pixels_can_leave_although_its_pixel_does_not():
    forward = torch.zeros(2, 16, 20)
    forward[0, :, 10] = 26.0  # the pixel 9 does not move, at 9.4 the flow is 10.4
    loose = TrackerSettings(interpolation="bilinear", boundary_offset=1e3, consistency_offset=1e3)
    moved, cause = advance(torch.tensor([[9.4, 4.0]]), forward, forward, loose)
    assert moved.tolist() == [[pytest.approx(9.4 + 0.4 * 26), 4.0]]
    assert cause.tolist() == [Stop.LEFT_FRAME]


def test_variation_and_colour_are_those_under_the_points():
    random = np.random.default_rng(5)
    forward = gaussian(torch.from_numpy(random.normal(size=(4, 24, 28))), 8.0).numpy().reshape(2, 2, 24, 28)
    steps = shot(forward, -forward, 6)
    found = track(steps, BARE)
    assert len(found.trajectories) >= 4
    for t, flow in enumerate((steps[0].forward, steps[1].forward, steps[1].backward)):
        assert flow is not None
        sigma, smoothed = gaussian_variation(flow, 9.0), gaussian(steps[t].frame.float(), 0.8)
        here = found.trajectories.frame == t
        x, y = np.floor(found.trajectories.xy[here] + 0.5).astype(int).T
        np.testing.assert_allclose(found.features.sigma[here], sigma.numpy()[y, x], rtol=1e-5)
        np.testing.assert_allclose(found.features.lab[here], lab(smoothed[:, y, x].T).numpy(), rtol=1e-4, atol=1e-4)


def test_tracks_of_exact_flow_stay_on_their_object():
    scene = synthesise("A", 120, 160, seed=1)
    found = track(scene.steps(), TrackerSettings(sampling=4))
    x, y = np.floor(found.trajectories.xy + 0.5).astype(int).T
    label = scene.labels[found.trajectories.frame, y, x]
    crossed = np.unique(found.trajectories.owner[label != label[found.trajectories.offset][found.trajectories.owner]])
    assert len(found.trajectories) > 800
    assert len(crossed) <= 0.005 * len(found.trajectories)
    assert set(label) == {0, 1, 2, 3}
    assert found.trajectories.length.mean() > 7


def test_the_same_shot_gives_the_same_tracks_whole_or_in_a_stream():
    scene = synthesise("C", 60, 80, seed=2)
    whole, stream = track(list(scene.steps())), track(scene.steps())
    assert whole.report == stream.report
    for name in ("start", "length", "xy"):
        np.testing.assert_array_equal(getattr(whole.trajectories, name), getattr(stream.trajectories, name))
    np.testing.assert_array_equal(whole.features.sigma, stream.features.sigma)
    np.testing.assert_array_equal(whole.features.lab, stream.features.lab)


def test_real_frames_are_tracked_by_flow_as_it_is_estimated(data: Path):
    pytest.importorskip("cv2")
    frames = read_clip(data / "segmentation/FBMS/Testset/cars1").frames[:3]
    found = track(estimated_flow(load_estimator("dis", device="cpu"), iter(frames)), PAPER)
    report = found.report
    assert (report.frames, report.height, report.width) == (3, 480, 640)
    assert report.tracks == len(found.trajectories) > 2000
    # The road and the sky are refused, the cars' edges and what they hide are given up, and most points live on.
    assert report.below_mean > 500
    assert report.stopped.inconsistent + report.dropped.inconsistent > 100
    assert report.reached_end > 0.8 * report.tracks
    assert 0 < np.median(found.features.sigma) < 1


def test_frames_and_flow_are_let_go_of():
    alive: list[weakref.ref] = []

    def steps() -> Iterator[FlowStep]:
        for step in uniform(0.5, 0, 8):
            assert sum(one() is not None for one in alive) <= 2
            fresh = FlowStep(step.frame.clone(), step.forward, step.backward)
            alive.append(weakref.ref(fresh.frame))
            yield fresh
            del step, fresh

    track(steps(), BARE)
    assert len(alive) == 8


def test_a_shot_without_texture_has_no_tracks():
    steps = [FlowStep(torch.full((3, 40, 50), 90, dtype=torch.uint8), *(torch.zeros(2, 2, 40, 50))) for _ in range(3)]
    steps.append(FlowStep(steps[0].frame, None, None))
    found = track(steps, PAPER)
    assert len(found.trajectories) == 0
    assert found.trajectories.frames == 4
    assert found.features.lab.shape == (0, 3)
    assert found.report.grid_points == found.report.below_mean + found.report.below_absolute > 0


def test_a_frame_too_small_for_the_grid_has_no_tracks():
    found = track(uniform(0, 0, 3, height=8, width=8))
    assert len(found.trajectories) == 0
    assert found.report.grid_points == 0


def test_fewer_than_two_frames_are_refused():
    with pytest.raises(InputError, match="the shot has no frames; nothing can be tracked through less than two"):
        track([])
    with pytest.raises(InputError, match="the shot has 1 frame; nothing can be tracked"):
        track(uniform(0, 0, 3)[-1:])


def test_flow_that_is_no_number_is_refused_with_its_place():
    steps = uniform(0, 0, 4)
    assert steps[1].backward is not None
    steps[1].backward[0, 3, 4] = math.nan
    steps[1].backward[1, 3, 4] = math.inf
    with pytest.raises(InputError, match="backward flow between frames 1 and 2 is no number at 1 of its 320 pixels"):
        track(steps)


def test_flow_and_frames_of_other_sizes_are_refused():
    steps, small = uniform(0, 0, 4), uniform(0, 0, 4, height=15)
    other = FlowStep(steps[1].frame, small[1].forward, small[1].backward)
    with pytest.raises(InputError, match="forward flow between frames 1 and 2 is 20x15 and the frames are 20x16"):
        track([steps[0], other, *steps[2:]])
    with pytest.raises(InputError, match="frame 1 is 20x15 and those before are 20x16"):
        track([steps[0], *small[1:]])


def test_flow_missing_in_the_middle_and_a_missing_last_frame_are_refused():
    steps = uniform(0, 0, 4)
    with pytest.raises(InputError, match="frame 1 has no flow to frame 2"):
        track([steps[0], FlowStep(steps[1].frame, None, None), *steps[2:]])
    with pytest.raises(InputError, match="the flow leads on to frame 3, which is not there"):
        track(steps[:3])


def test_a_sampling_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="at least 1 pixel apart"):
        TrackerSettings(sampling=0)


@pytest.mark.gpu
def test_a_gpu_tracks_alike():
    scene = synthesise("B", 120, 160)
    here, there = track(scene.steps()), track(scene.steps(), device=torch.device("cuda"))
    assert abs(len(here.trajectories) - len(there.trajectories)) <= 0.01 * len(here.trajectories)
