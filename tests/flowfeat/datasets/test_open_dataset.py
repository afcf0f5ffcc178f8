from pathlib import Path

import pytest

from flowfeat.datasets import DATASET_NAMES, open_dataset
from flowfeat.errors import InputError


def test_the_names_are_those_of_the_command():
    assert sorted(DATASET_NAMES) == sorted(
        ["sintel", "kitti2012", "kitti2015", "middlebury", "flyingchairs", "chairssdhom", "things3d", "hd1k"]
    )


@pytest.mark.parametrize("name", DATASET_NAMES)
def test_every_name_opens_its_data_set(tmp_path: Path, name):
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=r"x: .* is neither here nor one folder further down or up") as told:
        open_dataset(name, str(tmp_path / "x"))
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match="has no split 'sideways'; say train or "):
        open_dataset(name, tmp_path / "x", "sideways")


@pytest.mark.parametrize("name", DATASET_NAMES)
def test_two_renderings_are_known_of_two_data_sets(tmp_path: Path, name):
    (tmp_path / "x").mkdir()
    wrong = "is neither here nor" if name in ("sintel", "things3d") else f"{name} is not rendered in two ways"
    with pytest.raises(InputError, match=wrong):
        open_dataset(name, tmp_path / "x", rendering="final")


def test_an_unknown_name_is_told_what_there_is(tmp_path: Path):
    with pytest.raises(InputError, match="there is no data set called 'kitti'; use one of sintel, kitti2012, "):
        open_dataset("kitti", tmp_path)


def test_what_papers_report_on_is_the_default(data: Path):
    assert open_dataset("flyingchairs", data / "flow/FlyingChairs_release").names == ("00001",)
    assert len(open_dataset("middlebury", data / "flow/middlebury")) == 4


@pytest.mark.parametrize("rendering", ["clean", "final"])
def test_the_rendering_is_passed_on(tmp_path: Path, write_frame, rendering):
    for number in (1, 2):
        write_frame(tmp_path / f"test/{rendering}/market_1/frame_000{number}.png")
    assert len(open_dataset("sintel", tmp_path, "test", rendering)) == 1
