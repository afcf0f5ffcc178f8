"""`flowfeat segmentation calibrate`, from the command line on: synthetic scenes laid out as FBMS-59."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from fixture_fbms import write_shot
from fixture_results import write_result
from fixture_tracks import points_of_labels

from flowfeat.cli import run
from segmentation.affinities import AffinitySettings
from segmentation.calibration_file import read_calibration
from segmentation.cli import calibrate as module
from segmentation.runs.stored_tracks import stored
from segmentation.synthetic import synthesise
from segmentation.tracking.settings import TrackerSettings
from segmentation.tracking.tracker import track

CODES = (0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF)
FRAMES = 6


@pytest.fixture(scope="module")
def scenes():
    """Tracks by exact or noisy flow, and the true objects in the first and the last frame."""
    made = {}
    for name, scene, seed in (("cars2", "B", 1), ("cars3", "A", 2), ("cars6", "B", 3), ("cars1", "B", 4)):
        shot = synthesise(scene, 90, 120, frames=FRAMES, seed=seed)
        codes = np.array(CODES)[shot.labels]
        tracking = track(shot.steps(), TrackerSettings(sampling=4))
        made[name] = stored(tracking), {0: codes[0], FRAMES - 1: codes[-1]}
    return made


@pytest.fixture
def fbms(tmp_path, scenes):
    for name, (_, truth) in scenes.items():
        split = "Testset" if name == "cars1" else "Trainingset"
        write_shot(tmp_path / f"FBMS/{split}/{name}", CODES, truth, frames=FRAMES, coloured=True)
    write_shot(tmp_path / "FBMS/Trainingset/cars7", CODES, scenes["cars2"][1], frames=FRAMES, coloured=True)
    return tmp_path / "FBMS"


@pytest.fixture
def tracked(tmp_path, fbms, scenes):
    return write_result(tmp_path / "tracked", fbms, "fbms", {name: tracks for name, (tracks, _) in scenes.items()})


def calibrate(*arguments):
    return run(["segmentation", "calibrate", *map(str, arguments)])


def test_weights_are_fitted_to_the_training_shots_alone(fbms, tracked, tmp_path, capsys):
    out = tmp_path / "weights.json"
    assert calibrate(fbms, "--tracks", tracked, "--out", out, "--folds", 3, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    found = read_calibration(out)
    assert [shot.name for shot in found.shots] == ["cars2", "cars3", "cars6"]
    origin = found.origin
    assert origin is not None
    assert (origin.test_shots, origin.without_tracks) == ((), ("cars7",))
    assert (origin.dataset, origin.flow, origin.result) == ("FBMS-59", "dis", str(tracked))
    assert all(shot.known + shot.unseen + shot.crossing == shot.tracks for shot in origin.shots)
    # Objects fill enough of these scenes for most tracks to be seen, and little of their boundary is crossed.
    assert sum(shot.known for shot in origin.shots) > 0.6 * sum(shot.tracks for shot in origin.shots)
    # Motion parts these objects, so the fit is better than chance, and at least as good as the weights before.
    best = next(score for score in found.scores if score.form == found.form)
    assert best.log_loss <= min(found.before.log_loss, np.log(2))
    assert best.balanced_accuracy is not None
    assert best.balanced_accuracy > 0.9
    assert found.affinities.weights.motion < 0
    assert found.before.weights == AffinitySettings().weights
    assert (told["form"], told["out"]) == (found.form, str(out))
    assert told["affinities"]["weights"]["motion"] == found.affinities.weights.motion
    # The same again is the same, byte for byte.
    before = out.read_bytes()
    assert calibrate(fbms, "--tracks", tracked, "--out", out, "--folds", 3) == 0
    assert out.read_bytes() == before
    said = capsys.readouterr().out
    assert len(re.findall(r"\n(?:motion|linear|maximum)(?: \(chosen\))? +0\.\d{4} +\d+\.\d\d ", said)) == 3
    assert said.count("(chosen)") == 1
    assert re.search(r"\nweights before +0\.\d{4} +\d+\.\d\d +6 +-2 +-0.02 +-0.02 +2\n", said)
    assert "FBMS-59, 3 shots" in said
    pairs, same = sum(shot.pairs for shot in found.shots), sum(shot.same for shot in found.shots)
    assert f"{pairs} pairs, {100 * same / pairs:.1f} % of one object; left out: " in said
    assert "of the training split, without tracks: cars7" in said
    # What the log loss gains may be lost elsewhere, and that is said.
    scores = tuple(replace(score, balanced_accuracy=0.8) for score in found.scores)
    for before, fell in ((0.7, False), (0.8, False), (0.9, True)):
        other = replace(found, scores=scores, before=replace(found.before, balanced_accuracy=before))
        assert ("the balanced accuracy fell" in "".join(module._pairs(other))) == fell
    assert "test shots" not in said


def test_test_shots_that_were_named_are_in_the_provenance(fbms, tracked, tmp_path, capsys):
    out = tmp_path / "weights.json"
    assert calibrate(fbms, "--tracks", tracked, "--out", out, "--shots", "cars1", "cars2") == 0
    assert "test shots, whose scores tell nothing now: cars1" in capsys.readouterr().out
    origin = read_calibration(out).origin
    assert origin is not None
    assert (origin.test_shots, [shot.name for shot in origin.shots]) == (("cars1",), ["cars2", "cars1"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["FBMS", "--tracks", "FBMS"], "FBMS: this is no result of `flowfeat segmentation run` or `track`"),
        (["FBMS", "--tracks", "tests"], "none of the 4 shots of the training split of FBMS-59 in FBMS has tracks here"),
        (["FBMS/Testset/cars1", "--tracks", "still"], "FBMS/Testset/cars1: this is neither FBMS-59 nor DAVIS"),
        (["FBMS", "--tracks", "still"], "are of the same object; a fit needs shots with moving objects"),
        (["FBMS", "--tracks", "still", "--shots", "cars2"], "at least 2 shots with labels, and there are 1"),
        (["FBMS", "--tracks", "still", "--folds", "1"], "settings of a calibration are out of their range"),
        (["FBMS", "--tracks", "still", "--out", "FBMS"], "FBMS: this is a folder; give the file"),
    ],
)
def test_bad_input_has_its_sentence(fbms, scenes, tmp_path, capsys, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    write_result(tmp_path / "tests", fbms, "fbms", {"cars1": points_of_labels(np.zeros((90, 120)))})
    # Two shots in which all that was tracked is background.
    background = {}
    for name in ("cars2", "cars3"):
        tracks, truth = scenes[name]
        still = np.full_like(truth[0], CODES[0])
        folder = fbms / "Trainingset" / name
        shutil.rmtree(folder)
        write_shot(folder, CODES, dict.fromkeys(truth, still), frames=FRAMES, coloured=True)
        background[name] = tracks
    write_result(tmp_path / "still", fbms, "fbms", background)
    given = arguments if "--out" in arguments else [*arguments, "--out", "weights.json"]
    assert calibrate(*given) == 2
    said = capsys.readouterr()
    assert (said.out, told in said.err) == ("", True), said.err
    assert not (tmp_path / "weights.json").exists()
