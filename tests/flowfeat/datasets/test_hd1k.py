from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import open_hd1k
from flowfeat.errors import InputError
from flowfeat.formats import write_flow

KNOWN = np.random.default_rng(0).random((6, 8)) < 0.7


@pytest.fixture
def hd1k(tmp_path: Path, write_frame, make_flow) -> Path:
    """Sequences of three frames and of two; every frame has flow, the last ones too."""
    root = tmp_path / "sets" / "HD1K"
    for name in ("000000_0010", "000000_0011", "000000_0012", "000001_0010", "000001_0011"):
        write_frame(root / f"hd1k_input/image_2/{name}.png")
        path = root / f"hd1k_flow_gt/flow_occ/{name}.png"
        write_flow(path, make_flow(path), KNOWN)
        write_frame(root / f"hd1k_flow_uncertainty/flow_unc/{name}.png")
    for name in ("000000_10", "000000_11"):
        write_frame(root / f"hd1k_challenge/image_2/{name}.png")
    return root


def test_pairs_stay_within_their_sequence(hd1k: Path, write_frame, make_flow):
    dataset = open_hd1k(hd1k)
    assert dataset.names == ("000000_0010", "000000_0011", "000001_0010")
    sample = dataset[1]
    frames = [write_frame(hd1k / f"hd1k_input/image_2/000000_00{n}.png") for n in (11, 12)]
    np.testing.assert_array_equal(sample.frames, frames)
    np.testing.assert_array_equal(sample.valid, KNOWN)
    flow = make_flow(hd1k / "hd1k_flow_gt/flow_occ/000000_0011.png")
    np.testing.assert_array_equal(sample.flow, np.where(KNOWN, flow, 0))
    assert sample.occluded is None


def test_the_challenge_has_no_flow(hd1k: Path):
    dataset = open_hd1k(hd1k, "test")
    assert dataset.names == ("000000_10",)
    assert dataset[0].flow is None


@pytest.mark.parametrize("below", ["..", ".", "hd1k_input", "hd1k_flow_gt", "hd1k_challenge"])
def test_the_folder_above_and_the_one_below_will_do(hd1k: Path, below):
    assert len(open_hd1k(hd1k / below)) == 3


@pytest.mark.parametrize(
    ("gone", "name", "count"),
    [
        ("hd1k_input/image_2/000000_0010.png", "000000_0010", 1),
        ("hd1k_input/image_2/000000_0011.png", "000000_0010", 2),
        ("hd1k_input/image_2/000000_0012.png", "000000_0011", 1),
        ("hd1k_flow_gt/flow_occ/000000_0011.png", "000000_0011", 1),
    ],
)
def test_what_is_missing_is_named_and_counted(hd1k: Path, gone, name, count):
    (hd1k / gone).unlink()
    with pytest.raises(InputError) as told:
        open_hd1k(hd1k)
    assert str(told.value) == (
        f"{hd1k}/{gone}: the file is missing, so the pair {name} of HD1K is incomplete ({count} of 3 pairs are); "
        "unpack it again"
    )


def test_folders_that_are_missing_are_named(hd1k: Path, tmp_path: Path):
    (hd1k / "hd1k_flow_gt").rename(hd1k / "elsewhere")
    with pytest.raises(InputError, match="hd1k_flow_gt/flow_occ: there is no such folder and HD1K should have it"):
        open_hd1k(hd1k)
    (hd1k / "hd1k_challenge/image_2/000000_11.png").unlink()
    with pytest.raises(InputError, match=r"000000_11\.png: the file is missing"):
        open_hd1k(hd1k, "test")
    (hd1k / "hd1k_challenge/image_2/000000_10.png").unlink()
    with pytest.raises(InputError, match="HD1K: no pair of frames was found"):
        open_hd1k(hd1k, "test")
    (tmp_path / "x").mkdir()
    with pytest.raises(InputError, match=r"HD1K is neither here nor .* hd1k_input/image_2"):
        open_hd1k(tmp_path / "x")
    with pytest.raises(InputError, match="HD1K has no split 'challenge'; say train or test"):
        open_hd1k(hd1k, "challenge")
