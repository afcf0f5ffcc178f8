"""Rows of measurements become rows of text, the best marked, and what does not compare said."""

from dataclasses import replace

from application.comparable import compare, data_of
from application.published import PUBLISHED
from application.results import Row
from application.table import ApplicationTable, Part, build_table
from fixture_application import actions, errors, full_row, make_cell, make_row, speed, store, tracks


def part(table: ApplicationTable, name: str) -> Part:
    return next(each for each in table.parts if each.name == name)


def cell(of: Part, row: int, head: str) -> str:
    return of.table.rows[row][of.table.head.index(head)]


def best(of: Part, head: str) -> set[int]:
    return {row for row, column in of.best if column == of.table.head.index(head)}


def test_every_number_is_in_its_column():
    table = build_table([full_row("dis", 3), full_row("zero", 0)], ["made"])
    assert [each.name for each in table.parts] == ["table", "fbms", "davis", "recognition", "errors", "speed"]
    assert table.parts[0].table.rows[0] == (
        *("dis", "90.0", "3 of 3", "2 of 30", "75.0", "46.8 to 91.1", "12 of 3783", "measured here"),
    )
    assert part(table, "fbms").table.rows[0] == (
        *("dis", "90.0", "90.0", "80.0", "3 of 3", "40.0", "0.80", "6.0", "2 of 30"),
    )
    assert part(table, "davis").table.rows[0] == ("dis", "80.0", "50.0", "12.5", "1 of 3")
    assert part(table, "recognition").table.rows[0] == (
        *("dis", "75.0", "46.8 to 91.1", "75.0", "100.0", "50.0", "1", "6 of 9537", "12 of 3783"),
    )
    assert part(table, "errors").table.rows[0] == ("dis", "1.000", "0.250", "1.500", "87.5", "8")
    assert part(table, "speed").table.rows[0] == (
        *("dis", "25.0", "320 x 240", "90.0", "5.00", "0.04", "170 x 128", "18"),
    )


def test_published_rows_stand_below_with_their_mark():
    first = build_table([full_row("dis", 3)], []).parts[0]
    shown = first.table.rows[1:]
    assert len(shown) == len(PUBLISHED) == 8
    assert shown[0] == (
        "LDOF",
        "79.51",
        "28 of 65",
        "29 of 29 training",
        "79.91",
        "–",
        "not stated",
        "Table 5 (memory)",
    )
    (small,) = [row for row in shown if row[0].startswith("FlowNetS")]
    assert small[1:5] == ("56.87", "3 of 62", "28 of 29 training", "55.27")
    assert [row[4] for row in shown if row[0] in ("FlowFields", "FlowNet2-css-ft-sd")] == ["–", "–"]
    assert first.table.marked == {0}
    assert [start for start, _ in first.groups] == [0, 1]


def test_the_best_is_marked_in_its_direction_and_only_where_two_compare():
    table = build_table([full_row("zero", 0), full_row("dis", 3), full_row("farneback", 1)], [])
    assert best(table.parts[0], "segmentation: F") == {1}
    assert best(part(table, "errors"), "EPE") == {1}
    assert best(part(table, "speed"), "ms a pair") == {1}
    assert best(part(table, "speed"), "KiB a pair") == {1}
    # Equal in all rows, or good at neither end.
    assert not best(part(table, "errors"), "EPE below 1 px of motion")
    assert not best(part(table, "fbms"), "track length")
    assert not best(part(table, "recognition"), "flow histogram + SVM")
    assert not build_table([full_row("dis", 3)], []).parts[0].best


def test_values_that_look_the_same_are_equally_good():
    rows = [make_row(name, errors=errors(error)) for name, error in (("a", 1.00001), ("b", 1.00002), ("c", 2.0))]
    assert best(part(build_table(rows, []), "errors"), "EPE") == {0, 1}


def test_a_row_on_other_data_is_said_and_is_never_the_best():
    other = make_row("other", actions=actions(12))
    other = replace(other, cells={"actions": make_cell("actions", "other", actions(12), data="1" * 64)})
    rows = [make_row("a", actions=actions(6)), other, make_row("b", actions=actions(7))]
    table = build_table(rows, [])
    assert cell(table.parts[0], 1, "recognition: accuracy") == "100.0†"
    assert best(table.parts[0], "recognition: accuracy") == {2}
    (said,) = [caution for caution in table.cautions if caution.startswith("other")]
    assert "than a, b (other data)" in said


def test_settings_and_results_decide_what_compares_and_the_method_does_not():
    rows = [make_row("a", actions=actions(6)), make_row("b", actions=actions(7))]
    assert compare(rows, "actions").methods == {"a", "b"}
    rows.append(make_row("c", actions=actions(8, steps=200)))
    found = compare(rows, "actions")
    assert found.methods == {"a", "b"}
    assert [(each.method, each.told) for each in found.others] == [
        ("c", "training quick, 200 steps, not quick, 100 steps")
    ]
    assert "method" not in data_of(rows[0].cells["actions"])


def test_times_of_another_machine_do_not_compare_and_sizes_do():
    elsewhere = make_cell("store", "b", store(4, 1.0))
    elsewhere = replace(elsewhere, machine={**elsewhere.machine, "processor": "faster"})
    rows = [make_row("a", store=store(8)), make_row("c", store=store(9)), Row("b", {"store": elsewhere})]
    table = build_table(rows, [])
    shown = part(table, "speed")
    assert cell(shown, 2, "extraction, pairs/s").endswith("†")
    assert best(shown, "extraction, pairs/s") == set()
    assert cell(shown, 2, "KiB a pair") == "4.00"
    assert best(shown, "KiB a pair") == {2}
    assert sum("processor faster, not made" in caution for caution in table.cautions) == 1


def test_a_failure_is_short_in_the_table_and_whole_below():
    reason = "the disk of the machine is full at /data/out, so nothing can be written; make room"
    table = build_table([make_row("dis", fbms=reason, actions=actions(6))], [])
    line = table.parts[0].table.rows[0]
    assert line[1] == "failed [1]: the disk of the machine is full at..."
    assert line[2:4] == ("failed", "failed")
    assert line[4] == "50.0"
    assert table.notes[0] == f"dis, FBMS-59: failed: {reason}."


def test_a_method_that_cannot_be_opened_says_why():
    table = build_table([full_row("dis", 1), Row("files:/no", {}, "files:/no: there is no such folder")], [])
    assert table.parts[0].table.rows[1][:3] == ("files:/no [1]", "failed: there is no such folder", "failed")
    assert table.notes[0] == "files:/no: there is no such folder."


def test_what_was_skipped_is_counted_and_named():
    failed = {f"shot{place}": "no frames" for place in range(7)}
    table = build_table([make_row("dis", fbms=tracks(0.5, failed=failed), actions=actions(6, missing=3))], [])
    assert table.parts[0].table.rows[0][1] == "50.0 [1]"
    assert table.notes[0].startswith("dis, FBMS-59: shots that could not be segmented, 7: shot0 (no frames); shot1")
    assert table.notes[0].endswith("and 2 more, which table.json has.")
    assert table.notes[1] == (
        "dis, action recognition on UCF101: clips of these 3 classes that are not there and in no number, 3."
    )


def test_a_measurement_that_was_not_asked_for_and_a_number_that_does_not_exist_differ():
    table = build_table([make_row("dis", errors=errors(1.0, None)), make_row("zero", speed=speed(1.0))], [])
    shown = part(table, "errors")
    assert cell(shown, 0, "EPE at motion boundaries") == "undefined"
    assert cell(shown, 1, "EPE at motion boundaries") == "–"
    assert table.parts[0].table.rows[0][1] == "–"
    assert [each.name for each in table.parts] == ["table", "errors", "speed"]


def test_several_seeds_show_their_spread():
    table = build_table([make_row("dis", actions=actions(9, seeds=3))], [])
    assert table.parts[0].table.rows[0][4] == "69.4 ± 4.8"
    assert "standard deviation over seeds" in table.parts[0].table.note


def test_cautions_tell_our_data_from_the_papers():
    table = build_table([full_row("dis", 1)], ["first", "second"])
    assert table.remarks == ("first", "second")
    assert "2 of 30 shots with points every 8 px" in table.cautions[0]
    assert "3 classes and 12 of 3783 test clips" in table.cautions[0]
    assert any("remembered" in caution for caution in table.cautions)


def test_a_table_of_no_rows_is_the_published_one():
    table = build_table([], [])
    assert len(table.parts) == 1
    assert len(table.parts[0].table.rows) == 8
    assert table.parts[0].groups[0][0] == 0


def test_what_is_so_for_all_methods_is_told_once():
    rows = [make_row(name, actions=actions(6, missing=904)) for name in ("dis", "zero")]
    rows.append(make_row("late", actions=actions(6, missing=903)))
    notes = build_table(rows, ()).notes
    assert [note.split(",")[0] for note in notes[:3]] == ["dis", "zero", "late"]
    notes = build_table(rows[:2], ()).notes
    assert notes[0].startswith("all methods, action recognition on UCF101: clips of these")
    table = build_table(rows[:2], ())
    assert [line[4].rsplit(" ", 1)[-1] for line in table.parts[0].table.rows[:2]] == ["[1]", "[1]"]
    # One method alone is called by its name.
    assert build_table(rows[:1], ()).notes[0].startswith("dis, ")
