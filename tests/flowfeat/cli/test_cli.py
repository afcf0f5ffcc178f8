"""The command line: results on standard output, everything else on standard error, and the three exit statuses."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fixture_clips import moving_texture, write_clip
from PIL import Image

from flowfeat import __version__
from flowfeat.cli import _COMMANDS, run
from flowfeat.formats import read_flow
from flowfeat.store import StoredClip, reader


@pytest.fixture
def clips(tmp_path) -> Path:
    for i in range(3):
        write_clip(tmp_path / f"clips/Class/v_{i}.avi", frames=6 + i, seed=i)
    return tmp_path / "clips"


def test_the_way_from_clips_to_a_verified_store(clips, tmp_path, capsys):
    pytest.importorskip("cv2")
    store = str(tmp_path / "flow")
    extract = ["extract", str(clips), "--out", store, "--model", "dis", "--frames"]
    assert run([*extract, "--dry-run"]) == 0
    assert "3 clips: 0 done, 3 to do, 18 pairs" in capsys.readouterr().out
    assert not Path(store).exists()
    assert run(extract) == 0
    said = capsys.readouterr()
    assert "3 clips extracted, 0 were done before, 0 failed, of 3" in said.out
    assert "pairs/s" in said.err
    assert run(["verify", store]) == 0
    assert "clean: 3 clips, 21 frames, 18 pairs" in capsys.readouterr().out
    assert run([*extract, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["done_before"], report["extracted"]) == (3, 0)
    assert run(["info", store, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 18
    for out in ("sheet.png", "clip.png", "clip.mp4"):
        clip = ["--clip", "v_1"] if out.startswith("clip") else []
        assert run(["show", store, *clip, "--out", str(tmp_path / out)]) == 0
        assert (tmp_path / out).stat().st_size > 1000
    Path(store, "Class/v_1.safetensors").unlink()
    capsys.readouterr()
    assert run(["verify", store, "--json"]) == 1
    assert list(json.loads(capsys.readouterr().out)["missing"]) == ["Class/v_1"]
    assert run(["repair", store, str(clips), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["complete"] is True
    assert run(["verify", store]) == 0


def test_one_bad_clip_does_not_stop_the_others_and_the_status_says_so(clips, tmp_path, capsys):
    (clips / "Class/bad.avi").write_text("no video")
    assert run(["extract", str(clips), "--out", str(tmp_path / "flow"), "--model", "zero", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["extracted"] == 3
    assert list(report["failed"]) == ["Class/bad"]
    assert "not a video" in report["failed"]["Class/bad"]
    assert run(["verify", str(tmp_path / "flow")]) == 1
    assert "missing: Class/bad" in capsys.readouterr().out
    (clips / "Class/bad.avi").unlink()
    write_clip(clips / "Class/bad.avi")
    assert run(["repair", str(tmp_path / "flow"), str(clips)]) == 0


def test_info_counts_a_store_clip_by_clip_and_names_the_damaged(clips, tmp_path, capsys, monkeypatch):
    store, mapped = tmp_path / "flow", []
    assert run(["extract", str(clips), "--out", str(store), "--model", "zero"]) == 0
    for i in range(3, 8):
        shutil.copy(store / "Class/v_0.safetensors", store / f"Class/v_{i}.safetensors")
    (store / "Class/v_1.safetensors").write_bytes(b"half")
    real = reader.StoredClip

    def opened(path: Path) -> StoredClip:
        clip = real(path)
        mapped.append(Path("/proc/self/maps").read_text().count(str(store)))
        return clip

    monkeypatch.setattr(reader, "StoredClip", opened)
    capsys.readouterr()
    assert run(["info", str(store), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["clips"], found["damaged"]) == (8, 1)
    assert found["damaged_first"].startswith(f"{store}/Class/v_1.safetensors: this is not a whole safetensors file")
    assert found["pairs"] == 6 * 5 + 7  # of 6 frames, and of 8
    assert mapped[0] > 0, "no clip is mapped: this test tests nothing"
    assert max(mapped) <= 2 * mapped[0], "clips that were counted are still mapped"


@pytest.mark.parametrize("ending", ["flo", "png", "pfm", "npy"])
def test_pair_writes_flow_and_draws_it(tmp_path, capsys, ending):
    pytest.importorskip("cv2")
    for t, frame in enumerate(moving_texture(2, 64, 80)):
        Image.fromarray(frame).save(tmp_path / f"{t}.png")
    out, picture = tmp_path / f"out/flow.{ending}", tmp_path / "shown.png"
    command = ["pair", str(tmp_path / "0.png"), str(tmp_path / "1.png"), "--out", str(out), "--model", "dis"]
    assert run([*command, "--show", str(picture), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["height"], summary["width"], summary["model"]["model"]) == (64, 80, "dis")
    flow = read_flow(out).flow
    assert flow[:, 16:-16, 20:-20].mean(axis=(1, 2)) == pytest.approx([-2, -1], abs=0.2)
    assert np.asarray(Image.open(picture)).std() > 10
    if ending != "npy":
        assert run(["show", str(out), "--out", str(tmp_path / "again.png")]) == 0


@pytest.mark.parametrize("layout", ["mmaction2", "tsn", "feichtenhofer", "flo", "npy"])
def test_export_and_import(clips, tmp_path, capsys, layout):
    store, theirs, back = str(tmp_path / "flow"), str(tmp_path / "theirs"), str(tmp_path / "back")
    assert run(["extract", str(clips), "--out", store, "--model", "zero"]) == 0
    assert run(["export", store, "--layout", layout, "--out", theirs]) == 0
    assert run(["import", theirs, "--layout", layout, "--out", back]) == 0
    assert run(["verify", back]) == 0
    capsys.readouterr()


def test_show_draws_a_video(clips, tmp_path):
    for out in ("video.png", "video.mp4"):
        assert run(["show", str(clips / "Class/v_0.avi"), "--model", "zero", "--out", str(tmp_path / out)]) == 0
        assert (tmp_path / out).exists()


def test_models_are_listed(capsys):
    assert run(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {
        "dis",
        "tvl1",
        "farneback",
        "deepflow",
        "pcaflow",
        "raft-small",
        "raft-large",
        "zero",
        "files:DIR",
    } <= set(listed["models"])
    assert listed["default"] == "flownet2-thin"


@pytest.mark.parametrize("name", sorted(_COMMANDS))
def test_every_command_has_help_with_an_example_and_takes_json(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run([*name.split(), "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"flowfeat {name}" in said
    assert "--json" in said
    assert re.search(rf"\n *flowfeat {name} ?\S*", said.split("\n", 1)[1]), "no example"


def _flowfeat(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flowfeat", *arguments], capture_output=True, text=True, timeout=120, **options
    )


def test_the_module_is_the_command(tmp_path):
    assert _flowfeat("--version").stdout.strip() == f"flowfeat {__version__}"
    assert _flowfeat("--help").returncode == 0
    assert _flowfeat().returncode == 2
    unknown = _flowfeat("extrakt")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "no command 'extrakt'" in unknown.stderr


def test_wrong_usage_is_status_2(tmp_path):
    for arguments in (
        ["extract"],
        ["extract", "a", "--out", "b", "--step", "x"],
        ["verify"],
        ["pair", "a"],
        ["models", "--x"],
    ):
        done = _flowfeat(*arguments, cwd=tmp_path)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
        assert done.stderr


def test_json_is_alone_on_standard_output(clips, tmp_path):
    done = _flowfeat("extract", str(clips), "--out", str(tmp_path / "flow"), "--model", "zero", "--json")
    assert json.loads(done.stdout)["extracted"] == 3
    assert done.returncode == 0
