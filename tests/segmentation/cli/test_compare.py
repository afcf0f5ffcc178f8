"""`flowfeat segmentation compare`, from the command line on."""

import json
import re

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_formats import write_label_maps
from fixture_results import make_otherwise, write_result
from fixture_tracks import points_of_labels

from flowfeat.cli import run

TWO = np.array([[0] * 6 + [255] * 4])
TRUE, ALONE = (TWO > 0).astype(np.int64), np.zeros((1, 10), np.int64)
NAMES = ("cars1", "cars4", "cars5")


@pytest.fixture
def fbms(tmp_path):
    for name in NAMES:
        write_shot(tmp_path / f"FBMS/Testset/{name}", (0, 255), {0: TWO})
    return tmp_path / "FBMS"


def result_of(home, fbms, **labels):
    masks = {name: [each] for name, each in labels.items()}
    return write_result(home, fbms, "fbms", {name: points_of_labels(each) for name, each in labels.items()}, masks)


def compare(*arguments):
    return run(["segmentation", "compare", *map(str, arguments)])


def test_two_runs_know_their_data_set_and_protocol(fbms, tmp_path, capsys):
    first = result_of(tmp_path / "a", fbms, cars1=TRUE, cars4=TRUE)
    second = result_of(tmp_path / "b", fbms, cars1=TRUE, cars4=ALONE, cars5=TRUE)
    assert compare(first, second, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["protocol"], told["root"], told["shots"]) == ("moseg", str(fbms), 2)
    assert (told["first"], told["second"]) == (str(first / "tracks"), str(second / "tracks"))
    assert (told["only_first"], told["only_second"]) == ([], ["cars5"])
    f = told["measures"]["F"]
    # As test_comparison.py works out.
    assert (f["first"], f["second"]) == (1, pytest.approx(9 / 11))
    assert f["interval"] == pytest.approx([0, 5 / 13])
    assert list(f["sequences"]) == ["cars4", "cars1"]
    assert f["few_shots"]
    assert f["one_cluster"] == {"first": pytest.approx(8 / 13), "second": pytest.approx(8 / 13)}
    assert told["measures"]["extracted"]["difference"] == 1
    assert told["resampling"] == {"resamples": 10_000, "confidence": 0.95, "seed": 0}


def test_people_read_a_table_and_what_it_tells(fbms, tmp_path, capsys):
    first = result_of(tmp_path / "a", fbms, cars1=TRUE, cars4=TRUE)
    second = result_of(tmp_path / "b", fbms, cars1=TRUE, cars4=ALONE, cars5=TRUE)
    assert compare(first, second) == 0
    said = capsys.readouterr().out
    assert f"moseg on {fbms}, all frames, 2 shots\nA: {first}/tracks\nB: {second}/tracks\n" in said
    assert re.search(r"\ncars4 +100.00 +61.54 +\+38.46 +1 +0 +\+1\ncars1 +100.00 +100.00 +\+0.00 +1 +1 +\+0\n", said)
    assert re.search(
        r"\nall +100.00 +81.82 +\+18.18 +2 +1 +\+1\n +one cluster +61.54 +61.54 +\+0.00 +0 +0 +\+0\n", said
    )
    assert re.search(r"F: A - B \+18.18, 95 % interval \+0.00 to \+38.46; of 10000 resamples of the shots A is", said)
    assert "2 shots are few: the interval tells little" in said
    assert "p could not be below 0.5." in said
    assert "only B has (1): cars5" in said
    assert compare(first, second, "--protocol", "binary-j") == 0
    said = capsys.readouterr().out
    assert re.search(rf"binary-j on {fbms}, 2 shots\nA: {first}/masks\n", said)
    # A with nothing is better in half of the object: J is 1 and 0.
    assert re.search(r"\nall +100.00 +50.00 +\+50.00\n", said)


def test_shots_of_other_settings_than_their_run_are_not_compared(fbms, tmp_path, capsys):
    first = result_of(tmp_path / "a", fbms, cars1=TRUE, cars4=TRUE)
    second = result_of(tmp_path / "b", fbms, cars1=TRUE, cars4=ALONE)
    make_otherwise(second, "cars4")
    assert compare(first, second, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["shots"], told["only_first"]) == (1, ["cars4"])
    assert (told["other_settings_first"], told["other_settings_second"]) == ([], ["cars4"])
    assert compare(first, second) == 1
    assert "of B, made with other settings than its run's (1): cars4\n" in f"{capsys.readouterr().out}\n"


def test_one_shot_has_no_interval(fbms, tmp_path, capsys):
    first, second = (result_of(tmp_path / name, fbms, cars1=labels) for name, labels in (("a", ALONE), ("b", TRUE)))
    assert compare(first, second) == 0
    said = capsys.readouterr().out
    assert "F: A - B -38.46; one shot has no interval" in said
    assert "1 shot tells nothing of others." in said
    assert compare(first, second, "--json") == 0
    assert json.loads(capsys.readouterr().out)["measures"]["F"]["interval"] is None


def test_less_error_is_told_to_be_better(fbms, tmp_path, capsys):
    first, second = (
        result_of(tmp_path / name, fbms, **dict.fromkeys(NAMES, labels)) for name, labels in (("a", TRUE), ("b", ALONE))
    )
    assert compare(first, second, "--protocol", "bms26") == 0
    said = capsys.readouterr().out
    assert re.search(r"overall error: A - B -40.00, .* A is better in 100.0 %, B in 0.0 % \(less is better\)", said)


def test_folders_of_masks_need_a_data_set(fbms, tmp_path, capsys):
    for name in ("a", "b"):
        write_label_maps(tmp_path / name / "cars1", [TRUE])
    assert compare(tmp_path / "a", tmp_path / "b") == 2
    assert "a: no run wrote this folder, so say with --root DATASET" in capsys.readouterr().err
    assert compare(tmp_path / "a", tmp_path / "b", "--root", fbms, "--json") == 0
    assert json.loads(capsys.readouterr().out)["measures"]["F"]["difference"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a", "nowhere"], "nowhere: there is no such folder"),
        (["nowhere", "a", "--root", "FBMS"], "nowhere: there is no such folder"),
        (["a", "c"], "have no shot in common (cars1 and cars4)"),
        (["a", "d"], "give results of one data set, or say with --root which one counts"),
        (["a", "a", "--root", "FBMS/Testset/cars1"], "cars1: this is neither FBMS-59 nor DAVIS; give one of them, or"),
        (["a", "a", "--protocol", "binary-j", "--window", "10"], "--window 10: binary-j scores whole shots"),
        (["a", "a", "--frames", "FBMS"], "--frames FBMS: moseg needs no pictures"),
        (["a", "a", "--protocol", "bideau"], "bideau scores against corrected ground truth of its own"),
        (["a", "a", "--window", "50"], "1 are shorter than the window"),
    ],
)
def test_bad_input_has_its_sentence(fbms, tmp_path, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    result_of(tmp_path / "a", fbms, cars1=TRUE)
    result_of(tmp_path / "c", fbms, cars4=TRUE)
    write_result(tmp_path / "d", tmp_path / "DAVIS", "davis", {"cars1": points_of_labels(TRUE)})
    assert compare(*arguments) == 2
    said = capsys.readouterr()
    assert (said.out, told in said.err) == ("", True), said.err
