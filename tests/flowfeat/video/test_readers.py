"""Frames come in order, once each, as many as can be decoded: PyAV is the oracle."""

import random
from pathlib import Path

import numpy as np
import pytest
from fixture_clips import frames_by_pyav, moving_texture
from PIL import Image

from flowfeat.errors import ClipError
from flowfeat.video import ClipDecoder, FrameSize, read_clip
from flowfeat.video.readers import ClipFacts, frames_of, natural_order, probe, reader_for

PACKED = Path(__file__).parent / "packed_b_frames.avi"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.avi", {}),
        ("b_frames.avi", {"bf": "2"}),
        ("audio_first.avi", {"bf": "2", "audio_first": True}),
        ("h264.mp4", {"codec": "libx264"}),
        ("h264.mkv", {"codec": "libx264"}),
    ],
)
@pytest.mark.parametrize("reader", ["decord", "pyav"])
def test_frames_equal_pyav(make_clip, name, options, reader):
    if reader == "decord":
        pytest.importorskip("decord")
    path = make_clip(name, frames=40, **options)
    frames = np.stack(list(frames_of(path, probe(path), reader)))
    expected = frames_by_pyav(path)
    assert frames.shape == expected.shape == (40, 48, 64, 3)
    assert np.array_equal(frames, expected)


@pytest.mark.parametrize(
    ("frames", "height", "width", "reader"),
    [(1776, 240, 320, "decord"), (2400, 240, 320, "pyav"), (300, 1080, 1920, "pyav"), (30, 240, 62, "pyav")],
)
def test_decord_reads_what_is_wide_and_short(frames, height, width, reader):
    pytest.importorskip("decord")
    assert reader_for(ClipFacts(frames, 25.0, height, width)) == reader
    assert reader_for(ClipFacts(None, 25.0, height, width)) == "pyav"


@pytest.mark.parametrize("width", [16, 48, 50, 62, 66])
def test_a_narrow_clip_has_three_channels(make_clip, width):
    path = make_clip("narrow.avi", frames=6, height=32, width=width)
    clip = read_clip(path)
    assert np.array_equal(clip.frames, frames_by_pyav(path))
    assert clip.frames.shape == (6, 32, width, 3)


def test_packed_b_frames_equal_pyav():
    clip = read_clip(PACKED)
    assert np.array_equal(clip.frames, frames_by_pyav(PACKED))
    assert clip.ending.decoded == 39


def test_a_real_clip_has_the_frames_of_pyav(data):
    # Two builds of FFmpeg round some blocks of real MPEG-4 differently: never by more than 2 levels.
    for name in ("Punch/v_Punch_g06_c03", "Lunges/v_Lunges_g14_c04"):
        path = data / f"ucf101/UCF-101/{name}.avi"
        frames, expected = read_clip(path).frames, frames_by_pyav(path)
        assert frames.shape == expected.shape
        assert np.abs(frames.astype(int) - expected).max() <= 2


def test_invented_frames_are_dropped_and_counted(make_clip):
    """decord repeats the last frame where its index promises more than can be decoded: the clip must end instead."""
    pytest.importorskip("decord")
    intact = make_clip("intact.avi", frames=40)
    found = 0
    damaged = intact.with_name("damaged.avi")
    with ClipDecoder() as decoder:
        for seed in range(60):
            damaged.write_bytes(_blank_words(intact.read_bytes(), seed))
            try:
                stream = decoder.open(damaged)
                decoded = sum(len(frames) for frames in stream)
            except ClipError:
                continue
            assert stream.ending.decoded == decoded
            if stream.ending.invented:
                found += 1
                assert decoded == len(frames_by_pyav(damaged)), seed
    assert found, "no damaged clip made decord invent a frame: this test tests nothing"


def _blank_words(data: bytes, seed: int) -> bytes:
    generator, blanked = random.Random(seed), bytearray(data)
    for _ in range(generator.choice([1, 2])):
        at = generator.randrange(7000, len(data) - 900)
        blanked[at : at + 4] = bytes(4)
    return bytes(blanked)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("empty", "the file is empty"),
        ("text", "not a video"),
        ("truncated", "truncated: its container declares 40 frames and"),
        ("audio", "no video stream"),
        ("missing", "No such file"),
    ],
)
def test_what_is_no_clip_says_so_in_one_sentence(make_clip, tmp_path, kind, sentence):
    path = tmp_path / f"{kind}.avi"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("this is a text file\n" * 50)
    elif kind == "truncated":
        whole = make_clip("whole.avi", frames=40).read_bytes()
        path.write_bytes(whole[: int(len(whole) * 0.8)])
    elif kind == "audio":
        _write_sound(path)
    with pytest.raises(ClipError, match=sentence) as raised:
        read_clip(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_clip_that_lost_only_its_index_is_whole(make_clip, tmp_path):
    whole = make_clip("whole.avi", frames=40).read_bytes()
    path = tmp_path / "no_index.avi"
    path.write_bytes(whole[: whole.rindex(b"idx1")])
    assert read_clip(path).ending.decoded == 40


def test_a_folder_of_frames_is_read_in_natural_order(tmp_path):
    frames = list(moving_texture(12, 20, 30))
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(tmp_path / f"img_{t}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    clip = read_clip(tmp_path)
    assert np.array_equal(clip.frames, np.stack(frames))
    assert clip.ending.gaps == 0


def test_a_gap_in_the_numbers_of_frames_is_counted(tmp_path):
    for t, frame in enumerate(moving_texture(12, 20, 30)):
        if t not in (5, 6):
            Image.fromarray(frame).save(tmp_path / f"{2 * t:05d}.png")
    assert read_clip(tmp_path).ending.gaps == 2


def test_frames_of_unequal_sizes_name_both_files(tmp_path):
    for t, frame in enumerate(moving_texture(3, 20, 30)):
        Image.fromarray(frame[: 20 - (t == 2)]).save(tmp_path / f"{t}.png")
    with pytest.raises(ClipError, match=r"2\.png: the frame is 30x19 but 0\.png is 30x20"):
        read_clip(tmp_path)


def test_resize_keeps_the_aspect_or_takes_both_sides(make_clip):
    path = make_clip("a.avi", frames=3, height=48, width=64)
    assert read_clip(path, "shorter:24").frames.shape == (3, 24, 32, 3)
    assert read_clip(path, "30x50").frames.shape == (3, 30, 50, 3)
    assert FrameSize.parse("shorter:256").of(240, 320) == (256, 341)


@pytest.mark.parametrize("text", ["240", "240x", "x320", "0x10", "longer:5", "shorter:0", "240x320x3", "-1x5"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="--resize"):
        FrameSize.parse(text)


def test_natural_order():
    names = ["img_10.png", "img_2.png", "a1b10.png", "a1b9.png", "IMG_1.png"]
    ordered = sorted(map(Path, names), key=natural_order)
    assert [path.name for path in ordered] == [
        "IMG_1.png",
        "a1b9.png",
        "a1b10.png",
        "img_2.png",
        "img_10.png",
    ]


def _write_sound(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mp3", rate=44100)
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((2, 1152), np.float32), format="fltp", layout="stereo")
            frame.sample_rate = 44100
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


@pytest.mark.parametrize("pixels", [np.full((8, 8), 40000, np.uint16), np.full((8, 8), 0.5, np.float32)])
def test_pictures_of_more_than_8_bits_are_refused_and_not_cut(tmp_path, pixels):
    from PIL import Image

    from flowfeat.video.readers import read_picture

    path = tmp_path / ("deep.png" if pixels.dtype == np.uint16 else "deep.tiff")
    Image.fromarray(pixels).save(path)
    with pytest.raises(ClipError, match="save it with 8 bits a channel"):
        read_picture(path)
