"""Colours of objects and the frame under them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from segmentation.overlays.colours import BACKGROUND, UNASSIGNED, backdrop, object_colours


def test_background_and_nothing_have_no_hue():
    colours = object_colours(np.array([[0, -1], [-7, 0]]))
    assert colours.dtype == np.uint8
    assert [tuple(colour) for colour in colours.reshape(-1, 3)] == [BACKGROUND, UNASSIGNED, UNASSIGNED, BACKGROUND]
    assert np.ptp(colours, axis=-1).max() == 0


def test_21_objects_are_told_apart_and_then_it_begins_again():
    colours = object_colours(np.arange(1, 22)).astype(int)
    distance = np.abs(colours[:, None] - colours).sum(axis=-1) + 1000 * np.eye(21, dtype=int)
    assert distance.min() > 30
    assert np.ptp(colours, axis=-1).min() > 40  # every one has a hue
    np.testing.assert_array_equal(object_colours(np.array([22, 43])), object_colours(np.array([1, 1])))


def test_the_first_seven_differ_for_the_colour_blind():
    # Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", 2009:
    # full protanopia and deuteranopia, on linear RGB.
    protan = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    deutan = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    linear = (object_colours(np.arange(1, 8)) / 255) ** 2.2
    for sight in (protan, deutan):
        seen = 255 * np.clip(linear @ np.array(sight).T, 0, 1) ** (1 / 2.2)
        distance = np.linalg.norm(seen[:, None] - seen, axis=-1) + 1000 * np.eye(7)
        assert distance.min() > 25


@given(st.integers(-3, 100), st.integers(1, 5))
def test_a_colour_depends_on_the_label_alone(label, count):
    alone = object_colours(np.array([label]))
    np.testing.assert_array_equal(object_colours(np.full((count, 2), label)), np.broadcast_to(alone, (count, 2, 3)))


def test_the_frame_turns_grey_and_keeps_away_from_black_and_white():
    frame = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    grey = backdrop(frame)
    assert np.ptp(grey, axis=-1).max() == 0
    assert grey[0, :, 0].tolist() == [40, 193, 40 + int(0.6 * 76)]  # 76 is the luma of pure red
