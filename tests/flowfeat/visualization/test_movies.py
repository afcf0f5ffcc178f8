from dataclasses import dataclass

import av
import numpy as np
import pytest

from flowfeat.errors import InputError
from flowfeat.visualization import movies, write_movie


def clip(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Grey frames, each brighter than the one before."""
    return [np.full((height, width, 3), 20 + 10 * i, dtype=np.uint8) for i in range(count)]


@dataclass(frozen=True)
class Stored:
    codec: str
    pixels: str | None
    fps: float


def read(path) -> tuple[list[np.ndarray], Stored]:
    # All is asked for while the file is open: after that it is memory of somebody else's.
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        stored = Stored(codec.name, codec.pix_fmt, float(stream.average_rate or 0))
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)], stored


@pytest.fixture(params=["libx264", "no-such-encoder"])
def encoder(request, monkeypatch) -> str:
    """Both ways to encode; returns the name of the codec that the file should have."""
    monkeypatch.setattr(movies, "_H264", request.param)
    return "h264" if request.param == "libx264" else "mpeg4"


@pytest.mark.parametrize("count", [1, 2, 17])
def test_reads_back_frame_by_frame(tmp_path, encoder, count):
    path = tmp_path / "a.mp4"
    assert write_movie(path, clip(count), 25.0) == count
    frames, stored = read(path)
    assert stored.codec == encoder
    assert stored.pixels == "yuv420p"
    assert len(frames) == count
    for got, written in zip(frames, clip(count), strict=True):
        assert np.abs(got.astype(int) - written).max() <= 4
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_colours_come_back(tmp_path, encoder):
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    image[:16], image[16:32], image[32:] = (255, 0, 0), (0, 255, 0), (0, 60, 200)
    write_movie(tmp_path / "a.mp4", [image] * 3, 25.0)
    frames, _ = read(tmp_path / "a.mp4")
    centres = [8, 24, 40]
    assert np.abs(frames[-1][centres, 32].astype(int) - image[centres, 32]).max() <= 6


@pytest.mark.parametrize(("height", "width"), [(45, 64), (48, 63), (45, 63), (1, 1)])
def test_odd_sizes_repeat_the_border(tmp_path, encoder, height, width):
    write_movie(tmp_path / "a.mp4", clip(2, height, width), 25.0)
    frames, _ = read(tmp_path / "a.mp4")
    assert frames[0].shape == (height + height % 2, width + width % 2, 3)
    assert np.abs(frames[0].astype(int) - 20).max() <= 4


@pytest.mark.parametrize("fps", [0.1, 12.0, 24.0, 29.97, 30000 / 1001, 1000.0])
def test_rate(tmp_path, encoder, fps):
    write_movie(tmp_path / "a.mp4", clip(5), fps)
    _, stored = read(tmp_path / "a.mp4")
    assert stored.fps == pytest.approx(fps, rel=1e-9)


def test_frames_are_taken_one_by_one(tmp_path):
    taken = []

    def frames():
        for number, frame in enumerate([clip(1)[0]] * 200):
            taken.append(number)
            yield frame

    assert write_movie(tmp_path / "a.mp4", frames(), 25.0) == 200
    assert taken == list(range(200))


def test_replaces_an_older_movie(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")
    write_movie(path, clip(3), 25.0)
    assert len(read(path)[0]) == 3


def broken(kind: str):
    yield clip(1)[0]
    if kind == "size":
        yield clip(1, 50, 64)[0]
    elif kind == "float":
        yield clip(1)[0].astype(np.float32)
    elif kind == "grey":
        yield clip(1)[0][..., 0]
    else:
        raise RuntimeError("the source failed")


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("size", InputError, r"frame 1 is \(50, 64, 3\), the first one is \(48, 64, 3\)"),
        ("float", InputError, r"frame 1 must be uint8 of \(h, w, 3\), not float32 of \(48, 64, 3\)"),
        ("grey", InputError, r"frame 1 must be uint8"),
        ("source", RuntimeError, "the source failed"),
    ],
)
def test_failure_leaves_the_folder_as_it_was(tmp_path, kind, error, words):
    path = tmp_path / "a.mp4"
    with pytest.raises(error, match=words):
        write_movie(path, broken(kind), 25.0)
    assert not list(tmp_path.iterdir())
    path.write_bytes(b"old")
    with pytest.raises(error, match=words):
        write_movie(path, broken(kind), 25.0)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"old"]


def test_no_frames(tmp_path):
    with pytest.raises(InputError, match="at least one frame"):
        write_movie(tmp_path / "a.mp4", iter(()), 25.0)
    assert not list(tmp_path.iterdir())


def test_other_endings(tmp_path):
    with pytest.raises(InputError, match=r"a\.avi: a movie's name must end in \.mp4"):
        write_movie(tmp_path / "a.avi", clip(1), 25.0)


def test_makes_missing_folders(tmp_path):
    write_movie(tmp_path / "b" / "c" / "a.mp4", clip(1), 25.0)
    assert len(read(tmp_path / "b/c/a.mp4")[0]) == 1


@pytest.mark.parametrize("fps", [0.0, -1.0, 1001.0, float("nan"), float("inf")])
def test_rate_out_of_range(tmp_path, fps):
    with pytest.raises(InputError, match="fps must be between"):
        write_movie(tmp_path / "a.mp4", clip(1), fps)
