"""A whole table's measurements: in processes, beside each other, standing, failing, killed and gone on with."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing import Pipe
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from application.apart import Apart
from application.cells import measure
from application.conduct import Watch, conduct, standing_cells
from application.layout import Layout, folder_name
from application.options import TableOptions
from application.results import Cell, Kind
from fixture_table_data import inputs_of, table_options, write_table_data

from flowfeat.errors import InputError

SCRIPT = Path(__file__).parents[3] / "scripts/application_table.py"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_table_data(tmp_path_factory.mktemp("data"))


class Here:
    """A measurement in this very process, which starts in no time."""

    made: ClassVar[list[tuple[str, Kind]]] = []
    dying: ClassVar[tuple[str, Kind] | None] = None

    def __init__(self, kind, method, decided_by, options, threads):
        self.pipe, there = Pipe(duplex=False)
        self._dies = (method.name, kind) == Here.dying
        if not self._dies:
            Here.made.append((method.name, kind))
            measure(kind, method, decided_by, options, lambda *told: there.send(told))
        there.close()

    receive = Apart.receive

    def death(self) -> str | None:
        return "its process was ended by SIGKILL" if self._dies else None

    def interrupt(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _here(monkeypatch):
    Here.made, Here.dying = [], None
    monkeypatch.setattr("application.conduct.Apart", Here)


def small(root: Path, out: Path, **changes) -> TableOptions:
    """Measurements that take a moment."""
    return table_options(root, out, **{"ucf101": None, "annotations": None, "davis": None, **changes})


def test_what_stands_is_not_made_again(root, tmp_path):
    options = small(root, tmp_path / "out", models=("zero", "farneback"))
    inputs, told = inputs_of(options), list[tuple[Cell, bool]]()
    assert set(standing_cells(options, inputs)[0].values()) == {"to make"}
    rows = conduct(options, inputs, 2, Watch(told=lambda *each: told.append(each)))
    assert [row.name for row in rows] == ["zero", "farneback"]
    assert all(cell.result is not None for row in rows for cell in row.cells.values())
    # Each method is timed before anything else is done.
    assert Here.made[:2] == [("zero", "speed"), ("farneback", "speed")]
    assert {standing for _, standing in told} == {False}
    assert set(standing_cells(options, inputs)[0].values()) == {"stands"}

    Here.made.clear()
    told.clear()
    assert conduct(options, inputs, 2, Watch(told=lambda *each: told.append(each))) == rows
    assert Here.made == []
    assert {standing for _, standing in told} == {True}

    # A point every 4 pixels is another measurement of FBMS-59 and of nothing else.
    denser = small(root, options.out, models=("zero", "farneback"), sampling=4)
    conduct(denser, inputs, 1)
    assert Here.made == [("zero", "fbms"), ("farneback", "fbms")]

    Here.made.clear()
    Layout(options.out).cell("zero", "errors").write_text("{}")
    conduct(denser, inputs, 1)
    assert Here.made == [("zero", "errors")]


def test_a_method_that_cannot_be_had_and_a_process_that_dies_cost_their_own_cells(root, tmp_path):
    Here.dying = ("zero", "fbms")
    options = small(root, tmp_path, models=("flownet2", "zero"))
    full, zero = conduct(options, inputs_of(options), 2)
    assert full.cells == {}
    assert full.failed is not None
    assert "weights" in full.failed
    assert zero.cells["fbms"].result is None
    assert zero.cells["fbms"].failed is not None
    assert zero.cells["fbms"].failed.startswith("its process was ended by SIGKILL; run again")
    assert zero.cells["errors"].result is not None
    states, closed = standing_cells(options, inputs_of(options))
    assert states["zero", "fbms"] == "to make"
    assert states["zero", "errors"] == "stands"
    assert closed == {"flownet2": full.failed}

    Here.dying = None
    Here.made.clear()
    (_, zero) = conduct(options, inputs_of(options), 2)
    assert zero.cells["fbms"].result is not None
    assert Here.made == [("zero", "fbms")]


def test_without_flow_there_is_no_recognition(root, tmp_path):
    clips = tmp_path / "clips/Up"
    clips.mkdir(parents=True)
    (clips / "v_Up_g01_c01.avi").write_bytes(b"no video")
    options = small(root, tmp_path / "out", ucf101=tmp_path / "clips", annotations=root / "lists", fbms=None)
    (row,) = conduct(options, inputs_of(options), 1)
    assert row.cells["store"].result is None
    assert row.cells["store"].failed is not None
    assert row.cells["actions"].failed == f"it needs the flow of the clips: {row.cells['store'].failed}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"models": ()}, "--models: say at least one"),
        ({"models": ("zero", "zero")}, "--models zero zero: say each once"),
        ({"weights": {"flownet2": Path("a")}}, "--weights flownet2=a: flownet2 is not among --models"),
        ({"annotations": None}, "--ucf101 and --annotations go together"),
        (
            {"ucf101": None, "annotations": None, "fbms": None, "davis": None, "truth": None},
            "no data is given; say --ucf101",
        ),
        ({"seeds": ()}, "--seeds"),
        ({"seeds": (1, 1)}, "--seeds 1 1"),
        ({"steps": 0}, "--steps 0"),
        ({"preset": "slow"}, "slow"),
    ],
    ids=range(9),
)
def test_options_that_cannot_be_are_refused(root, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        table_options(root, tmp_path, **changes)


def test_folders_of_methods():
    assert folder_name("flownet2-css-ft-sd") == "flownet2-css-ft-sd"
    assert folder_name("dis+v") == "dis+v"
    names = [
        folder_name(name) for name in ("files:/a/b", "files:/a-b", "files:/a b", "../x", "", "-v", "flownet2-S@0.5")
    ]
    assert len(set(names)) == len(names)
    assert all("/" not in name and not name.startswith((".", "-")) for name in names)


def _start(root: Path, out: Path) -> subprocess.Popen:
    words = ["--models", "zero", "--out", out, "--ucf101", root / "clips", "--annotations", root / "lists"]
    words += ["--fbms", root / "FBMS", "--sampling", 8, "--steps", 2, "--device", "cpu"]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _numbers(out: Path) -> dict[str, dict]:
    """All cells without what is never the same twice."""
    cells = {}
    for path in sorted(out.glob("cells/*/*.json")):
        cell = json.loads(path.read_text())
        if cell["kind"] == "speed":
            continue
        for name in ("begun", "seconds"):
            del cell[name]
        result = cell["result"]
        for name in ("seconds", "pairs_timed"):
            result.pop(name, None)
        for shot in result.get("shots", []):
            del shot["seconds"]
        cells[str(path.relative_to(out))] = cell
    return cells


def test_killed_at_random_and_run_again_it_ends_with_the_same_table(root, tmp_path):
    options = table_options(root, tmp_path / "whole", davis=None, truth=None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    conduct(options, inputs_of(options), 1)
    torch.set_num_threads(threads)

    killed, chance, kills = tmp_path / "killed", random.Random(5), 0
    for _ in range(2):
        run = _start(root, killed)
        time.sleep(chance.uniform(4, 12))
        if run.poll() is None:
            os.kill(run.pid, signal.SIGKILL)
            kills += 1
        run.communicate()
        time.sleep(1)  # for the processes of its measurements to see it and end
    last = _start(root, killed)
    _, told = last.communicate(timeout=600)
    assert last.returncode == 0, told
    assert "measured" in told
    assert kills
    assert _numbers(killed) == _numbers(options.out)
    assert len(_numbers(killed)) == 3
    assert (killed / "index.html").stat().st_size > 10_000
    assert json.loads((killed / "table.json").read_text())
