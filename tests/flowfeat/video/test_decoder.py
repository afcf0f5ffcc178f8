"""A clip that crashes or hangs its decoder costs only itself."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from fixture_clips import moving_texture
from fixture_mutations import mutated
from PIL import Image

from flowfeat.errors import ClipError
from flowfeat.video import ClipDecoder

MUTATIONS = 1000


def _children() -> set[int]:
    tasks = Path("/proc/self/task")
    return {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}


def test_one_process_decodes_many_clips(make_clip):
    paths = [make_clip(f"{i}.avi", frames=3 + i, seed=i) for i in range(4)]
    with ClipDecoder() as decoder:
        counts = []
        for path in paths:
            stream = decoder.open(path)
            counts.append(sum(len(frames) for frames in stream))
            assert stream.ending.decoded == counts[-1]
            assert stream.source_bytes == path.stat().st_size
    assert counts == [3, 4, 5, 6]


def test_an_abandoned_clip_does_not_disturb_the_next(make_clip):
    long, short = make_clip("long.avi", frames=300, height=240, width=320), make_clip("short.avi", frames=3)
    with ClipDecoder() as decoder:
        next(iter(decoder.open(long)))
        assert [len(frames) for frames in decoder.open(short)] == [3]


def test_a_killed_decoder_is_a_sentence_and_the_next_clip_is_read(make_clip):
    long, short = make_clip("long.avi", frames=400, height=240, width=320), make_clip("short.avi", frames=3)
    before = _children()
    with ClipDecoder() as decoder:
        frames = iter(decoder.open(long))
        next(frames)
        (child,) = _children() - before
        os.kill(child, signal.SIGABRT)
        with pytest.raises(ClipError, match=r"long\.avi: the decoder was ended by SIGABRT"):
            list(frames)
        assert [len(chunk) for chunk in decoder.open(short)] == [3]


def test_a_hanging_decoder_is_a_sentence(make_clip):
    long = make_clip("long.avi", frames=400, height=240, width=320)
    before = _children()
    with ClipDecoder(stall_seconds=1.0) as decoder:
        frames = iter(decoder.open(long))
        next(frames)
        (child,) = _children() - before
        os.kill(child, signal.SIGSTOP)
        begun = time.monotonic()
        with pytest.raises(ClipError, match="gave no sign of life for 1 s"):
            list(frames)
        assert time.monotonic() - begun < 20
    assert _children() == before


_SLOW_DISK = """
import hashlib, time

class Slow:
    def __init__(self, real=hashlib.sha256):
        self._real, self.hexdigest = real(), lambda: self._real.hexdigest()

    def update(self, data):
        time.sleep(0.25)
        self._real.update(data)

hashlib.sha256 = Slow
"""
_SLOW_CODEC = """
import time
from PIL import Image

def slow(data, real=Image.open):
    time.sleep(0.5)
    return real(data)

Image.open = slow
"""


@pytest.mark.parametrize("slow", [_SLOW_DISK, _SLOW_CODEC], ids=["disk", "codec"])
def test_a_slow_decoder_is_not_taken_for_one_that_hangs(tmp_path, monkeypatch, slow):
    """5 seconds of hashing, or of decoding frames that are one chunk, are longer than it may say nothing."""
    (tmp_path / "python").mkdir()
    (tmp_path / "python/sitecustomize.py").write_text(slow)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'python'}:{os.environ.get('PYTHONPATH', '')}")
    clip = tmp_path / "clip"
    clip.mkdir()
    for t, frame in enumerate(moving_texture(10, 24, 32)):
        Image.fromarray(frame).save(clip / f"{t}.png")
    begun = time.monotonic()
    with ClipDecoder(stall_seconds=3.0) as decoder:
        assert [len(frames) for frames in decoder.open(clip)] == [10]
    assert time.monotonic() - begun > 4.9, "the machine was not slow: this test tests nothing"


@pytest.mark.skipif(sys.platform != "linux", reason="a process tells its memory through /proc")
def test_a_long_clip_that_waits_takes_no_memory(make_clip):
    """550 MB when decoded, which decord would decode to its end meanwhile."""
    long = make_clip("long.avi", frames=2400, height=240, width=320)
    before = _children()
    with ClipDecoder() as decoder:
        frames = iter(decoder.open(long))
        for _ in range(20):
            next(frames)
        time.sleep(1.5)
        (child,) = _children() - before
        (most,) = (line for line in Path(f"/proc/{child}/status").read_text().split("\n") if line.startswith("VmHWM"))
        assert int(most.split()[1]) < 200_000  # kB
        assert sum(map(len, frames)) > 1500


def test_a_clip_that_changes_while_it_is_read_is_refused(make_clip):
    path = make_clip("growing.avi", frames=400, height=240, width=320)
    with ClipDecoder() as decoder:
        frames = iter(decoder.open(path))
        next(frames)
        with path.open("ab") as file:
            file.write(b"more")
        with pytest.raises(ClipError, match="changed while it was read"):
            list(frames)


def test_frames_that_change_while_they_are_read_are_refused(tmp_path):
    for t in range(40):  # 80 MB, of which the decoder keeps 8 ahead
        Image.new("RGB", (960, 720), (t, t, t)).save(tmp_path / f"{t:03d}.bmp")
    with ClipDecoder() as decoder:
        frames = iter(decoder.open(tmp_path))
        next(frames)
        Image.new("RGB", (960, 720)).save(tmp_path / "039.bmp")
        with pytest.raises(ClipError, match="changed while it was read"):
            list(frames)


def test_decoders_of_several_threads_do_not_meet(make_clip):
    paths = [make_clip(f"{i}.avi", frames=20, seed=i) for i in range(4)]
    results: dict[Path, np.ndarray] = {}

    def read(path: Path) -> None:
        with ClipDecoder() as decoder:
            results[path] = np.concatenate(list(decoder.open(path)))

    threads = [threading.Thread(target=read, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({frames.tobytes() for frames in results.values()}) == 4


@pytest.mark.parametrize("kind", ["packed_b_frames.avi", "h264.mp4"])
def test_mutated_clips_are_a_clip_or_a_sentence(make_clip, tmp_path, kind):
    """1,000 of each, some of which abort decord: never another exception, never a hang."""
    packed = Path(__file__).parent / kind
    data = packed.read_bytes() if packed.exists() else make_clip(kind, frames=40, codec="libx264").read_bytes()
    whole = failed = 0
    with ClipDecoder(stall_seconds=30) as decoder:
        for seed in range(MUTATIONS):
            path = tmp_path / "mutated.bin"
            path.write_bytes(mutated(data, seed))
            try:
                frames = sum(len(chunk) for chunk in decoder.open(path))
            except ClipError as fault:
                assert str(fault).startswith(str(path))
                assert "\n" not in str(fault)
                failed += 1
            else:
                assert frames <= 2000
                whole += 1
    assert whole > 50
    assert failed > 50


@pytest.mark.parametrize("ending", [".png", ".jpg", ".ppm", ".bmp"])
def test_mutated_frames_are_a_clip_or_a_sentence(tmp_path, ending):
    first, second = tmp_path / f"0{ending}", tmp_path / f"1{ending}"
    for path, frame in zip((first, second), moving_texture(2, 24, 32), strict=True):
        Image.fromarray(frame).save(path)
    data, failed = second.read_bytes(), 0
    with ClipDecoder(stall_seconds=30) as decoder:
        for seed in range(MUTATIONS):
            second.write_bytes(mutated(data, seed))
            try:
                for _ in decoder.open(tmp_path):
                    pass
            except ClipError as fault:
                assert str(tmp_path) in str(fault)
                assert "\n" not in str(fault)
                failed += 1
    assert failed > 20
