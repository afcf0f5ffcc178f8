"""The table in the README is the one that was measured."""

import json
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE = runpy.run_path(str(ROOT / "docs/make_tables.py"))
RECORD = json.loads(MADE["RECORD"].read_text("utf-8"))


def test_the_readme_has_the_measured_table():
    page = MADE["README"].read_text("utf-8")
    assert MADE["with_table"](page, RECORD) == page, "run python docs/make_tables.py"


def test_the_record_is_a_whole_table_and_the_readme_shows_its_numbers():
    rows = {row["method"].split(":")[0]: row for row in RECORD["rows"]}
    asked = {"zero", "dis", "farneback", "deepflow", "flownet2-thin", "flownet2-css-ft-sd", "flownet2-sd", "files"}
    assert set(rows) == asked
    assert all(cell["failed"] is None for row in rows.values() for cell in row["cells"].values())
    lines = {line.split("|")[1].strip(" `"): line for line in MADE["measured_table"](RECORD)}
    accuracy = rows["dis"]["cells"]["actions"]["result"]["accuracy"]
    assert f"| {100 * accuracy:.1f} (" in lines["dis"]


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="0 places for the table"):
        MADE["with_table"]("no place", RECORD)
