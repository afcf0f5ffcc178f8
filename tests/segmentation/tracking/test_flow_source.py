from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_stores import settings, smooth_flow, write_stored_clip
from torch import Tensor

from flowfeat import FlowStore
from flowfeat.errors import InputError, StoreError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, Pair
from segmentation.tracking import estimated_flow, stored_flow


class Difference(FlowEstimator):
    """Flow that says which frames it was made from: to the right, how much brighter the second is."""

    def __init__(self) -> None:
        self.description = EstimatorDescription("difference", "none")
        self.asked: list[list[Pair]] = []
        self.checked: list[tuple[str, int, bool]] = []

    def estimate(self, frames: Tensor, pairs: Sequence[Pair] | None) -> Tensor:
        self.asked.append(list(pairs or []))
        first, second = frames.float().mean((2, 3, 4)).T
        flow = torch.zeros(len(frames), 2, *frames.shape[-2:])
        flow[:, 0] = (second - first)[:, None, None]
        return flow

    def check_clip(self, clip: str, pairs: int, backward: bool) -> None:
        self.checked.append((clip, pairs, backward))


def grey(*levels: int) -> list[np.ndarray]:
    return [np.full((4, 6, 3), level, np.uint8) for level in levels]


def test_an_estimator_is_asked_for_both_directions_of_every_pair():
    estimator = Difference()
    steps = list(estimated_flow(estimator, grey(10, 13, 20), "cars1"))
    assert [int(step.frame[0, 0, 0]) for step in steps] == [10, 13, 20]
    assert [float(step.forward[0, 0, 0]) for step in steps[:2]] == [3, 7]  # type: ignore[index]
    assert [float(step.backward[0, 0, 0]) for step in steps[:2]] == [-3, -7]  # type: ignore[index]
    assert steps[2].forward is None
    assert steps[2].backward is None
    assert estimator.asked == [
        [Pair("cars1", 0, 1), Pair("cars1", 1, 0)],
        [Pair("cars1", 1, 2), Pair("cars1", 2, 1)],
    ]
    assert estimator.checked == [("cars1", 2, True)]


def test_frames_are_taken_as_they_are_needed():
    taken: list[int] = []

    def frames():
        for number, frame in enumerate(grey(1, 2, 3, 4)):
            taken.append(number)
            yield frame

    steps = estimated_flow(Difference(), frames())
    assert taken == []
    next(steps)
    assert taken == [0, 1]


def test_frames_of_two_sizes_are_no_shot():
    frames = [*grey(1, 2), np.zeros((4, 7, 3), np.uint8)]
    with pytest.raises(InputError, match="frame 2 is 7x4 and those before are 6x4"):
        list(estimated_flow(Difference(), frames))


def test_no_frames_are_no_steps_and_one_is_a_step_without_flow():
    assert list(estimated_flow(Difference(), [])) == []
    (step,) = estimated_flow(Difference(), grey(5))
    assert step.forward is None


def stored(folder: Path, **options: object):
    flow, back = smooth_flow(3, 16, 24), smooth_flow(3, 16, 24, seed=1)
    of = settings("float16", **options)  # type: ignore[arg-type]
    write_stored_clip(folder, "a", of, flow, back if of.backward else None)
    return FlowStore(folder)["a"], flow, back


def test_a_store_gives_its_flow_and_its_frames(tmp_path: Path):
    clip, flow, back = stored(tmp_path / "s", backward=True, frames=True)
    steps = list(stored_flow(clip))
    assert len(steps) == 4
    for t, step in enumerate(steps[:3]):
        torch.testing.assert_close(step.forward, flow[t].half().float())
        torch.testing.assert_close(step.backward, back[t].half().float())
        assert torch.equal(step.frame, clip.read_frames(t, 1)[0])
    assert steps[3].forward is None


def test_a_store_takes_frames_from_elsewhere(tmp_path: Path):
    clip, _, _ = stored(tmp_path / "s", backward=True)
    frames = [np.full((16, 24, 3), level, np.uint8) for level in range(4)]
    assert [int(step.frame[0, 0, 0]) for step in stored_flow(clip, frames)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match="leads through 4 frames and the shot has 3; give the clip"):
        list(stored_flow(clip, frames[:3]))
    with pytest.raises(InputError, match="leads through 4 frames and the shot has more; give the clip"):
        list(stored_flow(clip, [*frames, frames[0]]))
    with pytest.raises(StoreError, match="no frames are stored"):
        list(stored_flow(clip))


def test_a_store_without_what_tracking_needs_is_refused(tmp_path: Path):
    forward_only, _, _ = stored(tmp_path / "one", frames=True)
    with pytest.raises(StoreError, match="no backward flow is stored"):
        list(stored_flow(forward_only))
    skipping, _, _ = stored(tmp_path / "two", backward=True, step=2)
    with pytest.raises(InputError, match="its flow leads 2 frames on"):
        list(stored_flow(skipping))
