"""Whole runs of small networks: they learn, they stop and go on, and they say what is missing."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from flowfeat.errors import InputError
from flowfeat.training import train
from flowfeat.training.trainer import Trainer
from flowfeat.weights import read_checkpoint

NARROW = "flownet2-CS@0.046875"


def _weights(run: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return read_checkpoint(run / f"{name}.safetensors").tensors


def test_a_run_leaves_weights_a_log_and_a_record(chairs, tmp_path, write_configuration):
    told = []
    path = write_configuration("flownet2-S@0.046875", 60, every=30)
    trainer = train(path, tmp_path / "run", {"flyingchairs": chairs}, report=told.append)
    assert trainer.step == 60
    assert [progress.step for progress in told] == [30, 50, 60]
    lines = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [30, 50, 60]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert [line["validation"] is not None for line in lines] == [True, False, True]
    assert trainer.best == min(line["validation"] for line in lines if line["validation"])
    assert any((tmp_path / "run/tensorboard").iterdir())
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["sessions"][0]["versions"]["torch"] == torch.__version__.split("+")[0]
    best = read_checkpoint(tmp_path / "run/best.safetensors")
    assert best.model == "flownet2-S@0.046875"
    assert best.provenance is not None
    assert best.provenance["configuration"]["schedule"]["iterations"] == 60


def test_a_run_that_was_killed_ends_with_the_same_bits(chairs, tmp_path, write_configuration):
    """SIGKILL at a random moment, on one thread; random geometry and colours, so that their state counts too."""
    path = write_configuration(NARROW, 40, every=4)
    text = path.read_text()
    path.write_text(text[: text.index("[augmentation]")] + "[augmentation]\nflip = true\n")
    command = [
        sys.executable,
        "-m",
        "flowfeat",
        "train",
        str(path),
        "--data",
        f"flyingchairs={chairs}",
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(out: str) -> subprocess.Popen:
        return subprocess.Popen([*command, "--out", str(tmp_path / out)], env=environment, stderr=subprocess.PIPE)

    whole = run("whole")
    assert whole.wait(300) == 0, whole.stderr.read()
    killed = run("killed")
    first = tmp_path / "killed/state/state.json"
    while not first.is_file():
        time.sleep(0.02)
        assert killed.poll() is None, killed.stderr.read()
    time.sleep(random.uniform(0, 1.0))
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(60) == -signal.SIGKILL, "it was done before it could be killed"
    at = json.loads(first.read_text())["step"]
    assert 0 < at < 40
    again = run("killed")
    assert again.wait(300) == 0, again.stderr.read()
    one, other = _weights(tmp_path / "whole"), _weights(tmp_path / "killed")
    assert all(torch.equal(one[name], other[name]) for name in one), f"killed at step {at}"
    logs = [(tmp_path / run / "log.jsonl").read_text().splitlines() for run in ("whole", "killed")]
    losses = [[(json.loads(line)["step"], json.loads(line)["loss"]) for line in log] for log in logs]
    assert losses[0] == losses[1]


def test_what_is_frozen_stays_and_joins_in_when_its_step_has_come(chairs, tmp_path, write_configuration):
    before = write_configuration("flownet2-C@0.046875", 2)
    train(before, tmp_path / "c", {"flyingchairs": chairs})
    first = _weights(tmp_path / "c")
    path = write_configuration(NARROW, 6, rest='starts_from = ["flownet2-C@0.046875"]\n[train]\nnet1 = 4\nnet2 = 0')
    start = [tmp_path / "c/last.safetensors"]
    for stop, same in ((4, True), (5, False)):
        train(path, tmp_path / f"to{stop}", {"flyingchairs": chairs}, start, stop_after=stop)
        after = _weights(tmp_path / f"to{stop}")
        assert all(torch.equal(after[f"first.{name}"], first[name]) for name in first) == same
    assert not torch.equal(after["stages.0.conv1.weight"], _weights(tmp_path / "to4")["stages.0.conv1.weight"])


def test_stages_that_share_weights_stay_alike(chairs, tmp_path, write_configuration):
    path = write_configuration("flownet2-SSS@0.046875", 3, rest="share_stages = true\n[train]\nnet2 = 0\nnet3 = 0")
    train(path, tmp_path / "run", {"flyingchairs": chairs})
    weights = _weights(tmp_path / "run")
    shared = [name for name in weights if name.startswith("stages.0.")]
    assert shared
    assert all(torch.equal(weights[name], weights[name.replace("stages.0.", "stages.1.")]) for name in shared)


def test_a_last_stage_begins_as_a_copy(chairs, tmp_path, write_configuration):
    train(write_configuration(NARROW, 2), tmp_path / "cs", {"flyingchairs": chairs})
    path = write_configuration("flownet2-CSS@0.046875", 1, rate=0.0, rest="copy_stage = true")
    train(path, tmp_path / "css", {"flyingchairs": chairs}, [tmp_path / "cs/last.safetensors"])
    weights, before = _weights(tmp_path / "css"), _weights(tmp_path / "cs")
    for name, tensor in before.items():
        assert torch.equal(weights[name], tensor)
        if name.startswith("stages.0."):
            assert torch.equal(weights[name.replace("stages.0.", "stages.1.")], tensor)


def test_bf16_and_clipping_run(chairs, tmp_path, write_configuration):
    path = write_configuration(
        "flownet2@0.046875", 3, rest='precision = "bf16"\nclip = 0.5\n[loss]\nweights = [0.3, 0.1, 0.1]'
    )
    trainer = train(path, tmp_path / "run", {"flyingchairs": chairs})
    assert trainer.step == 3
    assert all(tensor.dtype == torch.float32 for tensor in _weights(tmp_path / "run").values())


def test_training_stops_in_time_and_goes_on(chairs, tmp_path, write_configuration):
    path = write_configuration("flownet2-S@0.046875", 500)
    trainer = train(path, tmp_path / "run", {"flyingchairs": chairs}, minutes=0.5 / 60)
    assert 0 < trainer.step < 500
    again = train(path, tmp_path / "run", {"flyingchairs": chairs}, stop_after=trainer.step + 2)
    assert again.step == trainer.step + 2


def test_an_interrupted_run_keeps_its_state(chairs, tmp_path, write_configuration):
    path = write_configuration("flownet2-S@0.046875", 500)

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(path, tmp_path / "run", {"flyingchairs": chairs}, report=interrupt)
    assert json.loads((tmp_path / "run/state/state.json").read_text())["step"] == 50


def test_an_interrupted_run_keeps_no_weights_that_are_no_numbers(chairs, tmp_path, write_configuration, monkeypatch):
    path = write_configuration("flownet2-S@0.046875", 500, rate=1e20)
    learn = Trainer._learn

    def interrupted(self, step, *batch):
        if step == 10:
            raise KeyboardInterrupt
        return learn(self, step, *batch)

    monkeypatch.setattr(Trainer, "_learn", interrupted)
    with pytest.raises(InputError, match="stopped at step 10, and the weights are no numbers"):
        train(path, tmp_path / "run", {"flyingchairs": chairs})
    assert not (tmp_path / "run/last.safetensors").exists()
    assert not (tmp_path / "run/state").exists()


class TestWhatIsMissingOrDoesNotFit:
    """One sentence each, and nothing is begun."""

    def refused(self, told: str, *arguments, **options) -> None:
        with pytest.raises(InputError, match=told) as fault:
            train(*arguments, **options)
        assert "\n" not in str(fault.value)

    def test_data(self, tmp_path, write_configuration):
        path = write_configuration(NARROW, 2)
        self.refused("give its folder, --data flyingchairs=DIR", path, tmp_path / "run")
        self.refused("FlyingChairs", path, tmp_path / "run", {"flyingchairs": tmp_path})
        assert not (tmp_path / "run").exists()

    def test_weights(self, chairs, tmp_path, write_configuration):
        path = write_configuration(NARROW, 2, rest='starts_from = ["flownet2-C@0.046875"]')
        self.refused("starts from weights of flownet2-C@0.046875: give their file with --start", path, tmp_path / "run")
        other = write_configuration("flownet2-SD@0.046875", 1)
        train(other, tmp_path / "sd", {"flyingchairs": chairs})
        self.refused(
            "is no part of",
            write_configuration(NARROW, 3),
            tmp_path / "run",
            {"flyingchairs": chairs},
            [tmp_path / "sd/last.safetensors"],
        )

    def test_folder(self, chairs, tmp_path, write_configuration):
        out = tmp_path / "run"
        train(write_configuration("flownet2-S@0.046875", 1), out, {"flyingchairs": chairs})
        other = write_configuration("flownet2-S@0.046875", 2)
        self.refused(r"another run is in it \(schedule differ\)", other, out, {"flyingchairs": chairs})
        (tmp_path / "full").mkdir()
        (tmp_path / "full/mine.txt").touch()
        self.refused("not empty and holds no run", other, tmp_path / "full", {"flyingchairs": chairs})

    def test_a_rate_that_is_too_high(self, chairs, tmp_path, write_configuration):
        path = write_configuration("flownet2-S@0.046875", 60, rate=1e20)
        self.refused("the loss is no number; lower the rate", path, tmp_path / "run", {"flyingchairs": chairs})


def test_two_processes_train_as_one_does(chairs, tmp_path, write_configuration):
    """With nothing drawn at random, halves of a batch and their mean gradient are the whole batch and its gradient."""
    path = write_configuration(NARROW, 4, rest="[train]\nnet1 = 2\nnet2 = 0")
    train(path, tmp_path / "one", {"flyingchairs": chairs})
    _on_two_processes(path, chairs, tmp_path / "two")
    one, two = _weights(tmp_path / "one"), _weights(tmp_path / "two")
    for name, tensor in one.items():
        assert torch.allclose(tensor, two[name], atol=3e-4), name
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / run / "log.jsonl").read_text().splitlines()]
        for run in ("one", "two")
    ]
    assert losses[0][0] == pytest.approx(losses[1][0], rel=0.5)


def test_two_processes_stop_in_time_at_one_step(chairs, tmp_path, write_configuration):
    path = write_configuration(NARROW, 5000)
    _on_two_processes(path, chairs, tmp_path / "two", "--minutes", "0.03")
    assert 0 < json.loads((tmp_path / "two/state/state.json").read_text())["step"] < 5000


def _on_two_processes(path: Path, chairs: Path, out: Path, *options: str) -> None:
    started = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    arguments = ["-m", "flowfeat", "train", str(path), "--data", f"flyingchairs={chairs}", "--device", "cpu"]
    done = subprocess.run(
        [*started, "--standalone", *arguments, "--out", str(out), *options],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
