from dataclasses import replace

import numpy as np
import pytest
import torch
from fixture_recognition import write_single_frame, write_small_store
from fixture_stores import settings, write_stored_clip

from flowfeat.errors import InputError
from flowfeat.store import FlowStore
from recognition.baseline import (
    GRID,
    ORIENTATIONS,
    PARTS,
    classify_by_histograms,
    histogram_of_flow,
    histograms_of_flow,
)


def described(tmp_path, flow):
    write_stored_clip(tmp_path, "v", settings("float16"), flow)
    return histogram_of_flow(FlowStore(tmp_path)["v"]).reshape(PARTS, GRID, GRID, ORIENTATIONS + 1)


def test_bins_are_orientations_in_cells_and_parts(tmp_path):
    flow = torch.zeros(6, 2, 30, 60)
    flow[3:, 1, :10, 20:40] = 4.0  # downwards, a quarter turn from the right, in the second part's cell (0, 1)
    histogram = described(tmp_path, flow)
    assert np.linalg.norm(histogram) == pytest.approx(1)
    still, moving = histogram[..., ORIENTATIONS], histogram[1, 0, 1, ORIENTATIONS // 4]
    assert moving > 0
    assert still[1, 0, 1] == 0
    assert np.count_nonzero(histogram) == PARTS * GRID * GRID
    # Squares of the entries are shares of displacement: 4 px beside 0.5 px of what stands still.
    assert moving**2 / still[1, 0, 0] ** 2 == pytest.approx(8, rel=1e-4)


def test_mirrored_motion_changes_sides(tmp_path):
    flow = torch.tensor([3.0, 0.0])[:, None, None].expand(4, 2, 30, 30).clone()
    flow[..., :10] = 0
    seen = described(tmp_path / "a", flow)
    mirrored = described(tmp_path / "b", -flow.flip(-1))
    assert seen[0, 0, 2, 0] == pytest.approx(mirrored[0, 0, 0, ORIENTATIONS // 2])
    assert seen[0, 0, 0, ORIENTATIONS] == pytest.approx(mirrored[0, 0, 2, ORIENTATIONS])


@pytest.mark.parametrize("fields", [1, 2, 65])
def test_clips_of_any_length_are_described(tmp_path, fields):
    histogram = described(tmp_path, torch.randn(fields, 2, 20, 20))
    assert np.isfinite(histogram).all()
    assert (histogram.reshape(PARTS, -1).sum(1) > 0).all()


def test_waves_are_told_from_jumps(tmp_path):
    where = write_small_store(tmp_path)
    found = classify_by_histograms(where, where.split.train, where.split.test)
    assert found.clips == ("v_Wave_g01_c01", "v_Jump_g01_c01")
    assert found.labels.tolist() == [0, 1]
    assert found.scores.shape == (2, 2)
    assert found.accuracy == 1.0
    assert classify_by_histograms(where, where.split.train, ()).accuracy is None


def test_labels_of_what_is_tested_are_not_looked_at(tmp_path):
    where = write_small_store(tmp_path)
    wrong = [replace(clip, label=1 - clip.label) for clip in where.split.test]
    right = classify_by_histograms(where, where.split.train, where.split.test)
    assert np.array_equal(classify_by_histograms(where, where.split.train, wrong).scores, right.scores)


def test_what_cannot_be_learnt_is_refused(tmp_path):
    where = write_small_store(tmp_path)
    with pytest.raises(InputError, match="no clip to train on: Wave; name the others with --classes"):
        classify_by_histograms(where, where.split.train[1:], ())
    one = replace(where, split=where.split.of_classes(["Wave"]))
    with pytest.raises(InputError, match="Wave is the only class"):
        classify_by_histograms(one, one.split.train, ())
    write_single_frame(tmp_path / "one", "v")
    with pytest.raises(InputError, match="the clip has a single frame and no flow"):
        histogram_of_flow(FlowStore(tmp_path / "one")["v"])


def test_workers_find_the_same_histograms_and_tell_the_same_error(tmp_path):
    where, told = write_small_store(tmp_path), []
    alone = histograms_of_flow(where, where.split.clips, progress=lambda *done: told.append(done))
    assert told == [(done, 5) for done in range(1, 6)]
    assert set(alone) == {clip.name for clip in where.split.clips}
    helped = histograms_of_flow(where, where.split.clips, workers=1)
    assert all(np.array_equal(alone[name], helped[name]) for name in alone)
    split = where.split
    given = classify_by_histograms(where, split.train, split.test, alone)
    assert np.array_equal(given.scores, classify_by_histograms(where, split.train, split.test).scores)
    path = tmp_path / f"{where.key(split.test[0])}.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    for workers in (0, 1):
        with pytest.raises(InputError) as fault:
            histograms_of_flow(where, split.test, workers)
        assert str(fault.value).startswith(str(path))
        assert "\n" not in str(fault.value)
