"""`flowfeat segmentation run` and `track`, from the command line on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fixture_runs import FRAMES, HEIGHT, WIDTH, files_of, write_clips
from fixture_stores import settings, smooth_flow, write_stored_clip

from flowfeat.cli import run
from segmentation.runs.layout import open_run


def _run(capsys, command: str, *arguments: object) -> tuple[int, str, str]:
    status = run(["segmentation", command, *map(str, arguments), "--device", "cpu"])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_folder_of_shots_with_dense_masks(tmp_path: Path, capsys):
    clips, flow = write_clips(tmp_path, a="B", b="still")
    given = (clips, "--out", tmp_path / "r", "--flow", flow, "--sampling", 4, "--workers", 1, "--dense")
    status, out, err = _run(capsys, "run", *given)
    assert status == 0
    assert "2 shots made, 0 were done before, 0 failed" in out
    assert "b: nothing moves by itself" in out
    assert "frames/s" in err
    result = open_run(tmp_path / "r")
    assert result.shots() == ["a", "b"]
    status, out, _ = _run(capsys, "run", *given, "--json")
    assert status == 0
    assert json.loads(out) == json.loads((tmp_path / "r/run.json").read_text())
    assert json.loads(out)["this_run"]["done_before"] == ["a", "b"]
    # Only what changed is said.
    status, out, _ = _run(capsys, "run", *given, "--dense-method", "nearest")
    assert "again: a: its settings were others (dense.method diffusion there, nearest here; warm True there" in out


def test_track_then_run(tmp_path: Path, capsys):
    clips, flow = write_clips(tmp_path, a="B")
    tracked = _run(capsys, "track", clips, "--out", tmp_path / "t", "--flow", flow, "--sampling", 4)
    assert tracked[0] == 0
    assert not (tmp_path / "t/masks").exists()
    status, _, _ = _run(
        capsys,
        "run",
        clips,
        "--out",
        tmp_path / "r",
        "--tracks",
        tmp_path / "t",
        "--method",
        "spectral",
        "--shots",
        "a",
    )
    assert status == 0
    record = open_run(tmp_path / "r").run_record()
    assert (record.settings.tracker.sampling, record.flow) == (4, str(tmp_path / "t"))


def test_a_video_with_an_estimator(tmp_path: Path, capsys, make_clip):
    video = make_clip("walk.avi", frames=3, height=48, width=64)
    status, out, _ = _run(capsys, "run", video, "--out", tmp_path / "r", "--model", "dis", "--json", "--budget", 5)
    assert status == 0
    assert json.loads(out)["kind"] == "video"
    assert json.loads(out)["settings"]["flow"]["model"] == "dis"
    assert json.loads(out)["settings"]["segmentation"]["multicut"]["budget"] == 5


def test_one_shot_that_fails_does_not_keep_the_others(tmp_path: Path, capsys):
    clips, flow = write_clips(tmp_path, a="B", b="A")
    (clips / "a/00002.png").write_bytes(b"no picture")
    status, out, _ = _run(capsys, "track", clips, "--out", tmp_path / "r", "--flow", flow, "--workers", 1)
    assert status == 1
    assert "1 shot made, 0 were done before, 1 failed" in out
    assert "failed: a: " in out
    assert "00002.png: the picture cannot be decoded" in out
    assert open_run(tmp_path / "r").shots() == ["b"]
    rows = (tmp_path / "r/shots.csv").read_text().splitlines()
    assert rows[1].startswith("a,,,")
    assert "cannot be decoded" in rows[1]


def test_a_video_of_one_frame(tmp_path: Path, capsys, make_clip):
    video = make_clip("one.avi", frames=1)
    status, out, _ = _run(capsys, "track", video, "--out", tmp_path / "r", "--model", "zero")
    assert status == 1
    assert "failed: one: the shot has 1 frame; nothing can be tracked through less than two" in out


def test_flow_that_is_no_number(tmp_path: Path, capsys):
    clips, _ = write_clips(tmp_path, a="B")
    for direction in ("forward", "backward"):
        folder = tmp_path / "files/a" / direction
        folder.mkdir(parents=True)
        for pair in range(FRAMES - 1):
            field = np.zeros((2, HEIGHT, WIDTH), np.float32)
            field[0, 3, 4:9] = np.nan
            np.save(folder / f"{pair}.npy", field)
    status, out, _ = _run(capsys, "track", clips, "--out", tmp_path / "r", "--model", f"files:{tmp_path / 'files'}")
    assert status == 1
    assert "0.npy: 5 pixels have no flow" in out


def test_a_store_with_nan_is_told(tmp_path: Path, capsys, monkeypatch):
    clips, flow = write_clips(tmp_path, a="B")
    from flowfeat.store import StoredClip

    read = StoredClip.read

    def damaged(self: StoredClip, *arguments: object):
        field = read(self, *arguments)  # type: ignore[arg-type]
        field[0, 1, 2, 3] = float("nan")
        return field

    monkeypatch.setattr(StoredClip, "read", damaged)
    status, out, _ = _run(capsys, "track", clips, "--out", tmp_path / "r", "--flow", flow)
    assert status == 1
    assert "the forward flow between frames 0 and 1 is no number at 1 of its" in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--model", "dis", "--flow", "FLOW"), "--model and --flow say where tracks come from each; give one of them"),
        (("--tracks", "FLOW", "--flow", "FLOW"), "--flow and --tracks say where tracks come from each"),
        (("--model", "zero", "--shots", "nobody"), "there is no shot 'nobody' in it; it has a"),
        (("--model", "zero", "--frames", "all"), "--frames is about label maps, which only --dense makes"),
        (("--model", "zero", "--dense-method", "nearest"), "--dense-method is about label maps"),
        (("--tracks", "FLOW", "--sampling", "4"), "--sampling cannot change tracks that are there"),
        (("--tracks", "FLOW"), "this is no result of `flowfeat segmentation run` or `track`"),
        (("--model", "zero", "--method", "spectral", "--budget", "3"), "--budget is about the multicut"),
        (("--model", "zero", "--budget", "-3"), "a budget of -3.0 seconds is none"),
        (("--model", "zero", "--workers", "0"), "--workers 0: it must be 1 or more"),
        (("--model", "zero", "--calibration", "FLOW/no.json"), "this calibration cannot be read"),
        (("--flow", "CLIPS"), "this is no store of flow"),
        (("--flow", "ONEWAY"), "no backward flow is stored, which tracks need; extract with --backward"),
        (("--flow", "SKIPPING"), "its flow leads 2 frames on"),
        (("--model", "dis", "--weights", "FLOW/x.pth"), "the model dis has no weights"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_sentence(tmp_path: Path, capsys, options: tuple[str, ...], told: str):
    clips, flow = write_clips(tmp_path, frames=2, a="still")
    write_stored_clip(tmp_path / "oneway", "a", settings("float16"), smooth_flow(1, 16, 16))
    two = smooth_flow(1, 16, 16)
    write_stored_clip(tmp_path / "skipping", "a", settings("float16", backward=True, step=2), two, two)
    places = {"FLOW": flow, "CLIPS": clips, "ONEWAY": tmp_path / "oneway", "SKIPPING": tmp_path / "skipping"}
    for name, place in places.items():
        options = tuple(option.replace(name, str(place)) if option.startswith(name) else option for option in options)
    status, out, err = _run(capsys, "run", clips, "--out", tmp_path / "r", *options)
    assert (status, out) == (2, "")
    assert told in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_inputs_that_hold_nothing(tmp_path: Path, capsys):
    (tmp_path / "empty").mkdir()
    for given, told in ((tmp_path / "empty", "no video"), (tmp_path / "none", "there is no such file or folder")):
        status, _, err = _run(capsys, "track", given, "--out", tmp_path / "r", "--model", "zero")
        assert status == 2
        assert told in err


def test_annotated_frames_need_ground_truth(tmp_path: Path, capsys):
    clips, flow = write_clips(tmp_path, frames=2, a="still")
    status, out, _ = _run(
        capsys, "run", clips, "--out", tmp_path / "r", "--flow", flow, "--dense", "--frames", "annotated"
    )
    assert status == 1
    assert "no frame has ground truth, so there is none to make masks for; say --frames all" in out


def test_killed_outright_and_run_again_gives_the_same_files(tmp_path: Path, capsys):
    clips, flow = write_clips(tmp_path, a="A", b="B", c="C", d="D")
    given = ["--flow", str(flow), "--sampling", "4", "--device", "cpu"]
    command = [sys.executable, "-m", "flowfeat", "segmentation", "track", str(clips), "--out", str(tmp_path / "killed")]
    process = subprocess.Popen(
        [*command, *given, "--workers", "2"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("tracks/*/tracks.dat")):
        assert process.poll() is None, "the run ended before anything was written"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while any(_runs(pid) for pid in workers):  # nobody goes on writing
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert open_run(tmp_path / "killed").run_record().this_run.state == "running"
    assert len(open_run(tmp_path / "killed").shots()) < 4
    for name in ("killed", "whole"):
        assert _run(capsys, "track", clips, "--out", tmp_path / name, *given[:-2], "--workers", 1)[0] == 0
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "whole")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
