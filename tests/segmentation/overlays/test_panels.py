"""The panels of a frame."""

from dataclasses import replace

import numpy as np
import pytest
from fixture_overlays import HEIGHT, WIDTH, found, segmented_shot, truth

from flowfeat.errors import InputError
from segmentation.formats.label_map import write_label_map
from segmentation.overlays import object_colours
from segmentation.overlays.errors import VERDICT_COLOURS, Verdict
from segmentation.overlays.panels import ShotPanels

BLACK = np.zeros((HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def shot(tmp_path):
    return segmented_shot(tmp_path, {frame: found() for frame in (0, 2, 4)})


def test_matched_objects_have_the_colour_of_the_truth_in_all_panels(shot):
    drawn = ShotPanels(shot, WIDTH).draw(0, BLACK)
    assert drawn.masks
    assert drawn.truth
    for row, column, number in ((8, 8, 1), (28, 40, 2), (28, 36, 2)):  # on the outlines, which have full colours
        for panel in (drawn.masks, drawn.truth):
            assert panel.image[row, column].tolist() == object_colours(np.array(number)).tolist()
    dot = drawn.tracks.image[33:36, 41:44].reshape(-1, 3).astype(int)  # a track stands at (42, 34), in region 2
    assert np.abs(dot - object_colours(np.array(2))).sum(axis=1).min() < 60


def test_errors_of_masks_are_drawn_and_told(shot):
    drawn = ShotPanels(shot, WIDTH).draw(4, BLACK)
    assert drawn.errors
    # Half of region 1 is missed, 16 x 8 pixels; object 3 is a false alarm, 6 x 14. (128 + 84) / 3072 = 6.9 %.
    assert drawn.errors.caption == "errors in frame 4: 6.9% of pixels"
    missed, alarm = drawn.errors.image[15, 20].astype(int), drawn.errors.image[3, 60].astype(int)
    np.testing.assert_allclose(missed, 0.3 * 40 + 0.7 * np.array(VERDICT_COLOURS[Verdict.MISSED]), atol=0.51)
    np.testing.assert_allclose(alarm, 0.3 * 40 + 0.7 * np.array(VERDICT_COLOURS[Verdict.FALSE_ALARM]), atol=0.51)
    assert [words for _, words in drawn.errors.key] == ["found", "missed", "false alarm", "confused"]


def test_a_frame_has_the_panels_that_it_has_files_for(shot):
    panels = ShotPanels(shot, WIDTH)
    kinds = {frame: panels.draw(frame, BLACK) for frame in (0, 1, 2)}
    assert [kinds[0].masks is None, kinds[0].truth is None, kinds[0].errors is None] == [False, False, False]
    assert [kinds[1].masks is None, kinds[1].truth is None, kinds[1].errors is None] == [True, True, True]
    assert [kinds[2].masks is None, kinds[2].truth is None, kinds[2].errors is None] == [False, True, True]


def test_without_masks_the_tracks_are_judged(tmp_path):
    drawn = ShotPanels(segmented_shot(tmp_path), WIDTH).draw(0, BLACK)
    assert drawn.masks is None
    assert drawn.errors
    # Tracks stand at 2, 6, 10, ...: region 1 has 4 rows of 4, of which 2 columns are missed; object 3 has 2 rows
    # (2 and 6, the latter outside) and 3 columns (50 is in, 54, 58, 62: 4). 8 missed + 4 alarms of 12 x 16 tracks.
    assert drawn.errors.caption == f"errors in frame 0: {12 / 192:.1%} of tracks"
    assert drawn.tracks.caption == "frame 0: 36 tracks of objects"
    assert [words for _, words in drawn.tracks.key] == ["156 background", "0 unassigned"]


def test_tracks_that_were_not_segmented_are_shown_and_not_judged(tmp_path):
    drawn = ShotPanels(replace(segmented_shot(tmp_path), objects=None), WIDTH).draw(0, BLACK)
    assert drawn.tracks.caption == "frame 0: 192 tracks, not segmented"
    assert drawn.truth
    assert drawn.errors is None


@pytest.mark.parametrize("width", [30, 64, 200])
def test_what_is_told_does_not_depend_on_the_width(shot, width):
    drawn, at_home = ShotPanels(shot, width).draw(0, BLACK), ShotPanels(shot, WIDTH).draw(0, BLACK)
    assert drawn.errors
    assert at_home.errors
    assert drawn.errors.caption == at_home.errors.caption
    assert drawn.tracks.image.shape == drawn.errors.image.shape == (round(48 * width / 64), width, 3)


def test_what_does_not_fit_has_its_sentence(shot):
    panels = ShotPanels(shot, WIDTH)
    with pytest.raises(InputError, match=r"cars1: frame 3 is 10x9 and the tracks of cars1 were made in 64x48"):
        panels.draw(3, np.zeros((9, 10, 3), np.uint8))
    assert shot.masks
    write_label_map(shot.masks / "00003.png", truth().T)
    with pytest.raises(InputError, match=r"00003.png: expected 64 x 48 pixels as the frame has, got 48 x 64"):
        panels.draw(3, BLACK)
    write_label_map(shot.masks / "00003.png", np.full((HEIGHT, WIDTH), 9))
    with pytest.raises(InputError, match=r"00003.png: object 9 is in this mask and the tracks of cars1 have 3"):
        panels.draw(3, BLACK)
