from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import open_things3d
from flowfeat.errors import InputError
from flowfeat.formats import write_flow

NAMES = {"into_future": "IntoFuture", "into_past": "IntoPast"}


@pytest.fixture
def whole(tmp_path: Path, write_frame, make_flow, write_lmb_pfm) -> Path:
    """Two training videos of three frames, each file of flow there, as published."""
    root = tmp_path / "sets" / "FlyingThings3D"
    for video in ("A/0000", "B/0004"):
        for view in ("left", "right"):
            for number in (6, 7, 8):
                write_frame(root / f"frames_cleanpass/TRAIN/{video}/{view}/{number:04d}.png")
                for direction, name in NAMES.items():
                    path = _flow_file(root, video, direction, view, number, name)
                    write_lmb_pfm(path, make_flow(path), big_endian=number == 7)
    return root


def _flow_file(root: Path, video: str, direction: str, view: str, number: int, name: str) -> Path:
    file = f"OpticalFlow{name}_{number:04d}_{view[0].upper()}.pfm"
    return root / f"optical_flow/TRAIN/{video}/{direction}/{view}/{file}"


def test_every_view_and_direction_is_there_and_the_flow_that_leads_nowhere_is_not(whole: Path):
    names = open_things3d(whole).names
    assert len(names) == len(set(names)) == 2 * 2 * 2 * 2
    assert names[:4] == (
        "A/0000/left/into_future/0006",
        "A/0000/left/into_future/0007",
        "A/0000/left/into_past/0007",
        "A/0000/left/into_past/0008",
    )


@pytest.mark.parametrize("direction", ["into_future", "into_past"])
@pytest.mark.parametrize("number", [7, 8])
def test_a_pair_goes_the_way_its_flow_goes(whole: Path, write_frame, make_flow, direction, number):
    dataset = open_things3d(whole, views=["right"], directions=[direction])
    first = number if direction == "into_past" else number - 1
    sample = dataset[dataset.names.index(f"B/0004/right/{direction}/{first:04d}")]
    second = first + (1 if direction == "into_future" else -1)
    folder = whole / "frames_cleanpass/TRAIN/B/0004/right"
    np.testing.assert_array_equal(sample.frames, [write_frame(folder / f"{n:04d}.png") for n in (first, second)])
    path = _flow_file(whole, "B/0004", direction, "right", first, NAMES[direction])
    np.testing.assert_array_equal(sample.flow, make_flow(path))
    assert sample.valid.all()
    assert sample.occluded is None


def test_nan_is_not_valid(whole: Path, make_flow, write_lmb_pfm):
    path = _flow_file(whole, "A/0000", "into_future", "left", 6, "IntoFuture")
    flow = make_flow(path)
    flow[1, 2, 3] = np.nan
    write_lmb_pfm(path, flow)
    sample = open_things3d(whole)[0]
    assert np.argwhere(~sample.valid).tolist() == [[2, 3]]
    assert sample.flow is not None
    assert (sample.flow[:, 2, 3] == 0).all()


@pytest.mark.parametrize("below", ["..", ".", "frames_cleanpass", "optical_flow"])
def test_the_folder_above_and_the_one_below_will_do(whole: Path, below):
    assert len(open_things3d(whole / below)) == 16


@pytest.mark.parametrize(
    ("gone", "name", "count"),
    [
        ("frames_cleanpass/TRAIN/A/0000/left/0006.png", "A/0000/left/into_future/0006", 2),
        ("frames_cleanpass/TRAIN/A/0000/left/0007.png", "A/0000/left/into_future/0006", 4),
        ("frames_cleanpass/TRAIN/A/0000/left/0008.png", "A/0000/left/into_future/0007", 2),
        ("optical_flow/TRAIN/A/0000/into_past/left/OpticalFlowIntoPast_0007_L.pfm", "A/0000/left/into_past/0007", 1),
    ],
)
def test_what_is_missing_is_named_and_counted(whole: Path, gone, name, count):
    (whole / gone).unlink()
    with pytest.raises(InputError) as told:
        open_things3d(whole)
    assert str(told.value) == (
        f"{whole}/{gone}: the file is missing, so the pair {name} of FlyingThings3D is incomplete "
        f"({count} of 16 pairs are); unpack it again"
    )


def test_folders_that_are_missing_are_named(whole: Path):
    with pytest.raises(InputError, match="frames_finalpass/TRAIN: there is no such folder and FlyingThings3D should"):
        open_things3d(whole, rendering="final")
    with pytest.raises(InputError, match="frames_cleanpass/TEST: there is no such folder"):
        open_things3d(whole, "test")


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"split": "val"}, "no split 'val'; say train or test"),
        ({"rendering": "albedo"}, "no rendering 'albedo'; say clean or final"),
        ({"views": ["up"]}, "no view 'up'; say left or right"),
        ({"directions": ["forward"]}, "no direction 'forward'; say into_future or into_past"),
    ],
)
def test_what_the_data_set_has_not_is_told(whole: Path, options, wrong):
    with pytest.raises(InputError, match=wrong):
        open_things3d(whole, **options)


def test_a_folder_of_something_else_is_told(tmp_path: Path):
    (tmp_path / "x/data").mkdir(parents=True)
    with pytest.raises(InputError, match=r"FlyingThings3D is neither here nor .* frames_cleanpass or .*/image_clean"):
        open_things3d(tmp_path / "x")


@pytest.fixture
def subset(tmp_path: Path, write_frame, make_flow, write_mask) -> Path:
    """Two videos: frames 0 to 2, whose last was taken out, so that frame 2 has flow to where frame 3 was; 3 and 4."""
    root = tmp_path / "sets" / "FlyingThings3D_subset"
    for number in range(5):
        write_frame(root / f"val/image_clean/left/{number:07d}.png")
    for direction, numbers in {"into_future": (0, 1, 2, 3), "into_past": (1, 2, 4)}.items():
        for number in numbers:
            path = root / f"val/flow/left/{direction}/{number:07d}.flo"
            write_flow(path, make_flow(path))
            write_mask(root / f"val/flow_occlusions/left/{direction}/{number:07d}.png")
    return root


def test_neighbours_of_two_videos_are_no_pair(subset: Path):
    dataset = open_things3d(subset, "test", views=["left"])
    assert dataset.names == tuple(
        f"left/{direction}/{number:07d}"
        for direction, numbers in {"into_future": (0, 1, 3), "into_past": (1, 2, 4)}.items()
        for number in numbers
    )


@pytest.mark.parametrize(("direction", "first", "second"), [("into_future", 1, 2), ("into_past", 2, 1)])
def test_a_pair_of_the_subset_is_read(subset: Path, write_frame, write_mask, make_flow, direction, first, second):
    dataset = open_things3d(subset, "test", views=["left"], directions=[direction])
    sample = dataset[1]
    assert sample.name == f"left/{direction}/{first:07d}"
    folder = subset / "val/image_clean/left"
    np.testing.assert_array_equal(sample.frames, [write_frame(folder / f"{n:07d}.png") for n in (first, second)])
    np.testing.assert_array_equal(sample.flow, make_flow(subset / f"val/flow/left/{direction}/{first:07d}.flo"))
    mask = write_mask(subset / f"val/flow_occlusions/left/{direction}/{first:07d}.png")
    np.testing.assert_array_equal(sample.occluded, mask)


def test_the_subset_is_found_from_above_and_below_too(subset: Path):
    for root in (subset.parent, subset / "val"):
        assert len(open_things3d(root, "test", views=["left"])) == 6


def test_what_the_subset_lacks_is_named(subset: Path):
    with pytest.raises(InputError, match="val/flow/right/into_future: there is no such folder"):
        open_things3d(subset, "test")
    with pytest.raises(InputError, match="train/flow/left/into_future: there is no such folder"):
        open_things3d(subset)
    with pytest.raises(
        InputError, match=r"image_final/left/0000000\.png: the file is missing, .* \(6 of 6 pairs are\)"
    ):
        open_things3d(subset, "test", "final", views=["left"])
    (subset / "val/flow_occlusions/left/into_past/0000002.png").unlink()
    with pytest.raises(InputError, match=r"0000002\.png: .* left/into_past/0000002 .* \(1 of 6 pairs are\)"):
        open_things3d(subset, "test", views=["left"])


def test_a_subset_without_occlusions_knows_none(subset: Path):
    (subset / "val/flow_occlusions").rename(subset / "elsewhere")
    assert open_things3d(subset, "test", views=["left"])[0].occluded is None


def test_a_subset_without_flow_of_one_direction_is_told(subset: Path):
    for file in (subset / "val/flow/left/into_past").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="flow/left: no frame in into_future has its next frame in into_past"):
        open_things3d(subset, "test", views=["left"])
