"""Frames come upright, as players show them, whichever reader decodes them."""

import math

import numpy as np
import pytest
from fixture_clips import frames_by_pyav, show_by_matrix

from flowfeat.errors import ClipError
from flowfeat.video import probe, read_clip
from flowfeat.video.readers import frames_of, reader_for

# Clockwise, by the matrices that phones write.
TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.fixture
def clip(make_clip):
    return make_clip("phone.mp4", frames=5, height=64, width=96, codec="libx264")


@pytest.mark.parametrize("reader", ["decord", "pyav"])
@pytest.mark.parametrize("degrees", TURNS)
def test_both_readers_turn_a_clip_as_it_is_to_be_shown(clip, reader, degrees):
    if reader == "decord":
        pytest.importorskip("decord")
    stored = frames_by_pyav(clip)
    facts = probe(show_by_matrix(clip, *TURNS[degrees]))
    frames = np.stack(list(frames_of(clip, facts, reader)))
    assert np.array_equal(frames, np.rot90(stored, -degrees // 90, (1, 2)))
    assert frames.shape[1:3] == (facts.height, facts.width)
    assert facts.turned == (degrees != 0)


@pytest.mark.parametrize(
    ("matrix", "shown"),
    [
        ((-1, 0, 0, 1), lambda frames: frames[:, :, ::-1]),
        ((1, 0, 0, -1), lambda frames: frames[:, ::-1]),
        ((0, 1, 1, 0), lambda frames: frames.swapaxes(1, 2)),
        ((0, -1, -1, 0), lambda frames: frames[:, ::-1, ::-1].swapaxes(1, 2)),
    ],
)
def test_a_mirrored_clip_is_mirrored(clip, matrix, shown):
    stored = frames_by_pyav(clip)
    read = read_clip(show_by_matrix(clip, *matrix))
    assert np.array_equal(read.frames, shown(stored))
    assert read.ending.reader.startswith("PyAV"), "decord turns it instead"


def test_a_matrix_of_zeros_or_a_scale_turns_nothing(clip):
    stored = clip.read_bytes(), frames_by_pyav(clip)
    for matrix in [(0, 0, 0, 0), (2, 0, 0, 1), (math.cos(0.01), math.sin(0.01), -math.sin(0.01), math.cos(0.01))]:
        clip.write_bytes(stored[0])
        show_by_matrix(clip, *matrix)
        assert not probe(clip).turned
        assert np.array_equal(read_clip(clip).frames, stored[1])


def test_a_clip_that_is_to_be_shown_slanted_is_refused(clip):
    slant = math.sqrt(0.5)
    show_by_matrix(clip, slant, slant, -slant, slant)
    with pytest.raises(ClipError, match=r"phone\.mp4: .* turned by 45 degrees, and only quarter turns are read"):
        read_clip(clip)


def test_a_turned_clip_is_pyavs(clip):
    show_by_matrix(clip, *TURNS[180])
    assert reader_for(probe(clip)) == "pyav"
