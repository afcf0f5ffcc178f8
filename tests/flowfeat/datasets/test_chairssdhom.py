from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import open_chairs_sdhom
from flowfeat.errors import InputError


@pytest.fixture
def release(tmp_path: Path, write_frame, make_flow, write_lmb_pfm) -> Path:
    """Three pairs to train on, one to test on; the second flow is big-endian."""
    root = tmp_path / "sets" / "ChairsSDHom"
    for split, numbers in {"train": (0, 1, 2), "test": (0,)}.items():
        for number in numbers:
            for kind in ("t0", "t1"):
                write_frame(root / f"data/{split}/{kind}/{number:05d}.png")
            path = root / f"data/{split}/flow/{number:05d}.pfm"
            write_lmb_pfm(path, make_flow(path), big_endian=number == 1)
    return root


@pytest.mark.parametrize("number", [0, 1])
def test_flow_is_read_from_the_bottom_row_in_either_byte_order(release: Path, write_frame, make_flow, number):
    dataset = open_chairs_sdhom(release)
    assert dataset.names == ("00000", "00001", "00002")
    sample = dataset[number]
    frames = [write_frame(release / f"data/train/{kind}/{number:05d}.png") for kind in ("t0", "t1")]
    np.testing.assert_array_equal(sample.frames, frames)
    np.testing.assert_array_equal(sample.flow, make_flow(release / f"data/train/flow/{number:05d}.pfm"))
    assert sample.valid.all()
    assert sample.occluded is None


def test_the_test_split_has_flow_too(release: Path):
    dataset = open_chairs_sdhom(release, "test")
    assert len(dataset) == 1
    assert dataset[0].flow is not None


@pytest.mark.parametrize("below", ["..", ".", "data"])
def test_the_folder_above_and_the_one_below_will_do(release: Path, below):
    assert len(open_chairs_sdhom(release / below)) == 3


@pytest.mark.parametrize("gone", ["t0/00001.png", "t1/00001.png", "flow/00001.pfm"])
def test_what_is_missing_is_named_and_counted(release: Path, gone):
    (release / "data/train" / gone).unlink()
    with pytest.raises(InputError) as told:
        open_chairs_sdhom(release)
    assert str(told.value) == (
        f"{release}/data/train/{gone}: the file is missing, so the pair 00001 of ChairsSDHom is incomplete "
        "(1 of 3 pairs are); unpack it again"
    )


def test_folders_that_are_missing_are_named(release: Path, tmp_path: Path):
    (release / "data/train/t1").rename(tmp_path / "t1")
    with pytest.raises(InputError, match="data/train/t1: there is no such folder and ChairsSDHom should have it"):
        open_chairs_sdhom(release)
    with pytest.raises(InputError, match="ChairsSDHom has no split 'validation'; say train or test"):
        open_chairs_sdhom(release, "validation")
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=r"x: ChairsSDHom is neither here nor .* data/train/t0 or data/test/t0"):
        open_chairs_sdhom(tmp_path / "x")
