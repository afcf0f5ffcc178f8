import json
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from flowfeat.cli.output import columns, duration, result_json, size


@dataclass(frozen=True)
class Result:
    out: Path
    error: float
    of_each: dict[str, float]


def test_results_are_json_whatever_was_measured(capsys: pytest.CaptureFixture[str]):
    result_json(Result(Path("a"), math.nan, {"x": math.inf, "y": 0.5}))
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "out": "a",
        "error": None,
        "of_each": {"x": None, "y": 0.5},
    }


def test_columns_are_in_line():
    assert columns([["model", "ms"], ["dis", "7"]], right=[1]) == "model  ms\ndis     7"


@pytest.mark.parametrize(("count", "told"), [(812, "812 B"), (3_400_000, "3.4 MB"), (2e10, "20 GB")])
def test_sizes(count: float, told: str):
    assert size(count) == told


@pytest.mark.parametrize(("seconds", "told"), [(12, "12 s"), (200, "3 min 20 s"), (18120, "5 h 02 min")])
def test_durations(seconds: float, told: str):
    assert duration(seconds) == told
