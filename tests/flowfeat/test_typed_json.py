"""Records as JSON: what is written comes back as it was, and what does not fit is named."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowfeat.errors import FormatError, InputError
from flowfeat.typed_json import json_bytes, read_json, typed


@dataclass(frozen=True)
class Part:
    share: float | None
    value: str | int | float | bool


@dataclass(frozen=True)
class Whole:
    name: str
    kind: Literal["a", "b"]
    either: int | str | None
    counts: tuple[int, ...]
    pair: tuple[int, float]
    parts: dict[str, Part]
    last: Part | None
    path: Path


FINITE = st.floats(allow_nan=False, allow_infinity=False)
PARTS = st.builds(Part, st.none() | FINITE, st.text() | st.integers() | st.booleans() | FINITE)
WHOLES = st.builds(
    Whole,
    st.text(),
    st.sampled_from(["a", "b"]),
    st.none() | st.integers() | st.text(),
    st.lists(st.integers()).map(tuple),
    st.tuples(st.integers(), FINITE),
    st.dictionaries(st.text(), PARTS, max_size=3),
    st.none() | PARTS,
    st.sampled_from([Path("/a/b"), Path("c")]),
)
WHOLE = Whole("n", "a", None, (1, 2), (1, 2.0), {}, None, Path("p"))


@given(WHOLES)
def test_what_is_written_comes_back(whole: Whole):
    assert typed(Whole, json.loads(json_bytes(whole)), "it") == whole
    assert json_bytes(typed(Whole, json.loads(json_bytes(whole)), "it")) == json_bytes(whole)


def test_undefined_is_null():
    table = json.loads(json_bytes(Part(float("inf"), float("nan"))))
    assert table == {"share": None, "value": None}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": 3}, "it.name is '3', which it cannot be"),
        ({"kind": "c"}, "it.kind is 'c'"),
        ({"either": 1.5}, "it.either is '1.5'"),
        ({"counts": [1, True]}, r"it.counts\[1\] is 'True'"),
        ({"counts": 4}, "it.counts is '4'"),
        ({"pair": [1, "x"]}, r"it.pair\[1\] is 'x'"),
        ({"pair": [1]}, "it.pair has 1 entries, not 2"),
        ({"parts": {"x": {"share": "much", "value": 1}}}, "it.parts.x.share is 'much'"),
        ({"parts": {"x": {"share": 1.0}}}, "it.parts.x lacks fields or has unknown ones"),
        ({"last": {"share": None, "value": [1]}}, r"it.last.value is '\[1\]'"),
        ({"more": 1}, "it lacks fields or has unknown ones"),
    ],
)
def test_what_does_not_fit_is_named(change: dict, told: str, tmp_path: Path):
    table = {**json.loads(json_bytes(WHOLE)), **change}
    with pytest.raises(InputError, match=told):
        typed(Whole, table, "it")
    path = tmp_path / "whole.json"
    path.write_text(json.dumps(table))
    with pytest.raises(FormatError, match=told) as fault:
        read_json(path, Whole, "it")
    assert str(fault.value).startswith(f"{path}: ")


def test_files_that_cannot_be_read(tmp_path: Path):
    path = tmp_path / "part.json"
    with pytest.raises(FormatError, match=r"part.json: the part cannot be read"):
        read_json(path, Part, "part")
    path.write_text("{")
    with pytest.raises(FormatError, match=r"part.json: the part is damaged: it is not JSON"):
        read_json(path, Part, "part")
    path.write_bytes(json_bytes(Part(0.5, "x")))
    assert read_json(path, Part, "part") == Part(0.5, "x")
