import json
from dataclasses import replace

import numpy as np
import pytest
from fixture_two_classes import TinyNetwork, options, tiny

from flowfeat.errors import InputError
from flowfeat.extraction import ExtractionOptions, extract
from recognition.predict import _fused, predict
from recognition.testing import score_run
from recognition.training import train


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
        expected = np.mean([scores.scores[places[video.video]] for scores in tested], axis=0)
        told = [video.probabilities[video.classes.index(name)] for name in tested[0].classes]
        assert told == pytest.approx(expected, abs=1e-5)


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


def _changed_run(run, to, change):
    """The run as if its store had been made otherwise."""
    from recognition.training.run_folder import RunFolder, RunRecord
    from recognition.training.typed_json import json_bytes

    before, weights = RunFolder(run).record(), RunFolder(run).read_weights("last")
    changed = replace(before.settings, flow=replace(before.settings.flow, **change))
    to.mkdir()
    (to / "run.json").write_bytes(json_bytes(RunRecord(changed, before.sessions)))
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
