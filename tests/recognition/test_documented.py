"""docs/recognition.md says what the code says."""

import json
import re
import shlex
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import tyro
from fixture_scores import scores_saying

from flowfeat.cli import _parse
from recognition.presets import PRESETS
from recognition.scores import write_scores
from recognition.testing import parse_views

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/recognition.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
COMMANDS = re.findall(r"flowfeat recognition (\w+) (.*)", BLOCKS)


@pytest.mark.parametrize(("name", "options"), COMMANDS)
def test_every_command_is_one(name, options):
    assert _parse(f"recognition {name}", f"recognition.cli.{name}:{name.capitalize()}", shlex.split(options))


def test_every_command_of_the_package_is_there():
    assert {name for name, _ in COMMANDS} == {"train", "test", "fuse", "report", "predict"}


@pytest.mark.parametrize(
    ("script", "options"), [("train_two_stream", "TrainTwoStream"), ("extract_ucf101", "ExtractUCF101")]
)
def test_scripts_take_these_options(script, options):
    (line,) = re.findall(rf"python scripts/{script}\.py (.*)", BLOCKS)
    assert tyro.cli(getattr(_script(script), options), args=shlex.split(line))


def _script(name):
    spec = spec_from_file_location(f"documented_{name}", ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_table_of_presets():
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", TEXT, re.MULTILINE))
    assert list(rows) == list(PRESETS)
    for name, row in rows.items():
        preset = PRESETS[name][0]
        assert preset.stream == "temporal"
        network, seen, learnt, rate, dropout, views = row.split(" | ")
        assert re.sub(r"\W", "", network.split(",")[0].lower()) == preset.network.replace("-", "")
        segments = f"{preset.segments} segments of " if preset.segments > 1 else ""
        side = "" if preset.cropping.side == 224 else f", {preset.cropping.side} pixels"
        assert seen == f"{segments}{preset.length} fields{side}"
        schedule = preset.schedule
        assert learnt == f"{schedule.iterations:,} x {preset.batch}"
        assert float(rate.split(",")[0]) == schedule.rate
        assert tuple(1000 * int(place) for place in re.findall(r"(\d+)k", rate)) == schedule.tenth_at
        assert ("cosine" in rate) == (schedule.shape == "cosine")
        assert float(dropout) == preset.dropout
        assert parse_views(views) == preset.views


def test_a_score_file_is_read_as_is_told(tmp_path, monkeypatch):
    (code,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    write_scores("flow.npz", scores_saying([0, 1, 1], [0, 1, 2]))
    found: dict = {"np": np, "json": json}
    exec(code, found)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["settings"]["preset"] == "quick"
