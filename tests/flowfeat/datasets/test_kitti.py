from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import FlowDataset, open_kitti2012, open_kitti2015
from flowfeat.errors import InputError
from flowfeat.formats import write_flow

OPEN: dict[str, Callable[..., FlowDataset]] = {
    "colored_0": open_kitti2012,
    "image_0": open_kitti2012,
    "image_2": open_kitti2015,
}
KNOWN = np.random.default_rng(0).random((6, 8)) < 0.7
IN_VIEW = KNOWN & (np.random.default_rng(1).random((6, 8)) < 0.7)


def _write(root: Path, camera: str, write_frame, make_flow) -> Path:
    mode = "L" if camera == "image_0" else "RGB"
    for number in (0, 1):
        for folder in ("training", "testing"):
            for frame in (9, 10, 11, 12):  # the multi-view extension adds frames around the pair
                write_frame(root / folder / camera / f"{number:06d}_{frame:02d}.png", mode=mode)
        name = f"{number:06d}_10.png"
        for folder, known in {"flow_occ": KNOWN, "flow_noc": IN_VIEW}.items():
            write_flow(root / "training" / folder / name, make_flow(root / name), known)
    return root


@pytest.fixture(params=list(OPEN))
def camera(request) -> str:
    return request.param


@pytest.fixture
def kitti(tmp_path: Path, camera: str, write_frame, make_flow) -> Path:
    return _write(tmp_path / "sets/kitti", camera, write_frame, make_flow)


def test_a_training_pair_is_read(kitti: Path, camera: str, write_frame, make_flow):
    dataset = OPEN[camera](kitti)
    assert dataset.names == ("000000_10", "000001_10")
    sample = dataset[1]
    mode = "L" if camera == "image_0" else "RGB"
    frames = [write_frame(kitti / f"training/{camera}/000001_{n}.png", mode=mode) for n in (10, 11)]
    np.testing.assert_array_equal(sample.frames, frames)
    np.testing.assert_array_equal(sample.valid, KNOWN)
    np.testing.assert_array_equal(sample.flow, np.where(KNOWN, make_flow(kitti / "000001_10.png"), 0))
    np.testing.assert_array_equal(sample.occluded, KNOWN & ~IN_VIEW)
    assert sample.occluded is not None
    assert sample.occluded.any()


def test_the_test_split_has_no_flow(kitti: Path, camera: str):
    dataset = OPEN[camera](kitti, "test")
    assert len(dataset) == 2
    assert dataset[0].flow is dataset[0].occluded is None


def test_without_flow_noc_nothing_is_known_of_occlusion(kitti: Path, camera: str):
    (kitti / "training/flow_noc").rename(kitti / "elsewhere")
    assert OPEN[camera](kitti)[0].occluded is None


@pytest.mark.parametrize("below", ["..", ".", "training", "testing"])
def test_the_folder_above_and_the_one_below_will_do(kitti: Path, camera: str, below):
    assert len(OPEN[camera](kitti / below)) == 2


@pytest.mark.parametrize(
    "gone", ["FRAMES/000000_10.png", "FRAMES/000000_11.png", "flow_occ/000000_10.png", "flow_noc/000000_10.png"]
)
def test_what_is_missing_is_named_and_counted(kitti: Path, camera: str, gone):
    file = kitti / "training" / gone.replace("FRAMES", camera)
    file.unlink()
    title = "KITTI 2015" if camera == "image_2" else "KITTI 2012"
    with pytest.raises(InputError) as told:
        OPEN[camera](kitti)
    assert str(told.value) == (
        f"{file}: the file is missing, so the pair 000000_10 of {title} is incomplete "
        "(1 of 2 pairs are); unpack it again"
    )


def test_colour_is_taken_where_both_are_there(tmp_path: Path, write_frame, make_flow):
    for camera in ("image_0", "colored_0"):
        _write(tmp_path, camera, write_frame, make_flow)
    sample = open_kitti2012(tmp_path)[0]
    assert (sample.frames[..., 0] != sample.frames[..., 1]).any()


def test_one_year_is_not_the_other(tmp_path: Path, write_frame, make_flow):
    _write(tmp_path / "2012", "colored_0", write_frame, make_flow)
    _write(tmp_path / "2015", "image_2", write_frame, make_flow)
    with pytest.raises(InputError, match=r"KITTI 2015 is neither here nor .* training/image_2 .* data_scene_flow\.zip"):
        open_kitti2015(tmp_path / "2012")
    with pytest.raises(InputError, match=r"KITTI 2012 is neither here nor .* data_stereo_flow\.zip"):
        open_kitti2012(tmp_path / "2015")
    assert len(open_kitti2012(tmp_path)) == len(open_kitti2015(tmp_path)) == 2


def test_an_unknown_split_is_told(kitti: Path, camera: str):
    with pytest.raises(InputError, match=r"KITTI 201[25] has no split 'training'; say train or test"):
        OPEN[camera](kitti, "training")


def test_folders_that_are_missing_are_named(kitti: Path, camera: str):
    (kitti / "training/flow_occ").rename(kitti / "elsewhere")
    with pytest.raises(InputError, match=r"training/flow_occ: there is no such folder and KITTI 201[25] should"):
        OPEN[camera](kitti)
