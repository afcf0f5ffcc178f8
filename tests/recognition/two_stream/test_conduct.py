"""Experiments by several processes, and the parts of `conduct` that the script's tests do not reach."""

import json

import numpy as np
import pytest
import torch
from fixture_two_classes import write_two_classes
from fixture_two_processes import as_two
from fixture_two_stream import draw_nothing, make_tiny

from flowfeat.errors import InputError
from recognition.scores import read_scores
from recognition.training import RunFolder
from recognition.training.run_folder import LogLine
from recognition.two_stream import TwoStreamOptions, conduct, make_plan
from recognition.two_stream.so_far import training_seconds


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_two_classes(tmp_path_factory.mktemp("two"), frames=True)


@pytest.fixture(autouse=True)
def _one_thread():
    """A forked process would wait for threads that it has not."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _options(data, presets, **others):
    store, lists = data
    return TwoStreamOptions(store=store, annotations=lists, presets=presets, splits=(1,), **others)


def test_two_processes_train_test_and_fuse_in_turn_and_the_first_reports(data, tmp_path, monkeypatch):
    presets = make_tiny(monkeypatch)
    draw_nothing(monkeypatch)
    plan, out = make_plan(_options(data, presets, folds=2)), tmp_path / "out"

    def work(rank):
        found = conduct(plan, out)
        assert (found is None) == (rank == 1)
        if found is not None:
            assert found.complete

    assert as_two(work) == [0, 0]
    parts = json.loads((out / "record.json").read_text())["parts"]
    assert len(parts) == 6 + 6 + 3 + 1 + 1
    assert RunFolder(out / "split1/spatial-seed0").record().sessions[0].processes == 2
    assert (out / "report/index.html").is_file()
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert as_two(work) == [0, 0]
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    # What two processes have trained one process tests to the same bits.
    scores = read_scores(out / "split1/temporal-seed0.npz")
    (out / "split1/temporal-seed0.npz").unlink()
    conduct(plan, out)
    assert np.array_equal(read_scores(out / "split1/temporal-seed0.npz").scores, scores.scores)


def test_a_part_that_fails_ends_all_processes(data, tmp_path, monkeypatch):
    """Elsewhere the others would wait for one that has gone on to another part."""
    presets = make_tiny(monkeypatch, batch=3)
    plan = make_plan(_options(data, presets, folds=0))

    def work(rank):
        with pytest.raises(InputError, match="a batch of 3 cannot be shared by 2 processes"):
            conduct(plan, tmp_path / "out")

    assert as_two(work) == [0, 0]
    assert (tmp_path / "out/split1/temporal-seed0.npz").is_file()


def test_a_report_with_its_pictures(data, tmp_path, monkeypatch):
    presets = make_tiny(monkeypatch)[:1]
    found = conduct(make_plan(_options(data, presets)), tmp_path)
    assert found is not None
    assert found.report == tmp_path / "report"
    assert (tmp_path / "report/temporal-seed0.confusion.png").read_bytes().startswith(b"\x89PNG")
    assert "histogram of flow" in (tmp_path / "report/index.html").read_text()


def test_training_takes_the_seconds_of_its_steps(data, monkeypatch):
    (run, *_) = make_plan(_options(data, make_tiny(monkeypatch))).runs
    line = LogLine(step=20, loss=1, train_accuracy=0, rate=0.1, gradient_norm=1, clips_per_second=10.0, validation=None)
    later = LogLine(step=25, loss=1, train_accuracy=0, rate=0.1, gradient_norm=1, clips_per_second=2.0, validation=None)
    assert training_seconds([line, later], run.settings) == pytest.approx(20 * 4 / 10 + 5 * 4 / 2)
    assert training_seconds([], run.settings) == 0
