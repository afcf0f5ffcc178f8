import itertools
import json
import time

import numpy as np
import pytest
from fixture_formats import write_label_maps
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_dilation

from flowfeat.errors import FormatError, InputError
from segmentation.evaluation.davis import evaluate_davis, mean_over_objects, score_sequence, statistics
from segmentation.formats.label_map import write_label_map

SCORES = {"JF_mean", "J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay"}


def _maps(rows):
    return np.array(rows, np.int32)


def _root(folder, **sequences):
    """A copy of DAVIS with these ground truths."""
    for name, maps in sequences.items():
        write_label_maps(folder / "DAVIS/Annotations_unsupervised/480p" / name, maps)
    return folder / "DAVIS"


def _results(folder, **sequences):
    for name, maps in sequences.items():
        write_label_maps(folder / "results" / name, maps)
    return folder / "results"


# --- worked by hand


def test_two_objects_in_two_frames_by_hand():
    # One row of 12 pixels, so boundaries are columns and the tolerance is ceil(0.008 * 12.04) = 1 pixel.
    first = (_maps([[1, 1, 1, 1, 0, 0, 0, 0, 0, 2, 2, 2]]), _maps([[5, 5, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3]]))
    second = (_maps([[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]]), _maps([[5, 5, 5, 5, 5, 5, 5, 0, 0, 0, 0, 0]]))
    score = score_sequence("row", [first, second])
    one, two = score.objects
    assert (score.frames, score.proposals, score.late) == (2, 5, ())
    assert [(one.label, one.proposal), (two.label, two.proposal)] == [(1, 5), (2, 3)]
    # Object 1 and proposal 5: J = 2/4, then 4/7. Boundaries at columns 3 and 1, then 3 and 6: too far, F = 0 and 0.
    # Decay of two frames: the borders are 0, 0, 1, 1, 1, so the first quarter is frame 0 and the last one frame 1.
    assert one.J.mean == pytest.approx((2 / 4 + 4 / 7) / 2)
    assert one.J.recall == 0.5  # 2/4 is not above 0.5
    assert one.J.decay == pytest.approx(2 / 4 - 4 / 7)
    assert (one.F.mean, one.F.recall, one.F.decay) == (0, 0, 0)
    # Object 2 and proposal 3: J = 3/5, then both are empty, 1. Boundaries at columns 8 and 6: F = 0, then 1.
    assert two.J.mean == pytest.approx((3 / 5 + 1) / 2)
    assert two.J.recall == 1
    assert two.J.decay == pytest.approx(3 / 5 - 1)
    assert (two.F.mean, two.F.recall, two.F.decay) == (0.5, 0.5, -1)
    overall = mean_over_objects(score.objects)
    assert overall.J_mean == pytest.approx((15 / 28 + 4 / 5) / 2)
    assert overall.F_mean == pytest.approx(0.25)
    assert overall.JF_mean == pytest.approx(((15 / 28 + 4 / 5) / 2 + 0.25) / 2)


def test_the_whole_picture_as_one_object_by_hand():
    truth = _maps([[1, 1, 1, 1, 0, 0, 0, 0, 255, 255, 2, 2]])
    score = score_sequence("row", [(truth, truth * (truth < 255))])
    one, two = score.one_cluster
    # 10 pixels count. J with object 1 is 4/10, with object 2 it is 2/10; object 2 then has nothing, J = 0.
    # The picture without the void has a boundary at columns 7 and 9; object 1's is at 3, object 2's at 9.
    # F with object 1 is 0; with object 2 P = 1/2, R = 1, F = 2/3. (0.2 + 2/3) is more than 0.4, so object 2 has it.
    assert (one.J.mean, one.F.mean) == (0, 0)
    assert (two.J.mean, two.F.mean) == (pytest.approx(0.2), pytest.approx(2 / 3))
    assert [each.J.mean for each in score.objects] == [1, 1]


def test_void_counts_neither_for_j_nor_for_f():
    truth = _maps([[1, 1, 1, 255, 255, 255, 0, 0, 0, 0]])
    # The result differs in the void alone, by two pixels more than the tolerance of one.
    for label in (0, 1):
        labels = np.where(truth == 255, label, truth)
        (scored,) = score_sequence("row", [(truth, labels)]).objects
        assert (scored.J.mean, scored.F.mean) == (1, 1)
    # Where all of an object's frame is void, both masks are empty.
    gone = np.full_like(truth, 255)
    (scored,) = score_sequence("row", [(truth, truth % 255), (gone, np.ones_like(gone))]).objects
    assert (scored.J.mean, scored.F.mean) == (1, 1)


def test_objects_are_those_of_the_first_frame_up_to_its_highest_label():
    first, later = _maps([[0, 3, 3, 0, 0, 0]]), _maps([[0, 3, 3, 0, 7, 9]])
    score = score_sequence("row", [(first, first), (later, later)])
    # Labels 1 and 2 never occur and are objects all the same; 7 and 9 come too late.
    assert [each.label for each in score.objects] == [1, 2, 3]
    assert score.late == (7, 9)
    assert [each.J.mean for each in score.objects] == [1, 1, 1]
    # The proposals 7 and 9 are of something that counts as background.
    assert score.proposals == 9


def test_objects_without_a_proposal_get_an_empty_one():
    truth = _maps([[1, 1, 0, 2, 2, 0, 3, 3]])
    score = score_sequence("row", [(truth, (truth == 2).astype(np.int32)), (truth * 0, truth * 0)])
    assert score.proposals == 1
    assert {each.label: each.J.mean for each in score.objects} == {1: 0.5, 2: 1, 3: 0.5}
    assert sorted(each.proposal for each in score.objects) == [1, 2, 3]


def test_a_single_bad_proposal_is_not_passed_over_for_an_empty_one():
    # An empty mask would have J = 1 in the second frame; the only proposal has 0 in both, and must be taken.
    truth, nothing, far = _maps([[1, 0, 0, 0, 0, 0]]), _maps([[0] * 6]), _maps([[0, 0, 0, 0, 1, 1]])
    (scored,) = score_sequence("row", [(truth, far), (nothing, far)]).objects
    assert (scored.proposal, scored.J.mean) == (1, 0)


@pytest.mark.parametrize(
    ("frames", "first", "last"),
    [
        (1, [0], [0]),
        (2, [0], [1]),
        (3, [0, 1], [2]),  # linspace 1, 1.5, 2, 2.5, 3, halves away from 0: borders 0, 1, 1, 2, 2
        (4, [0, 1], [2, 3]),  # 1, 1.75, 2.5, 3.25, 4: borders 0, 1, 2, 2, 3
        (5, [0, 1], [3, 4]),
        (10, [0, 1, 2], [7, 8, 9]),  # 1, 3.25, 5.5, 7.75, 10: borders 0, 2, 5, 7, 9
        (300, list(range(76)), list(range(224, 300))),  # 75.75 and 225.25: beyond what 8 bits hold
    ],
)
def test_the_quarters_of_decay(frames, first, last):
    values = np.random.default_rng(frames).random(frames)
    expected = sum(values[first]) / len(first) - sum(values[last]) / len(last)
    assert statistics(values).decay == pytest.approx(expected, abs=1e-12)


def test_recall_is_strictly_above_a_half():
    assert statistics(np.array([0.5, 0.50001, 0.2, 1.0])).recall == 0.5


# --- equal to a slow version


def _slow_scores(truth, labels):
    """J and F of every proposal with every object and their best assignment: loops, dilations, all permutations."""
    void = truth == 255
    truth = np.where(void, 0, truth)
    objects, proposals = int(truth[0].max()), int(labels.max())
    radius = int(np.ceil(0.008 * np.linalg.norm(truth.shape[1:])))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = x**2 + y**2 <= radius**2

    def edge(mask):
        padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
        corner = np.zeros_like(mask)
        corner[:-1, :-1] = mask[:-1, :-1] ^ mask[1:, 1:]
        return (mask ^ padded[:-1, 1:]) | (mask ^ padded[1:, :-1]) | corner

    count = max(objects, proposals)
    J, F = np.zeros((count, objects, len(truth))), np.zeros((count, objects, len(truth)))
    for p, o, t in itertools.product(range(count), range(objects), range(len(truth))):
        known, found = (truth[t] == o + 1) & ~void[t], (labels[t] == p + 1) & ~void[t]
        union = (known | found).sum()
        J[p, o, t] = (known & found).sum() / union if union else 1
        one, two = edge(known), edge(found)
        if not one.any() or not two.any():
            F[p, o, t] = one.any() == two.any()
            continue
        precision = (two & binary_dilation(one, disk)).sum() / two.sum()
        recall = (one & binary_dilation(two, disk)).sum() / one.sum()
        F[p, o, t] = 2 * precision * recall / (precision + recall) if precision + recall else 0
    quality = (J.mean(axis=2) + F.mean(axis=2)) / 2
    best = max(itertools.permutations(range(count), objects), key=lambda rows: sum(quality[rows, range(objects)]))
    return J, F, quality, sum(quality[best, range(objects)])


@settings(max_examples=60)
@given(st.data())
def test_scores_are_those_of_loops(data):
    frames, height, width = (data.draw(st.integers(1, most)) for most in (4, 9, 12))
    shape = (frames, height, width)
    truth = data.draw(hnp.arrays(np.int32, shape, elements=st.sampled_from([0, 0, 1, 2, 3, 255])))
    truth[0, 0, 0] = 1  # nothing but void is an error
    labels = data.draw(hnp.arrays(np.int32, shape, elements=st.integers(0, 4)))
    J, F, quality, best = _slow_scores(truth, labels)
    score = score_sequence("random", list(zip(truth, labels, strict=True)))
    assert len(score.objects) == J.shape[1]
    assert len({each.proposal for each in score.objects}) == J.shape[1]
    assert sum(quality[each.proposal - 1, each.label - 1] for each in score.objects) == pytest.approx(best)
    for each in score.objects:
        expected = statistics(J[each.proposal - 1, each.label - 1]), statistics(F[each.proposal - 1, each.label - 1])
        for ours, slow in zip((each.J, each.F), expected, strict=True):
            assert ours.mean == pytest.approx(slow.mean, abs=1e-12)
            assert ours.recall == slow.recall
            assert ours.decay == pytest.approx(slow.decay, abs=1e-12)


@settings(max_examples=20)
@given(st.randoms(use_true_random=False), st.integers(0, 2**32 - 1))
def test_the_names_of_proposals_do_not_matter(random, seed):
    rng = np.random.default_rng(seed)
    truth, labels = rng.integers(0, 4, (3, 8, 8), np.int32), rng.integers(0, 4, (3, 8, 8), np.int32)
    truth[0, 0, 0] = 3
    labels[0, 0, 0] = 3
    renamed = np.array([0, *random.sample(range(1, 4), 3)], np.int32)[labels]
    one, two = (score_sequence("random", list(zip(truth, maps, strict=True))) for maps in (labels, renamed))
    for ours, other in zip(one.objects, two.objects, strict=True):
        assert (ours.J.mean, ours.F.mean) == pytest.approx((other.J.mean, other.F.mean))


# --- over files


def test_averages_are_over_objects_and_not_over_sequences(tmp_path):
    alone, three = _maps([[1, 1, 1, 0, 0, 0, 0, 0]]), _maps([[1, 1, 0, 2, 2, 0, 3, 3]])
    root = _root(tmp_path, alone=[alone] * 2, three=[three] * 2)
    results = _results(tmp_path, alone=[alone * 0] * 2, three=[three] * 2, spare=[alone])
    result = evaluate_davis(root, results)
    # Four objects, three of them perfect; a mean over sequences would be 1/2.
    assert (result.overall.J_mean, result.overall.F_mean, result.overall.JF_mean) == (0.75, 0.75, 0.75)
    assert result.left_out == ("spare",)
    told = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert set(told) >= {*SCORES, "sequences", "protocol"}
    assert told["protocol"] == "DAVIS unsupervised J&F (2019, 480p)"
    assert {name: set(scores) for name, scores in told["sequences"].items()} == {"alone": SCORES, "three": SCORES}
    assert (told["sequences"]["alone"]["JF_mean"], told["sequences"]["three"]["JF_mean"]) == (0, 1)
    assert evaluate_davis(root, results, ["three"]).overall.JF_mean == 1


def test_a_sequence_without_an_object_has_no_score(tmp_path):
    nothing = _maps([[0, 0, 0, 0]])
    root, results = _root(tmp_path, bare=[nothing]), _results(tmp_path, bare=[_maps([[0, 1, 1, 0]])])
    told = evaluate_davis(root, results).to_json()
    assert all(told[key] is None for key in SCORES)
    assert told["sequences"] == {"bare": dict.fromkeys(SCORES)}
    assert told["objects"] == 0
    results = _results(tmp_path / "other", bare=[nothing])
    assert evaluate_davis(root, results).overall.J_mean is None


def test_what_is_missing_or_wrong_is_told(tmp_path):
    truth = _maps([[1, 1, 0, 2], [0, 0, 0, 2]])
    root = _root(tmp_path, a=[truth] * 3)
    with pytest.raises(InputError, match="nowhere: there is no such folder; results are in it as SHOT"):
        evaluate_davis(root, tmp_path / "nowhere")
    results = _results(tmp_path, b=[truth])
    with pytest.raises(InputError, match="results/a: there is no such folder"):
        evaluate_davis(root, results)
    _results(tmp_path, a=[truth] * 2)
    with pytest.raises(InputError, match=r"a/00002\.png: this label map is missing \(1 of 3 are\)"):
        evaluate_davis(root, results)
    write_label_map(results / "a/00002.png", truth.T)
    # Read frame by frame, the second size shows against the first.
    with pytest.raises(FormatError, match=r"00002\.png: expected 4 x 2 pixels as in the shot's first frame, got 2 x 4"):
        evaluate_davis(root, results)
    _results(tmp_path, a=[truth.T] * 3)
    with pytest.raises(FormatError, match=r"00000\.png: expected 4 x 2 pixels as its ground truth, got 2 x 4"):
        evaluate_davis(root, results)
    _results(tmp_path, a=[truth, truth * 10, truth])
    assert evaluate_davis(root, results).sequences[0].proposals == 20
    _results(tmp_path, a=[truth, truth * 10 + 1, truth])
    with pytest.raises(InputError, match="a: the label 21 is in the result of frame 1, and DAVIS allows 20"):
        evaluate_davis(root, results)
    _results(tmp_path, a=[truth, truth * 200, truth])
    with pytest.raises(InputError, match="a: the label 400 is in the result of frame 1"):
        evaluate_davis(root, results)


def test_arrays_that_no_file_could_hold_are_told():
    truth = _maps([[1, 1, 0, 2]])
    with pytest.raises(InputError, match="row: frame 1 has a negative label"):
        score_sequence("row", [(truth, truth), (truth, truth - 1)])
    with pytest.raises(InputError, match="row: there is no frame to score"):
        score_sequence("row", [])


def test_masks_of_one_object_are_not_taken_for_void():
    binary = _maps([[0, 255, 255, 0]])
    with pytest.raises(InputError, match=r"no label but 0 and 255, which is void here; .* binary-j"):
        score_sequence("row", [(binary, binary)])


def test_a_frame_at_480p_takes_less_than_a_tenth_of_a_second(tmp_path):
    y, x = np.mgrid[:480, :854]

    def drawn(shift):
        labels = np.zeros((480, 854), np.int32)
        for label, (cy, cx) in enumerate([(120, 150), (120, 430), (120, 700), (350, 250), (350, 600)], 1):
            labels[((y - cy - shift) / 110) ** 2 + ((x - cx - 2 * shift) / 130) ** 2 < 1] = label
        return labels

    root = _root(tmp_path, a=[drawn(shift) for shift in range(8)])
    results = _results(tmp_path, a=[drawn(shift + 3) for shift in range(8)])
    begun = time.process_time()
    result = evaluate_davis(root, results)
    # 100 frames in 10 s; of the processor, since others may run beside the test. Measured: 0.03 s a frame.
    assert time.process_time() - begun < 0.8
    assert [each.proposal for each in result.sequences[0].objects] == [1, 2, 3, 4, 5]
    assert result.overall.J_mean is not None
    assert 0.9 < result.overall.J_mean < 1
