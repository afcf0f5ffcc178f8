"""FBMS-59: lists, layout, ground truth."""

import numpy as np
import pytest
from fixture_fbms import write_shot
from PIL import Image

from flowfeat.errors import FormatError, InputError
from segmentation.fbms import SURE, TEST, TRAINING, is_fbms, open_fbms, open_shot, shot_folders

RED, WHITE, ODD = 0xFF0000, 0xFFFFFF, 0x123456


def test_the_lists_are_the_official_ones():
    assert (len(TRAINING), len(TEST), len({*TRAINING, *TEST})) == (29, 30, 59)
    assert (TRAINING[0], TRAINING[-1], TEST[0], TEST[-1]) == ("cars2", "rabbits05", "cars1", "rabbits04")


def test_the_real_shot_is_read(data):
    (shot,) = open_fbms(data / "segmentation/FBMS")
    assert (shot.name, shot.definition.frames, len(shot.images)) == ("cars1", 19, 19)
    assert shot.images[0].name == "cars1_01.ppm"
    truth = shot.read_truth(shot.definition.annotations[0])
    # As many pixels of 0, 128 and 255 as Pillow counts.
    assert np.bincount(truth.region.ravel()).tolist() == [251253, 2830, 53117]
    assert (truth.weight.min(), truth.unknown, truth.probabilities) == (SURE, 0, False)
    assert truth.region.shape == (480, 640)


def test_shots_come_in_official_order_and_strangers_last(tmp_path):
    grey = {0: np.zeros((2, 3), np.int64)}
    for place in ("Trainingset/bear01", "Trainingset/cars2", "Testset/zebra", "Testset/tennis", "Testset/marple9"):
        write_shot(tmp_path / place, (0,), grey)
    assert list(shot_folders(tmp_path)) == ["cars2", "bear01", "marple9", "tennis", "zebra"]
    assert [shot.name for shot in open_fbms(tmp_path / "Testset")] == ["marple9", "tennis", "zebra"]
    assert is_fbms(tmp_path / "Testset")
    assert not is_fbms(tmp_path / "Testset/tennis")


def test_grey_values_are_regions_whatever_their_order(tmp_path):
    path = write_shot(tmp_path / "a", (255, 0, 128), {0: np.array([[0, 128, 255]])})
    shot = open_shot(path)
    truth = shot.read_truth(shot.definition.annotations[0])
    assert truth.region.tolist() == [[1, 2, 0]]
    assert (truth.weight == SURE).all()


def test_colours_are_regions_and_the_probability_map_weighs_them(tmp_path):
    weight = {0: np.array([[255, 0, 100]])}
    path = write_shot(
        tmp_path / "a", (WHITE, RED), {0: np.array([[RED, WHITE, RED]])}, probabilities=weight, coloured=True
    )
    shot = open_shot(path)
    truth = shot.read_truth(shot.definition.annotations[0])
    assert (truth.region.tolist(), truth.weight.tolist()) == ([[1, 0, 1]], [[255, 0, 100]])
    assert truth.probabilities
    path.with_name("001_gt.pgm").unlink()
    truth = shot.read_truth(shot.definition.annotations[0])
    assert (truth.weight.tolist(), truth.probabilities) == ([[255] * 3], False)


@pytest.mark.parametrize(("unknown", "region"), [("official", 0), ("ignore", -1)])
def test_an_unknown_colour_is_background_or_nothing(tmp_path, unknown, region):
    path = write_shot(tmp_path / "a", (WHITE, RED), {0: np.array([[RED, ODD, WHITE, 0]])}, coloured=True)
    shot = open_shot(path)
    truth = shot.read_truth(shot.definition.annotations[0], unknown)
    assert (truth.region.tolist(), truth.unknown) == ([[1, region, 0, region]], 2)


def test_the_name_of_a_shot_is_the_definitions(tmp_path):
    path = write_shot(tmp_path / "a", (0,), {0: np.zeros((1, 1), np.int64)})
    assert open_shot(path).name == "a"
    assert open_shot(path.rename(path.with_name("Def.dat"))).name == "a"


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(InputError, match="neither Trainingset nor Testset is here"):
        open_fbms(tmp_path)
    (tmp_path / "Testset").mkdir()
    with pytest.raises(InputError, match="there is no shot in it"):
        open_fbms(tmp_path)
    path = write_shot(tmp_path / "Testset/tennis", (WHITE, RED), {0: np.full((2, 2), RED)}, coloured=True)
    shot = open_fbms(tmp_path)[0]
    truth = path.with_name("001_gt.ppm")
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(path.with_name("001_gt.pgm"))
    with pytest.raises(InputError, match=r"001_gt\.pgm: it is 3x2 and 001_gt\.ppm is 2x2"):
        shot.read_truth(shot.definition.annotations[0])
    truth.write_bytes(truth.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"001_gt\.ppm: the picture cannot be decoded"):
        shot.read_truth(shot.definition.annotations[0])
    truth.unlink()
    with pytest.raises(InputError, match=r"001_gt\.ppm: the annotated frame is missing and tennisDef\.dat names it"):
        shot.read_truth(shot.definition.annotations[0])
    path.write_text("short")
    with pytest.raises(FormatError, match="cut short"):
        open_fbms(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"tennisDef\.dat: the file is missing"):
        open_fbms(tmp_path)


def test_a_shot_in_both_splits_is_refused(tmp_path):
    for split in ("Trainingset", "Testset"):
        write_shot(tmp_path / split / "cars1", (0,), {0: np.zeros((1, 1), np.int64)})
    with pytest.raises(InputError, match="the shot is in both splits"):
        shot_folders(tmp_path)
