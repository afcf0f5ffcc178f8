"""`flowfeat segmentation show`, from the command line on."""

import json
import re
import shutil

import numpy as np
import pytest
from fixture_overlays import FRAMES, HEIGHT, WIDTH, found, tracks_on, write_fbms, write_run
from fixture_results import write_result
from PIL import Image

from flowfeat.cli import run
from segmentation.formats.label_map import write_label_map


@pytest.fixture
def made(tmp_path):
    """A result of two shots of FBMS-59 with masks."""
    names = ("cars1", "tennis")
    return write_run(tmp_path / "result", write_fbms(tmp_path / "FBMS", names), names)


def _show(*arguments):
    return run(["segmentation", "show", *map(str, arguments)])


def test_a_sheet_of_all_shots_or_of_some(made, tmp_path, capsys):
    assert _show(made, "--out", tmp_path / "sheet.png", "--frames", "2") == 0
    assert capsys.readouterr().out == f"{tmp_path}/sheet.png: 2 shots drawn\n"
    both = np.array(Image.open(tmp_path / "sheet.png"))
    assert _show(made, "--shots", "tennis", "--out", tmp_path / "one.jpg", "--frames", "2") == 0
    one = np.array(Image.open(tmp_path / "one.jpg"))
    assert one.shape[1] == both.shape[1] == 15 + 6 * 315
    assert both.shape[0] > one.shape[0] + 225


def test_the_movie_of_a_shot(made, tmp_path, capsys):
    assert _show(made, "--shot", "cars1", "--out", tmp_path / "cars1.mp4", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    path = str(tmp_path / "cars1.mp4")
    assert told == {"out": path, "shots": ["cars1"], "drawn": {path: FRAMES}}
    assert (tmp_path / "cars1.mp4").stat().st_size > 1000


def test_a_folder_gets_the_sheet_and_all_movies(made, tmp_path, capsys):
    assert _show(made, "--out", tmp_path / "pictures") == 0
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["cars1.mp4", "sheet.png", "tennis.mp4"]
    assert capsys.readouterr().out.count(f"{FRAMES} frames drawn") == 2


def test_frames_that_have_moved_are_found_in_the_root(made, tmp_path, capsys):
    (tmp_path / "FBMS").rename(tmp_path / "elsewhere")
    assert _show(made, "--out", tmp_path / "sheet.png") == 2
    said = capsys.readouterr().err
    assert "FBMS/Testset/cars1: the frames of cars1 are no longer there; say --root" in said
    assert _show(made, "--out", tmp_path / "sheet.png", "--root", tmp_path / "elsewhere") == 0


def test_a_result_without_masks_or_truth_or_objects_is_shown(tmp_path, capsys):
    root = write_fbms(tmp_path / "FBMS")
    shutil.rmtree(root / "Testset/cars1/GroundTruth")
    sparse = write_run(tmp_path / "sparse", root, dense=False)
    assert _show(sparse, "--out", tmp_path / "sparse.png") == 0
    assert Image.open(tmp_path / "sparse.png").width == 15 + 3 * 315
    unsegmented = tracks_on(found())
    write_result(
        tmp_path / "tracked",
        root,
        "fbms",
        {
            "cars1": type(unsegmented)(
                unsegmented.trajectories, unsegmented.features, unsegmented.cause, HEIGHT, WIDTH, None, None
            )
        },
    )
    assert _show(tmp_path / "tracked", "--root", root, "--out", tmp_path / "tracked.mp4") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "--out", "a.png"], "nowhere: this is no result of `flowfeat segmentation run`"),
        (["result", "--out", "a.gif"], "a.gif: a movie is .mp4, a sheet is .png or .jpg, and a folder has no ending"),
        (["result", "--out", "a.mp4"], "a.mp4: a movie is of one shot and there are 2; name it with --shot"),
        (
            ["result", "--out", "a.mp4", "--shot", "lion"],
            "there is no shot 'lion' in this result; it has cars1, tennis",
        ),
        (["result", "--out", "a.png", "--shots", "cars1", "lion"], "there is no shot 'lion' in this result"),
        (["result", "--out", "a.png", "--shot", "cars1", "--shots", "tennis"], "say one of them"),
        (["result", "--out", "a.mp4", "--shot", "cars1", "--frames", "3"], "--frames is of a sheet"),
        (["result", "--out", "a.png", "--frames", "0"], "0 frames of each shot leave nothing to see"),
        (["result", "--out", "a.png", "--root", "empty"], "empty"),
    ],
)
def test_wrong_usage_has_its_sentence(made, tmp_path, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert _show(*arguments) == 2
    said = capsys.readouterr()
    assert (said.out, told in said.err) == ("", True), said.err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (
            lambda result, root: write_label_map(result / "masks/cars1/00004.png", found().T),
            "expected 64 x 48 pixels as its ground truth, got 48 x 64",
        ),
        (
            lambda result, root: (result / "masks/cars1/00004.png").unlink(),
            "00004.png: the frame is annotated and has no label map",
        ),
        (
            lambda result, root: Image.new("RGB", (10, 9)).save(root / "Testset/cars1/cars1_0001.jpg"),
            "frame 0 is 10x9 and the tracks of cars1 were made in 64x48",
        ),
        (
            lambda result, root: (result / "tracks/cars1/tracks.safetensors").write_bytes(b"\0" * 90),
            "this file of tracks is damaged",
        ),
        (lambda result, root: (result / "shots/cars1.json").write_text("{"), "the record of the shot is damaged"),
        (
            lambda result, root: [path.unlink() for path in (result / "shots").iterdir()],
            "no shot of this result is done",
        ),
    ],
)
def test_damage_has_its_sentence(made, tmp_path, capsys, harm, told):
    harm(made, tmp_path / "FBMS")
    assert _show(made, "--out", tmp_path / "sheet.png") == 2
    said = capsys.readouterr().err
    assert re.search(re.escape(told), said), said
    assert not (tmp_path / "sheet.png").exists()


def test_it_is_in_the_overview_and_has_help_with_an_example(capsys):
    assert run(["--help"]) == 0
    (line,) = re.findall(r"\n +segmentation show +(\S.*)", capsys.readouterr().out)
    assert line.startswith("draw a segmentation over its frames")
    with pytest.raises(SystemExit) as ended:
        run(["segmentation", "show", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "flowfeat segmentation show RESULT --out sheet.png" in said
    assert "--json" in said
