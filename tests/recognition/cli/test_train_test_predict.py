"""`flowfeat recognition train`, `test` and `predict`, from their options on."""

import json
from urllib.error import URLError

import pytest
from fixture_two_classes import TinyNetwork, write_two_classes

from flowfeat.cli import DONE, INCOMPLETE, UNUSABLE, _parse, exit_status
from recognition.presets import PRESETS
from recognition.scores import read_scores


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    monkeypatch.setattr("recognition.training.run.build_network", lambda name, c, n, *_: TinyNetwork(c, n))


def _run(name, *arguments):
    home = f"recognition.cli.{name}:{name.capitalize()}"
    parsed = lambda: _parse(f"recognition {name}", home, [*map(str, arguments)]).run()  # noqa: E731
    return exit_status(f"flowfeat recognition {name}", parsed)


def test_from_a_store_to_scores(tmp_path, capsys):
    store, lists = write_two_classes(tmp_path)
    run, out = tmp_path / "run", tmp_path / "scores.npz"
    given = ("--store", store, "--annotations", lists, "--stream", "temporal", "--preset", "quick", "--out", run)
    assert _run("train", *given, "--steps", 4, "--stop-after", 2, "--fold", "1/4", "--json") == DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["step"], told["steps"], told["validated_on"], told["clips"]) == (2, 4, "validation", 12)
    assert _run("train", *given, "--steps", 4, "--fold", "1/4") == DONE
    captured = capsys.readouterr()
    assert "4 of 4 steps on 2 classes" in captured.out
    told = captured.out
    assert _run("train", *given, "--steps", 4, "--fold", "1/4") == DONE
    assert capsys.readouterr().out == told, "a run that is done tells its accuracy again"
    assert "10 points or more below a test over many views" in captured.err
    assert "loss" in captured.err
    assert _run("test", run, "--views", "2x1", "--out", out, "--json") == DONE
    told = json.loads(capsys.readouterr().out)
    assert {"accuracy", "mean_class_accuracy", "top5", "clips", "missing"} < set(told)
    assert (told["clips"], told["missing"]) == (8, 0)
    scores = read_scores(out)
    assert (scores.settings.views, scores.settings.steps) == ("2x1", 4)
    assert told["accuracy"] == (scores.scores.argmax(1) == scores.labels).mean()
    assert _run("test", run, "--part", "validation", "--which", "best", "--out", out) == DONE
    assert "4 validation clips, 0 missing" in capsys.readouterr().out


def test_missing_clips_make_a_training_and_a_test_incomplete(tmp_path, capsys):
    store, lists = write_two_classes(tmp_path)
    run = tmp_path / "run"
    (store / "Up/v_Up_g01_c01.safetensors").unlink()
    given = ("--store", store, "--annotations", lists, "--stream", "temporal", "--preset", "quick", "--out", run)
    assert _run("train", *given, "--steps", 1) == UNUSABLE
    assert "--allow-missing" in capsys.readouterr().err
    assert _run("train", *given, "--steps", 1, "--allow-missing") == INCOMPLETE
    assert _run("train", *given, "--steps", 1, "--allow-missing", "--json") == INCOMPLETE
    told = capsys.readouterr().out
    assert json.loads(told[told.index("{") :])["missing"] == 1
    assert _run("test", run, "--out", tmp_path / "s.npz", "--allow-missing") == INCOMPLETE
    told = capsys.readouterr().out
    assert "7 test clips, 1 missing" in told
    assert "not numbers of the data set" in told


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("train", ("--steps", 0), "--steps 0: say at least 1"),
        ("train", ("--workers", -1), "--workers -1: say 0 or more"),
        ("train", ("--seed", -1), "--seed -1: say 0 or more"),
        ("train", ("--fold", "9"), "--fold 9: write K/N"),
        ("train", ("--preset", "slow"), ", ".join(PRESETS)),
        ("train", ("--annotations", "nowhere"), "nowhere"),
        ("train", ("--classes", "Up"), "--classes Up: a network tells at least two classes apart"),
        ("train", ("--stream", "spatial"), "no frames are stored, and the spatial stream learns from them"),
        ("train", ("--out", __file__), "this is a file, and a run is a folder"),
        ("test", ("--out", "scores.csv"), "must end in .npz"),
        ("test", ("--views", "3"), "write NxM"),
        ("test", ("--workers", -1), "--workers -1: say 0 or more"),
        ("test", (), "no run of"),
        ("predict", ("clip.avi",), "no run was given"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(tmp_path, capsys, name, options, told):
    store, lists = write_two_classes(tmp_path)
    given = {
        "train": ["--store", store, "--annotations", lists, "--stream", "temporal", "--preset", "quick"],
        "test": [tmp_path],
        "predict": [],
    }[name]
    out = [] if name == "predict" else ["--out", tmp_path / "out.npz"]
    assert _run(name, *given, *out, *options) == UNUSABLE
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_refused_spatial_run_leaves_no_folder(tmp_path, capsys):
    store, lists = write_two_classes(tmp_path)
    given = ("--store", store, "--annotations", lists, "--preset", "quick", "--out", tmp_path / "run")
    assert _run("train", *given, "--stream", "spatial") == UNUSABLE
    assert "--frames" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_weights_that_cannot_be_fetched_are_one_sentence(tmp_path, capsys, monkeypatch):
    from recognition.networks.zoo import build_network

    monkeypatch.setattr("recognition.training.run.build_network", build_network)
    monkeypatch.setenv("FLOWFEAT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("urllib.request.OpenerDirector.open", _no_network)
    store, lists = write_two_classes(tmp_path)
    given = ("--store", store, "--annotations", lists, "--stream", "temporal", "--out", tmp_path / "run")
    assert _run("train", *given, "--preset", "quick-imagenet") == UNUSABLE
    said = capsys.readouterr().err
    assert "cannot be fetched" in said
    assert "give the file with --weights" in said
    assert said.count("\n") == 1


def _no_network(*_, **__):
    raise URLError("no network")


def test_a_run_without_videos_is_refused(tmp_path, capsys):
    (tmp_path / "run.json").touch()
    assert _run("predict", tmp_path) == UNUSABLE
    assert "no video was given" in capsys.readouterr().err
    assert _run("predict", tmp_path, "clip.avi", "--top", 0) == UNUSABLE
    assert "--top 0" in capsys.readouterr().err
