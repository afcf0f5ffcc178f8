"""The script from its options on: whole experiments of a tiny preset, killed, gone on with, stale and refused."""

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import train_two_stream
from fixture_stores import settings, smooth_flow, write_stored_clip
from fixture_two_classes import CLASSES, write_two_classes
from fixture_two_stream import draw_nothing, make_tiny

from flowfeat.cli import DONE, INCOMPLETE, UNUSABLE
from recognition.scores import read_scores
from recognition.training import RunFolder

SYSTEMS = ("temporal", "spatial", "both, average", "both, weighted", "both, svm", "histogram of flow")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A store with frames, and its lists."""
    return write_two_classes(tmp_path_factory.mktemp("two"), frames=True)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """An experiment on split 1 from its beginning to its end without a stop."""
    out = tmp_path_factory.mktemp("whole") / "out"
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        draw_nothing(patch)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        assert _run(patch, data, out, "--splits", 1, "--folds", 2) == DONE
        torch.set_num_threads(threads)
    return out


@pytest.fixture(autouse=True)
def _tiny(monkeypatch):
    """One thread: what is equal to the bit is so on one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    make_tiny(monkeypatch)
    draw_nothing(monkeypatch)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def copy(whole, tmp_path):
    """That experiment, to change."""
    shutil.copytree(whole, tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def run(monkeypatch, data, tmp_path):
    return lambda *given, out=tmp_path / "out", **where: _run(monkeypatch, where.get("data", data), out, *given)


def _run(patch, data, out, *given):
    store, lists = data
    arguments = ["--store", store, "--annotations", lists, "--preset", "tiny", "--out", out, *given]
    patch.setattr(sys, "argv", ["train_two_stream.py", *map(str, arguments)])
    return train_two_stream.main()


def _files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def _results(out: Path) -> dict[str, bytes]:
    """What must not depend on when it was made: weights, scores, and the report but for where it lies."""
    kept = (".safetensors", ".npz", ".png", "confusion.csv", "clips.csv", "classes.csv")
    return {name: data for name, data in _files(out).items() if name.endswith(kept) and "/state/" not in name}


def test_from_a_store_to_a_report(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("--folds", 0, "--splits", 1, 2, "--seeds", 0, 5, "--json") == DONE
    captured = capsys.readouterr()
    assert "temporal: 4 runs, of 2 steps of 4 videos each; 0 already done, 8 steps to do" in captured.err
    told = json.loads(captured.out)
    assert told["complete"]
    stems = {"temporal": "temporal", "spatial": "spatial", "both, average": "fused-average", SYSTEMS[-1]: "baseline"}
    assert [row["system"] for row in told["rows"]] == [system for system in stems for _ in ("1", "2", "mean")]
    for row in told["rows"]:
        stem, splits = stems[row["system"]], (1, 2) if row["split"] is None else (row["split"],)
        ends = [""] if stem == "baseline" else ["-seed0", "-seed5"]
        shares = [[_accuracy(out / f"split{split}/{stem}{end}.npz") for end in ends] for split in splits]
        assert row["accuracy"]["mean"] == pytest.approx(np.mean(shares))
        over = shares[0] if row["split"] is not None else np.mean(shares, axis=1)
        assert row["accuracy"]["spread"] == (pytest.approx(np.std(over, ddof=1)) if len(over) > 1 else None)
        assert row["seeds"] == (None if stem == "baseline" else 2)
        assert (row["clips"], row["missing"]) == (8 * len(splits), 0)
    names = [entry["name"] for entry in json.loads((out / "report/report.json").read_text())["files"]]
    assert len(names) == 2 * 2 * 3 + 2
    assert {"split1-temporal-seed0", "split2-fused-average-seed5", "split2-baseline"} < set(names)


def test_fusions_are_fitted_to_training_clips_that_were_held_out(whole):
    for method in ("weighted", "svm"):
        of = read_scores(whole / f"split1/fused-{method}-seed0.npz").settings
        assert of.fusion is not None
        assert (of.seed, of.fusion.fitted_on) == (0, 16)
    held = [set(read_scores(whole / f"split1/spatial-seed0-held-out-{k}of2.npz").clips) for k in (1, 2)]
    assert not held[0] & held[1]
    assert len(held[0] | held[1]) == 16
    assert all("_g01_" not in clip and "_g02_" not in clip for clip in held[0] | held[1]), "test clips are never seen"
    for fold in (1, 2):
        learnt = RunFolder(whole / f"split1/spatial-seed0-fold{fold}of2").record().settings
        assert learnt.clips_trained == 16 - len(held[fold - 1])
    record = json.loads((whole / "record.json").read_text())
    assert len(record["sessions"]) == 1
    assert record["parts"]["split1/fused-weighted-seed0.npz"]["fitted"]["clips"] == 16
    assert record["parts"]["split1/temporal-seed0"]["seconds"] > 0


def _accuracy(path):
    scores = read_scores(path)
    return float((scores.scores.argmax(1) == scores.labels).mean())


def test_what_stands_is_not_made_again(run, copy, capsys):
    before = _files(copy)
    assert run("--splits", 1, "--folds", 2) == DONE
    told = capsys.readouterr()
    assert told.err.count("(already done") == 3 * 2 + 3 + 1 + 1
    assert "3 already done, 0 steps to do" in told.err
    assert "time to train" not in told.err
    assert str(copy / "report/index.html") in told.out
    assert _files(copy) == before, "not a byte is written"


def test_killed_it_goes_on_and_ends_with_the_same(run, whole, tmp_path):
    out = tmp_path / "out"
    process = multiprocessing.get_context("fork").Process(target=run, args=("--splits", 1, "--folds", 2))
    process.start()
    while not (out / "split1/temporal-seed0-fold2of2/state/state.json").is_file():
        time.sleep(0.002)
        assert process.is_alive()
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "it was done before it could be killed"
    assert not (out / "report").exists()
    # What the kill may leave behind.
    (out / "split1/spatial-seed0-fold2of2").mkdir(parents=True, exist_ok=True)
    (out / "split1/spatial-seed0-fold2of2/run.json.0123.partial").write_text("{")
    assert run("--splits", 1, "--folds", 2) == DONE
    results = _results(out)
    assert results == _results(whole)
    assert sum(name.endswith("last.safetensors") for name in results) == 6


class TestWhatIsStale:
    """It is made again, and what is made of it only if it came out another way."""

    def made(self, run, capsys, *given):
        assert run("--splits", 1, "--folds", 2, *given, "--json") == DONE
        parts = json.loads(capsys.readouterr().out)["parts"]
        return [part["part"] for part in parts if not part["standing"]]

    def test_a_file_that_is_gone(self, run, copy, whole, capsys):
        (copy / "split1/temporal-seed0.npz").unlink()
        assert self.made(run, capsys) == ["split 1, temporal, seed 0"]
        assert _results(copy) == _results(whole)

    def test_a_file_that_is_another(self, run, copy, whole, capsys):
        shutil.copy(copy / "split1/spatial-seed0.npz", copy / "split1/temporal-seed0.npz")
        (copy / "split1/baseline.npz").write_bytes(b"cut off")
        assert self.made(run, capsys) == ["split 1, temporal, seed 0", "split 1, histogram of flow"]
        assert _results(copy) == _results(whole)

    def test_a_score_file_of_an_older_version(self, run, copy, whole, capsys):
        """It has no source videos, and its record no schema."""
        part = "split1/temporal-seed0.npz"
        with np.load(copy / part) as file:
            np.savez(copy / part, **{name: file[name] for name in file.files if name != "groups"})
        record = json.loads((copy / "record.json").read_text())
        record["parts"][part]["sha256"] = hashlib.sha256((copy / part).read_bytes()).hexdigest()
        del record["parts"][part]["inputs"]["schema"]
        (copy / "record.json").write_text(json.dumps(record))
        assert self.made(run, capsys) == ["split 1, temporal, seed 0"]
        assert _results(copy) == _results(whole)

    def test_weights_that_are_gone(self, run, copy, whole, capsys):
        weights = copy / "split1/spatial-seed0/last.safetensors"
        weights.unlink()
        self.made(run, capsys)
        with_them, without = (RunFolder(of / "split1/spatial-seed0").read_weights("last") for of in (whole, copy))
        assert without.step == 2
        assert all(torch.equal(without.tensors[name], with_them.tensors[name]) for name in with_them.tensors)

    def test_a_record_that_is_gone(self, run, copy, whole, capsys):
        (copy / "record.json").unlink()
        assert len(self.made(run, capsys)) == 3 * 2 + 3 + 1 + 1
        assert _results(copy) == _results(whole)
        assert all(RunFolder(path.parent).record().sessions[1:] == () for path in copy.glob("split1/*/run.json"))

    def test_a_picture_that_is_gone(self, run, copy, whole, capsys):
        (copy / "report/baseline.confusion.png").unlink()
        assert self.made(run, capsys) == ["report"]
        assert _results(copy) == _results(whole)

    def test_other_folds_make_other_fusions(self, run, copy, capsys):
        made = self.made(run, capsys, "--folds", "3")
        fusions = [part for part in made if "both" in part]
        assert fusions == ["split 1, weighted of both streams, seed 0", "split 1, svm of both streams, seed 0"]
        assert "split 1, temporal, seed 0" not in made
        assert (copy / "split1/temporal-seed0-held-out-3of3.npz").is_file()

    def test_another_seed_stands_beside(self, run, copy, capsys):
        made = self.made(run, capsys, "--folds", "0", "--seeds", "0", "1")
        new = ["temporal, seed 1", "spatial, seed 1", "average of both streams, seed 1"]
        assert made == [*(f"split 1, {part}" for part in new), "report"]


class TestRefused:
    """One sentence, exit status 2, and nothing is written."""

    def refused(self, run, capsys, out, told, *given, **where):
        before = _files(out)
        assert run(*given, **where) == UNUSABLE
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("train_two_stream: ")
        assert told in error
        assert _files(out) == before

    def test_other_settings(self, run, copy, capsys):
        steps = "(preset.schedule.iterations 2 there, 6 here"
        self.refused(run, capsys, copy, steps, "--splits", "1", "--folds", "2", "--steps", "6")
        told = "another experiment is in it"
        self.refused(run, capsys, copy, told, "--splits", "2", "--folds", "2", "--steps", "6")
        self.refused(run, capsys, copy, "precision fp32 there, bf16 here", "--splits", "2", "--precision", "bf16")

    def test_other_flow(self, run, copy, data, tmp_path, capsys):
        other = replace(settings("uint8", frames=True), model="better")
        for group in range(1, 7):
            for name in CLASSES:
                for clip in (1, 2):
                    key = f"{name}/v_{name}_g{group:02d}_c{clip:02d}"
                    write_stored_clip(tmp_path / "other", key, other, smooth_flow(4, 32, 40))
        given = ("--splits", "1", "--folds", "2")
        self.refused(
            run, capsys, copy, "flow.model test there, better here", *given, data=(tmp_path / "other", data[1])
        )

    def test_a_record_that_is_damaged(self, run, copy, capsys):
        (copy / "record.json").write_text("{")
        told = "record.json: the record is damaged: it is not JSON; remove it, and all but the runs is made again"
        self.refused(run, capsys, copy, told, "--splits", "1", "--folds", "2")

    @pytest.mark.parametrize(
        ("told", "given"),
        [
            ("--seeds 1 1: say each once", ("--seeds", 1, 1)),
            ("--seeds -1: say 0 or more", ("--seeds", -1)),
            ("--folds 1: say 2 or more, or 0", ("--folds", 1)),
            ("--folds 5: the training clips of split 1 are of too few groups", ("--folds", 5)),
            ("split", ("--splits", 4)),
            ("there is no such preset; there are fn2-table5", ("--preset", "slow")),
            ("say each once", ("--streams", "temporal", "temporal")),
            ("tiny begins at random; leave it out", ("--weights", "file.pth")),
            ("it has no spatial stream", ("--preset", "fn2-table5", "--streams", "spatial")),
            ("UCF101 has no class 'Sideways'", ("--classes", "Up", "Sideways")),
        ],
    )
    def test_options(self, run, tmp_path, capsys, told, given):
        self.refused(run, capsys, tmp_path, told, *given)

    def test_a_store_without_frames(self, run, tmp_path, capsys):
        plain = write_two_classes(tmp_path)
        told = "no frames are stored, and the spatial stream learns from them; extract with --frames"
        self.refused(run, capsys, tmp_path, told, data=plain)
        assert run("--splits", 1, "--streams", "temporal", "--json", data=plain) == DONE
        rows = json.loads(capsys.readouterr().out)["rows"]
        assert [row["system"] for row in rows] == ["temporal", "histogram of flow"]

    def test_weights_that_cannot_be_had(self, run, monkeypatch, tmp_path, capsys):
        make_tiny(monkeypatch, initial="imagenet")
        self.refused(run, capsys, tmp_path, "the weights cannot be read", "--weights", tmp_path / "none.pth")


def test_missing_clips_are_counted_and_make_it_incomplete(run, data, tmp_path, capsys):
    fewer = tmp_path / "fewer"
    shutil.copytree(data[0], fewer)
    (fewer / "Up/v_Up_g01_c01.safetensors").unlink()
    given = ("--splits", 1, "--folds", 0)
    assert run(*given, data=(fewer, data[1])) == UNUSABLE
    assert "1 of the 24 clips" in capsys.readouterr().err
    assert run(*given, "--allow-missing", "--dry-run", data=(fewer, data[1])) == INCOMPLETE
    assert "1 clip is missing in the store" in capsys.readouterr().out
    assert run(*given, "--allow-missing", "--json", data=(fewer, data[1])) == INCOMPLETE
    told = json.loads(capsys.readouterr().out)
    assert (told["complete"], told["missing"], told["left_out"]) == (False, 1, ["weighted", "svm"])
    assert {(row["clips"], row["missing"]) for row in told["rows"]} == {(7, 1)}
    # The clip comes: scores and what is made of them are stale, the run is of the same clips and stands.
    assert run(*given) == DONE
    captured = capsys.readouterr()
    assert "(already done" not in captured.err
    assert "1 already done, 0 steps to do" in captured.err
    assert "left out: weighted, svm, which need --folds 2 or more" in captured.out


def test_a_part_that_fails_is_told_and_the_others_are_made(run, monkeypatch, tmp_path, capsys):
    presets = make_tiny(monkeypatch)
    make_tiny(monkeypatch, schedule=replace(presets[1].schedule, rate=1e20, iterations=30))
    assert run("--splits", 1, "--folds", 0, "--json") == INCOMPLETE
    told = json.loads(capsys.readouterr().out)
    failed = {part["part"]: part["failed"] for part in told["parts"] if part["failed"]}
    spatial, average = "split 1, spatial, seed 0", "split 1, average of both streams, seed 0"
    assert failed.keys() == {spatial, average}
    assert "the loss is no number" in failed[spatial]
    assert failed[average] == f"it needs {spatial}, which failed"
    assert [row["system"] for row in told["rows"]] == ["temporal", "histogram of flow"]
    assert (tmp_path / "out/report/index.html").is_file()
    assert run("--splits", 1, "--folds", 0) == INCOMPLETE
    captured = capsys.readouterr()
    assert "split 1, temporal, seed 0: 0.5000 (already done)" in captured.err
    assert f"failed: {spatial}: " in captured.out


def test_a_dry_run_tells_and_writes_nothing(run, whole, tmp_path, capsys):
    assert run("--folds", 3, "--dry-run") == DONE
    told = capsys.readouterr().out
    assert (
        "temporal: 3 runs, and 9 without a part of the training clips, of 2 steps of 4 videos each; 0 already done"
        in told
    )
    assert "time to train: unknown before the first run" in told
    assert not (tmp_path / "out").exists()
    before = _files(whole)
    assert run("--folds", 2, "--dry-run", "--json", out=whole) == DONE
    temporal, spatial = json.loads(capsys.readouterr().out)["streams"]
    assert (temporal["runs"], temporal["fold_runs"], temporal["standing"], temporal["steps_left"]) == (3, 6, 3, 12)
    assert temporal["seconds_left"] > 0
    assert spatial["stream"] == "spatial"
    assert _files(whole) == before


def test_published_weights_need_no_folds(run, monkeypatch, tmp_path, capsys):
    make_tiny(monkeypatch, "tsn", fusion_weight=1.0)
    assert run("--splits", 1, "--json") == DONE
    captured = capsys.readouterr()
    assert [row["system"] for row in json.loads(captured.out)["rows"]] == [*SYSTEMS[:2], "both, weighted", SYSTEMS[-1]]
    assert "temporal: 1 run, of 2 steps" in captured.err
    fusion = read_scores(tmp_path / "out/split1/fused-weighted-seed0.npz").settings.fusion
    assert fusion is not None
    assert [part.weight for part in fusion.parts] == [1.5, 1.0]
    assert fusion.fitted_on is None
