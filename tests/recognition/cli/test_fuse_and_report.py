"""`flowfeat recognition fuse` and `report`, from the command line on."""

import json
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from fixture_scores import scores_saying

from flowfeat.cli import _parse, exit_status
from recognition.scores import read_scores, write_scores

COMMANDS = {"fuse": "recognition.cli.fuse:Fuse", "report": "recognition.cli.report:Report"}
LABELS, COLOUR = [0, 1, 2, 0], {"stream": "spatial", "flow": None}
HELD = {"part": "validation", "first_group": 8}


def command(name, *arguments) -> int:
    """The command as `flowfeat recognition NAME` runs it."""
    told = [str(each) for each in arguments]
    return exit_status(
        f"flowfeat recognition {name}", lambda: _parse(f"recognition {name}", COMMANDS[name], told).run()
    )


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_scores("flow.npz", scores_saying([0, 1, 2, 1], LABELS, sure=0.5))
    write_scores("colour.npz", scores_saying([1, 1, 1, 1], LABELS, sure=0.9, **COLOUR))
    write_scores("flow-held.npz", scores_saying([0, 1, 2] * 2, [0, 1, 2] * 2, sure=0.5, **HELD))
    write_scores("colour-held.npz", scores_saying([1] * 6, [0, 1, 2] * 2, sure=0.9, **HELD, **COLOUR))
    return tmp_path


def test_the_entry_points_name_the_commands():
    points = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]["entry-points"]
    for name, home in COMMANDS.items():
        assert points["flowfeat.commands"][f"recognition {name}"] == home
        module, attribute = home.split(":")
        assert (getattr(import_module(module), attribute).__doc__ or "").count(f"flowfeat recognition {name}") >= 2


def test_an_average_is_told_beside_its_streams(files, capsys):
    assert command("fuse", "flow.npz", "colour.npz", "--method", "average", "--out", "f.npz", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    # The stream that always says the same is surer.
    assert (told["accuracy"], told["clips"], told["missing"]) == (0.25, 4, 0)
    assert told["mean_class_accuracy"] == pytest.approx(1 / 3)
    assert [stream["accuracy"] for stream in told["streams"]] == [0.75, 0.25]
    assert told["streams"][0]["mcnemar"]["only_second"] == 2
    assert read_scores("f.npz").settings.stream == "fused"


def test_a_weighted_fusion_searches_on_held_out_clips_and_does_not_lose(files, capsys):
    fit = ["--fit", "colour-held.npz", "flow-held.npz"]
    assert command("fuse", "flow.npz", "colour.npz", "--method", "weighted", *fit, "--out", "f.npz", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fitted"]["streams"] == [1, pytest.approx(1 / 3)]
    assert told["fitted"]["fused"] == 1
    assert (told["accuracy"], told["fusion"]["fitted_on"]) == (0.75, 6)
    assert command("fuse", "flow.npz", "colour.npz", "--method", "weighted", *fit, "--out", "f.npz") == 0
    said = capsys.readouterr().out
    assert "fitted to 6 held-out training clips" in said
    assert "on these the fusion has 100.0 %, the streams alone 100.0, 33.3 %" in said
    assert command("fuse", "flow.npz", "colour.npz", "--method", "svm", *fit, "--out", "f.npz") == 0
    assert read_scores("f.npz").kind == "logits"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--method", "svm"], "--method svm needs --fit, score files of held-out training clips of each stream"),
        (["--method", "weighted"], "--method weighted needs --fit"),
        (["--fit", "flow-held.npz"], "--fit is for weights that are searched and for the SVM"),
        (["--weights", "1", "2"], "--weights are of --method weighted; average has none"),
        (["--method", "svm", "--fit", "flow-held.npz"], "no scores of held-out training clips of spatial"),
        (["--method", "weighted", "--fit", "flow.npz", "colour.npz"], "to be fused (4 such clips)"),
        (["--method", "weighted", "--weights", "1"], "2 score files need as many weights, not 1"),
    ],
)
def test_what_lacks_is_told_in_one_sentence(files, capsys, arguments, told):
    assert command("fuse", "flow.npz", "colour.npz", *arguments, "--out", "f.npz") == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (files / "f.npz").exists()


def test_missing_clips_make_the_result_incomplete(files, capsys):
    write_scores("flow.npz", scores_saying([0, 1, 2, 1], LABELS, missing=2))
    assert command("fuse", "flow.npz", "colour.npz", "--out", "f.npz", "--json") == 1
    assert json.loads(capsys.readouterr().out)["missing"] == 2


def test_a_report_is_written_and_told(files, capsys):
    assert command("report", "flow.npz", "colour.npz", "--out", "out", "--json") == 0
    output = capsys.readouterr()
    told = json.loads(output.out)
    assert (told["accuracy"], told["clips"], told["missing"]) == (0.75, 4, 0)
    assert [each["accuracy"] for each in told["files"]] == [0.75, 0.25]
    assert told["comparisons"][0]["test"]["only_first"] == 2
    assert "flow: its confusions have no pictures: the score file names no store" in output.err
    assert (files / "out/index.html").exists()


def test_a_report_of_nothing_usable_is_refused(files, capsys):
    Path("bad.npz").write_bytes(b"no")
    Path("file").write_text("")
    for arguments, told in [
        (["bad.npz", "--out", "out"], "bad.npz: not a score file"),
        (["flow.npz", "./flow.npz", "--out", "out"], "given twice"),
        (["flow.npz", "--out", "file"], "file: this is a file, and a report is a folder"),
        (["gone.npz", "--out", "out"], "gone.npz: there is no such score file"),
    ]:
        assert command("report", *arguments) == 2
        assert told in capsys.readouterr().err
