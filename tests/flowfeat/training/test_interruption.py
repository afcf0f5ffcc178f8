"""Signals at the worst moments."""

import json
import os
import signal
import threading

import pytest
import torch

from flowfeat.training import train
from flowfeat.training.interruption import held, interruptible
from flowfeat.weights import read_checkpoint


def test_between_the_change_of_the_weights_and_its_count(chairs, tmp_path, write_configuration, monkeypatch):
    path = write_configuration("flownet2-S@0.03125", 6)
    train(path, tmp_path / "whole", {"flyingchairs": chairs})
    step, done = torch.optim.Adam.step, []

    def step_and_stop(self, *arguments):
        step(self, *arguments)
        done.append(1)
        if len(done) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(torch.optim.Adam, "step", step_and_stop)
    with pytest.raises(KeyboardInterrupt):
        train(path, tmp_path / "cut", {"flyingchairs": chairs})
    monkeypatch.undo()
    assert json.loads((tmp_path / "cut/state/state.json").read_text())["step"] == 3
    train(path, tmp_path / "cut", {"flyingchairs": chairs})
    one, other = (read_checkpoint(tmp_path / f"{run}/last.safetensors").tensors for run in ("whole", "cut"))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_line_of_the_log_that_was_cut(chairs, tmp_path, write_configuration):
    path = write_configuration("flownet2-S@0.03125", 4, every=2)
    train(path, tmp_path / "run", {"flyingchairs": chairs}, stop_after=2)
    log = tmp_path / "run/log.jsonl"
    log.write_text(log.read_text() + '{"step": 4, "lo')
    train(path, tmp_path / "run", {"flyingchairs": chairs})
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [2, 4]


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    reached = []

    def interrupted():
        with interruptible(), held():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append(1)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with held():
        pass


def test_another_thread_trains_without_handlers():
    reached = []

    def work():
        with interruptible(), held():
            reached.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert reached
