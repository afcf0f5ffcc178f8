"""Objects numbered as the true objects they are taken for."""

import itertools
import math

import numpy as np
import pytest
from fixture_fbms import made_shot
from fixture_overlays import found, segmented_shot, truth
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import InputError
from segmentation.evaluation.points import count_maps
from segmentation.overlays.assignment import assign, unassigned
from segmentation.overlays.colours import COLOURS, object_colours


def _assigned(labels, regions, objects=None):
    counts = count_maps(lambda annotation: labels, made_shot({0: regions}))
    return assign(counts, int(labels.max()) if objects is None else objects)


def test_objects_get_the_numbers_of_their_regions_and_others_one_beyond():
    assignment = _assigned(found(), truth())
    assert assignment.numbers.tolist() == [0, 2, 1, 3]
    assert assignment.matched == 2
    np.testing.assert_array_equal(assignment(np.array([[-1, 0], [1, 2], [3, 3]])), [[-1, 0], [2, 1], [3, 3]])


def test_background_is_no_object_to_be_matched_with():
    # MoSegEval would give region 1 to label 0, which has most of it, and region 0 to label 1.
    regions, labels = np.zeros((10, 10), np.int64), np.ones((10, 10), np.int64)
    regions[:4] = 1
    labels[:4] = 0
    assignment = _assigned(labels, regions)
    assert (assignment.numbers.tolist(), assignment.matched) == ([0, 2], 0)


def test_each_region_has_one_object_and_the_better_one():
    regions, labels = np.zeros((10, 10), np.int64), np.zeros((10, 10), np.int64)
    regions[2:8] = 1
    labels[2:4], labels[4:8] = 1, 2
    assert _assigned(labels, regions).numbers.tolist() == [0, 2, 1]


def test_an_object_without_a_pixel_in_annotated_frames_is_taken_for_none():
    assert _assigned(found(), truth(), objects=5).numbers.tolist() == [0, 2, 1, 3, 4, 5]


def test_other_objects_have_other_colours_than_the_true_ones():
    labels = np.arange(60).reshape(6, 10)
    regions = np.zeros_like(labels)
    regions[labels == 30] = 1
    numbers = _assigned(labels, regions).numbers
    assert numbers[30] == 1
    others = np.delete(numbers, [0, 30])
    assert len(set(others.tolist())) == 58
    assert not (object_colours(others) == object_colours(np.array(1))).all(axis=1).any()
    # With as many true objects as there are colours nothing is left to keep apart.
    many = np.arange(60).reshape(6, 10) % (COLOURS + 1)
    assert _assigned(many, many).numbers.tolist() == list(range(COLOURS + 1))


@settings(max_examples=30)
@given(st.integers(0, 1000))
def test_the_best_sum_of_f_is_found_whatever_the_objects_are_called(seed):
    rng = np.random.default_rng(seed)
    regions, labels = rng.integers(0, 3, (6, 6)), rng.integers(0, 4, (6, 6))
    regions[0, 0], labels[0, 0] = 2, 3  # so that all of them are there
    renamed = np.concatenate([[0], 1 + rng.permutation(3)])

    def gain(pairs):
        f = [
            2 * np.sum((regions == r) & (labels == k)) / (np.sum(regions == r) + np.sum(labels == k)) for r, k in pairs
        ]
        return sum(math.floor(10_000 * value + 1e-9) for value in f)

    best = max(gain(zip((1, 2), chosen, strict=True)) for chosen in itertools.permutations((1, 2, 3), 2))
    for names in (np.arange(4), renamed):
        numbers = _assigned(names[labels], regions).numbers
        assert len(set(numbers.tolist())) == 4
        assert numbers[0] == 0
        assert gain((numbers[names[k]], k) for k in (1, 2, 3) if numbers[names[k]] < 3) == best


def test_without_truth_every_object_keeps_its_number():
    assert unassigned(3).numbers.tolist() == [0, 1, 2, 3]
    assert unassigned(0)(np.array([-1, 0])).tolist() == [-1, 0]


def test_a_shot_is_assigned_by_its_masks_or_else_by_its_tracks(tmp_path):
    swapped = np.array([0, 2, 1, 3])[found()]
    shot = segmented_shot(tmp_path / "a", {0: swapped, 4: swapped})
    assert shot.assignment().numbers.tolist() == [0, 1, 2, 3]
    assert segmented_shot(tmp_path / "b").assignment().numbers.tolist() == [0, 2, 1, 3]


def test_masks_that_do_not_belong_have_their_sentence(tmp_path):
    with pytest.raises(InputError, match="the frame is annotated and has no label map"):
        segmented_shot(tmp_path / "a", {0: found()}).assignment()
    with pytest.raises(InputError, match="48x64 and the ground truth is 64x48"):
        segmented_shot(tmp_path / "b", {0: found().T, 4: found().T}).assignment()
    with pytest.raises(InputError, match="object 7 is in these masks and the tracks of cars1 have 3 objects"):
        segmented_shot(tmp_path / "c", dict.fromkeys((0, 4), np.full_like(found(), 7))).assignment()
