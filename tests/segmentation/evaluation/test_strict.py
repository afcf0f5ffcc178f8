"""The strict variant where it parts from the official one, by hand."""

import numpy as np
import pytest
from fixture_fbms import along, made_shot, points

from segmentation.evaluation.moseg import score_moseg
from segmentation.evaluation.points import count_tracks
from segmentation.evaluation.strict import score_strict

TWO = np.array([[0] * 6 + [1] * 4])


def _both(tracks, shot):
    counts = count_tracks(tracks, shot)
    return score_moseg(counts), score_strict(counts)


def test_the_background_is_not_taken_off_where_it_is_not_among_the_extracted():
    shot = made_shot({0: np.array([[0] * 4 + [1] * 4 + [2] * 4])})
    halves = {0: along(0, range(2)), 1: along(0, range(2, 4)), 2: along(0, range(4, 8)), 3: along(0, range(8, 12))}
    official, strict = _both(points(halves), shot)
    assert (official.extracted, strict.extracted) == (1, 2)
    # With the background whole, both find the same two.
    whole = {0: along(0, range(4)), 2: along(0, range(4, 8)), 3: along(0, range(8, 12))}
    assert [score.extracted for score in _both(points(whole), shot)] == [2, 2]


def test_an_object_alone_in_the_picture_is_visible():
    official, strict = _both(points({0: along(0, range(4))}), made_shot({0: np.ones((1, 4), np.int64)}))
    assert (official.visible, strict.visible, official.extracted, strict.extracted) == (0, 1, 0, 1)


def test_regions_without_a_cluster_have_no_precision():
    # One cluster of 10 points. Official: P = (0.6 + 1)/2. Strict: P = 0.6 alone; R = (6/6 + 0)/2 in both.
    official, strict = _both(points({0: along(0, range(10))}), made_shot({0: TWO}))
    assert (official.precision, strict.precision) == (0.8, 0.6)
    assert (official.recall, strict.recall) == (0.5, 0.5)
    assert [region.precision for region in strict.regions] == [0.6, None]
    # A cluster elsewhere gives none either, where officially it gives 0.
    shot = made_shot({0: np.array([[0] * 6 + [1] * 4 + [2] * 2])})
    clusters = {0: along(0, range(4)), 1: along(0, range(4, 6)), 2: along(0, range(6, 10))}
    official, strict = _both(points(clusters), shot)
    assert (official.precision, strict.precision) == (pytest.approx(2 / 3), 1)


def test_recall_is_of_the_area_and_a_pixel_counts_once():
    # 3 points on 2 of the background's 6 pixels, 1 on the object's 4: R = (2/6 + 1/4)/2 = 7/24, P = 1.
    tracks = points({0: [(0, 0), (0.3, 0), (1, 0)], 1: [(6, 0)]})
    official, strict = _both(tracks, made_shot({0: TWO}))
    assert (official.recall, strict.recall) == (1, pytest.approx(7 / 24))
    assert (official.density, strict.density) == (pytest.approx(100 * (3 / 6 + 1 / 4) / 2), pytest.approx(700 / 24))
    # F = 2 * 7/24 / (1 + 7/24) = 14/31; no region is above 0.75, so sparse points extract nothing.
    assert strict.f_measure == pytest.approx(14 / 31)
    assert (official.extracted, strict.extracted) == (1, 0)


def test_a_pixel_with_two_clusters_counts_for_each():
    # Clusters 0 and 1 both on the object's pixel 6; cluster 0 has the 6 of the background too.
    # Cluster 0: P = 6/7, R = 6/6; cluster 1: P = 1, R = 1/4; density of the object 1/4 and not 2/4.
    strict = _both(points({0: along(0, range(7)), 1: [(6, 0)]}), made_shot({0: TWO}))[1]
    assert [(region.precision, region.recall) for region in strict.regions] == [(pytest.approx(6 / 7), 1), (1, 0.25)]
    assert strict.density == pytest.approx(100 * (1 + 0.25) / 2)


def test_what_cannot_be_evaluated_is_told_as_in_the_official_protocol():
    strict = _both(points({}), made_shot({0: TWO}))[1]
    assert (strict.protocol, strict.density, strict.precision, strict.recall) == ("moseg-strict", 0, 0, 0)
    assert strict.f_measure is None
    strict = _both(points({0: along(0, range(5))}), made_shot({20: TWO}, frames=40))[1]
    assert (strict.density, strict.precision, strict.recall, strict.f_measure) == (None, None, None, None)
