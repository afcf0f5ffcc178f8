from pathlib import Path

import numpy as np
import pytest

from flowfeat.datasets import open_sintel
from flowfeat.errors import InputError
from flowfeat.formats import write_flow

SCENES = {"alley_1": 3, "ambush_2": 2}


@pytest.fixture
def sintel(tmp_path: Path, write_frame, write_mask, make_flow) -> Path:
    root = tmp_path / "sets" / "MPI-Sintel"
    for scene, count in SCENES.items():
        for number in range(1, count + 1):
            name = f"frame_{number:04d}"
            for rendering in ("clean", "final"):
                write_frame(root / f"training/{rendering}/{scene}/{name}.png")
            write_mask(root / f"training/invalid/{scene}/{name}.png")
            if number < count:
                write_flow(root / f"training/flow/{scene}/{name}.flo", make_flow(root / f"{scene}/{name}.flo"))
                write_mask(root / f"training/occlusions/{scene}/{name}.png")
    for number in range(1, 4):
        for rendering in ("clean", "final"):
            write_frame(root / f"test/{rendering}/market_1/frame_{number:04d}.png")
    (root / "training/clean/.DS_Store").write_bytes(b"")
    return root


@pytest.mark.parametrize("rendering", ["clean", "final"])
def test_a_training_pair_is_read(sintel: Path, write_frame, write_mask, make_flow, rendering):
    dataset = open_sintel(sintel, rendering=rendering)
    assert dataset.names == ("alley_1/frame_0001", "alley_1/frame_0002", "ambush_2/frame_0001")
    sample = dataset[1]
    folder = sintel / f"training/{rendering}/alley_1"
    np.testing.assert_array_equal(sample.frames, [write_frame(folder / f"frame_000{n}.png") for n in (2, 3)])
    np.testing.assert_array_equal(sample.flow, make_flow(sintel / "alley_1/frame_0002.flo"))
    mask = write_mask(sintel / "training/occlusions/alley_1/frame_0002.png")
    np.testing.assert_array_equal(sample.occluded, mask)
    assert sample.valid.all()


def test_invalid_pixels_can_be_left_out(sintel: Path, write_mask):
    sample = open_sintel(sintel, leave_out_invalid=True)[0]
    np.testing.assert_array_equal(sample.valid, ~write_mask(sintel / "training/invalid/alley_1/frame_0001.png"))
    (sintel / "training/invalid/alley_1/frame_0001.png").unlink()
    assert len(open_sintel(sintel)) == 3
    with pytest.raises(InputError, match=r"invalid/alley_1/frame_0001\.png: the file is missing"):
        open_sintel(sintel, leave_out_invalid=True)


def test_the_test_split_has_no_flow(sintel: Path):
    dataset = open_sintel(sintel, "test", "final", leave_out_invalid=True)
    assert dataset.names == ("market_1/frame_0001", "market_1/frame_0002")
    assert dataset[0].flow is dataset[0].occluded is None
    assert dataset[0].valid.all()


def test_without_occlusions_none_are_known(sintel: Path):
    (sintel / "training/occlusions").rename(sintel / "elsewhere")
    assert open_sintel(sintel)[0].occluded is None


@pytest.mark.parametrize("below", ["..", ".", "training", "test"])
def test_the_folder_above_and_the_one_below_will_do(sintel: Path, below):
    assert len(open_sintel(sintel / below)) == 3


@pytest.mark.parametrize(
    ("gone", "name"),
    [
        ("clean/alley_1/frame_0001.png", "alley_1/frame_0001"),
        ("clean/alley_1/frame_0003.png", "alley_1/frame_0002"),
        ("flow/alley_1/frame_0002.flo", "alley_1/frame_0002"),
        ("occlusions/ambush_2/frame_0001.png", "ambush_2/frame_0001"),
    ],
)
def test_what_is_missing_is_named_and_counted(sintel: Path, gone, name):
    (sintel / "training" / gone).unlink()
    with pytest.raises(InputError) as told:
        open_sintel(sintel)
    assert str(told.value) == (
        f"{sintel}/training/{gone}: the file is missing, so the pair {name} of MPI-Sintel is incomplete "
        "(1 of 3 pairs are); unpack it again"
    )


def test_a_gap_in_the_frames_is_named(sintel: Path):
    (sintel / "training/clean/alley_1/frame_0002.png").unlink()
    with pytest.raises(InputError, match=r"frame_0002\.png: .* alley_1/frame_0001 .* \(2 of 3 pairs are\)"):
        open_sintel(sintel)


def test_folders_that_are_missing_are_named(sintel: Path, tmp_path: Path):
    (sintel / "training/flow/ambush_2").rename(sintel / "elsewhere")
    with pytest.raises(InputError, match="training/flow/ambush_2: there is no such folder and MPI-Sintel should have"):
        open_sintel(sintel)
    (sintel / "training/flow").rename(sintel / "flow")
    with pytest.raises(InputError, match="training/flow: there is no such folder"):
        open_sintel(sintel)
    (sintel / "test/final").rename(sintel / "final")
    with pytest.raises(InputError, match="test/final: there is no such folder"):
        open_sintel(sintel, "test", "final")
    (tmp_path / "x").mkdir()
    with pytest.raises(
        InputError, match=r"x: MPI-Sintel is neither here nor .*; give the folder that MPI-Sintel-complete"
    ):
        open_sintel(tmp_path / "x")


def test_a_scene_of_one_frame_is_told(sintel: Path):
    for number in (2, 3):
        (sintel / f"test/clean/market_1/frame_000{number}.png").unlink()
    with pytest.raises(InputError, match="test/clean/market_1: a sequence needs two frames and has 1"):
        open_sintel(sintel, "test")


@pytest.mark.parametrize(("split", "rendering"), [("training", "clean"), ("train", "albedo")])
def test_what_the_data_set_has_not_is_told(sintel: Path, split, rendering):
    with pytest.raises(InputError, match=r"MPI-Sintel has no (split 'training'; say train or test|rendering 'albedo')"):
        open_sintel(sintel, split, rendering)
