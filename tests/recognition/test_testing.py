import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from fixture_stores import settings, smooth_flow, write_stored_clip
from fixture_two_classes import CLASSES, TinyNetwork, options, tiny, write_two_classes

from flowfeat.errors import InputError, StoreError
from recognition.datasets import open_annotations
from recognition.presets import Views
from recognition.scores import read_scores, write_scores
from recognition.testing import TestOptions, parse_views, score_run
from recognition.training import Fold, train


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store, its lists, and a run that is good at them."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        _make_tiny(patch)
        store, lists = write_two_classes(root)
        train(options(store, lists, tiny(steps=60), seed=3, validate_every=60), root / "run")
    return store, lists, root / "run"


@pytest.fixture(autouse=True)
def _tiny_network(monkeypatch):
    _make_tiny(monkeypatch)


def _make_tiny(patch):
    patch.setattr("recognition.training.run.build_network", lambda name, c, n, *_: TinyNetwork(c, n))


def test_scores_say_what_they_are_of(trained, tmp_path):
    store, _, run = trained
    told = []
    scores = score_run(run, progress=lambda *done: told.append(done))
    assert scores.classes == CLASSES
    assert scores.clips[:3] == ("v_Up_g01_c01", "v_Up_g01_c02", "v_Up_g02_c01")
    assert scores.groups[:3] == ("v_Up_g01", "v_Up_g01", "v_Up_g02")
    assert scores.labels.tolist() == [0] * 4 + [1] * 4
    assert (scores.scores.argmax(1) == scores.labels).all()
    assert scores.kind == "logits"
    said = scores.settings
    assert (said.dataset, said.split, said.part, said.stream, said.preset) == ("UCF101", 1, "test", "temporal", "quick")
    assert (said.views, said.flow, said.seed, said.steps, said.store) == ("3x1", "test", 3, 60, str(store))
    assert said.part_of is not None
    assert scores.fingerprint == settings("uint8").fingerprint
    assert scores.missing == 0
    assert told[-1] == (24, 24)
    write_scores(tmp_path / "scores.npz", scores)
    again = read_scores(tmp_path / "scores.npz")
    assert np.array_equal(again.scores, scores.scores)
    assert again.settings == said


def test_parts_and_views(trained):
    run = trained[2]
    scores = score_run(run, TestOptions(part="train", views=Views(stacks=2, crops=10)))
    assert len(scores.clips) == 16
    assert {clip[-7:-4] for clip in scores.clips} == {"g03", "g04", "g05", "g06"}
    assert (scores.settings.part, scores.settings.views) == ("train", "2x10")
    with pytest.raises(InputError, match="holds no clips out of training; train one with --fold"):
        score_run(run, TestOptions(part="validation"))
    with pytest.raises(InputError, match="only a run with --fold keeps its best weights"):
        score_run(run, TestOptions(which="best"))


def test_clips_that_are_not_there_are_counted_where_they_may_be_missing(trained, tmp_path):
    store, _, run = trained
    fewer = tmp_path / "fewer"
    shutil.copytree(store, fewer)
    for stem in ("Up/v_Up_g01_c01", "Up/v_Up_g04_c01", "Up/v_Up_g05_c01"):
        (fewer / f"{stem}.safetensors").unlink()
    with pytest.raises(InputError, match=r"3 of the 24 clips .* --allow-missing"):
        score_run(run, TestOptions(store=fewer))
    scores, whole = score_run(run, TestOptions(store=fewer, allow_missing=True)), score_run(run)
    assert (len(scores.clips), scores.missing) == (7, 1)
    assert whole.clips[1:] == scores.clips
    assert np.allclose(whole.scores[1:], scores.scores, atol=1e-6)


def test_a_store_that_grew_moves_no_clip_from_training_to_validation(trained, tmp_path):
    store, lists, _ = trained
    fewer = tmp_path / "fewer"
    shutil.copytree(store, fewer)
    for clip in (1, 2):
        (fewer / f"Up/v_Up_g03_c0{clip}.safetensors").unlink()
    of = {}
    for number in (1, 2):
        asked = options(fewer, lists, tiny(steps=1), fold=Fold(number, 2), allow_missing=True)
        train(asked, tmp_path / f"{number}")
        for part in ("train", "validation"):
            of[number, part] = score_run(tmp_path / f"{number}", TestOptions(part=part, allow_missing=True))
    assert [of[number, "validation"].missing for number in (1, 2)] == [2, 0], "each is of one fold alone"
    for number in (1, 2):
        learnt, held = (
            score_run(tmp_path / f"{number}", TestOptions(part=part, store=store)) for part in ("train", "validation")
        )
        assert learnt.clips == of[number, "train"].clips
        assert not set(held.clips) & set(learnt.clips)
        assert set(held.clips) >= set(of[number, "validation"].clips)
        assert (len(held.clips), held.missing) == (8, 0)
    assert len(score_run(tmp_path / "1", TestOptions(store=store)).clips) == 8


def test_clips_of_a_folder_that_was_dealt_anew_are_refused(trained, tmp_path):
    store, root = trained[0], tmp_path / "clips"
    for name in CLASSES:
        for path in (store / name).glob("*.safetensors"):
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / f"{path.stem}.avi").touch()
    train(options(store, root, tiny(steps=1)), tmp_path / "run")
    learnt = {clip.name for clip in open_annotations(root, 1).train}
    assert not set(score_run(tmp_path / "run").clips) & learnt
    grown = tmp_path / "grown"
    shutil.copytree(store, grown)
    write_stored_clip(grown, "Up/new", settings("uint8"), smooth_flow(7, 32, 40))
    assert len(score_run(tmp_path / "run", TestOptions(store=grown)).clips) == 8
    (root / "Up/new.avi").touch()
    assert learnt & {clip.name for clip in open_annotations(root, 1).test}, "else nothing is tested here"
    with pytest.raises(InputError, match="clips: its training clips are not those that the run was trained on"):
        score_run(tmp_path / "run", TestOptions(store=grown))


def test_lists_may_be_another_copy_and_hold_fewer_tests_but_no_other_training(trained, tmp_path):
    _, lists, run = trained
    copied = tmp_path / "lists"
    shutil.copytree(lists, copied)
    train_list, test_list = copied / "trainlist01.txt", copied / "testlist01.txt"
    train_list.write_bytes(train_list.read_bytes().replace(b"\n", b"\r\n"))
    tested, learnt = test_list.read_text().splitlines(True), train_list.read_text().splitlines(True)
    test_list.write_text("".join(tested[:3]))
    assert len(score_run(run, TestOptions(annotations=copied)).clips) == 3
    train_list.write_text("".join(learnt[2:]))
    test_list.write_text("".join(line.split()[0] + "\n" for line in [*tested, *learnt[:2]]))
    with pytest.raises(InputError, match="not those that the run was trained on, so that clips it has learnt from"):
        score_run(run, TestOptions(annotations=copied))


def test_other_flow_is_refused(trained, tmp_path):
    _, _, run = trained
    other = replace(settings("uint8"), model="better")
    for name in CLASSES:
        write_stored_clip(tmp_path / "other", f"{name}/v_{name}_g01_c01", other, smooth_flow(4, 32, 40))
    with pytest.raises(StoreError, match=r"other flow than the run was trained on .*model better there, test here"):
        score_run(run, TestOptions(store=tmp_path / "other", allow_missing=True))


def test_what_is_no_run_is_refused(trained, tmp_path):
    with pytest.raises(InputError, match="no run of `flowfeat recognition train` is there"):
        score_run(tmp_path)
    shutil.copytree(trained[2], tmp_path / "run")
    (tmp_path / "run/last.safetensors").unlink()
    with pytest.raises(InputError, match=r"last\.safetensors: there are no such weights: the run has not come so far"):
        score_run(tmp_path / "run")


def test_weights_of_another_network_are_refused(trained, monkeypatch):
    monkeypatch.setattr("recognition.training.run.build_network", lambda *_: torch.nn.Linear(2, 2))
    with pytest.raises(InputError, match="not those of small-vgg"):
        score_run(trained[2])


def test_views_are_parsed():
    assert parse_views("25x10") == Views(stacks=25, crops=10)
    assert parse_views("3x1") == Views(stacks=3, crops=1)
    for text in ("25", "25x5", "0x10", "x10", "25x10x1", "-1x1", "25X10"):
        with pytest.raises(InputError, match="write NxM"):
            parse_views(text)
