"""Bad input: one clear sentence with the file in it, the right status, nothing half-written."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from fixture_clips import moving_texture, write_clip
from PIL import Image

from flowfeat.cli import run


@pytest.fixture
def said(capsys):
    """Run the command and return (status, what it said on standard output and error)."""

    def call(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return call


def _one_sentence(text: str, *parts: object) -> None:
    lines = [line for line in text.splitlines() if all(str(part) in line for part in parts)]
    assert lines, f"no line of {text!r} holds {parts}"
    assert "Traceback" not in text


def test_clips_that_cannot_be_read_fail_and_the_others_go_on(tmp_path, said):
    clips, out = tmp_path / "clips", tmp_path / "flow"
    good = write_clip(clips / "good.avi", frames=40)
    (clips / "empty.avi").touch()
    (clips / "text.avi").write_text("hello\n" * 100)
    (clips / "cut.avi").write_bytes(good.read_bytes()[: good.stat().st_size * 3 // 4])
    write_clip(clips / "single.avi", frames=1)
    status, text = said("extract", clips, "--out", out, "--model", "zero")
    assert status == 1
    _one_sentence(text, clips / "empty.avi", "is empty (0 bytes)")
    _one_sentence(text, clips / "text.avi", "not a video that can be decoded")
    _one_sentence(text, clips / "cut.avi", "is truncated", "40 frames")
    _one_sentence(text, clips / "single.avi", "has 1 frame; flow over 1 frame needs at least 2")
    assert [path.name for path in out.rglob("*.safetensors")] == ["good.safetensors"]
    assert not list(out.rglob("*.partial"))


def test_frames_of_unequal_sizes(tmp_path, said):
    for t, frame in enumerate(moving_texture(3, 20, 30)):
        Image.fromarray(frame[:, : 30 - 2 * (t == 1)]).save(_made(tmp_path / f"clip/{t}.png"))
    status, text = said("extract", tmp_path / "clip", "--out", tmp_path / "flow", "--model", "zero")
    assert status == 1
    _one_sentence(text, "1.png: the frame is 28x20 but 0.png is 30x20")
    for name in "01":
        Image.fromarray(frame).save(tmp_path / f"{name}.png")
    Image.new("RGB", (9, 9)).save(tmp_path / "1.png")
    status, text = said("pair", tmp_path / "0.png", tmp_path / "1.png", "--out", tmp_path / "f.flo", "--model", "zero")
    assert status == 2
    _one_sentence(text, "1.png: the picture is 9x9 and", "is 30x20; flow needs one size")
    assert not (tmp_path / "f.flo").exists()


def test_a_folder_that_may_not_be_read(tmp_path, said):
    write_clip(tmp_path / "clips/a.avi")
    closed = _made(tmp_path / "clips/closed/x").parent
    with _as_nobody(tmp_path, closed):
        status, text = said("extract", tmp_path / "clips", "--out", tmp_path / "flow", "--model", "zero")
    assert status == 2
    _one_sentence(text, closed, "cannot be read (Permission denied)")
    assert not (tmp_path / "flow").exists()


def test_a_store_folder_that_may_not_be_written(tmp_path, said):
    clip = write_clip(tmp_path / "a.avi")
    (tmp_path / "closed").mkdir()
    with _as_nobody(tmp_path, tmp_path / "closed"):
        status, text = said("extract", clip, "--out", tmp_path / "closed/flow", "--model", "zero")
    assert status == 2
    _one_sentence(text, "closed/flow", "Permission denied")


def test_a_disk_that_is_full(tmp_path):
    """A limit on the size of files fails a write as a full disk does, from within the kernel."""
    clip = write_clip(tmp_path / "clips/a.avi", frames=80, height=96, width=128)
    write_clip(tmp_path / "clips/b.avi", frames=3)
    out = tmp_path / "flow"
    command = [sys.executable, "-m", "flowfeat", "extract", str(clip.parent), "--out", str(out)]
    command += ["--model", "zero", "--encoding", "uint8"]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=120)
    assert done.returncode == 1, done.stderr
    _one_sentence(
        done.stderr,
        "the store cannot be written (File too large); nothing is half-written: mend this and run again",
    )
    assert not list(out.rglob("*.partial"))
    assert not (out / "a.safetensors").exists()
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert sorted(path.name for path in out.glob("*.safetensors")) == ["a.safetensors", "b.safetensors"]


def test_a_store_of_other_settings(tmp_path, said):
    clip = write_clip(tmp_path / "a.avi")
    assert said("extract", clip, "--out", tmp_path / "flow", "--model", "zero")[0] == 0
    status, text = said("extract", clip, "--out", tmp_path / "flow", "--model", "zero", "--bound", "32")
    assert status == 2
    _one_sentence(text, tmp_path / "flow", "bound 20.0 there, 32.0 here", "another --out")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PNG?" + bytes(20), "not a Middlebury .flo file"),
        (b"PIEH" + (30).to_bytes(4, "little") + (20).to_bytes(4, "little") + bytes(100), "bytes"),
        (b"PIEH" + (1 << 30).to_bytes(4, "little") * 2 + bytes(100), ""),
        (b"", ""),
    ],
)
def test_a_flo_that_is_none(tmp_path, said, data, sentence):
    (tmp_path / "bad.flo").write_bytes(data)
    status, text = said("show", tmp_path / "bad.flo", "--out", tmp_path / "bad.png")
    assert status == 2
    _one_sentence(text, tmp_path / "bad.flo", sentence)
    assert not (tmp_path / "bad.png").exists()


def test_options_and_devices_that_cannot_be(tmp_path, said, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    clip = write_clip(tmp_path / "a.avi")
    for options, sentence in [
        (["--shard", "3/2"], "--shard 3/2: write I/N with I from 1 to N"),
        (["--device", "cuda"], "GPU 0 was asked for and no GPU is here"),
        (["--devices", "0,1"], "GPU 0 was asked for and no GPU is here"),
        (["--resize", "huge"], "--resize 'huge' is not HEIGHTxWIDTH"),
        (["--weights", tmp_path / "w.pth"], "the model zero has no weights"),
        (["--clips", tmp_path / "nowhere.txt"], "nowhere.txt: No such file"),
    ]:
        status, text = said("extract", clip, "--out", tmp_path / "flow", "--model", "zero", *options)
        assert status == 2, options
        _one_sentence(text, sentence)
        assert not (tmp_path / "flow").exists()


def test_two_clips_of_one_name(tmp_path, said):
    write_clip(tmp_path / "one/v.avi")
    write_clip(tmp_path / "two/v.avi")
    status, text = said("extract", tmp_path / "one", tmp_path / "two", "--out", tmp_path / "flow", "--model", "zero")
    assert status == 2
    _one_sentence(text, "two clips have one name, 'v'", "one/v.avi", "two/v.avi")


def test_what_is_not_there(tmp_path, said):
    for command in (
        ["verify", tmp_path / "nowhere"],
        ["info", tmp_path / "nowhere"],
        ["show", tmp_path / "nowhere", "--out", tmp_path / "x.png"],
        ["extract", tmp_path / "nowhere", "--out", tmp_path / "flow", "--model", "zero"],
        ["repair", tmp_path / "nowhere", tmp_path],
        ["export", tmp_path / "nowhere", "--layout", "flo", "--out", tmp_path / "x"],
        ["import", tmp_path / "nowhere", "--layout", "flo", "--out", tmp_path / "x"],
        ["pair", tmp_path / "nowhere", tmp_path / "nowhere", "--out", tmp_path / "x.flo", "--model", "zero"],
    ):
        status, text = said(*command)
        assert status == 2, command
        _one_sentence(text, "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_an_unknown_ending(tmp_path, said):
    write_clip(tmp_path / "a.avi")
    status, text = said("show", tmp_path / "a.avi", "--model", "zero", "--out", tmp_path / "a.gif")
    assert status == 2
    _one_sentence(text, "a.gif: a picture is .png or .jpg and a movie is .mp4")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class _as_nobody:
    """Close a folder and, where we are root and may read everything, be somebody else within the block."""

    def __init__(self, open_to_all: Path, closed: Path):
        self._open, self._closed = open_to_all, closed

    def __enter__(self) -> None:
        for path in [self._open, *self._open.parents]:
            if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o005:
                path.chmod(path.stat().st_mode | 0o055)
        self._closed.chmod(0)
        if os.getuid() == 0:
            os.seteuid(65534)

    def __exit__(self, *_: object) -> None:
        if os.getuid() == 0:
            os.seteuid(0)
        self._closed.chmod(0o755)
