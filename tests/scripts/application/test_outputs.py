"""Files of the table: everything is in them, and names are text in each of the formats."""

import csv
import io
import json
import re

import pytest
from application.columns import EVERY
from application.outputs import latex, markdown, rows_csv, table_json, write_outputs
from application.results import Row
from application.table import build_table
from fixture_application import HOSTILE, actions, full_row, make_row, tracks

ROWS = [full_row("dis", 3), make_row("zero", fbms="no space | left", actions=actions(6, missing=1))]


@pytest.fixture
def hostile() -> list[Row]:
    return [make_row(name, fbms=tracks(0.5, failed={HOSTILE[2]: name}), actions=actions(6)) for name in HOSTILE]


def test_four_files_are_written_again_and_again(tmp_path):
    for _ in range(2):
        write_outputs(build_table(ROWS, ["part"]), ROWS, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv", "table.json", "table.md", "table.tex"]


def test_markdown_has_all_tables_remarks_first():
    text = markdown(build_table(ROWS, ["Made of a part."]))
    assert text.index("Made of a part.") < text.index("Before comparing") < text.index("| method |")
    assert text.count("| method |") == 6
    assert "| **90.0** |" not in text  # nothing to be better than
    assert "failed \\[1\\]: no space \\| left" in text
    assert "1. zero, FBMS-59: failed: no space \\| left." in text


def test_markdown_marks_the_best():
    rows = [full_row("dis", 3), full_row("zero", 0)]
    assert "| dis | **90.0** | **3 of 3** |" in markdown(build_table(rows, []))


def test_markdown_rows_have_as_many_cells_as_heads_whatever_names_hold(hostile):
    table = build_table(hostile, list(HOSTILE))
    text = markdown(table)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert widths == {len(part.table.head) + 1 for part in table.parts}
    for special in "`*_[<|$":
        unescaped = re.findall(
            rf"(?<!\\){re.escape(special)}", "".join(re.sub(r"(?<!\\)\|", "", line) for line in lines)
        )
        assert unescaped == []
    assert "<script" not in text.replace("\\<", "")


def test_markdown_remarks_begin_no_list_and_no_line_of_their_own():
    text = markdown(build_table([], ["- one\n# two", "3. four"]))
    assert "- \\- one \\# two\n" in text
    assert "- 3\\. four\n" in text


def test_csv_has_one_row_a_method_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(rows_csv(ROWS))))
    assert [row["source"] for row in rows] == ["measured"] * 2 + ["FlowNet 2.0, Table 5"] * 8
    assert float(rows[0]["fbms_f_measure"]) == 0.6 + 3 / 10
    assert float(rows[0]["ucf101_accuracy"]) == 9 / 12
    assert float(rows[0]["store_kib_a_pair"]) == 5
    assert rows[1]["failed_fbms"] == "no space | left"
    assert rows[1]["fbms_f_measure"] == rows[1]["epe_px"] == ""
    published = rows[2]
    assert (published["method"], published["known_by"], published["fbms_f_measure"]) == ("LDOF", "memory", "0.7951")
    assert (published["fbms_extracted"], published["fbms_visible"]) == ("28", "65")
    assert len({column.name for column in EVERY}) == len(EVERY)


def test_csv_keeps_names_as_they_are(hostile):
    rows = list(csv.DictReader(io.StringIO(rows_csv(hostile))))
    assert [row["method"] for row in rows[:4]] == list(HOSTILE)


def test_json_has_what_made_each_cell():
    told = table_json(build_table(ROWS, ["part"]), ROWS)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    made = told["rows"][0]["cells"]["actions"]
    assert made["made_of"]["data"] == "0" * 64
    assert made["versions"] == {"flowfeat": "0.1.0"}
    assert made["machine"]["processor"] == "made"
    assert made["result"]["confusion"] == [[4, 0, 0], [0, 4, 0], [3, 0, 1]]
    assert told["rows"][0]["numbers"]["fbms_track_length_frames"] == 6
    assert told["rows"][1]["cells"]["fbms"]["failed"] == "no space | left"
    assert told["published"][-1]["numbers"]["fbms_f_measure"] == 0.7992
    assert told["remarks"] == ["part"]


def test_latex_is_one_booktabs_table_with_as_many_cells_everywhere(hostile):
    text = latex(build_table(hostile, []))
    assert text.count("\\begin{tabular}{lrrrrrrl}") == 1
    body = text.split("\\toprule")[1].split("\\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert len(lines) == 1 + 4 + 8
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {7}
    packages = set(re.findall(r"\\usepackage\{(\w+)\}", text))
    assert packages == {"booktabs"}


def test_latex_escapes_every_special_letter_and_balances_braces(hostile):
    text = latex(build_table(hostile, [*HOSTILE, "naïve ± 漢"]))
    rest = re.sub(r"\\[a-zA-Z]+|\\.|\$\\(pm|times)\$", "", text.split("\n", 1)[1])
    assert not re.findall(r"[%#$^_~<>|\\]", rest)
    unescaped = re.sub(r"\\[{}\\]", "", text)
    assert unescaped.count("{") == unescaped.count("}")
    assert r"\textbackslash{}textbf\{50\% \& \#1\}\textasciitilde{}\textasciicircum{}" in text
    assert r"naïve $\pm$ [U+6F22]" in text


def test_a_row_that_begins_with_a_bracket_is_no_length(hostile):
    text = latex(build_table(hostile, []))
    assert re.search(r"^\{\}\[1\]", text, re.MULTILINE)


def test_names_that_are_no_utf_8_are_written(tmp_path):
    rows = [make_row("bad\udc80name", actions=actions(6))]
    write_outputs(build_table(rows, []), rows, tmp_path)
    assert "bad\\udc80name" in (tmp_path / "table.csv").read_text(encoding="utf-8")
