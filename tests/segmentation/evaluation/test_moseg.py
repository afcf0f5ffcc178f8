"""MoSegEval, each quirk of it worked out by hand beside the assertion."""

import numpy as np
import pytest
from fixture_fbms import along, made_shot, points

from flowfeat.errors import InputError
from segmentation.evaluation.moseg import score_moseg
from segmentation.evaluation.points import count_maps, count_tracks

# One row of ten pixels: six of the background, four of the object.
TWO = np.array([[0] * 6 + [1] * 4])


def _score(tracks, shot, threshold=0.75):
    return score_moseg(count_tracks(tracks, shot), threshold)


def test_a_shot_worked_out_by_hand():
    # Cluster 0: 5 points on the background, 1 on the object. Cluster 1: 3 on the object.
    tracks = points({0: [*along(0, range(5)), (6, 0)], 1: along(0, range(7, 10))})
    score = _score(tracks, made_shot({0: TWO}))
    # Background, cluster 0: P = 5/6, R = 5/5, F = 10/11. Object, cluster 1: P = 3/3, R = 3/4, F = 6/7.
    background, thing = score.regions
    assert (background.label, background.precision, background.recall) == (0, pytest.approx(5 / 6), 1)
    assert background.f_measure == pytest.approx(10 / 11)
    assert (thing.label, thing.precision, thing.recall, thing.f_measure) == (1, 1, 0.75, pytest.approx(6 / 7))
    # P = (5/6 + 1)/2 = 11/12, R = (1 + 3/4)/2 = 7/8, F = 2 * 11/12 * 7/8 / (11/12 + 7/8) = 77/86.
    assert (score.precision, score.recall) == (pytest.approx(11 / 12), 0.875)
    assert score.f_measure == pytest.approx(77 / 86)
    # Density: (5/6 + 4/4)/2; both F above 0.75, less the background.
    assert score.density == pytest.approx(100 * 11 / 12)
    assert (score.visible, score.extracted, score.window, score.protocol) == (1, 1, 10, "moseg")


def test_a_background_that_is_not_matched_takes_an_object_off_nevertheless():
    # Regions of 4, 4 and 4 pixels; both objects are perfect (F = 1), the background is cut in halves.
    shot = made_shot({0: np.array([[0] * 4 + [1] * 4 + [2] * 4])})
    halves = {0: along(0, range(2)), 1: along(0, range(2, 4)), 2: along(0, range(4, 8)), 3: along(0, range(8, 12))}
    score = _score(points(halves), shot)
    # The background with one half: P = 1, R = 1/2, F = 2/3, below 0.75. Two regions are above; 2 - 1 = 1 of 2 objects.
    assert [region.f_measure for region in score.regions] == [pytest.approx(2 / 3), 1, 1]
    assert (score.extracted, score.visible) == (1, 2)


def test_a_region_for_which_no_cluster_is_left_counts_with_precision_1_and_recall_0():
    # One cluster of all 10 points, 2 regions. Background: P = 6/10, R = 1, F = 12/16. Object alone: 4/10, 1, 8/14.
    score = _score(points({0: along(0, range(10))}), made_shot({0: TWO}))
    background, thing = score.regions
    assert (background.label, background.precision, background.recall) == (0, 0.6, 1)
    assert (thing.label, thing.precision, thing.recall, thing.f_measure) == (None, 1, 0, 0)
    # P = (0.6 + 1)/2, R = (1 + 0)/2, F = 0.8/1.3. F of the background is 0.75, and that is not above 0.75.
    assert (score.precision, score.recall, score.f_measure) == (0.8, 0.5, pytest.approx(0.8 / 1.3))
    assert score.extracted == 0


def test_a_region_matched_to_a_cluster_elsewhere_counts_with_0_and_0():
    # Three regions. Cluster 0: on region 0. Cluster 1: also there. Cluster 2: on region 1. Nothing is left for region 2
    # but a cluster that is not on it: P = 0, R = 0.
    shot = made_shot({0: np.array([[0] * 6 + [1] * 4 + [2] * 2])})
    score = _score(points({0: along(0, range(4)), 1: along(0, range(4, 6)), 2: along(0, range(6, 10))}), shot)
    assert score.regions[2].label == 1
    assert (score.regions[2].precision, score.regions[2].recall) == (0, 0)
    # P = (1 + 1 + 0)/3, R = (4/6 + 1 + 0)/3 = 5/9.
    assert (score.precision, score.recall) == (pytest.approx(2 / 3), pytest.approx(5 / 9))


def test_a_gap_in_the_labels_is_an_empty_cluster():
    # With labels 0 and 2 there are three clusters, and region 2, without a point, gets the empty one: 0, 0.
    shot = made_shot({0: np.array([[0] * 6 + [1] * 4 + [2] * 2])})
    clusters = {0: along(0, range(6)), 2: along(0, range(6, 10))}
    assert _score(points(clusters), shot).regions[2].precision == 0
    # With labels 0 and 1 there are two, and it gets none: 1, 0.
    assert _score(points({0: clusters[0], 1: clusters[2]}), shot).regions[2].precision == 1


def test_a_cluster_outside_the_annotated_frame_is_an_empty_cluster_too():
    # The same with a third cluster whose only point is to the right of the picture.
    shot = made_shot({0: np.array([[0] * 6 + [1] * 4 + [2] * 2])})
    clusters = {0: along(0, range(6)), 1: along(0, range(6, 10)), 2: [(12.0, 0.0)]}
    score = _score(points(clusters), shot)
    assert (score.regions[2].label, score.regions[2].precision) == (None, 0)
    assert score.outside == 1


def test_surplus_clusters_are_ignored():
    # Background in three: 4, 1 and 1 points. The largest is its cluster: P = 1, R = 4/6. The others count nowhere.
    clusters = {0: along(0, range(4)), 1: along(0, range(4, 5)), 2: along(0, range(5, 6)), 3: along(0, range(6, 10))}
    score = _score(points(clusters), made_shot({0: TWO}))
    assert (score.precision, score.recall) == (1, pytest.approx((4 / 6 + 1) / 2))


def test_recall_is_of_the_points_and_not_of_the_area():
    # 2 of 6 and 1 of 4 pixels have a point, all in the right cluster: P = R = F = 1, density (1/3 + 1/4)/2.
    score = _score(points({0: along(0, range(2)), 1: along(0, range(6, 7))}), made_shot({0: TWO}))
    assert (score.precision, score.recall, score.f_measure) == (1, 1, 1)
    assert score.density == pytest.approx(100 * 7 / 24)


def test_several_tracks_on_one_pixel_all_count():
    # Three points of cluster 0 on one background pixel, one of it on the object; cluster 1 once on the object.
    tracks = points({0: [(0, 0), (0.2, 0), (0, 0.3), (6, 0)], 1: [(7, 0)]})
    score = _score(tracks, made_shot({0: TWO}))
    # Background: P = 3/4, R = 3/3. Object: P = 1/1, R = 1/2. Density (3/6 + 2/4)/2: three times the one pixel.
    assert [(r.precision, r.recall) for r in score.regions] == [(0.75, 1), (1, 0.5)]
    assert score.density == 50
    # So a density above 100 is possible: 12 points on the 6 background pixels, none on the object.
    twice = _score(points({0: along(0, range(6)) * 2}), made_shot({0: TWO}))
    assert twice.density == pytest.approx(100 * (2 + 0) / 2)


@pytest.mark.parametrize(
    ("x", "column"),
    [
        (0.49, 0),
        (0.5, 1),
        (1.5, 2),
        (2.5, 3),
        (-0.5, 0),
        (-1.49, 0),
        (-1.5, None),
        (9.49, 9),
        (9.5, None),
        (1e300, None),
    ],
)
def test_the_pixel_is_x_plus_a_half_truncated(x, column):
    # trunc(-1.49 + 0.5) = trunc(-0.99) = 0: truncation, not rounding down, brings it into the picture.
    counts = count_tracks(points({0: [(x, 0)]}), made_shot({0: np.arange(10)[None]}))
    assert counts.outside == (column is None)
    np.testing.assert_array_equal(np.flatnonzero(counts.points.sum(axis=1)), [] if column is None else [column])


def test_points_weigh_what_the_probability_map_says():
    # Weights 51/255 = 0.2 on three of the background's pixels and 1 on three; on the object 1.
    weight = np.array([[51, 51, 51, 255, 255, 255, 255, 255, 255, 255]])
    tracks = points({0: along(0, range(1, 5)), 1: [*along(0, range(6, 10)), (0, 0)]})
    score = _score(tracks, made_shot({0: TWO}, {0: weight}))
    # Cluster 0: 0.2 + 0.2 + 1 + 1 = 2.4 on the background; cluster 1: 4 on the object and 0.2 on the background.
    # Background: P = 2.4/2.4, R = 2.4/2.6. Object: P = 4/4.2, R = 1. Density: (2.6/3.6 + 4/4)/2.
    assert score.regions[0].recall == pytest.approx(2.4 / 2.6)
    assert score.regions[1].precision == pytest.approx(4 / 4.2)
    assert score.density == pytest.approx(100 * (2.6 / 3.6 + 1) / 2)


def test_the_frame_with_the_index_of_the_window_is_used_and_the_next_is_not():
    # A window of 10 frames, 0 to 9, and annotated frames 10 and 11 in a shot of 40: 10 > 10 is false, so 10 is used.
    shot = made_shot({10: TWO, 11: TWO}, frames=40)
    score = _score(points({0: along(0, range(6)), 1: along(0, range(6, 10))}, frame=10), shot)
    assert (score.annotated, score.f_measure, score.density) == (1, 1, 100)
    # Its area counts although the tracks end before it: with points in frame 0 alone the density is halved.
    both = made_shot({0: TWO, 10: TWO}, frames=40)
    score = _score(points({0: along(0, range(6)), 1: along(0, range(6, 10))}), both)
    assert (score.annotated, score.f_measure, score.density) == (2, 1, 50)


def test_a_window_without_ground_truth_is_not_evaluated():
    counts = count_tracks(points({0: along(0, range(6))}), made_shot({20: TWO}, frames=40))
    assert (counts.annotated, counts.beyond) == (0, 1)
    score = score_moseg(counts)
    assert (score.density, score.precision, score.recall, score.f_measure) == (None, None, None, None)
    assert (score.visible, score.extracted, score.evaluated) == (0, 0, False)


@pytest.mark.parametrize("tracks", [points({}), points({0: [(-9, 0)]}), points({0: along(0, range(9))}, frame=3)])
def test_ground_truth_without_a_point_is_not_evaluated_either(tracks):
    score = _score(tracks, made_shot({0: TWO}))
    assert (score.density, score.precision, score.recall, score.f_measure) == (0, 0, 0, None)
    assert (score.visible, score.extracted, score.evaluated) == (1, 0, False)


def test_a_region_that_is_not_in_the_window_is_not_visible():
    # Region 2 is nowhere, region 3 has one pixel of weight 0: neither is visible. One of weight 1/255 = 0.0039 is.
    region, weight = np.array([[0, 0, 1, 3]]), np.array([[255, 255, 255, 0]])
    tracks = points({0: along(0, range(2)), 1: along(0, range(2, 4))})
    assert [r.region for r in _score(tracks, made_shot({0: region}, {0: weight})).regions] == [0, 1]
    weight[0, 3] = 1
    assert [r.region for r in _score(tracks, made_shot({0: region}, {0: weight})).regions] == [0, 1, 3]


def test_one_visible_region_is_no_object():
    score = _score(points({0: along(0, range(3))}), made_shot({0: np.zeros((1, 5), np.int64)}))
    assert (score.visible, score.extracted, score.f_measure) == (0, 0, 1)


def test_the_assignment_maximises_the_sum_and_not_each_pair():
    # Cluster 0 has 4 points on region 0 and 6 on region 1; cluster 1 has 6 on region 1.
    shot = made_shot({0: np.array([[0] * 4 + [1] * 12])})
    score = _score(points({0: along(0, range(10)), 1: along(0, range(10, 16))}), shot)
    # F: 0-0: 8/14 = .571; 1-0: 12/22 = .545; 1-1: 12/18 = .667; 0-1: 0. Best sum: 0-0 and 1-1.
    assert [region.label for region in score.regions] == [0, 1]
    # Cluster 1 on region 0 instead (3 points), so that 1-0 is best alone and the only way for region 1:
    # region 0 (5 points): cluster 0 has 2, cluster 1 has 3; region 1 (6 points): cluster 0 has 6.
    shot = made_shot({0: np.array([[0] * 5 + [1] * 6])})
    score = _score(points({1: along(0, range(3)), 0: along(0, range(3, 11))}), shot)
    assert [region.label for region in score.regions] == [1, 0]


def test_the_threshold_is_strict_and_can_be_chosen():
    # F of the object: 3 of its 5 points in a pure cluster, 6/8 = 0.75; the background is whole.
    shot = made_shot({0: np.array([[0] * 6 + [1] * 5])})
    tracks = points({0: along(0, range(6)), 1: along(0, range(6, 9)), 2: along(0, range(9, 11))})
    assert [region.f_measure for region in _score(tracks, shot).regions] == [1, 0.75]
    assert _score(tracks, shot).extracted == 0
    assert _score(tracks, shot, threshold=0.74).extracted == 1


@pytest.mark.parametrize(
    ("window", "frames", "good"), [(10, 30, True), (30, 30, True), (50, 30, True), (20, 30, False)]
)
def test_the_window_is_10_50_200_or_the_whole_shot(window, frames, good):
    shot, tracks = made_shot({0: TWO}, frames=frames), points({0: along(0, range(6))}, window=window)
    if good:
        assert _score(tracks, shot).window == window
    else:
        with pytest.raises(InputError, match=r"20 frames .* 10, 50, 200 or the 30 frames"):
            _score(tracks, shot)


def test_label_maps_are_one_track_for_each_pixel():
    rng = np.random.default_rng(0)
    regions = {frame: rng.integers(0, 3, (5, 7)) for frame in (0, 4)}
    weights = {frame: rng.integers(0, 256, (5, 7)) for frame in regions}
    maps = {frame: rng.integers(0, 4, (5, 7)) for frame in regions}
    shot = made_shot(regions, weights)
    places = [(x, y, frame) for frame in maps for y in range(5) for x in range(7)]
    from segmentation.formats import LabelledTracks
    from segmentation.trajectories import Trajectories

    start = np.array([frame for _, _, frame in places])
    xy = np.array([(x, y) for x, y, _ in places], np.float64)
    labels = np.array([maps[frame][y, x] for x, y, frame in places])
    tracks = LabelledTracks(Trajectories(start, np.ones(len(xy), np.int64), xy, 10), labels, 10)
    by_map = score_moseg(count_maps(lambda annotation: maps[annotation.frame], shot))
    assert by_map == _score(tracks, shot)
    assert by_map.density == 100


def test_a_label_map_of_another_size_and_negative_labels_are_refused():
    shot = made_shot({0: TWO})
    with pytest.raises(InputError, match=r"frame 0 is 3x1 and the ground truth is 10x1"):
        count_maps(lambda _: np.zeros((1, 3), np.int64), shot)
    with pytest.raises(InputError, match=r"label -1; labels count from 0"):
        count_maps(lambda _: -TWO, shot)
