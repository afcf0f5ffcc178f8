"""The page needs nothing beside itself, and names are text in it."""

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from application.layout import Layout
from application.page import write_page
from application.pictures import Picture, Pictures, draw_pictures
from application.results import Row
from application.table import build_table
from fixture_application import HOSTILE, actions, full_row, make_row, tracks
from PIL import Image


class Read(HTMLParser):
    def __init__(self, page: str):
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action", "style")]

    def handle_data(self, data):
        self.text += data


def page_of(rows: list[Row], out: Path, pictures: Pictures, remarks: tuple[str, ...] = ()) -> Read:
    write_page(build_table(rows, remarks), rows, pictures, out)
    return Read((out / "index.html").read_text(encoding="utf-8"))


def test_pictures_are_in_the_page_and_nothing_is_elsewhere(tmp_path):
    rows = [full_row("dis", 3), full_row("zero", 1)]
    page = page_of(rows, tmp_path, draw_pictures(rows, Layout(tmp_path)))
    assert len(page.sources) == 2 + 2 + 2 + 1  # matrices, against runtime, against errors; the wheel where no store is
    for source in page.sources:
        kind, data = source.split(",", 1)
        assert kind in ("data:image/png;base64", "data:image/jpeg;base64")
        Image.open(io.BytesIO(base64.b64decode(data))).verify()
    assert not {"script", "link", "iframe", "object"} & set(page.tags)


def test_what_is_missing_has_its_reason_in_its_place(tmp_path):
    pictures = Pictures(flow=(Picture("flow of v_x", None, missing="the store <b>is gone</b>"),))
    page = page_of([full_row("dis", 3)], tmp_path, pictures)
    assert "No picture of flow of v_x: the store <b>is gone</b>" in page.text
    assert "b" not in page.tags


def test_remarks_come_first_then_cautions_then_the_table(tmp_path):
    text = page_of([full_row("dis", 3)], tmp_path, Pictures(), ("Made of a part.",)).text
    places = [text.index(part) for part in ("Made of a part.", "do not compare directly", "segmentation: F", "LDOF")]
    assert places == sorted(places)


def test_every_table_note_setting_and_version_is_there(tmp_path):
    rows = [full_row("dis", 3), make_row("zero", fbms="no space left", actions=actions(6))]
    page = page_of(rows, tmp_path, Pictures())
    table = build_table(rows, [])
    for part in table.parts:
        for cell in (*part.table.head, *(cell for row in part.table.rows for cell in row), part.table.note):
            assert cell in page.text
    for sentence in (*table.notes, *table.cautions, "preset medium", "0" * 64, "2026-01-02T03:04:05Z", "0.1.0"):
        assert sentence in page.text
    assert page.tags.count("table") == 6 + 6 + 2 + 1


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_and_never_read_as_html(tmp_path, name):
    rows = [make_row(name, fbms=tracks(0.5, failed={name: name}), actions=actions(6, classes=(name, "b", "c")))]
    rows.append(Row(name + "2", {}, name))
    page = page_of(rows, tmp_path, draw_pictures(rows, Layout(tmp_path)), (name,))
    assert not {"script", "i"} & set(page.tags)
    assert page.text.count(name) > 5
    assert all(source.startswith("data:image/") for source in page.sources)


def test_a_page_of_one_failed_method_is_a_page(tmp_path):
    page = page_of([Row("lost", {}, "lost: there is no such method")], tmp_path, Pictures())
    assert "lost: there is no such method." in page.text
    assert page.sources == []
    assert "80.18" in page.text
