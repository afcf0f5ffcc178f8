"""Results against ground truth from files: the real shot, and colours that a definition does not name."""

import numpy as np
import pytest
from fixture_fbms import along, points, write_shot

from segmentation.evaluation.fbms_results import evaluate_fbms, evaluate_tracks
from segmentation.fbms import open_fbms
from segmentation.formats import write_label_map, write_tracks

RED, WHITE, ODD = 0xFF0000, 0xFFFFFF, 0x123456


def test_the_real_shot_against_itself_and_as_one_segment(data, tmp_path):
    root = data / "segmentation/FBMS"
    (shot,) = open_fbms(root)
    region = shot.read_truth(shot.definition.annotations[0]).region
    write_label_map(tmp_path / "true/cars1/00000.png", region)
    write_label_map(tmp_path / "one/cars1/00000.png", np.zeros_like(region))
    found = evaluate_fbms(root, tmp_path / "true")
    score = found.shots["cars1"].score
    assert (score.precision, score.recall, score.f_measure, score.density) == (1, 1, 1, 100)
    assert (score.visible, score.extracted, score.window) == (2, 2, 19)
    assert len(found.missing) == 0  # of the shots that this copy has
    # All 307,200 pixels are one cluster, the background's 251,253 its best region; two regions go without.
    alone = evaluate_fbms(root, tmp_path / "one").shots["cars1"].score
    precision, recall = (251_253 / 307_200 + 1 + 1) / 3, (1 + 0 + 0) / 3
    assert (alone.precision, alone.recall) == (pytest.approx(precision), pytest.approx(recall))
    assert alone.f_measure == pytest.approx(2 * precision * recall / (precision + recall))
    # F of the background is 2 * 251253 / (307200 + 251253) = 0.8998, above 0.75; less one for the background.
    assert alone.extracted == 0
    assert found.shots["cars1"].one_cluster == alone


def test_points_on_an_unknown_colour_are_background_or_counted_as_ignored(tmp_path):
    truth = np.array([[WHITE] * 4 + [ODD] * 2 + [RED] * 4])
    definition = write_shot(tmp_path / "a", (WHITE, RED), {0: truth}, coloured=True)
    write_tracks(tmp_path / "a.dat", points({0: along(0, range(4)), 1: along(0, range(4, 10))}))
    official = evaluate_tracks(definition, tmp_path / "a.dat").score
    # Officially the two odd pixels are background: of 6 points there 4 are in cluster 0, R = 4/6; P of the object 4/6.
    assert (official.recall, official.precision) == (pytest.approx(5 / 6), pytest.approx(5 / 6))
    ignoring = evaluate_tracks(definition, tmp_path / "a.dat", unknown="ignore").score
    assert (ignoring.recall, ignoring.precision, ignoring.density) == (1, 1, 100)
    assert [(s.unknown, s.ignored, s.without_probabilities) for s in (official, ignoring)] == [(2, 0, 1), (2, 2, 1)]


def test_a_shot_that_cannot_be_evaluated_is_named_and_in_no_mean(tmp_path):
    two = np.array([[0] * 6 + [255] * 4])
    write_shot(tmp_path / "Testset/cars1", (0, 255), {0: two}, frames=60)
    write_shot(tmp_path / "Testset/tennis", (0, 255), {40: two}, frames=60)
    for name in ("cars1", "tennis"):
        (tmp_path / "results" / name).mkdir(parents=True)
        write_tracks(
            tmp_path / f"results/{name}/Tracks10.dat", points({0: along(0, range(6)), 1: along(0, range(6, 10))})
        )
    found = evaluate_fbms(tmp_path, tmp_path / "results", window=10)
    assert (found.means.evaluated, found.means.not_evaluated, found.means.f_measure) == (1, ("tennis",), 1)
    assert found.one_cluster.not_evaluated == ("tennis",)
