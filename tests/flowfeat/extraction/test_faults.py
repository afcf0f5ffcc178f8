"""What goes wrong around a run: a disk, a folder, a clip, a clock. Nothing lost, nothing twice, each reported."""

import errno
import hashlib
import json
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from fixture_clips import write_clip

from flowfeat.errors import InputError
from flowfeat.estimators import EstimatorDescription, FlowEstimator, load_estimator
from flowfeat.extraction import ExtractionOptions, extract
from flowfeat.formats import write_flow
from flowfeat.store import FlowStore, writer
from flowfeat.store.records import partial_files, runs_of_store
from flowfeat.store.verify import verify
from flowfeat.video import ClipDecoder


@pytest.fixture
def clips(tmp_path) -> Path:
    for i in range(3):
        write_clip(tmp_path / f"clips/Class{i}/v_{i}.avi", frames=4 + i, seed=i)
    return tmp_path / "clips"


def hashes(store: Path) -> dict[str, str]:
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in store.rglob("*.safetensors")}


# A disk that fails in the midst


def _fails(real, failing, number: int):
    """`real`, which raises OSError where `failing` says so of its arguments."""

    def call(*arguments, **named):
        if failing(*arguments):
            raise OSError(number, os.strerror(number), str(arguments[0]))
        return real(*arguments, **named)

    return call


def _is_second(path: object) -> bool:
    return "v_1.safetensors" in str(path)


def _spool_that_fails(number: int):
    class Spool(tempfile.SpooledTemporaryFile):
        spools = 0

        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            Spool.spools += 1
            self._fails = Spool.spools == 2

        def write(self, *arguments):
            if self._fails:
                raise OSError(number, os.strerror(number))
            return super().write(*arguments)

    return Spool


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("place", ["spool", "folder", "open", "sync", "rename"])
def test_a_disk_that_fails_stops_the_run_and_the_next_one_goes_on(clips, tmp_path, monkeypatch, place, number):
    extract([clips], ExtractionOptions(out=tmp_path / "whole", model="zero"))
    options = ExtractionOptions(out=tmp_path / "flow", model="zero", workers=1)
    with monkeypatch.context() as disk:
        if place == "spool":
            disk.setattr(writer.tempfile, "SpooledTemporaryFile", _spool_that_fails(number))
        elif place == "folder":
            disk.setattr(Path, "mkdir", _fails(Path.mkdir, lambda path, *_: path.name == "Class1", number))
        elif place == "open":
            disk.setattr(
                Path, "open", _fails(Path.open, lambda path, mode="r": mode == "xb" and _is_second(path), number)
            )
        elif place == "sync":
            disk.setattr(os, "fsync", _fails(os.fsync, lambda file: _is_second(_name_of(file)), number))
        else:
            disk.setattr(Path, "replace", _fails(Path.replace, lambda path, _: _is_second(path), number))
        report = extract([clips], options)
    assert not report.complete
    assert report.stopped is not None
    assert f"the store cannot be written ({os.strerror(number)}); nothing is half-written" in report.stopped
    assert report.failed == {}, "no clip is to blame"
    assert json.loads(Path(report.run_record).read_text())["state"] == "stopped"
    stored = hashes(options.out)
    assert report.extracted == len(stored) < 3
    assert stored.items() <= hashes(tmp_path / "whole").items()
    assert list(partial_files(options.out)) == []
    again = extract([clips], options)
    assert (again.complete, again.done_before, again.extracted) == (True, len(stored), 3 - len(stored))
    assert hashes(options.out) == hashes(tmp_path / "whole")
    found = verify(options.out)
    assert found.clean
    assert found.notes == [], "the second run has made what the first one left"


def _name_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def test_a_disk_without_room_for_the_last_record_loses_no_clip(clips, tmp_path, monkeypatch, caplog):
    options = ExtractionOptions(out=tmp_path / "flow", model="zero")
    with monkeypatch.context() as disk:
        records = iter(range(9))  # the first says that the run has begun
        failing = _fails(Path.replace, lambda path, _: "0001.json" in path.name and next(records) > 0, errno.ENOSPC)
        disk.setattr(Path, "replace", failing)
        report = extract([clips], options)
    assert report.complete
    assert "the record of this run could not be written" in caplog.text
    assert "No space left on device" in caplog.text
    assert len(hashes(options.out)) == 3
    assert list(partial_files(options.out)) == []
    assert verify(options.out).notes == [], "all is there, whatever the record says"
    assert extract([clips], options).done_before == 3


# A folder that may only be read


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Nobody may write below the folder; where we are root, who may do everything, we are somebody else."""
    for path in folder.parents:
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o005:
            path.chmod(path.stat().st_mode | 0o055)
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.getuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        for path in everything:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_store_that_has_become_read_only_is_refused_as_it_is_and_can_be_verified(clips, tmp_path):
    options = ExtractionOptions(out=tmp_path / "flow", model="zero")
    extract([clips], options)
    write_clip(clips / "new.avi")
    before = sorted(options.out.rglob("*")), hashes(options.out)
    with _read_only(options.out):
        with pytest.raises(InputError, match=r"flow/runs/0002\.json: the store cannot be written \(Permission denied"):
            extract([clips], options)
        assert verify(options.out).clean
    assert before == (sorted(options.out.rglob("*")), hashes(options.out))
    assert extract([clips], options).extracted == 1


# A source that fails


def test_flow_files_that_cannot_be_read_cost_their_clip(clips, tmp_path):
    for i in range(3):
        for t in range(3 + i):
            write_flow(tmp_path / f"theirs/Class{i}/v_{i}/{t}.flo", np.zeros((2, 48, 64), np.float32))
    bad = tmp_path / "theirs/Class1/v_1/1.flo"
    estimator = load_estimator(f"files:{tmp_path / 'theirs'}")
    bad.unlink()
    bad.mkdir()
    report = extract([clips], ExtractionOptions(out=tmp_path / "flow"), [estimator])
    assert report.stopped is None
    assert report.failed == {"Class1/v_1": f"{bad}: this file of flow cannot be read (Is a directory)"}
    assert set(hashes(tmp_path / "flow")) == {"v_0", "v_2"}


def test_a_decoder_that_cannot_start_costs_its_clip(clips, tmp_path, monkeypatch):
    failing = _fails(ClipDecoder.open, lambda decoder, path, resize: path.stem == "v_1", errno.EAGAIN)
    monkeypatch.setattr(ClipDecoder, "open", failing)
    report = extract([clips], ExtractionOptions(out=tmp_path / "flow", model="zero"))
    assert report.stopped is None
    assert list(report.failed) == ["Class1/v_1"]
    assert report.failed["Class1/v_1"].startswith(f"{clips}/Class1/v_1.avi: it cannot be decoded (")
    assert os.strerror(errno.EAGAIN) in report.failed["Class1/v_1"]
    assert set(hashes(tmp_path / "flow")) == {"v_0", "v_2"}


def test_the_store_is_not_blamed_for_what_an_estimator_cannot_do(clips, tmp_path):
    def meddle() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "kernels.cache")

    report = extract([clips], ExtractionOptions(out=tmp_path / "flow"), [Meddler("Class1/v_1", meddle)])
    assert report.stopped == f"kernels.cache: {os.strerror(errno.EIO)}; mend this and run again to go on"


# A clip that changes


class Meddler(FlowEstimator):
    """Stands for any estimator; before its first pair of the clip `key` it does something to the clip."""

    fixed_batch = False

    def __init__(self, key: str, meddle):
        self.description = EstimatorDescription("meddler", "test")
        self._key, self._meddle = key, meddle

    def estimate(self, frames, pairs):
        if self._meddle and any(pair.clip == self._key for pair in pairs):
            self._meddle()
            self._meddle = None
        return torch.zeros(len(frames), 2, *frames.shape[-2:])


def _grow(clip: Path) -> None:
    with clip.open("ab") as file:
        file.write(b"more")


def _replace(clip: Path) -> None:
    write_clip(clip.with_name("other.tmp.avi"), frames=6, seed=9).replace(clip)


def _rewrite(clip: Path) -> None:
    clip.write_bytes(bytes(reversed(clip.read_bytes())))


@pytest.mark.parametrize("change", [_grow, _replace, _rewrite, Path.unlink])
def test_a_clip_that_changes_while_it_is_read_fails_and_is_made_once_it_rests(clips, tmp_path, change):
    # Its frames are so large that most are still to be decoded when its first pair is computed.
    changing = write_clip(clips / "v_x.avi", frames=40, height=720, width=960)
    options = ExtractionOptions(out=tmp_path / "flow", workers=1, batch=1)
    report = extract([clips], options, [Meddler("v_x", lambda: change(changing))])
    assert list(report.failed) == ["v_x"]
    told = "No such file" if change is Path.unlink else "the clip changed while it was read; run again"
    assert report.failed["v_x"].startswith(f"{changing}: {told}")
    assert set(hashes(options.out)) == {"v_0", "v_1", "v_2"}
    assert list(partial_files(options.out)) == []
    assert verify(options.out).missing == report.failed
    write_clip(changing, frames=7)
    again = extract([clips], options, [Meddler("", None)])
    assert (again.complete, again.extracted, again.done_before) == (True, 1, 3)
    header = FlowStore(options.out)["v_x"].header
    assert header.source.sha256 == hashlib.sha256(changing.read_bytes()).hexdigest()
    assert (header.pairs, header.source.bytes) == (6, changing.stat().st_size)
    assert verify(options.out).clean


def test_a_clip_that_changes_between_plan_and_reading_is_stored_as_it_was_read(clips, tmp_path):
    """The store says of a clip what was read, not what was planned, so the next plan finds it done."""
    last = clips / "Class2/v_2.avi"
    options = ExtractionOptions(out=tmp_path / "flow", workers=1, batch=1)
    big = write_clip(clips / "Class0/v_a.avi", frames=40, height=720, width=960)
    report = extract([clips], options, [Meddler("Class0/v_a", lambda: write_clip(last, frames=9, seed=5))])
    assert report.complete
    assert FlowStore(options.out)["v_2"].header.source.sha256 == hashlib.sha256(last.read_bytes()).hexdigest()
    assert big.exists()
    assert extract([clips], options, [Meddler("", None)]).done_before == 4


# A clock that jumps


def test_a_clock_that_jumps_is_seen_in_nothing_but_the_date_of_a_run(clips, tmp_path, monkeypatch):
    generator, gmtime = random.Random(0), time.gmtime
    years = iter((2031, 1999, 2012))

    class Clock:
        """Stands still at no moment: each look at it is up to a year before or after the last."""

        now = 0.0

        def __call__(self) -> float:
            self.now += generator.uniform(-1, 1) * 365 * 86400
            return self.now

    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    monkeypatch.setattr(time, "time_ns", lambda: int(clock() * 1e9))
    monkeypatch.setattr(time, "gmtime", lambda at=None: gmtime(clock() if at is None else at))
    bad, options = clips / "bad.avi", ExtractionOptions(out=tmp_path / "flow", model="zero")
    bad.touch()
    for number, year in enumerate(years):
        clock.now = (year - 1970) * 365.25 * 86400
        begun = time.perf_counter()
        report = extract([clips], options)
        assert 0 < report.seconds <= time.perf_counter() - begun + 0.001
        assert (report.done_before, report.extracted) == ((0, 3) if number == 0 else (2 + number, 1))
        assert list(report.failed) == ["bad"]
        for path in options.out.rglob("*.*"):  # as if they had been written tomorrow, or long ago
            os.utime(path, (clock.now % 2e9, clock.now % 2e9))
        bad.write_text("no video " * (number + 1))
        write_clip(clips / f"new_{number}.avi", seed=10 + number)
        os.utime(clips / f"new_{number}.avi", (0, 0))
    runs = list(runs_of_store(options.out))
    assert [path.name for path, _ in runs] == ["0001.json", "0002.json", "0003.json"]
    assert [record["report"]["done_before"] for _, record in runs] == [0, 3, 4]
    dates = [record["started"] for _, record in runs]
    assert dates != sorted(dates), "the clock went forwards only: this test tests nothing"
    found = verify(options.out)
    assert list(found.missing) == ["bad"]
    assert "not a video" in found.missing["bad"], "the last run's reason, not that of the latest date"
    assert (found.faults, found.clips) == ({}, 5)
