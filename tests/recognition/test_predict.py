import json
from dataclasses import replace

import numpy as np
import pytest
from fixture_two_classes import TinyNetwork, options, tiny
from scipy.special import softmax

from flowfeat.errors import InputError
from flowfeat.extraction import ExtractionOptions, extract
from recognition.predict import _check_same, _fused, predict
from recognition.testing import score_run
from recognition.training import train
from recognition.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Videos of two classes, their store with DIS flow and frames, and a run of each stream."""
    from fixture_clips import write_clip

    root = tmp_path_factory.mktemp("predict")
    lists = root / "clips"
    for label, name in enumerate(("Sleep", "Walk")):
        for number in range(6):
            part = "train" if number < 4 else "test"
            write_clip(lists / part / name / f"{name.lower()}{number}.avi", frames=6, seed=10 * label + number)
    store = ExtractionOptions(out=root / "store", model="dis", frames=True, device="cpu", resize="shorter:32")
    assert extract([lists], store).complete
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("recognition.training.run.build_network", lambda name, c, n, *_: TinyNetwork(c, n))
        for stream in ("temporal", "spatial"):
            train(options(store.out, lists, tiny(stream=stream, steps=3)), root / stream)
    return lists, root


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    monkeypatch.setattr("recognition.training.run.build_network", lambda name, c, n, *_: TinyNetwork(c, n))


@pytest.mark.parametrize("streams", [("temporal",), ("spatial",), ("spatial", "temporal")], ids="+".join)
def test_a_video_is_scored_as_a_test_clip_is(trained, streams):
    lists, root = trained
    runs = [root / stream for stream in streams]
    found = predict(runs, [lists / "test/Walk", lists / "test/Sleep/sleep4.avi"], top=2, device="cpu")
    tested = [score_run(run) for run in runs]
    places = {clip: place for place, clip in enumerate(tested[0].clips)}
    assert not found.failed
    assert [video.video for video in found.videos] == ["sleep4", "walk4", "walk5"]
    for video in found.videos:
        assert video.frames == 6
        assert list(video.probabilities) == sorted(video.probabilities, reverse=True)
        # The preset averages scores before the softmax.
        assert {scores.kind for scores in tested} == {"logits"}
        expected = softmax(np.mean([scores.scores[places[video.video]] for scores in tested], axis=0))
        told = [video.probabilities[video.classes.index(name)] for name in tested[0].classes]
        assert told == pytest.approx(expected, abs=1e-5)


def test_videos_are_made_as_large_as_the_frames_of_training_were(trained, tmp_path):
    from fixture_clips import write_clip

    lists, root = trained
    # The store kept its frames as they were; its clips tell how large they are.
    _changed_run(root / "temporal", tmp_path / "run", {"resize": None})
    walk = lists / "test/Walk/walk4.avi"
    (asked,) = predict([root / "temporal"], [walk], device="cpu").videos
    found = predict([tmp_path / "run"], [walk], device="cpu")
    assert found.resize == "shorter:32"
    assert found.videos == (asked,)
    big = write_clip(tmp_path / "big.avi", frames=6, height=96, width=128, seed=14)
    assert predict([tmp_path / "run"], [big], resize="48x64", device="cpu").resize == "48x64"
    with pytest.raises(InputError, match="--resize 'huge' is not"):
        predict([tmp_path / "run"], [big], resize="huge", device="cpu")


def test_without_the_store_videos_keep_their_size_and_that_is_told(trained, tmp_path):
    lists, root = trained
    _changed_run(root / "temporal", tmp_path / "run", {"resize": None}, store=tmp_path / "gone")
    with pytest.warns(UserWarning, match="gone: the run's store is not there .* say another with --resize"):
        found = predict([tmp_path / "run"], [lists / "test/Walk/walk4.avi"], device="cpu")
    assert found.resize is None
    assert len(found.videos) == 1


def test_a_video_shorter_than_a_stack_is_scored_and_told(trained, tmp_path):
    from fixture_clips import write_clip

    _, root = trained
    short = write_clip(tmp_path / "short.avi", frames=2, seed=3)
    assert tiny().length == 3
    seen = []
    found = predict(
        [root / "temporal", root / "spatial"],
        [short],
        device="cpu",
        scored=lambda done, total: seen.append((done, total)),
    )
    assert [(video.frames, video.repeated) for video in found.videos] == [(2, 2)]
    # The stacks of both networks are counted as one.
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1] == 2 * tiny().views.stacks


def test_a_video_that_cannot_be_read_does_not_stop_the_others(trained, tmp_path):
    lists, root = trained
    (tmp_path / "broken.avi").write_bytes(b"no video")
    found = predict([root / "temporal"], [tmp_path / "broken.avi", lists / "test/Walk/walk4.avi"], device="cpu")
    assert list(found.failed) == ["broken"]
    assert [video.video for video in found.videos] == ["walk4"]


def test_runs_that_do_not_go_together_are_refused(trained):
    lists, root = trained
    with pytest.raises(InputError, match="both of the temporal stream"):
        predict([root / "temporal"] * 2, [lists])
    with pytest.raises(InputError, match="3 runs were given"):
        predict([root / "temporal"] * 3, [lists])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "files"}, "computed elsewhere"),
        ({"parameters": {"preset": "fast"}}, "would not be that of the run's store"),
        ({"model": "nonesuch"}, "there is no model called 'nonesuch'"),
    ],
)
def test_flow_of_another_model_is_refused(trained, tmp_path, change, told):
    lists, root = trained
    _changed_run(root / "temporal", tmp_path / "run", change)
    with pytest.raises(InputError, match=told):
        predict([tmp_path / "run"], [lists / "test/Walk/walk4.avi"], device="cpu")


def test_another_version_of_the_model_is_a_remark(trained, tmp_path):
    lists, root = trained
    _changed_run(root / "temporal", tmp_path / "run", {"library": "opencv 1.0"})
    with pytest.warns(UserWarning, match="computed with opencv 1.0, and here is opencv"):
        predict([tmp_path / "run"], [lists / "test/Walk/walk4.avi"], device="cpu")


def test_flow_that_a_gpu_computed_in_half_is_computed_here_as_here(trained):
    asked = RunFolder(trained[1] / "temporal").record().settings.flow
    on_gpu = replace(asked, parameters={**asked.parameters, "precision": "float16"})
    here = replace(asked, parameters={**asked.parameters, "precision": "float32"})
    with pytest.warns(UserWarning, match=r"float16, and here is .* float32; flow may differ a little"):
        _check_same(on_gpu, here)
    _check_same(here, here)
    with pytest.raises(InputError, match="would not be that of the run's store"):
        _check_same(on_gpu, replace(here, bound=7.0))


def _changed_run(run, to, change, store=None):
    """The run as if its store had been made otherwise."""
    from flowfeat.typed_json import json_bytes
    from recognition.training.run_folder import RunRecord

    before, weights = RunFolder(run).record(), RunFolder(run).read_weights("last")
    changed = replace(before.settings, flow=replace(before.settings.flow, **change))
    to.mkdir()
    sessions = tuple(replace(each, store=store or each.store) for each in before.sessions)
    (to / "run.json").write_bytes(json_bytes(RunRecord(changed, sessions)))
    RunFolder(to).write_weights("last", replace(weights, settings=changed))
    assert json.loads((to / "run.json").read_text())["settings"]["flow"] != before.settings.flow


def test_streams_are_averaged_before_the_softmax_where_both_are_of_such_a_system():
    spatial, temporal = np.array([[0.0, 2.0]]), np.array([[3.0, 0.0]])
    before = _fused([spatial, temporal], [1.0, 1.5], ["logits", "logits"])
    mean = (spatial + 1.5 * temporal) / 2.5
    assert before == pytest.approx(np.exp(mean) / np.exp(mean).sum())
    probabilities = np.array([[0.25, 0.75]])
    mixed = _fused([probabilities, temporal], [1.0, 1.0], ["softmax", "logits"])
    assert mixed == pytest.approx((probabilities + np.exp(temporal) / np.exp(temporal).sum()) / 2)
