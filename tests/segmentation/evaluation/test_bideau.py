import itertools
import json

import numpy as np
import pytest
from fixture_formats import write_label_maps
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flowfeat.errors import InputError
from segmentation.evaluation.bideau import evaluate_bideau, score_shot
from segmentation.formats.label_map import write_label_map


def _maps(rows):
    return np.array(rows, np.int32)


def test_three_labels_and_two_segments_by_hand():
    # Two frames of five pixels. True sizes: 0 has 5, 1 has 3, 2 has 2. Found: 0 has 6, 4 has 4.
    frames = [
        (_maps([[0, 0, 0, 1, 1]]), _maps([[0, 0, 0, 4, 4]])),
        (_maps([[0, 0, 1, 2, 2]]), _maps([[0, 0, 4, 4, 0]])),
    ]
    score = score_shot("row", frames)
    # 0 with 0: 5 common, P = 5/6, R = 1, F = 10/11, IoU = 5/6. 1 with 4: 3 common, P = 3/4, R = 1, F = 6/7, IoU = 3/4.
    # 2 has no partner left and scores 0; all sums are divided by three true labels.
    assert score.precision == pytest.approx((5 / 6 + 3 / 4) / 3)
    assert score.recall == pytest.approx(2 / 3)
    assert score.f_measure == pytest.approx((10 / 11 + 6 / 7) / 3)
    assert score.iou == pytest.approx((5 / 6 + 3 / 4) / 3)
    assert (score.labels, score.found, score.delta_objects, score.detected, score.frames) == (3, 2, 1, 2, 2)
    # One label alone is best for the background: P = 5/10, R = 1, F = 2/3.
    assert score.one_cluster == pytest.approx(2 / 3 / 3)


def test_an_f_of_three_quarters_is_detected():
    # 3 common of 4 and 4: P = R = F = 3/4 exactly, for both labels.
    truth, found = _maps([[0, 0, 0, 0, 1, 1, 1, 1]]), _maps([[0, 0, 0, 1, 0, 1, 1, 1]])
    score = score_shot("row", [(truth, found)])
    assert (score.f_measure, score.detected) == (0.75, 2)


def test_labels_hold_for_the_whole_shot():
    # Each frame alone is perfect, but the names change: over both frames every overlap is a half.
    truth, swapped = _maps([[0, 0, 1, 1]]), _maps([[1, 1, 0, 0]])
    assert score_shot("row", [(truth, truth), (truth, truth)]).f_measure == 1
    assert score_shot("row", [(truth, truth), (truth, swapped)]).f_measure == 0.5


def test_surplus_segments_count_in_delta_objects_alone():
    truth = _maps([[0, 0, 0, 0, 1, 1]])
    score = score_shot("row", [(truth, _maps([[0, 0, 0, 0, 1, 9]]))])
    # Label 1 is matched with either segment of one pixel: P = 1, R = 1/2, F = 2/3.
    assert score.f_measure == pytest.approx((1 + 2 / 3) / 2)
    assert (score.found, score.delta_objects) == (3, 1)


@settings(max_examples=50)
@given(st.data())
def test_the_matching_is_the_best_of_all_and_names_do_not_matter(data):
    shape = (data.draw(st.integers(1, 3)), 3, 4)
    truth, found = (data.draw(hnp.arrays(np.int32, shape, elements=st.integers(0, 3))) for _ in range(2))
    score = score_shot("random", list(zip(truth, found, strict=True)))
    known, named = np.unique(truth), np.unique(found)
    table = np.zeros((len(known), max(len(named), len(known))))
    for (row, label), (column, segment) in itertools.product(enumerate(known), enumerate(named)):
        common = ((truth == label) & (found == segment)).sum()
        table[row, column] = 2 * common / ((truth == label).sum() + (found == segment).sum())
    best = max(
        sum(table[range(len(known)), columns]) for columns in itertools.permutations(range(table.shape[1]), len(known))
    )
    assert score.f_measure == pytest.approx(best / len(known))
    assert (score.labels, score.found) == (len(known), len(named))
    renamed = np.array([30_000, 17, 255, 40_000], np.int32)
    other = score_shot("random", list(zip(renamed[truth], renamed[::-1][found], strict=True)))
    assert (other.f_measure, other.labels, other.found) == (pytest.approx(score.f_measure), score.labels, score.found)


@settings(max_examples=20)
@given(hnp.arrays(np.int32, (2, 4, 5), elements=st.integers(0, 3)))
def test_the_baseline_is_one_segment(truth):
    score = score_shot("random", [(frame, np.zeros_like(frame)) for frame in truth])
    assert score.f_measure == pytest.approx(score.one_cluster)
    assert score.found == 1


def test_f_is_the_mean_of_f_over_shots(tmp_path):
    truth, half = _maps([[0, 0, 1, 1]]), _maps([[0, 0, 0, 0]])
    for name, found in {"a": truth, "b": half, "spare": truth}.items():
        write_label_maps(tmp_path / "results" / name, [found])
        if name != "spare":
            write_label_maps(tmp_path / "truth" / name, [truth])
    result = evaluate_bideau(tmp_path / "truth", tmp_path / "results")
    # b: the background with P = 1/2 and R = 1, F = 2/3, over two labels 1/3.
    assert result.f_measure == pytest.approx((1 + 1 / 3) / 2)
    assert result.precision == pytest.approx((1 + 1 / 4) / 2)
    assert result.recall == pytest.approx((1 + 1 / 2) / 2)
    assert result.iou == pytest.approx((1 + 1 / 4) / 2)
    assert result.delta_objects == 0.5
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert told["protocol"].startswith("Bideau et al. 2018")
    assert told["f_measure"] == result.f_measure
    assert told["sequences"]["b"]["f_measure"] == pytest.approx(1 / 3)
    assert told["left_out"] == ["spare"]
    assert (told["labels"], told["detected"]) == (4, 2)
    assert evaluate_bideau(tmp_path / "truth", tmp_path / "results", shots=["a"]).f_measure == 1


def test_pictures_say_which_result_an_annotated_frame_has(tmp_path):
    # Pictures 12, 13, 14; ground truth for the first and the last, which has no flow and is not scored.
    (tmp_path / "frames/a").mkdir(parents=True)
    for number in (12, 13, 14):
        (tmp_path / f"frames/a/a_{number}.jpg").touch()
    truth = _maps([[0, 0, 1, 1]])
    for number in (12, 14):
        write_label_map(tmp_path / f"truth/a/{number:05d}.png", truth)
    write_label_maps(tmp_path / "results/a", [truth, truth * 0])
    (shot,) = evaluate_bideau(tmp_path / "truth", tmp_path / "results", tmp_path / "frames").shots
    assert (shot.frames, shot.f_measure, shot.unscored) == (1, 1, ("00014",))
    # Without the pictures the names must be the same.
    with pytest.raises(InputError, match=r"results/a/00012\.png: this label map is missing \(2 of 2 are\)"):
        evaluate_bideau(tmp_path / "truth", tmp_path / "results")
    (tmp_path / "truth/a/00012.png").unlink()
    with pytest.raises(InputError, match="no frame that is scored has ground truth here"):
        evaluate_bideau(tmp_path / "truth", tmp_path / "results", tmp_path / "frames")
    with pytest.raises(InputError, match="elsewhere/a: there is no such folder; the pictures"):
        evaluate_bideau(tmp_path / "truth", tmp_path / "results", tmp_path / "elsewhere")


def test_what_cannot_be_scored_is_told(tmp_path):
    truth = _maps([[0, 1]])
    with pytest.raises(InputError, match="a: there is no annotated frame to score"):
        score_shot("a", [])
    with pytest.raises(InputError, match="a: a label of its annotated frame 2 is negative"):
        score_shot("a", [(truth, truth), (truth, truth - 1)])
    (tmp_path / "truth").mkdir()
    with pytest.raises(InputError, match="there is no shot here"):
        evaluate_bideau(tmp_path / "truth", tmp_path)
    with pytest.raises(InputError, match="truth/b: there is no such folder"):
        evaluate_bideau(tmp_path / "truth", tmp_path, shots=["b"])
