import pickle
from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets.sample import FlowDataset, FlowSample, PairFiles
from flowfeat.errors import InputError
from flowfeat.formats import write_flow


@pytest.fixture
def pair(tmp_path: Path, write_frame, make_flow) -> PairFiles:
    write_frame(tmp_path / "1.png")
    write_frame(tmp_path / "2.png")
    write_flow(tmp_path / "1.flo", make_flow(tmp_path / "1.flo"))
    return PairFiles("a/1", tmp_path / "1.png", tmp_path / "2.png", tmp_path / "1.flo")


def test_a_data_set_is_a_sequence_that_reads_when_asked(tmp_path: Path, pair: PairFiles):
    absent = PairFiles("b", tmp_path / "no.png", tmp_path / "no.png")
    dataset = FlowDataset("things", [pair, absent])
    assert len(dataset) == 2
    assert dataset.names == ("a/1", "b")
    assert dataset[0].name == dataset[-2].name == "a/1"
    assert dataset[:1].names == ("a/1",)
    assert [sample.name for sample in dataset[:1]] == ["a/1"]
    assert pickle.loads(pickle.dumps(dataset)).names == dataset.names
    with pytest.raises(IndexError):
        dataset[2]
    with pytest.raises(FileNotFoundError):
        dataset[1]
    assert repr(dataset) == "FlowDataset('things', 2 pairs)"


def test_a_sample_tells_shapes_and_no_values(pair: PairFiles):
    assert repr(FlowDataset("x", [pair])[0]) == (
        "FlowSample('a/1', frames=uint8 (2, 6, 8, 3), flow=float32 (2, 6, 8), valid=bool (6, 8), occluded=None)"
    )


def test_grey_frames_get_three_channels(tmp_path: Path, write_frame):
    first, second = (write_frame(tmp_path / name, mode="L") for name in ("1.png", "2.png"))
    sample = FlowDataset("x", [PairFiles("a", tmp_path / "1.png", tmp_path / "2.png")])[0]
    np.testing.assert_array_equal(sample.frames, [first, second])
    assert sample.flow is None
    assert sample.valid.all()
    assert sample.occluded is None


def test_masks_of_any_picture_are_what_is_not_black(tmp_path: Path, pair: PairFiles, write_mask):
    occluded, invalid = write_mask(tmp_path / "occluded.png"), write_mask(tmp_path / "invalid.png")
    files = PairFiles(
        pair.name, pair.first, pair.second, pair.flow, tmp_path / "occluded.png", tmp_path / "invalid.png"
    )
    sample = FlowDataset("x", [files])[0]
    assert occluded.any()
    assert invalid.any()
    np.testing.assert_array_equal(sample.occluded, occluded)
    np.testing.assert_array_equal(sample.valid, ~invalid)


@pytest.mark.parametrize("part", ["second", "flow", "occlusions", "invalid", "flow_in_view"])
def test_files_of_other_sizes_are_both_named(tmp_path: Path, pair: PairFiles, part, write_frame, make_flow):
    files = {name: getattr(pair, name) for name in ("name", "first", "second", "flow")}
    other = tmp_path / ("other.flo" if part.startswith("flow") else "other.png")
    if part.startswith("flow"):
        write_flow(other, make_flow(other, 6, 9))
    else:
        write_frame(other, 6, 9)
    with pytest.raises(InputError) as told:
        FlowDataset("x", [PairFiles(**(files | {part: other}))])[0]
    assert str(told.value) == (
        f"{other}: it is 9x6 and the frame {pair.first} is 8x6; the files of a pair must be of one size"
    )


def test_a_damaged_frame_is_named(tmp_path: Path, pair: PairFiles):
    pair.second.write_bytes(pair.second.read_bytes()[:40])
    with pytest.raises(InputError, match=r"2\.png: the picture cannot be decoded"):
        FlowDataset("x", [pair])[0]


def test_samples_cannot_be_changed(pair: PairFiles):
    sample = FlowDataset("x", [pair])[0]
    assert isinstance(sample, FlowSample)
    with pytest.raises(AttributeError):
        sample.flow = None  # type: ignore[misc]
