"""Means over shots, by hand."""

import numpy as np
import pytest
from fixture_fbms import along, made_shot, points

from segmentation.evaluation.bms26 import score_bms26
from segmentation.evaluation.moseg import score_moseg
from segmentation.evaluation.over_shots import mean_bms26, mean_moseg
from segmentation.evaluation.points import count_tracks

TWO = made_shot({0: np.array([[0] * 6 + [1] * 4])})
PERFECT = count_tracks(points({0: along(0, range(6)), 1: along(0, range(6, 10))}), TWO)
ALONE = count_tracks(points({0: along(0, range(10))}), TWO)
NOTHING = count_tracks(points({}), TWO)


def test_f_is_of_the_means_and_not_the_mean_of_f():
    # P = 1 and 0.8, R = 1 and 0.5: means 0.9 and 0.75, F = 1.35/1.65 = 9/11. The mean of F would be (1 + 8/13)/2 = .81.
    means = mean_moseg("moseg", {"a": score_moseg(PERFECT), "b": score_moseg(ALONE)})
    assert (means.precision, means.recall, means.density) == (pytest.approx(0.9), 0.75, 100)
    assert means.f_measure == pytest.approx(9 / 11)
    # Deviations from 0.9 are 0.1 and 0.1.
    assert means.precision_deviation == pytest.approx(0.1)
    assert (means.extracted, means.visible, means.evaluated) == (1, 2, 2)


def test_what_cannot_be_evaluated_is_in_no_number_and_named():
    means = mean_moseg("moseg", {"a": score_moseg(PERFECT), "empty": score_moseg(NOTHING)})
    assert (means.f_measure, means.density, means.visible, means.evaluated) == (1, 100, 1, 1)
    assert means.not_evaluated == ("empty",)


@pytest.mark.parametrize("scores", [{}, {"empty": score_moseg(NOTHING)}])
def test_without_a_shot_means_are_undefined(scores):
    means = mean_moseg("moseg", scores)
    shares = (means.density, means.precision, means.precision_deviation, means.recall, means.f_measure)
    assert shares == (None,) * 5
    assert (means.extracted, means.visible, means.evaluated) == (0, 0, 0)


def test_clustering_errors_are_means_too():
    scores = {"a": score_bms26(PERFECT), "b": score_bms26(ALONE), "empty": score_bms26(NOTHING)}
    means = mean_bms26(scores)
    # One cluster has 4 of 10 points wrong, all of one region of two.
    assert (means.overall_error, means.average_error) == (pytest.approx(20), 25)
    assert (means.over_segmentation, means.extracted, means.visible) == (0, 1, 2)
    assert means.not_evaluated == ("empty",)
    assert mean_bms26({}).overall_error is None
