"""Tracks on disk: what is written comes back, and what is damaged does not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from flowfeat.errors import InputError
from segmentation.runs.stored_tracks import StoredTracks, read_stored_tracks, write_tracks
from segmentation.tracking import TrackFeatures
from segmentation.trajectories import Trajectories


def made(seed: int, tracks: int, labelled: bool) -> StoredTracks:
    rng = np.random.default_rng(seed)
    start, length = rng.integers(0, 5, tracks), rng.integers(1, 6, tracks)
    points = int(length.sum())
    xy, lab = (rng.normal(size=(points, width)).astype(np.float32) for width in (2, 3))
    labels = [rng.integers(-1, 4, tracks) if labelled else None for _ in range(2)]
    return StoredTracks(
        Trajectories(start, length, xy, 12),
        TrackFeatures(rng.random(points).astype(np.float32), lab),
        rng.integers(0, 4, tracks).astype(np.uint8),
        48,
        64,
        *labels,
    )


@given(st.integers(0, 1000), st.integers(0, 9), st.booleans())
@settings(max_examples=15)
def test_what_is_written_comes_back(tmp_path_factory, seed: int, tracks: int, labelled: bool):
    path = tmp_path_factory.mktemp("tracks") / "a" / "tracks.safetensors"
    given = made(seed, tracks, labelled)
    write_tracks(path, given)
    found = read_stored_tracks(path)
    assert (found.height, found.width, found.trajectories.frames) == (48, 64, 12)
    for name in ("start", "length", "xy"):
        assert np.array_equal(getattr(found.trajectories, name), getattr(given.trajectories, name))
    assert np.array_equal(found.features.sigma, given.features.sigma)
    assert np.array_equal(found.features.lab, given.features.lab)
    assert np.array_equal(found.cause, given.cause)
    for name in ("cluster", "object"):
        kept, was = getattr(found, name), getattr(given, name)
        assert np.array_equal(kept, was) if labelled else kept is was is None
    before = path.read_bytes()
    write_tracks(path, found)
    assert path.read_bytes() == before


def test_a_damaged_file_is_no_tracks(tmp_path: Path):
    path = tmp_path / "tracks.safetensors"
    with pytest.raises(InputError, match="there is no such file of tracks"):
        read_stored_tracks(path)
    write_tracks(path, made(0, 6, True))
    whole = path.read_bytes()
    for cut in (0, 4, 100, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"damaged .it is no whole safetensors file"):
            read_stored_tracks(path)
    save_file({"a": np.zeros(3)}, path)
    with pytest.raises(InputError, match="holds no tracks"):
        read_stored_tracks(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"length": np.full(6, 900, np.int32)}, "do not belong together"),
        ({"start": np.full(6, 11, np.int32), "length": np.ones(6, np.int32)}, "do not belong together"),
        ({"start": np.full(6, -1, np.int32)}, "reaches beyond the 12 frames"),
        ({"cause": np.full(6, 9, np.uint8)}, "a cause or a label is none"),
        ({"object": np.full(6, -2, np.int32)}, "a cause or a label is none"),
        ({"object": np.zeros(5, np.int32)}, "object is int32 .5,. and should be int32 .6,."),
        ({"object": None}, "it holds cause, cluster"),
        ({"xy": None}, "it holds cause, cluster"),
    ],
)
def test_arrays_that_contradict_each_other_are_damaged(tmp_path: Path, change, told: str):
    from safetensors import safe_open

    path = tmp_path / "tracks.safetensors"
    write_tracks(path, made(1, 6, True))
    with safe_open(str(path), framework="np") as file:
        metadata = file.metadata()
    arrays = {name: array for name, array in {**load_file(path), **change}.items() if array is not None}
    save_file(arrays, path, metadata)
    with pytest.raises(InputError, match=told):
        read_stored_tracks(path)


def test_a_position_that_is_no_number_is_damaged(tmp_path: Path):
    tracks = made(2, 3, False)
    tracks.trajectories.xy[1, 0] = np.nan
    write_tracks(tmp_path / "t", tracks)
    with pytest.raises(InputError, match="a position or a feature is no number"):
        read_stored_tracks(tmp_path / "t")


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("{", "its header is not JSON"),
        ("[]", "lacks fields"),
        ('{"schema": 7, "frames": 12, "height": 4, "width": 4}', "its schema is 7, and this version reads 1"),
        ('{"schema": 1, "frames": 99999999, "height": 4, "width": 4}', "for frames, height and width"),
    ],
)
def test_a_header_that_cannot_be_is_refused(tmp_path: Path, facts: str, told: str):
    path = tmp_path / "tracks.safetensors"
    write_tracks(path, made(1, 6, False))
    save_file(load_file(path), path, {"flowfeat_tracks": facts})
    with pytest.raises(InputError, match=told):
        read_stored_tracks(path)


def test_labels_come_in_twos():
    tracks = made(0, 3, True)
    with pytest.raises(ValueError, match="both clusters and objects"):
        StoredTracks(tracks.trajectories, tracks.features, tracks.cause, 48, 64, tracks.cluster, None)
    with pytest.raises(ValueError, match="do not belong together"):
        StoredTracks(tracks.trajectories, tracks.features, tracks.cause[:2], 48, 64, None, None)
