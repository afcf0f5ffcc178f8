from pathlib import Path

import numpy as np
import pytest
from fixture_clips import moving_texture
from fixture_datasets import middlebury_tree

from flowfeat.benchmarks import benchmark
from flowfeat.benchmarks.robustness import COLUMNS_MEASURED, DEGRADATIONS, UNDEGRADED, Degradation, degraded
from flowfeat.datasets import FlowSample
from flowfeat.estimators import load_estimator


def sample(height: int = 48, width: int = 64, name: str = "a") -> FlowSample:
    frames = np.stack(list(moving_texture(2, height, width)))
    return FlowSample(name, frames, None, np.ones((height, width), np.bool_), None)


def named(name: str) -> Degradation:
    return next(each for each in DEGRADATIONS if each.name == name)


@pytest.mark.parametrize("degradation", DEGRADATIONS, ids=lambda each: each.name)
def test_frames_get_worse_the_same_way_each_time(degradation: Degradation):
    worse, again = (degraded(degradation, sample(47, 61)) for _ in range(2))
    np.testing.assert_array_equal(worse, again)
    assert (worse.shape, worse.dtype) == ((2, 47, 61, 3), np.uint8)
    difference = np.abs(worse.astype(int) - sample(47, 61).frames).mean()
    assert 0.2 < difference < 60


def test_more_is_worse():
    def distance(name: str) -> float:
        return np.abs(degraded(named(name), sample()).astype(float) - sample().frames).mean()

    for milder, harder in [
        ("JPEG, quality 90", "JPEG, quality 20"),
        ("H.264, crf 23", "H.264, crf 35"),
        ("noise, 5 levels", "noise, 15 levels"),
        ("blur, 1 px", "blur, 2 px"),
    ]:
        assert distance(milder) < distance(harder)


def test_noise_is_of_the_pair_and_of_each_frame():
    still = FlowSample("a", np.full((2, 64, 64, 3), 128, np.uint8), None, np.ones((64, 64), np.bool_), None)
    first, second = degraded(named("noise, 5 levels"), still).astype(float)
    assert first.std() == pytest.approx(5, rel=0.05)
    assert np.abs(first - second).mean() > 3
    other = FlowSample("b", still.frames, None, still.valid, None)
    assert (degraded(named("noise, 5 levels"), other)[0] != first).any()


def test_light_changes_in_the_second_frame_alone():
    for name, change in (
        ("second frame 20 levels brighter", lambda x: x + 20.0),
        ("second frame x 0.8", lambda x: 0.8 * x),
    ):
        worse = degraded(named(name), sample())
        np.testing.assert_array_equal(worse[0], sample().frames[0])
        np.testing.assert_array_equal(worse[1], np.rint(change(sample().frames[1])).clip(0, 255))


def test_the_second_frame_of_a_still_clip_is_predicted():
    frames = np.repeat(sample().frames[:1], 2, axis=0)
    still = FlowSample("a", frames, None, np.ones(frames.shape[1:3], np.bool_), None)
    worse = degraded(named("H.264, crf 35"), still).astype(int)
    assert np.abs(worse[0] - worse[1]).mean() < 0.5 * np.abs(worse[0] - frames[0]).mean()


def test_every_degradation_is_measured_beside_the_frames_as_they_are(tmp_path: Path):
    seen = []
    record = benchmark(
        "middlebury",
        middlebury_tree(tmp_path),
        [load_estimator("zero", device="cpu")],
        robustness=True,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert [row.degradation for row in record.robustness] == [UNDEGRADED, *(each.name for each in DEGRADATIONS)]
    columns = [row.columns["zero"] for row in record.robustness]
    assert all(each == columns[0] for each in columns), "no frame decides what zero says"
    assert tuple(columns[0]) == COLUMNS_MEASURED
    assert seen[-1] == (2 * len(DEGRADATIONS), 2 * len(DEGRADATIONS))
