import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowfeat.errors import FormatError
from flowfeat.typed_json import typed
from recognition.presets import PRESETS, Preset
from recognition.training.typed_json import json_bytes, read_json


@dataclass(frozen=True)
class Inner:
    kind: Literal["a", "b"]
    pair: tuple[int, float]


@dataclass(frozen=True)
class Outer:
    text: str
    whole: int
    either: int | str | None
    numbers: tuple[float, ...]
    inner: Inner | None
    table: dict[str, bool]
    path: Path


_outers = st.builds(
    Outer,
    st.text(),
    st.integers(),
    st.none() | st.integers() | st.text(),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)).map(tuple),
    st.none() | st.builds(Inner, st.sampled_from(["a", "b"]), st.tuples(st.integers(), st.floats(0, 1))),
    st.dictionaries(st.text(), st.booleans()),
    st.sampled_from([Path("/a/b"), Path("c")]),
)


@settings(max_examples=40)
@given(_outers)
def test_what_is_written_is_read(record):
    assert typed(Outer, json.loads(json_bytes(record)), "it") == record


@pytest.mark.parametrize("preset", [preset for streams in PRESETS.values() for preset in streams], ids=repr)
def test_every_preset_comes_back(preset):
    assert typed(Preset, json.loads(json_bytes(preset)), "it") == preset


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"whole": 1.5}, r"it\.whole is '1\.5'"),
        ({"whole": True}, r"it\.whole"),
        ({"either": 1.5}, r"it\.either"),
        ({"inner": {"kind": "c", "pair": [1, 2]}}, r"it\.inner"),
        ({"numbers": [1, "x"]}, r"it\.numbers\[1\]"),
        ({"more": 1}, "unknown ones"),
        ({"table": {"x": 1}}, r"it\.table\.x"),
    ],
)
def test_what_is_of_another_kind_is_refused(tmp_path, change, told):
    record = Outer("x", 1, None, (1.0,), Inner("a", (1, 2.0)), {"x": True}, Path("p"))
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**json.loads(json_bytes(record)), **change}))
    with pytest.raises(FormatError, match=told) as fault:
        read_json(path, Outer)
    assert str(fault.value).startswith(f"{path}: ")


def test_what_is_no_json_is_refused(tmp_path):
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(FormatError, match="not JSON"):
        read_json(tmp_path / "record.json", Outer)


def test_numbers_that_are_none_are_not_written():
    with pytest.raises(ValueError, match="JSON"):
        json_bytes(Inner("a", (1, float("nan"))))
