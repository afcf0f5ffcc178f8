import json

import numpy as np
import pytest
from fixture_formats import write_label_maps
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import distance_transform_edt

from flowfeat.errors import FormatError, InputError
from segmentation.davis import MERGED, open_davis
from segmentation.evaluation.binary import (
    evaluate_binary_davis,
    evaluate_binary_fbms,
    jaccard,
    score_shot,
)
from segmentation.evaluation.boundaries import boundary_map
from segmentation.fbms import open_fbms
from segmentation.formats.label_map import read_label_map, write_label_map


def _maps(rows):
    return np.array(rows, np.int32)


def _davis(folder, **sequences):
    for name, maps in sequences.items():
        write_label_maps(folder / "DAVIS/Annotations/480p" / name, maps)
    return folder / "DAVIS"


def _results(folder, **sequences):
    for name, maps in sequences.items():
        write_label_maps(folder / "results" / name, maps)
    return folder / "results"


def test_any_value_that_is_not_0_is_the_object_on_both_sides(tmp_path):
    root = _davis(tmp_path, a=[_maps([[0, 255, 255, 255, 0, 0]])])
    results = _results(tmp_path, a=[_maps([[0, 0, 3, 7, 255, 0]])])
    result = evaluate_binary_davis(root, results, all_frames=True)
    # Columns 1 to 3 and 2 to 4: two common of four. Boundaries at 0 and 3, and 1 and 4: all within one pixel.
    assert result.J.mean == 0.5
    assert result.J.recall == 0
    assert result.F.mean == 1
    assert result.protocol == "binary J (DAVIS 2016, 480p, all frames)"


def test_the_first_and_the_last_frame_of_davis_do_not_count(tmp_path):
    whole, half, none = _maps([[1, 1, 0, 0]]), _maps([[1, 0, 0, 0]]), _maps([[0, 0, 0, 1]])
    root = _davis(tmp_path, a=[whole] * 5)
    results = _results(tmp_path, a=[none, whole, whole, half, none])
    result = evaluate_binary_davis(root, results)
    assert (result.J.mean, result.shots[0].frames) == (pytest.approx((1 + 1 + 1 / 2) / 3), 3)
    # Recall is of the three frames; of their quarters the first begins with the first of them, the last ends with the
    # last: borders 0, 1, 1, 2, 2, so (1 + 1) / 2 - 1 / 2.
    assert (result.J.recall, result.J.decay) == (pytest.approx(2 / 3), pytest.approx(1 / 2))
    assert result.protocol == "binary J (DAVIS 2016, 480p, without the first and the last frame)"
    # What is not scored need not be there.
    for index in (0, 4):
        (results / f"a/{index:05d}.png").unlink()
    assert evaluate_binary_davis(root, results).J == result.J
    with pytest.raises(InputError, match=r"a/00000\.png: this label map is missing \(2 of 5 are\)"):
        evaluate_binary_davis(root, results, all_frames=True)
    root = _davis(tmp_path / "short", a=[whole] * 2)
    with pytest.raises(InputError, match="480p/a: it has no frame but the first and the last"):
        evaluate_binary_davis(root, results)


def test_the_mean_over_shots_is_not_the_mean_over_frames(tmp_path):
    whole, half = _maps([[1, 1, 0, 0]]), _maps([[1, 0, 0, 0]])
    root = _davis(tmp_path, long=[whole] * 3, short=[whole])
    results = _results(tmp_path, long=[half, half, whole], short=[whole], spare=[whole])
    result = evaluate_binary_davis(root, results, all_frames=True)
    # The long shot has (1/2 + 1/2 + 1) / 3 = 2/3, the short one 1.
    assert result.J.mean == pytest.approx((2 / 3 + 1) / 2)
    assert result.J_over_frames == pytest.approx(3 / 4)
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert told["J_mean"] == result.J.mean
    assert told["J_mean_over_frames"] == result.J_over_frames
    assert told["sequences"]["long"]["J_mean"] == pytest.approx(2 / 3)
    assert told["sequences"]["long"]["J_recall"] == pytest.approx(1 / 3)
    assert told["frames"] == 4
    # The whole picture as the object: 2 of 4 pixels in every frame.
    assert told["one_cluster"] == {"J_mean": 0.5, "J_mean_over_frames": 0.5}
    assert told["left_out"] == ["spare"]


@settings(max_examples=50)
@given(hnp.arrays(np.bool_, (2, 5, 7)))
def test_jaccard_is_that_of_sets(masks):
    first, second = ({tuple(place) for place in np.argwhere(mask)} for mask in masks)
    expected = len(first & second) / len(first | second) if first | second else 1
    assert jaccard(*masks) == jaccard(masks[1], masks[0]) == expected


@settings(max_examples=20)
@given(st.lists(hnp.arrays(np.bool_, (2, 6, 6)), min_size=1, max_size=5))
def test_the_baseline_is_what_covers_the_picture(frames):
    score = score_shot("a", [(truth, found) for truth, found in frames])
    covered = score_shot("a", [(truth, np.ones_like(truth)) for truth, _ in frames])
    assert covered.J.mean == pytest.approx(score.one_cluster.mean)
    assert covered.one_cluster == score.one_cluster


def test_empty_frames_and_shots():
    nothing, something = np.zeros((2, 3), np.bool_), np.eye(2, 3, dtype=np.bool_)
    assert score_shot("a", [(nothing, nothing)]).J.mean == 1
    assert score_shot("a", [(nothing, something)]).J.mean == 0
    assert score_shot("a", [(something, nothing)]).F.mean == 0
    with pytest.raises(InputError, match="a: there is no annotated frame to score"):
        score_shot("a", [])


def test_real_masks_score_1_against_themselves_and_less_when_they_are_shifted(data, tmp_path):
    root = data / "segmentation/DAVIS"
    same = evaluate_binary_davis(root, root / "Annotations/480p", ["car-shadow"])
    assert (same.J.mean, same.J.recall, same.J.decay, same.F.mean) == (1, 1, 0, 1)
    assert same.shots[0].frames == 38  # of 40
    assert same.left_out == ("blackswan", "libby")
    frames = open_davis(root).masks("car-shadow", MERGED)
    truth = read_label_map(frames.path("00010")) > 0
    moved = np.roll(truth, 12, axis=1)  # the car is further than that from the right side
    shifted = score_shot("car-shadow", [(truth, moved)])
    common = (truth & moved).sum()
    assert shifted.J.mean == common / (2 * truth.sum() - common)
    # Every pixel of one boundary against its distance to the other, whose limit is 8 pixels.
    one, two = boundary_map(truth), boundary_map(moved)
    precision, recall = ((np.asarray(distance_transform_edt(~a))[b] <= 8).mean() for a, b in ((one, two), (two, one)))
    assert shifted.F.mean == pytest.approx(2 * precision * recall / (precision + recall), abs=1e-12)
    assert 0.1 < shifted.F.mean < shifted.J.mean < 1


def test_fbms_counts_annotated_frames_with_all_objects_merged(data, tmp_path):
    root = data / "segmentation/FBMS"
    (shot,) = open_fbms(root)
    (annotation,) = shot.definition.annotations
    region = shot.read_truth(annotation).region
    # Two objects: merged into one label they are the same, swapped with the background they are nothing.
    for label, (best, worst) in {1: (1, 1), 0: (0, 0)}.items():
        merged = np.where(region > 0, label, 1 - label).astype(np.int32)
        write_label_map(tmp_path / f"{label}/cars1/00000.png", merged)
        result = evaluate_binary_fbms(root, tmp_path / str(label))
        assert (result.J.mean, result.F.mean) == (best, pytest.approx(1))
        assert result.J_over_frames == worst
        assert result.protocol == "binary J (FBMS-59, annotated frames, all objects merged)"
        assert result.shots[0].one_cluster.mean == (region > 0).mean()


def test_fbms_tells_what_is_missing(data, tmp_path):
    root = data / "segmentation/FBMS"
    write_label_map(tmp_path / "cars1/00001.png", np.zeros((2, 3), np.int32))
    with pytest.raises(InputError, match=r"cars1/00000\.png: this label map is missing \(1 of 1 are\)"):
        evaluate_binary_fbms(root, tmp_path)
    write_label_map(tmp_path / "cars1/00000.png", np.zeros((2, 3), np.int32))
    with pytest.raises(FormatError, match=r"00000\.png: expected 640 x 480 pixels as its ground truth, got 3 x 2"):
        evaluate_binary_fbms(root, tmp_path)
    with pytest.raises(InputError, match="the shot lion02 is not here; there are cars1"):
        evaluate_binary_fbms(root, tmp_path, ["lion02"])
    with pytest.raises(InputError, match="no shot is left to be scored"):
        evaluate_binary_fbms(root, tmp_path, [])
