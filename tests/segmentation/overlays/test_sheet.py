"""Contact sheets of shots."""

from dataclasses import replace

import numpy as np
import pytest
from fixture_overlays import found, segmented_shot
from hypothesis import given
from hypothesis import strategies as st

from flowfeat.errors import InputError
from segmentation.overlays import shots_sheet
from segmentation.overlays.sheet import shown_frames, spread


def test_annotated_frames_come_first_then_masked_ones_then_those_far_from_both(tmp_path):
    shot = segmented_shot(tmp_path, {0: found(), 2: found(), 4: found()})
    assert [shown_frames(shot, count) for count in (1, 2, 3, 4, 9)] == [
        [0],
        [0, 4],
        [0, 2, 4],
        [0, 1, 2, 4],
        [0, 1, 2, 3, 4, 5],
    ]
    assert shown_frames(replace(shot, truth=None, masks=None), 3) == [0, 2, 5]


@given(st.sets(st.integers(0, 50)), st.integers(1, 12))
def test_frames_are_as_many_as_asked_for_and_the_ends_among_them(candidates, count):
    chosen = spread([], sorted(candidates), count)
    assert len(chosen) == len(set(chosen)) == min(count, len(candidates))
    assert set(chosen) <= candidates
    if count > 1 and candidates:
        assert {min(candidates), max(candidates)} <= set(chosen)


def test_a_row_a_shot_and_a_column_a_panel(tmp_path):
    with_truth = segmented_shot(tmp_path, {0: found(), 4: found()})
    alone = replace(with_truth, name="tennis", truth=None, masks=None)
    one, both = shots_sheet([alone], "made", 2), shots_sheet([with_truth, alone], "made", 2)
    # Two frames of tracks alone; two of tracks, masks and errors. Panels are 300 wide and 15 apart.
    assert (one.shape[1], both.shape[1]) == (15 + 2 * 315, 15 + 6 * 315)
    assert both.shape[0] > one.shape[0] + 225
    # The second row's last cells are empty.
    assert (both[-200:, 15 + 2 * 315 :] == 255).all()
    coloured = np.ptp(both.astype(int), axis=2) > 60
    assert coloured[:, : 15 + 6 * 315].any()


def test_what_cannot_be_shown_has_its_sentence(tmp_path):
    shot = segmented_shot(tmp_path)
    with pytest.raises(InputError, match="0 frames of each shot leave nothing to see"):
        shots_sheet([shot], frames=0)
    with pytest.raises(InputError, match="at least one panel"):
        shots_sheet([])
    (shot.frames / "cars1_0006.jpg").unlink()
    with pytest.raises(InputError, match=r"cars1: frame 5 is missing and the tracks of cars1 run through 6"):
        shots_sheet([shot], frames=6)
