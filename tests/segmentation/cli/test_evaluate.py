"""`flowfeat segmentation evaluate` and `doctor`, from the command line on."""

import json
import re

import numpy as np
import pytest
from fixture_fbms import along, points, write_shot
from fixture_formats import write_label_maps
from fixture_results import make_otherwise, write_result
from fixture_tracks import points_of_labels

from flowfeat.cli import run
from segmentation.formats import write_label_map, write_tracks

TWO = np.array([[0] * 6 + [255] * 4])


@pytest.fixture
def fbms(tmp_path):
    for name in ("cars1", "tennis"):
        write_shot(tmp_path / f"FBMS/Testset/{name}", (0, 255), {0: TWO})
    write_shot(tmp_path / "FBMS/Trainingset/cars2", (0, 255), {0: TWO})
    return tmp_path / "FBMS"


def _json(capsys, *arguments):
    status = run(["segmentation", *map(str, arguments), "--json"])
    return status, json.loads(capsys.readouterr().out)


def _one_shot(fbms, tracks):
    write_tracks(fbms / "tracks.dat", tracks)
    definition = fbms / "Testset/cars1/GroundTruth/cars1Def.dat"
    return "--definition", definition, "--tracks", fbms / "tracks.dat"


def test_one_shot_as_the_contract_has_it(fbms, capsys):
    given = _one_shot(fbms, points({0: [*along(0, range(5)), (6, 0)], 1: along(0, range(7, 10))}))
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", *given)
    # test_moseg.py: P = 11/12, R = 7/8, F = 77/86, density (5/6 + 4/4)/2.
    assert status == 0
    assert (told["protocol"], told["visible"], told["extracted"], told["window"]) == ("moseg", 1, 1, 10)
    assert told["density"] == pytest.approx(100 * 11 / 12)
    assert (told["precision"], told["recall"]) == (pytest.approx(11 / 12), 0.875)
    assert told["f_measure"] == pytest.approx(77 / 86)
    # All 9 points in one: P = (5/9 + 1)/2, R = 1/2.
    assert told["one_cluster"]["precision"] == pytest.approx(7 / 9)
    # F of the object is 6/7, so with a threshold of 0.9 only the background is above.
    assert _json(capsys, "evaluate", "--protocol", "moseg", "--threshold", "0.9", *given)[1]["extracted"] == 0


def test_undefined_is_null(fbms, capsys):
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", *_one_shot(fbms, points({})))
    assert (status, told["density"], told["precision"], told["recall"], told["f_measure"]) == (0, 0, 0, 0, None)
    assert (told["visible"], told["extracted"]) == (1, 0)


def test_the_other_protocols_name_themselves(fbms, capsys):
    given = _one_shot(fbms, points({0: along(0, range(10))}))
    assert _json(capsys, "evaluate", "--protocol", "moseg-strict", *given)[1]["precision"] == 0.6
    assert _json(capsys, "evaluate", "--protocol", "bms26", *given)[1]["overall_error"] == pytest.approx(40)
    for protocol in ("moseg", "moseg-strict", "bms26"):
        assert run(["segmentation", "evaluate", "--protocol", protocol, *map(str, given)]) == 0
        said = capsys.readouterr().out
        assert said.count(f" {protocol} ") == 2
        assert "one cluster" in said


def test_a_data_set_of_label_maps_and_track_files(fbms, tmp_path, capsys):
    results = tmp_path / "results"
    write_label_map(results / "cars1/00000.png", (TWO > 0).astype(np.int64))
    results.joinpath("tennis").mkdir()
    write_tracks(results / "tennis/Tracks10.dat", points({0: along(0, range(10))}))
    (results / "notes").mkdir()
    given = ("--root", fbms, "--results", results)
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", *given)
    # cars1 is perfect; tennis is one cluster: P = 0.8, R = 0.5. Means 0.9 and 0.75, F = 9/11. cars2 is of a split that
    # has no result at all, and is not asked for.
    assert status == 0
    assert (told["precision"], told["recall"]) == (pytest.approx(0.9), 0.75)
    assert told["f_measure"] == pytest.approx(9 / 11)
    assert (told["window"], told["evaluated"], told["missing"], told["without_truth"]) == ("all", 2, [], ["notes"])
    assert told["sequences"]["cars1"]["f_measure"] == 1
    assert told["one_cluster"]["f_measure"] == pytest.approx(0.8 / 1.3)
    # A window of 50 is longer than both shots.
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", "--window", "50", *given)
    assert (told["shorter"], told["f_measure"], told["evaluated"]) == (["cars1", "tennis"], None, 0)
    assert run(["segmentation", "evaluate", "--protocol", "bms26", *map(str, given)]) == 0
    assert re.search(r"2 shots +bms26", capsys.readouterr().out)


def test_the_strict_score_stands_beside_the_official_one(fbms, tmp_path, capsys):
    given = _one_shot(fbms, points({0: along(0, range(10))}))
    told = _json(capsys, "evaluate", "--protocol", "moseg", *given)[1]
    # Strictly one cluster has P = 6/10 and R = (1 + 0)/2.
    assert (told["protocol"], told["strict"]["protocol"]) == ("moseg", "moseg-strict")
    assert (told["strict"]["precision"], told["strict"]["recall"]) == (0.6, 0.5)
    assert "strict" not in _json(capsys, "evaluate", "--protocol", "moseg-strict", *given)[1]
    assert "strict" not in _json(capsys, "evaluate", "--protocol", "bms26", *given)[1]
    for name in ("cars1", "tennis"):
        write_label_map(tmp_path / f"results/{name}/00000.png", np.zeros_like(TWO))
    given = ("--root", fbms, "--results", tmp_path / "results")
    told = _json(capsys, "evaluate", "--protocol", "moseg", *given)[1]
    assert told["strict"]["f_measure"] == pytest.approx(0.6 / 1.1)
    assert told["sequences"]["tennis"]["strict"]["precision"] == 0.6
    assert run(["segmentation", "evaluate", "--protocol", "moseg", *map(str, given)]) == 0
    said = capsys.readouterr().out
    for shot in ("cars1", "tennis", "2 shots"):
        assert re.search(rf"\n{shot} +moseg .*\n +strict +moseg-strict .* 60.00 .*\n", said)
        assert re.search(rf"\n{shot} .*\n.*\n +one cluster +moseg ", said)


def test_a_run_is_found_with_its_part_and_its_data_set(fbms, tmp_path, capsys):
    shots = dict.fromkeys(("cars1", "tennis"), points_of_labels(TWO > 0))
    home = write_result(tmp_path / "run", fbms, "fbms", shots, {name: [TWO * 0] for name in shots})
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", "--results", home)
    # The tracks are perfect and the masks are empty.
    assert (status, told["f_measure"], told["results"]) == (0, 1, str(home / "tracks"))
    told = _json(capsys, "evaluate", "--protocol", "binary-j", "--results", home)[1]
    assert (told["J_mean"], told["results"]) == (0, str(home / "masks"))
    told = _json(capsys, "evaluate", "--protocol", "binary-j", "--root", fbms, "--results", home)[1]
    assert told["J_mean"] == 0
    # What a killed run left of a shot is no result.
    (home / "shots/tennis.json").unlink()
    status, told = _json(capsys, "evaluate", "--protocol", "moseg", "--results", home)
    assert (status, list(told["sequences"]), told["missing"]) == (1, ["cars1"], ["tennis"])
    assert run(["segmentation", "evaluate", "--protocol", "moseg", "--results", str(home)]) == 1
    assert "no result: tennis" in capsys.readouterr().out
    for protocol, part in (("moseg-strict", "tracks"), ("binary-j", "masks")):
        assert run(["segmentation", "evaluate", "--protocol", protocol, "--results", str(home)]) == 1
        assert f"results: {home / part}\n" in f"{capsys.readouterr().out}\n"


def test_a_run_over_a_result_of_other_settings_is_not_mixed_with_it(fbms, tmp_path, capsys):
    shots = {"cars1": points_of_labels(TWO > 0), "tennis": points_of_labels(TWO * 0)}
    home = write_result(tmp_path / "run", fbms, "fbms", shots, {"cars1": [TWO > 0], "tennis": [TWO * 0]})
    make_otherwise(home, "tennis")
    for protocol, name in (("moseg", "f_measure"), ("binary-j", "J_mean")):
        status, told = _json(capsys, "evaluate", "--protocol", protocol, "--results", home)
        assert (status, told[name], list(told["sequences"])) == (1, 1, ["cars1"])
        assert told["missing"] == told["other_settings"] == ["tennis"]
        assert run(["segmentation", "evaluate", "--protocol", protocol, "--results", str(home)]) == 1
        assert re.search(r"other[_ ]settings.*: tennis\n", f"{capsys.readouterr().out}\n")


@pytest.mark.parametrize(("protocol", "folder"), [("davis", "Annotations_unsupervised"), ("binary-j", "Annotations")])
def test_sequences_of_davis_without_a_result_are_named_and_the_others_scored(protocol, folder, tmp_path, capsys):
    objects = np.zeros((20, 30), np.int64)
    objects[5:15, 5:20] = 1
    davis, results = tmp_path / "DAVIS", tmp_path / "results"
    for name in ("bear", "dog", "train"):
        write_label_maps(davis / folder / "480p" / name, [objects] * 4)
    for year in ("2016", "2017"):
        (davis / "ImageSets" / year).mkdir(parents=True)
        (davis / "ImageSets" / year / "val.txt").write_text("bear\ndog\n")
    write_label_maps(results / "train", [objects] * 4)
    given = ("--protocol", protocol, "--root", davis, "--results", results)
    assert run(["segmentation", "evaluate", *map(str, given)]) == 2
    assert f"results: none of the 2 shots that {protocol} scores of" in capsys.readouterr().err
    write_label_maps(results / "dog", [objects] * 4)
    status, told = _json(capsys, "evaluate", *given)
    assert (status, list(told["sequences"]), told["J_mean"]) == (1, ["dog"], 1)
    assert (told["missing"], told["left_out"], told["other_settings"]) == (["bear"], ["train"], [])
    assert run(["segmentation", "evaluate", *map(str, given)]) == 1
    assert "\nmissing: bear\n" in capsys.readouterr().out
    # A sequence that is there in part is told before the whole ones are scored, which takes minutes.
    write_label_maps(results / "bear", [objects] * 2)
    (results / "dog/00001.png").write_bytes(b"")
    assert run(["segmentation", "evaluate", *map(str, given)]) == 2
    assert "bear/00002.png: this label map is missing" in capsys.readouterr().err


def test_shots_of_bideau_and_of_fbms_without_a_mask_are_named(fbms, tmp_path, capsys):
    for name in ("cars1", "tennis"):
        write_label_maps(tmp_path / "truth" / name, [TWO // 255])
    write_label_maps(tmp_path / "results/cars1", [TWO // 255])
    for protocol, root, score in (("bideau", tmp_path / "truth", "f_measure"), ("binary-j", fbms, "J_mean")):
        given = ("--protocol", protocol, "--root", root, "--results", tmp_path / "results")
        status, told = _json(capsys, "evaluate", *given)
        assert (status, told[score], told["missing"]) == (1, 1, ["tennis"])


def test_bideau_is_given_the_pictures(tmp_path, capsys):
    truth = np.array([[0, 0, 1, 1]])
    (tmp_path / "frames/a").mkdir(parents=True)
    for number in (12, 13):
        (tmp_path / f"frames/a/a_{number}.jpg").touch()
    write_label_map(tmp_path / "truth/a/00012.png", truth)
    write_label_map(tmp_path / "results/a/00000.png", truth * 0)
    given = ("--protocol", "bideau", "--root", tmp_path / "truth", "--results", tmp_path / "results")
    status, told = _json(capsys, "evaluate", *given, "--frames", tmp_path / "frames")
    # The background with P = 1/2 and R = 1, F = 2/3, over two labels 1/3, as one cluster has it.
    assert (status, told["f_measure"]) == (0, pytest.approx(1 / 3))
    assert told["one_cluster"] == told["sequences"]["a"]["one_cluster"] == {"f_measure": pytest.approx(1 / 3)}
    assert run(["segmentation", "evaluate", *map(str, given), "--frames", str(tmp_path / "frames")]) == 0
    said = capsys.readouterr().out
    assert "one_cluster: f_measure 0.3333" in said
    assert "one_cluster f_measure" in said.splitlines()[said.splitlines().index("one_cluster: f_measure 0.3333") + 1]
    assert run(["segmentation", "evaluate", *map(str, given)]) == 2
    assert "results/a/00012.png: this label map is missing" in capsys.readouterr().err


def test_a_shot_without_a_result_is_told_and_the_status_is_1(fbms, tmp_path, capsys):
    write_label_map(tmp_path / "results/cars1/00000.png", np.zeros_like(TWO))
    given = [
        "segmentation",
        "evaluate",
        "--protocol",
        "moseg",
        "--root",
        str(fbms),
        "--results",
        str(tmp_path / "results"),
    ]
    assert run(given) == 1
    assert "no result: tennis" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda fbms, results: (results / "cars1/00000.png").unlink(), "the frame is annotated and has no label map"),
        (
            lambda fbms, results: write_label_map(results / "cars1/00000.png", TWO.T),
            "is 1x10 and the ground truth is 10x1",
        ),
        (lambda fbms, results: results.rename(results.with_name("elsewhere")), "there is no such folder"),
        (lambda fbms, results: (results / "cars1").rename(results / "other"), "no folder of the name of a shot"),
        (
            lambda fbms, results: (fbms / "Testset/cars1/GroundTruth/001_gt.pgm").unlink(),
            "the annotated frame is missing",
        ),
        (lambda fbms, results: (fbms / "Testset/cars1/GroundTruth/cars1Def.dat").write_text("x\n"), "cut short"),
    ],
)
def test_bad_input_has_its_sentence(fbms, tmp_path, capsys, harm, told):
    results = tmp_path / "results"
    write_label_map(results / "cars1/00000.png", np.zeros_like(TWO))
    harm(fbms, results)
    assert run(["segmentation", "evaluate", "--protocol", "moseg", "--root", str(fbms), "--results", str(results)]) == 2
    said = capsys.readouterr()
    assert (said.out, told in said.err) == ("", True), said.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing was given; say --definition Def.dat --tracks FILE"),
        (["--definition", "a"], "--definition was given"),
        (["--definition", "a", "--tracks", "b", "--root", "c"], "--definition --tracks --root was given"),
        (["--definition", "a", "--tracks", "b", "--window", "10"], "the window of a track file is its first number"),
        (["--definition", "nowhere", "--tracks", "nowhere"], "nowhere: No such file"),
        (["--definition", "a", "--tracks", "b", "--frames", "c"], "--frames c: moseg needs no pictures"),
        (
            ["--definition", "a", "--tracks", "b", "--protocol", "bms26", "--threshold", "0.9"],
            "--threshold 0.9: it is of",
        ),
        (
            ["--results", "a", "--protocol", "bms26", "--threshold", "0.75"],
            "--threshold 0.75: it is of moseg and moseg-s",
        ),
        (
            ["--results", "a", "--protocol", "davis", "--window", "10"],
            "--window 10: davis scores whole shots; leave it",
        ),
        (["--results", "a", "--protocol", "bideau", "--window", "50"], "--window 50: bideau scores whole shots"),
        (
            ["--results", "a", "--protocol", "binary-j", "--unknown", "official"],
            "--unknown official: it is of moseg, mos",
        ),
        (
            ["--results", "a", "--protocol", "davis", "--threshold", "0.5"],
            "moseg-strict, and davis does not look at it",
        ),
        (["--results", "nowhere"], "nowhere: there is no such folder"),
        (["--results", "."], "no run wrote this folder, so say with --root DATASET"),
    ],
)
def test_wrong_usage_has_its_sentence(capsys, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    assert run(["segmentation", "evaluate", "--protocol", "moseg", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_track_files_of_another_window_are_told(fbms, tmp_path, capsys):
    (tmp_path / "results/cars1").mkdir(parents=True)
    write_tracks(tmp_path / "results/cars1/Tracks50.dat", points({}, window=50))
    arguments = ["--root", str(fbms), "--results", str(tmp_path / "results")]
    assert run(["segmentation", "evaluate", "--protocol", "moseg", *arguments]) == 2
    assert "0 of its 1 track files are for a window of 10 frames" in capsys.readouterr().err


def test_tracks_of_a_whole_shot_are_of_no_shorter_window(tmp_path, capsys):
    write_shot(tmp_path / "FBMS/Testset/cars1", (0, 255), {0: TWO}, frames=60)
    shots, masks = {"cars1": points_of_labels(TWO > 0, frames=60)}, {"cars1": [TWO > 0]}
    home = write_result(tmp_path / "run", tmp_path / "FBMS", "fbms", shots, masks)
    given = ("--protocol", "moseg", "--window", "50")
    assert run(["segmentation", "evaluate", *given, "--results", str(home)]) == 2
    said = capsys.readouterr().err
    assert "tracks/cars1: its tracks were made from all 60 frames of the shot" in said
    assert "a window of 50 scores tracks that were made from the first 50 alone; leave the window out" in said
    assert run(["segmentation", "compare", str(home), str(home), "--window", "50"]) == 2
    assert "made from all 60 frames" in capsys.readouterr().err
    # Masks have no such limit.
    given = (*given, "--root", tmp_path / "FBMS", "--results", home / "masks")
    assert _json(capsys, "evaluate", *given)[1]["f_measure"] == 1


def test_davis_binary_and_bideau_are_reached(fbms, tmp_path, capsys):
    objects = np.zeros((20, 30), np.int64)
    objects[5:15, 5:20] = 1
    davis, results = tmp_path / "DAVIS", tmp_path / "results"
    for frame in range(4):
        write_label_map(davis / f"Annotations_unsupervised/480p/bear/{frame:05d}.png", objects)
        write_label_map(davis / f"Annotations/480p/bear/{frame:05d}.png", objects * 255)
        write_label_map(results / f"bear/{frame:05d}.png", objects)
    status, told = _json(capsys, "evaluate", "--protocol", "davis", "--root", davis, "--results", results)
    assert (status, told["JF_mean"], told["sequences"]["bear"]["J_mean"]) == (0, 1, 1)
    assert set(told) >= {"JF_mean", "J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay"}
    status, told = _json(capsys, "evaluate", "--protocol", "binary-j", "--root", davis, "--results", results)
    assert (status, told["sequences"]["bear"]["J_mean"]) == (0, 1)
    truth = davis / "Annotations_unsupervised/480p"
    status, told = _json(capsys, "evaluate", "--protocol", "bideau", "--root", truth, "--results", results)
    assert (status, told["f_measure"]) == (0, 1)
    for name in ("cars1", "tennis"):
        write_label_map(tmp_path / f"masks/{name}/00000.png", (TWO > 0).astype(np.int64))
    status, told = _json(capsys, "evaluate", "--protocol", "binary-j", "--root", fbms, "--results", tmp_path / "masks")
    assert (status, list(told["sequences"]), told["sequences"]["cars1"]["J_mean"]) == (0, ["cars1", "tennis"], 1)
    for protocol, root in (("davis", davis), ("binary-j", davis), ("bideau", truth)):
        arguments = ["--protocol", protocol, "--root", str(root), "--results", str(results)]
        assert run(["segmentation", "evaluate", *arguments]) == 0
        assert "bear" in capsys.readouterr().out


def test_the_doctor_says_what_is_wrong_and_ends_with_1(fbms, capsys):
    assert run(["segmentation", "doctor", str(fbms)]) == 0
    assert "FBMS-59, 3 shots, 30 frames, 3 annotated: no fault" in capsys.readouterr().out
    (fbms / "Testset/cars1/GroundTruth/001_gt.pgm").unlink()
    status, told = _json(capsys, "doctor", fbms)
    assert (status, told["faults"], told["healthy"]) == (1, 1, False)
    assert [each["kind"] for each in told["findings"] if each["fault"]] == ["missing"]
    assert run(["segmentation", "doctor", str(fbms)]) == 1
    assert re.search(r"missing: .*001_gt\.pgm: the annotated frame is missing", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["calibrate", "compare", "doctor", "evaluate"])
def test_commands_are_in_the_overview_and_have_help_with_an_example(name, capsys):
    assert run(["--help"]) == 0
    (line,) = re.findall(rf"\n +segmentation {name} +(\S.*)", capsys.readouterr().out)
    assert len(line) > 30
    with pytest.raises(SystemExit) as ended:
        run(["segmentation", name, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert re.search(rf"\n *flowfeat segmentation {name} \S+", said.split("\n", 1)[1])
    assert "--json" in said
