"""`flowfeat train`: a run, its summary, going on; and one sentence for whatever cannot be used."""

import json
import sys
from pathlib import Path

import pytest
import torch
from fixture_datasets import flying_chairs_tree

from flowfeat.cli import run
from flowfeat.weights import read_checkpoint

CONFIGURATION = """
model = "flownet2-S@0.03125"
crop = [64, 64]
starts_from = []

[schedule]
iterations = 6
rate = 1e-4

[[data]]
dataset = "flyingchairs"
pairs = 2

[validation]
dataset = "flyingchairs"
split = "validation"
every = 2
"""


@pytest.fixture
def configuration(tmp_path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture(scope="module")
def chairs(tmp_path_factory) -> Path:
    return flying_chairs_tree(tmp_path_factory.mktemp("data") / "FlyingChairs_release", (64, 96))


@pytest.fixture
def said(capsys):
    """Run the command on a CPU and return (status, standard output, standard error)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = run(["train", *(str(argument) for argument in arguments), "--device", "cpu"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_a_run_and_what_it_leaves(configuration, chairs, tmp_path, said):
    out = tmp_path / "run"
    status, text, progress = said(configuration, "--data", f"flyingchairs={chairs}", "--out", out)
    assert status == 0
    best = read_checkpoint(out / "best.safetensors").provenance
    assert best is not None
    error = best["validation_endpoint_error"]
    assert text == f"{out}: 6 of 6 steps; lowest validation error {error:.3f} px, in best.safetensors\n"
    assert "6/6" in progress
    assert "validation" in progress
    assert sorted(path.name for path in out.iterdir()) == [
        "best.safetensors",
        "configuration.toml",
        "last.safetensors",
        "log.jsonl",
        "run.json",
        "state",
        "tensorboard",
    ]
    assert (out / "configuration.toml").read_text() == CONFIGURATION


def test_it_stops_goes_on_and_is_done(configuration, chairs, tmp_path, said):
    command = [configuration, "--data", f"flyingchairs={chairs}", "--json"]
    status, text, _ = said(*command, "--out", tmp_path / "run", "--stop-after", 3)
    assert status == 0
    stopped = json.loads(text)
    assert stopped == {
        "out": str(tmp_path / "run"),
        "model": "flownet2-S@0.03125",
        "steps": 3,
        "iterations": 6,
        "best_validation_endpoint_error": stopped["best_validation_endpoint_error"],
    }
    for _ in range(2):  # the second time there is nothing left to do
        status, text, _ = said(*command, "--out", tmp_path / "run")
        assert (status, json.loads(text)["steps"]) == (0, 6)
    said(*command, "--out", tmp_path / "whole")
    one, other = (read_checkpoint(tmp_path / f"{name}/last.safetensors").tensors for name in ("run", "whole"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    steps = [json.loads(line)["step"] for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert steps == [2, 3, 4, 6]
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert [session["from_step"] for session in record["sessions"]] == [0, 3, 6]


def test_weights_begin_another_run(configuration, chairs, tmp_path, said):
    data = ["--data", f"flyingchairs={chairs}"]
    assert said(configuration, *data, "--out", tmp_path / "one")[0] == 0
    start = tmp_path / "one/last.safetensors"
    still = CONFIGURATION.replace("[]", '["flownet2-S@0.03125"]').replace("rate = 1e-4", "rate = 0.0")
    configuration.write_text(still)
    assert said(configuration, *data, "--start", start, "--out", tmp_path / "two", "--stop-after", 1)[0] == 0
    one, other = (read_checkpoint(path).tensors for path in (start, tmp_path / "two/last.safetensors"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    record = json.loads((tmp_path / "two/run.json").read_text())
    assert record["fixed"]["start"] == {"flownet2-S@0.03125": read_checkpoint(start).sha256}


@pytest.mark.filterwarnings("default:TensorBoard")
def test_without_tensorboard_it_says_so_once(configuration, chairs, tmp_path, said, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    status, _, text = said(configuration, "--data", f"flyingchairs={chairs}", "--out", tmp_path / "run")
    assert status == 0
    assert text.count("TensorBoard is not installed: the run is logged to log.jsonl alone") == 1
    assert len((tmp_path / "run/log.jsonl").read_text().splitlines()) == 3


class TestWhatCannotBeUsed:
    """One sentence, status 2, and nothing is begun."""

    @pytest.fixture
    def refused(self, said, tmp_path, chairs):
        def call(told: str, config: object, *options: object, out: Path | None = None) -> None:
            out = out or tmp_path / "run"
            before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
            status, text, error = said(config, *(options or ["--data", f"flyingchairs={chairs}"]), "--out", out)
            assert (status, text) == (2, "")
            assert error.count("\n") == 1, error
            assert error.startswith("flowfeat train: ")
            assert told in error
            assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
            assert before or not out.exists()

        return call

    def test_a_name_that_is_none(self, refused, tmp_path):
        refused("flownet2-Q: there is no such file; the package's own are ", "flownet2-Q")
        refused("flownet2-C-chairs-long, flownet2-C-chairs-short, ", "flownet2-Q")
        refused("nowhere.toml: there is no such file", tmp_path / "nowhere.toml")

    def test_a_configuration_that_is_wrong(self, refused, configuration):
        configuration.write_text(CONFIGURATION.replace("rate", "rat"))
        refused("small.toml: schedule.rat is unknown; there are iterations, rate", configuration)

    @pytest.mark.parametrize("entry", ["FlyingChairs_release", "flyingchairs=", "=FlyingChairs_release"])
    def test_data_that_is_not_name_and_folder(self, refused, configuration, entry):
        refused(f"--data {entry}: say which data set it is, NAME=DIR", configuration, "--data", entry)

    def test_data_that_is_missing(self, refused, configuration, tmp_path):
        wanted = "takes pairs of flyingchairs: give its folder, --data flyingchairs=DIR"
        refused(wanted, configuration, "--data", f"sintel={tmp_path}")
        (tmp_path / "empty").mkdir()
        refused(f"{tmp_path / 'empty'}: ", configuration, "--data", f"flyingchairs={tmp_path / 'empty'}")
        refused(f"{tmp_path / 'nowhere'}: ", configuration, "--data", f"flyingchairs={tmp_path / 'nowhere'}")

    def test_weights_to_start_from(self, refused, said, configuration, chairs, tmp_path):
        data = ["--data", f"flyingchairs={chairs}"]
        assert said(configuration, *data, "--out", tmp_path / "s", "--stop-after", 1)[0] == 0
        refused("nowhere.safetensors: ", configuration, *data, "--start", tmp_path / "nowhere.safetensors")
        (tmp_path / "no.pth").write_text("no weights")
        refused("no.pth: ", configuration, *data, "--start", tmp_path / "no.pth")
        text = CONFIGURATION.replace("flownet2-S@", "flownet2-SS@").replace("[]", '["flownet2-S@0.03125"]')
        configuration.write_text(text)
        refused("starts from weights of flownet2-S@0.03125: give their file with --start", configuration, *data)
        configuration.write_text(CONFIGURATION.replace("flownet2-S@", "flownet2-CS@"))
        wrong = tmp_path / "s/last.safetensors"
        refused(f"{wrong}: it holds flownet2-S@0.03125, which is no part of", configuration, *data, "--start", wrong)

    def test_the_folder_of_another_run(self, refused, said, configuration, chairs, tmp_path):
        data, out = ["--data", f"flyingchairs={chairs}"], tmp_path / "s"
        assert said(configuration, *data, "--out", out, "--stop-after", 1)[0] == 0
        configuration.write_text(CONFIGURATION.replace("1e-4", "2e-4"))
        refused(f"{out}: another run is in it (schedule differ); give a new --out", configuration, *data, out=out)
        (out / "run.json").write_text('{"fixed": ')
        refused("run.json: it is damaged; give a new --out", configuration, *data, out=out)
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "thesis.txt").write_text("precious")
        refused(f"{mine}: the folder is not empty and holds no run", configuration, *data, out=mine)

    def test_numbers_and_devices_that_cannot_be(self, refused, configuration, chairs):
        data = ["--data", f"flyingchairs={chairs}"]
        refused("--stop-after 0: say at least 1 step", configuration, *data, "--stop-after", 0)
        refused("--minutes -1.0: say more than 0", configuration, *data, "--minutes=-1")


def test_a_state_that_is_damaged(configuration, chairs, tmp_path, said):
    command = [configuration, "--data", f"flyingchairs={chairs}", "--out", tmp_path / "run"]
    assert said(*command, "--stop-after", 2)[0] == 0
    piece = next((tmp_path / "run/state").glob("*.piece"))
    piece.write_bytes(piece.read_bytes()[:-1])
    status, text, error = said(*command)
    assert (status, text) == (2, "")
    assert f"{piece}: it is missing or damaged; remove {piece.parent} to begin anew" in error


def test_a_loss_that_is_no_number_leaves_the_last_good_weights(configuration, chairs, tmp_path, said):
    out = tmp_path / "run"
    configuration.write_text(CONFIGURATION.replace("rate = 1e-4", "rate = 1e30\nwarm_up = 0"))
    status, text, error = said(configuration, "--data", f"flyingchairs={chairs}", "--out", out)
    assert (status, text) == (2, "")
    assert f"flowfeat train: {out}: at step 2 the loss is no number; lower the rate" in error
    assert "Traceback" not in error
    assert not list(out.glob("*.safetensors"))
    assert not list(out.rglob("*.partial"))
