"""Clustering errors, by hand."""

import numpy as np
import pytest
from fixture_fbms import along, made_shot, points

from segmentation.evaluation.baseline import one_cluster
from segmentation.evaluation.bms26 import score_bms26
from segmentation.evaluation.points import count_tracks

TWO = made_shot({0: np.array([[0] * 20 + [1] * 10 + [2] * 10])})


def test_a_shot_worked_out_by_hand():
    # Background: 10 points of cluster 0, 8 of cluster 1. Object 1: 9 points of cluster 2, 1 of cluster 0.
    # Object 2: 3 points of cluster 2.
    clusters = {0: [*along(0, range(10)), (29, 0)], 1: along(0, range(10, 18)), 2: along(0, range(20, 29))}
    clusters[2] += along(0, range(30, 33))
    score = score_bms26(count_tracks(points(clusters), TWO))
    # Clusters 0 and 1 go to the background, 2 to object 1. Wrong: 1 point of object 1 and 3 of object 2, of 31.
    assert score.overall_error == pytest.approx(100 * 4 / 31)
    # Within the regions: 0/18, 1/10, 3/3.
    assert score.average_error == pytest.approx(100 * (0 + 0.1 + 1) / 3)
    # Three clusters for two regions: one was merged. Below 10 % is the background alone (1/10 is not below).
    assert (score.over_segmentation, score.extracted, score.visible) == (1, 0, 2)
    assert score.density == pytest.approx(100 * 31 / 40)


def test_one_region_is_taken_off_the_extracted():
    clusters = {0: along(0, range(20)), 1: along(0, range(20, 30)), 2: along(0, range(30, 40))}
    score = score_bms26(count_tracks(points(clusters), TWO))
    assert (score.overall_error, score.average_error, score.over_segmentation) == (0, 0, 0)
    assert (score.extracted, score.visible, score.density) == (2, 2, 100)


def test_one_cluster_has_the_objects_as_its_error():
    score = score_bms26(one_cluster(count_tracks(points({3: along(0, range(40))}), TWO)))
    assert (score.overall_error, score.average_error) == (50, pytest.approx(200 / 3))
    assert (score.over_segmentation, score.extracted) == (0, 0)


def test_a_region_without_points_is_in_no_error():
    score = score_bms26(count_tracks(points({0: along(0, range(20)), 1: along(0, range(20, 30))}), TWO))
    assert (score.average_error, score.extracted, score.visible) == (0, 1, 2)


def test_nothing_to_evaluate():
    score = score_bms26(count_tracks(points({}), TWO))
    assert (score.density, score.overall_error, score.average_error, score.over_segmentation) == (0, None, None, None)
    assert not score.evaluated
    late = made_shot({20: np.zeros((1, 3), np.int64)}, frames=40)
    assert score_bms26(count_tracks(points({0: [(0, 0)]}), late)).density is None
