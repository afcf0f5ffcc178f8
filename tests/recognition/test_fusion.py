from dataclasses import replace

import numpy as np
import pytest
from fixture_scores import CLASSES, scores_saying
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from flowfeat.errors import InputError
from recognition.fusion import average, fuse_svm, fuse_weighted, held_out_of, search_weights, weighted
from recognition.metrics import evaluate, predictions
from recognition.scores import Scores

LABELS = [0, 1, 2, 0, 1, 2]
HELD_LABELS = [0, 1, 2] * 4
COLOUR = {"stream": "spatial", "flow": None}
HELD = {"part": "validation", "first_group": 8}


def drawn(seed: int, labels, skill: float, **changes) -> Scores:
    rng = np.random.default_rng(seed)
    values = rng.gamma(1, size=(len(labels), 3))
    values[np.arange(len(labels)), labels] += rng.gamma(skill, size=len(labels))
    scores = scores_saying([0] * len(labels), labels, **changes)
    return replace(scores, scores=(values / values.sum(axis=1, keepdims=True)).astype(np.float32))


def test_the_average_is_that_of_the_scores_and_says_what_it_is_of():
    flow, colour = drawn(0, LABELS, 2), drawn(1, LABELS, 1, **COLOUR)
    fused = average([flow, colour.in_order_of(colour.clips[::-1])])
    np.testing.assert_allclose(fused.scores, (flow.scores + colour.scores) / 2, atol=1e-6)
    assert fused.clips == flow.clips
    assert fused.kind == "softmax"
    of = fused.settings
    assert (of.stream, of.flow, of.preset, of.seed) == ("fused", None, "quick", 0)
    assert of.method == "average of temporal, quick, resnet18, dis, 3x1 + spatial, quick, resnet18, 3x1"


def test_weights_known_beforehand_are_of_any_sum():
    colour, flow = drawn(1, LABELS, 1, **COLOUR), drawn(0, LABELS, 2)
    fused = weighted([colour, flow], [1, 1.5])
    np.testing.assert_allclose(fused.scores, 0.4 * colour.scores + 0.6 * flow.scores, atol=1e-6)
    assert fused.settings.method.startswith("weighted of 1 x spatial, quick, resnet18, 3x1 + 1.5 x temporal")
    for weights, told in [([1], "need as many weights, not 1"), ([-1, 2], "not -1, 2"), ([0, 0], "not all 0")]:
        with pytest.raises(InputError, match=told):
            weighted([colour, flow], weights)


def test_logits_are_averaged_before_the_softmax_and_mixed_kinds_after_it():
    flow, colour = drawn(0, LABELS, 2), drawn(1, LABELS, 1, **COLOUR)
    logits = [replace(each, scores=3 * np.log(each.scores), kind="logits") for each in (flow, colour)]
    both = average(logits)
    assert both.kind == "logits"
    np.testing.assert_allclose(both.scores, (logits[0].scores + logits[1].scores) / 2, rtol=1e-6)
    mixed = average([logits[0], colour])
    assert mixed.kind == "softmax"
    np.testing.assert_allclose(mixed.scores, (logits[0].as_softmax().scores + colour.scores) / 2, atol=1e-6)


@given(st.integers(0, 10_000), st.floats(0.1, 3), st.floats(0.1, 3))
@settings(max_examples=15)
def test_searched_weights_never_lose_on_the_held_out_clips(seed, one, other):
    held_out = [drawn(seed, HELD_LABELS, one, **HELD), drawn(seed + 1, HELD_LABELS, other, **HELD, **COLOUR)]
    fitted = search_weights(held_out)
    assert sum(fitted.weights) == pytest.approx(1)
    assert fitted.clips == 12
    assert fitted.streams == tuple(evaluate(each).accuracy for each in held_out)
    assert fitted.fused == evaluate(weighted(held_out, fitted.weights)).accuracy
    assert fitted.fused >= max(fitted.streams)


def test_a_stream_that_only_misleads_gets_no_weight():
    right = scores_saying(HELD_LABELS, HELD_LABELS, sure=0.4, **HELD)
    wrong = scores_saying([(label + 1) % 3 for label in HELD_LABELS], HELD_LABELS, sure=0.98, **HELD, **COLOUR)
    assert search_weights([wrong, right]).weights == (0.0, 1.0)


def test_labels_of_the_test_decide_nothing():
    held_out = [drawn(5, HELD_LABELS, 1, **HELD), drawn(6, HELD_LABELS, 1, **HELD, **COLOUR)]
    names = tuple(f"clip{place}" for place in range(6))
    streams = [drawn(0, LABELS, 1, clips=names), drawn(1, LABELS, 1, clips=names, **COLOUR)]
    others = [replace(each, labels=(each.labels + 1) % 3) for each in streams]
    for fuse in (lambda scores: fuse_weighted(scores, held_out)[0], lambda scores: fuse_svm(scores, held_out)):
        assert np.array_equal(fuse(streams).scores, fuse(others).scores)


def test_the_svm_is_scikit_learn_s_on_softmax_of_unit_length():
    held_out = [drawn(5, HELD_LABELS, 2, **HELD), drawn(6, HELD_LABELS, 2, **HELD, **COLOUR)]
    streams = [drawn(0, LABELS, 2), drawn(1, LABELS, 2, **COLOUR)]
    fused = fuse_svm(streams, [held_out[0], held_out[1].in_order_of(held_out[0].clips[::-1])])

    def stacked(scores):
        return np.concatenate([Normalizer().transform(each.scores.astype(np.float64)) for each in scores], axis=1)

    machine = make_pipeline(LinearSVC(C=1.0, random_state=0, max_iter=10_000)).fit(stacked(held_out), HELD_LABELS)
    np.testing.assert_allclose(fused.scores, machine.decision_function(stacked(streams)), rtol=1e-4, atol=1e-5)
    assert predictions(fused.scores).tolist() == machine.predict(stacked(streams)).tolist()
    assert fused.kind == "logits"
    assert fused.settings.fusion is not None
    assert fused.settings.fusion.fitted_on == 12


def test_an_svm_of_two_classes_has_a_margin_for_each():
    two = CLASSES[:2]
    held_out = [scores_saying([0, 1] * 3, [0, 1] * 3, two, **HELD, **extra) for extra in ({}, COLOUR)]
    fused = fuse_svm([scores_saying([0, 1], [0, 1], two, **extra) for extra in ({}, COLOUR)], held_out)
    assert predictions(fused.scores).tolist() == [0, 1]


def test_an_svm_needs_every_class_among_the_held_out():
    held_out = [scores_saying([0, 1], [0, 1], **HELD, **extra) for extra in ({}, COLOUR)]
    streams = [scores_saying([0], [0], **extra) for extra in ({}, COLOUR)]
    with pytest.raises(InputError, match="JumpRope has none \\(1 such classes\\)"):
        fuse_svm(streams, held_out)


def test_fitting_refuses_test_clips_trained_clips_and_clips_of_the_same_video():
    streams = [drawn(0, LABELS, 1), drawn(1, LABELS, 1, **COLOUR)]
    for part, told in [("test", "are of test clips"), ("train", "are of clips the streams were trained on")]:
        fit = [drawn(5, HELD_LABELS, 1, part=part, first_group=8, **extra) for extra in ({}, COLOUR)]
        for fuse in (fuse_weighted, fuse_svm):
            with pytest.raises(InputError, match=told):
                fuse(streams, fit)
    sibling = tuple(clip.replace("_c01", "_c02") for clip in streams[0].clips)
    fit = [drawn(5, LABELS, 1, part="validation", clips=sibling, **extra) for extra in ({}, COLOUR)]
    for fuse in (fuse_weighted, fuse_svm):
        with pytest.raises(InputError, match="it or another clip of its video is to be fused \\(6 such clips\\)"):
            fuse(streams, fit)


def test_clips_of_one_video_are_found_whatever_they_are_called():
    """HMDB51's names hold no group as UCF101's do; its lists tell."""
    named = {"clips": ("April_kick_0", "May_kick_1"), "groups": ("kick/April", "kick/May")}
    streams = [drawn(seed, [0, 1], 1, **named, **extra) for seed, extra in ((0, {}), (1, COLOUR))]
    cut = {"clips": ("April_kick_7", "June_kick_2"), "groups": ("kick/April", "kick/June")}
    fit = [drawn(seed, [0, 1], 1, part="validation", **cut, **extra) for seed, extra in ((2, {}), (3, COLOUR))]
    with pytest.raises(InputError, match="April_kick_7 is to be fitted to, and it or another clip of its video"):
        fuse_weighted(streams, fit)


def test_folds_are_joined_by_stream_in_any_order():
    streams = [drawn(0, LABELS, 1), drawn(1, LABELS, 1, **COLOUR)]
    folds = [
        drawn(seed, [0, 1, 2], 1, part="validation", first_group=group, **extra)
        for seed, group, extra in [(2, 8, COLOUR), (3, 8, {}), (4, 11, {}), (5, 11, COLOUR)]
    ]
    flow, colour = held_out_of(streams, folds)
    assert flow.clips == folds[1].clips + folds[2].clips
    assert colour.clips == folds[0].clips + folds[3].clips
    assert np.array_equal(colour.scores, np.concatenate([folds[0].scores, folds[3].scores]))
    assert fuse_weighted(streams, (flow, colour))[1].clips == 6
    assert flow.groups == folds[1].groups + folds[2].groups
    lacking = [replace(fold, missing=count) for fold, count in zip(folds, (1, 1, 2, 2), strict=True)]
    assert [each.missing for each in held_out_of(streams, lacking)] == [3, 3]
    with pytest.raises(InputError, match="no scores of held-out training clips of spatial, quick, resnet18, seed 0"):
        held_out_of(streams, folds[1:3])
    with pytest.raises(InputError, match="are of temporal, quick, resnet18, dis, seed 1, as none of the score files"):
        held_out_of(streams, [*folds, scores_saying([0], [0], part="validation", seed=1)])
    with pytest.raises(InputError, match="is there twice"):
        held_out_of(streams, [folds[0], folds[1], folds[1]])


def test_streams_of_different_splits_or_one_alone_are_not_fused():
    flow = drawn(0, LABELS, 1)
    with pytest.raises(InputError, match="needs two score files or more, and 1 was given"):
        average([flow])
    with pytest.raises(InputError, match="of UCF101 split 1 and of UCF101 split 2"):
        average([flow, drawn(1, LABELS, 1, split=2)])


def test_missing_clips_stay_counted():
    flow, colour = drawn(0, LABELS, 1, missing=3), drawn(1, LABELS, 1, **COLOUR)
    assert average([flow, colour]).missing == 3
