"""Whole runs of a tiny network: they learn, they stop and go on, and they say what is missing."""

import json
import os
import signal
import time
from dataclasses import replace

import pytest
import torch
from fixture_stores import settings, smooth_flow, write_stored_clip
from fixture_two_classes import CLASSES, TinyNetwork, options, tiny, write_two_classes
from fixture_two_processes import FORK, as_two

from flowfeat.errors import DeviceMemoryError, FormatError, InputError
from recognition.testing import TestOptions, parse_views, score_run
from recognition.training import Fold, RunFolder, train

_BUILD = "recognition.training.run.build_network"


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory):
    return write_two_classes(tmp_path_factory.mktemp("two"), frames=True)


@pytest.fixture(autouse=True)
def _one_thread():
    """What is bit-equal is so on one thread; and a forked process would wait for threads that it has not."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny_network(monkeypatch):
    """In place of the preset's network."""
    monkeypatch.setattr(_BUILD, lambda name, channels, classes, *_: TinyNetwork(channels, classes))


def _tensors(run, which="last"):
    return RunFolder(run).read_weights(which).tensors


def _equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _close(one, other):
    return all(torch.allclose(one[name], other[name], atol=1e-5) for name in one)


def test_a_run_leaves_weights_a_log_and_a_record(two_classes, tmp_path, tiny_network):
    told, out = [], tmp_path / "run"
    outcome = train(options(*two_classes, tiny(steps=60)), out, report=told.append)
    assert (outcome.step, outcome.steps, outcome.clips, outcome.missing) == (60, 60, 16, 0)
    assert outcome.validated_on == "test"
    lines = RunFolder(out).lines()
    assert [line.step for line in lines] == [6, 12, 18, 20, 24, 30, 36, 40, 42, 48, 54, 60]
    assert [line.validation is not None for line in lines] == [line.step % 6 == 0 for line in lines]
    assert [(p.step, p.loss, p.train_accuracy) for p in told] == [(s.step, s.loss, s.train_accuracy) for s in lines]
    assert lines[-1].loss < lines[0].loss / 2
    assert outcome.validation == lines[-1].validation == 1.0
    assert outcome.best == max(line.validation for line in lines if line.validation is not None)
    assert any((out / "tensorboard").iterdir())
    record = RunFolder(out).record()
    assert record.settings.classes == CLASSES
    assert record.settings.preset == tiny(steps=60)
    assert record.sessions[0].versions["torch"] == torch.__version__.split("+")[0]
    assert not (out / "best.safetensors").exists(), "nothing is chosen by test clips"


def test_a_run_that_was_killed_ends_with_the_same_bits(two_classes, tmp_path, tiny_network):
    """SIGKILL in the middle, on one thread, with everything random that there is: stacks, crops, flips, dropout."""
    asked = options(*two_classes, tiny(steps=30), validate_every=3)
    train(asked, tmp_path / "whole")
    killed = tmp_path / "killed"
    process = FORK.Process(target=train, args=(asked, killed))
    process.start()
    table = killed / "state/state.json"
    while not table.is_file():
        time.sleep(0.005)
        assert process.is_alive()
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL, "it was done before it could be killed"
    at = json.loads(table.read_text())["step"]
    assert 0 < at < 30
    assert train(asked, killed).step == 30
    assert _equal(_tensors(tmp_path / "whole"), _tensors(killed)), f"killed at step {at}"
    whole, again = (
        [(x.step, x.loss, x.validation) for x in RunFolder(tmp_path / n).lines()] for n in ("whole", "killed")
    )
    assert whole == again
    assert [session.from_step for session in RunFolder(killed).record().sessions] == [0, at]


def test_stopping_and_going_on_changes_nothing(two_classes, tmp_path, tiny_network):
    asked = options(*two_classes, tiny(steps=8), validate_every=3)
    train(asked, tmp_path / "whole")
    assert train(asked, tmp_path / "two", stop_after=4).step == 4

    def interrupt(progress):
        if progress.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(asked, tmp_path / "two", report=interrupt)
    assert RunFolder(tmp_path / "two").read_weights("last").step == 6
    assert train(asked, tmp_path / "two").step == 8
    assert _equal(_tensors(tmp_path / "whole"), _tensors(tmp_path / "two"))
    whole, again = train(asked, tmp_path / "whole"), train(asked, tmp_path / "two")
    assert again.step == 8, "there is nothing left to do"
    assert again == whole
    assert again.validation == RunFolder(tmp_path / "two").lines()[-1].validation is not None


def test_worker_processes_change_nothing(two_classes, tmp_path, tiny_network):
    asked = options(*two_classes, tiny(steps=4))
    train(asked, tmp_path / "none")
    train(asked, tmp_path / "two", workers=2)
    assert _equal(_tensors(tmp_path / "none"), _tensors(tmp_path / "two"))


def test_the_seed_decides(two_classes, tmp_path, tiny_network):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(options(*two_classes, tiny(steps=2), seed=seed), tmp_path / name)
    assert _equal(_tensors(tmp_path / "a"), _tensors(tmp_path / "b"))
    assert not _equal(_tensors(tmp_path / "a"), _tensors(tmp_path / "c"))


def test_parts_of_a_batch_add_up(two_classes, tmp_path, monkeypatch):
    monkeypatch.setattr(_BUILD, lambda name, channels, classes, *_: TinyNetwork(channels, classes, plain=True))
    asked = options(*two_classes, tiny(steps=4))
    train(asked, tmp_path / "whole")
    train(replace(asked, accumulate=2), tmp_path / "parts")
    assert _close(_tensors(tmp_path / "whole"), _tensors(tmp_path / "parts"))
    one, other = (RunFolder(tmp_path / name).lines()[-1] for name in ("whole", "parts"))
    assert one.loss == pytest.approx(other.loss, rel=1e-5)
    assert one.train_accuracy == other.train_accuracy
    with pytest.raises(InputError, match="a batch of 4 cannot be shared by 1 processes in 3 parts"):
        train(replace(asked, accumulate=3), tmp_path / "three")


def test_two_processes_train_as_one_does(two_classes, tmp_path, monkeypatch):
    monkeypatch.setattr(_BUILD, lambda name, channels, classes, *_: TinyNetwork(channels, classes, plain=True))
    asked = options(*two_classes, tiny(steps=4), validate_every=2)
    train(asked, tmp_path / "one")
    assert as_two(lambda rank: train(asked, tmp_path / "two")) == [0, 0]
    assert _close(_tensors(tmp_path / "one"), _tensors(tmp_path / "two"))
    one, two = (RunFolder(tmp_path / name).lines() for name in ("one", "two"))
    assert [line.loss for line in one] == pytest.approx([line.loss for line in two], rel=1e-5)
    assert [line.validation for line in one] == [line.validation for line in two]
    assert RunFolder(tmp_path / "two").record().sessions[0].processes == 2


def test_two_processes_test_as_one_does(two_classes, tmp_path, tiny_network):
    """To the bit; 8 clips of 3 views are not even a batch, so that one of the processes has nothing to do too."""
    run = tmp_path / "run"
    train(options(*two_classes, tiny(steps=2)), run)
    for views, name in ((None, "3x1"), ("7x10", "7x10")):
        asked = TestOptions(views=parse_views(views) if views else None)
        whole = score_run(run, asked)

        def work(rank, asked=asked, name=name):
            torch.save(torch.from_numpy(score_run(run, asked).scores), tmp_path / f"{name}-{rank}.pt")

        assert as_two(work) == [0, 0]
        for rank in (0, 1):
            assert torch.equal(torch.load(tmp_path / f"{name}-{rank}.pt"), torch.from_numpy(whole.scores))


def test_what_is_held_out_is_not_learnt_from_and_chooses_the_best(two_classes, tmp_path, tiny_network):
    asked = options(*two_classes, tiny(steps=20), fold=Fold(1, 4))
    outcome = train(asked, tmp_path / "run")
    assert (outcome.clips, outcome.validated_on) == (12, "validation")
    best = RunFolder(tmp_path / "run").read_weights("best")
    lines = {line.step: line.validation for line in RunFolder(tmp_path / "run").lines()}
    assert best.validation == outcome.best == lines[best.step]
    assert best.step == min(step for step, measured in lines.items() if measured == outcome.best)
    held = score_run(tmp_path / "run", TestOptions(part="validation", which="best"))
    assert {clip[-7:-4] for clip in held.clips} == {"g03"}
    trained = score_run(tmp_path / "run", TestOptions(part="train"))
    assert not set(held.clips) & set(trained.clips)


@pytest.mark.parametrize("stream", ["temporal", "spatial"])
def test_bf16_leaves_weights_of_full_precision(two_classes, tmp_path, stream):
    asked = options(*two_classes, tiny(stream=stream, steps=2), precision="bf16")
    assert train(asked, tmp_path / "run").step == 2
    tensors = _tensors(tmp_path / "run")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32, torch.int64}
    scores = score_run(tmp_path / "run")
    assert scores.settings.stream == stream
    assert (scores.settings.flow is None) == (stream == "spatial")


def test_partial_batch_norm_learns_the_first_alone(two_classes, tmp_path):
    asked = options(*two_classes, tiny(steps=2, partial_batch_norm=True))
    train(asked, tmp_path / "run")
    tensors = _tensors(tmp_path / "run")
    counted = {name: int(value) for name, value in tensors.items() if name.endswith("num_batches_tracked")}
    assert list(counted.values()) == [2] + [0] * (len(counted) - 1)
    scales = [name.replace("num_batches_tracked", "weight") for name in counted]
    learnt = [not torch.equal(tensors[name], torch.ones_like(tensors[name])) for name in scales]
    assert learnt[0]
    assert not any(learnt[1:])


class TestWhatIsMissingOrDoesNotFit:
    """One sentence each, and nothing is begun."""

    def refused(self, told, *arguments, **others):
        with pytest.raises(InputError, match=told) as fault:
            train(*arguments, **others)
        assert "\n" not in str(fault.value)

    def test_another_run(self, two_classes, tmp_path, tiny_network):
        out = tmp_path / "run"
        train(options(*two_classes, tiny(steps=1)), out)
        asked = options(*two_classes, tiny(steps=1), seed=1)
        self.refused(r"another run is in it \(seed 0 there, 1 here\); give a new --out", asked, out)
        asked = options(*two_classes, tiny(steps=1), fold=Fold(1, 2))
        self.refused("fold None there", asked, out)
        asked = options(*two_classes, tiny(steps=1, length=2))
        self.refused("another run is in it", asked, out)

    def test_a_folder_of_something_else(self, two_classes, tmp_path):
        (tmp_path / "mine.txt").touch()
        self.refused("not empty and holds no run", options(*two_classes), tmp_path)

    def test_clips(self, two_classes, tmp_path, tiny_network):
        _, lists = two_classes
        fewer = tmp_path / "fewer"
        write_stored_clip(fewer, "Up/v_Up_g03_c01", settings("uint8"), smooth_flow(4, 32, 40))
        write_stored_clip(fewer, "Down/v_Down_g03_c01", settings("uint8"), smooth_flow(4, 32, 40))
        asked = options(fewer, lists, tiny(steps=1))
        self.refused("22 of the 24 clips .* allow missing clips with --allow-missing", asked, tmp_path / "run")
        outcome = train(replace(asked, allow_missing=True), tmp_path / "run")
        assert (outcome.clips, outcome.missing, outcome.validation) == (2, 22, None)
        assert len(RunFolder(tmp_path / "run").record().sessions[0].missing) == 22

    def test_frames(self, tmp_path):
        store, lists = write_two_classes(tmp_path)
        self.refused("no frames are stored", options(store, lists, tiny(stream="spatial")), tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_weights(self, two_classes, tmp_path):
        file = tmp_path / "weights.pth"
        asked = options(*two_classes, weights=file)
        self.refused("quick begins at random", asked, tmp_path / "run")
        asked = options(*two_classes, tiny(initial="imagenet"), weights=file)
        self.refused("the weights cannot be read", asked, tmp_path / "run")
        file.write_bytes(b"no weights")
        self.refused("weights.pth", asked, tmp_path / "run")
        assert not (tmp_path / "run").exists()

    def test_a_rate_that_is_too_high(self, two_classes, tmp_path, tiny_network):
        preset = tiny(steps=30)
        preset = replace(preset, schedule=replace(preset.schedule, rate=1e20))
        self.refused("the loss is no number", options(*two_classes, preset), tmp_path / "run")

    def test_damaged_files(self, two_classes, tmp_path, tiny_network):
        out = tmp_path / "run"
        asked = options(*two_classes, tiny(steps=1))
        train(asked, out)
        weights = (out / "last.safetensors").read_bytes()
        (out / "last.safetensors").write_bytes(weights[:-5])
        with pytest.raises(FormatError, match="no whole weights"):
            RunFolder(out).read_weights("last")
        (out / "run.json").write_text("{")
        with pytest.raises(FormatError, match="not JSON"):
            train(asked, out)


def test_the_schedule_is_shortened(two_classes, tmp_path, tiny_network):
    """--steps changes the whole schedule, stop_after leaves it as it is."""
    preset = tiny(steps=100)
    preset = replace(preset, schedule=replace(preset.schedule, tenth_at=(50,)))
    train(options(*two_classes, preset, steps=4), tmp_path / "run")
    settings_of_run = RunFolder(tmp_path / "run").record().settings
    assert settings_of_run.steps == 4
    assert settings_of_run.preset.schedule.tenth_at == (2,)
    rates = [line.rate for line in RunFolder(tmp_path / "run").lines()]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01])
    train(options(*two_classes, preset), tmp_path / "long", stop_after=4)
    assert {line.rate for line in RunFolder(tmp_path / "long").lines()} == {0.1}


def test_what_differs_is_named_to_the_last_number(two_classes, tmp_path, tiny_network):
    out = tmp_path / "run"
    train(options(*two_classes, tiny(steps=1)), out)
    with pytest.raises(InputError, match=r"\(preset\.batch 4 there, 2 here, preset\.schedule\.iterations 1 there, 3"):
        train(options(*two_classes, tiny(steps=3, batch=2)), out)


def test_weights_that_were_lost_are_written_again_from_the_state(two_classes, tmp_path, tiny_network):
    asked, out = options(*two_classes, tiny(steps=2)), tmp_path / "run"
    train(asked, out)
    before = _tensors(out)
    (out / "last.safetensors").unlink()  # what was read of it is still mapped
    (out / "last.safetensors").write_bytes(b"cut off")
    assert train(asked, out).step == 2
    assert _equal(_tensors(out), before)
    assert RunFolder(out).read_weights("last").validation == RunFolder(out).lines()[-1].validation is not None


def test_a_run_begins_where_one_was_killed_as_it_began(two_classes, tmp_path, tiny_network):
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json.0123456789abcdef.partial").write_text("{")
    assert train(options(*two_classes, tiny(steps=1)), out).step == 1


def test_a_device_without_memory_is_told_in_a_sentence(two_classes, tmp_path, monkeypatch):
    class Greedy(TinyNetwork):
        def forward(self, stacks):
            raise torch.OutOfMemoryError

    monkeypatch.setattr(_BUILD, lambda name, channels, classes, *_: Greedy(channels, classes))
    with pytest.raises(DeviceMemoryError, match="learn it in parts with --accumulate"):
        train(options(*two_classes, tiny(steps=1)), tmp_path / "run")
