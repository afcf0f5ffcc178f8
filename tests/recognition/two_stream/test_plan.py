from dataclasses import replace

import pytest
from fixture_two_classes import tiny, write_two_classes

from flowfeat.errors import InputError
from recognition.presets import PRESETS
from recognition.training import Fold
from recognition.two_stream import TwoStreamOptions, make_plan
from recognition.two_stream.plan import is_fitted, published_weights


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_two_classes(tmp_path_factory.mktemp("two"), frames=True)


def _plan(data, presets, **others):
    return make_plan(TwoStreamOptions(store=data[0], annotations=data[1], presets=presets, **others))


def test_every_part_has_a_place_of_its_own(data):
    plan = _plan(data, PRESETS["quick"], seeds=(0, 7), folds=2)
    assert len(plan.runs) == 3 * 2 * 2 * 3
    parts = [run.part for run in plan.runs]
    places = [place for part in parts for place in (part.folder, part.scores)]
    places += [part.scores for part in (*plan.fusions, *plan.baselines)]
    assert len(set(places)) == len(places)
    assert parts[1].folder == "split1/temporal-seed0-fold1of2"
    assert parts[1].scores == "split1/temporal-seed0-held-out-1of2.npz"
    assert str(parts[-1]) == "split 3, spatial, seed 7, fold 2/2"
    assert [part.scores for part in plan.fusions[:3]] == [
        f"split1/fused-{method}-seed0.npz" for method in ("average", "weighted", "svm")
    ]


def test_runs_are_what_training_would_make_of_their_options(data):
    for run in _plan(data, PRESETS["quick"], splits=(2,), seeds=(3,), folds=2, steps=50).runs:
        settings, part = run.settings, run.part
        assert (settings.split, settings.seed, settings.fold) == (2, 3, part.fold) == (2, part.seed, run.options.fold)
        assert (settings.preset.stream, settings.steps) == (part.stream, 50)
        assert settings.clips_trained == (16 if part.fold is None else 8)


def test_what_is_fitted_needs_folds_and_what_is_published_does_not(data):
    """Of each system, as it was published (recognition.md, sections 1 and 2)."""
    fitted = {
        name: [method for method in presets[0].fusion if is_fitted(method, presets)]
        for name, presets in PRESETS.items()
    }
    assert fitted["two-stream-2014"] == ["svm"]
    assert fitted["tsn"] == fitted["tsn-bn-inception"] == fitted["fn2-table5"] == []
    assert fitted["quick"] == ["weighted", "svm"]
    assert published_weights(PRESETS["tsn"]) == (1.5, 1.0)
    tsn = tuple(replace(preset, initial="scratch") for preset in PRESETS["tsn"])
    plan = _plan(data, tsn, splits=(1,))
    assert {run.part.fold for run in plan.runs} == {None}
    assert plan.left_out == ()
    without = _plan(data, PRESETS["quick"], splits=(1,), folds=0)
    assert without.left_out == ("weighted", "svm")
    assert [part.method for part in without.fusions] == ["average"]
    one = _plan(data, PRESETS["fn2-table5"], splits=(1,))
    assert (len(one.runs), one.fusions, len(one.baselines)) == (1, (), 1)
    colour = _plan(data, PRESETS["quick"][1:], splits=(1,))
    assert (len(colour.runs), colour.fusions, colour.baselines) == (1, (), ())


def test_imagenet_weights_are_for_streams_that_begin_with_them(data, tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    presets = (tiny(), tiny(stream="spatial", initial="imagenet"))
    first, second = _plan(data, presets, splits=(1,), folds=0, weights=file).runs
    assert (first.options.weights, first.settings.initial) == (None, "scratch")
    assert second.options.weights == file
    assert len(second.settings.initial) == 64


def test_presets_that_are_no_experiment_are_refused(data):
    for presets in ((), (tiny(), tiny()), (tiny(), tiny(stream="spatial", name="other"))):
        with pytest.raises(InputError, match="one stream, or the two of one preset"):
            _plan(data, presets)


def test_folds_are_shared_by_the_streams(data):
    """Else what one stream has not seen the other would have."""
    plan = _plan(data, PRESETS["quick"], splits=(1,), folds=2)
    for fold in (Fold(1, 2), Fold(2, 2)):
        held = [run.data.clips("validation") for run in plan.runs if run.part.fold == fold]
        assert len(held) == 2
        assert held[0] == held[1]
