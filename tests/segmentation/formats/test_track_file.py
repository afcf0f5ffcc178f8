import tracemalloc

import numpy as np
import pytest
from fixture_mutations import mutated
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import FormatError
from segmentation.formats import LabelledTracks, read_tracks, read_window, write_tracks
from segmentation.trajectories import Trajectories

TEXT = "10\n2\n3 2\n1.5 2 4\n2.5 -0.25 5\n0 1\n7 8 0\n"


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace("3 2\n", "3\n2\n"), TEXT.replace("\n", " "), TEXT.replace("\n", "\r\n")]
)
def test_a_file_is_read_whatever_separates_its_numbers(tmp_path, text):
    (tmp_path / "a.dat").write_bytes(text.encode())
    found = read_tracks(tmp_path / "a.dat")
    assert (found.window, found.clusters, found.trajectories.frames) == (10, 4, 10)
    np.testing.assert_array_equal(found.labels, [3, 0])
    np.testing.assert_array_equal(found.trajectories.start, [4, 0])
    np.testing.assert_array_equal(found.trajectories.length, [2, 1])
    np.testing.assert_array_equal(found.trajectories.xy, [[1.5, 2], [2.5, -0.25], [7, 8]])
    assert read_window(tmp_path / "a.dat") == 10


def test_the_text_is_written_as_it_is_read(tmp_path):
    (tmp_path / "a.dat").write_text(TEXT)
    write_tracks(tmp_path / "b.dat", read_tracks(tmp_path / "a.dat"))
    assert (tmp_path / "b.dat").read_text() == "10\n2\n3 2\n1.5 2.0 4\n2.5 -0.25 5\n0 1\n7.0 8.0 0\n"


def test_points_behind_the_window_are_kept(tmp_path):
    # The official evaluator uses the frame whose index is the window.
    (tmp_path / "a.dat").write_text("10 1 0 2 1 1 9 1 1 10")
    found = read_tracks(tmp_path / "a.dat")
    assert (found.window, found.trajectories.frames) == (10, 11)


def test_no_track_is_a_file_too(tmp_path):
    (tmp_path / "a.dat").write_text("50\n0\n")
    found = read_tracks(tmp_path / "a.dat")
    assert (len(found.labels), found.clusters, found.window) == (0, 0, 50)


@given(st.data(), st.sampled_from([np.float32, np.float64]))
@settings(max_examples=15, derandomize=True)
def test_what_is_written_is_read_to_the_last_bit(tmp_path_factory, data, dtype):
    length = np.array(data.draw(st.lists(st.integers(1, 4), max_size=5)), np.int64)
    start = np.array([data.draw(st.integers(0, 9)) for _ in length], np.int64)
    labels = np.array([data.draw(st.integers(0, 99)) for _ in length], np.int64)
    values = st.floats(-1e4, 1e4, width=32) if dtype == np.float32 else st.floats(-1e4, 1e4)
    xy = np.array([data.draw(values) for _ in range(2 * int(length.sum()))], dtype).reshape(-1, 2)
    tracks = LabelledTracks(Trajectories(start, length, xy, 13), labels, 13)
    path = tmp_path_factory.mktemp("tracks") / "a.dat"
    write_tracks(path, tracks)
    found = read_tracks(path)
    np.testing.assert_array_equal(found.trajectories.xy.astype(dtype), xy)
    np.testing.assert_array_equal(found.trajectories.start, start)
    np.testing.assert_array_equal(found.trajectories.length, length)
    np.testing.assert_array_equal(found.labels, labels)
    assert found.window == 13


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "cut short: a track file begins with"),
        ("10", "cut short: a track file begins with"),
        ("10 2 0 1 1 1 0", "cut short: 2 tracks are announced"),
        ("10 1 0 2 1 1 0 1 1", "cut short: points of the last track are missing: 10 numbers should be there and 9 are"),
        ("10 2 0 2 1 1 0 1 1 1 0 9", "cut short: points of the last track are missing"),
        ("10 2 0 3 1 1 0 1 1 1 1 1", "cut short: track 1 of 2 is missing"),
        ("10 1 0 1 1 1 0 5", "it goes on after its tracks: 7 numbers should be there and 8 are"),
        ("10 1 -1 1 1 1 0", "the label of track 0 should be a whole number from 0 to 2147483647 and is -1"),
        ("10 1 0.5 1 1 1 0", "the label of track 0 should be a whole number"),
        ("10 1 0 0 1 1 0", "the number of points of track 0 should be a whole number from 1"),
        ("0 1 0 1 1 1 0", "the number of frames should be a whole number from 1"),
        ("10 1 0 1 1 1 -1", "frames are whole numbers from 0"),
        ("10 1 0 1 1 1 0.5", "frames are whole numbers from 0"),
        ("10 1 0 1 1 1 1e7", "frames are whole numbers from 0 to 1048575"),
        ("10 1 0 2 1 1 0 1 1 2", "track 0 leaves out a frame"),
        ("10 2 0 1 1 1 0 0 2 1 1 3 1 1 3", "track 1 leaves out a frame"),
        ("10 1 0 1 nan 1 0", "nan or infinite"),
        ("10 1 0 1 x 1 0", "something in it that is no number"),
        ("10 1 0 1 ä 1 0", "something in it that is no number"),
    ],
)
def test_a_bad_file_is_told_in_one_sentence(tmp_path, text, told):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(FormatError) as caught:
        read_tracks(tmp_path / "a.dat")
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path / 'a.dat'}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "x", "0 1", "10.5", "9" * 90])
def test_a_window_that_is_none_is_told(tmp_path, text):
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(FormatError, match="number of frames"):
        read_window(tmp_path / "a.dat")


def test_damage_gives_tracks_or_one_sentence_and_costs_no_memory(tmp_path):
    rng = np.random.default_rng(0)
    tracks = Trajectories(np.arange(20) % 5, np.full(20, 3), rng.uniform(0, 99, (60, 2)), 10)
    write_tracks(tmp_path / "good.dat", LabelledTracks(tracks, np.arange(20) % 4, 10))
    content, refused = (tmp_path / "good.dat").read_bytes(), 0
    tracemalloc.start()
    try:
        for seed in range(200):
            (tmp_path / f"{seed}.dat").write_bytes(mutated(content, seed))
            try:
                read_tracks(tmp_path / f"{seed}.dat")
            except FormatError as error:
                refused += 1
                assert "\n" not in str(error)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 50 < refused < 200
    assert peak < 20e6


@pytest.mark.parametrize(
    ("labels", "window", "told"), [([0], 10, "1 labels and 2"), ([0, -1], 10, "label -1"), ([0, 1], 0, "window of 0")]
)
def test_labels_and_tracks_belong_together(labels, window, told):
    tracks = Trajectories(np.zeros(2, np.int64), np.ones(2, np.int64), np.zeros((2, 2)), 10)
    with pytest.raises(ValueError, match=told):
        LabelledTracks(tracks, np.array(labels), window)
