"""The report as one HTML page that needs nothing beside itself: no script, no font, no picture from elsewhere."""

from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from jinja2 import Environment, StrictUndefined

import flowfeat
from recognition.report.contents import Entry, Report
from recognition.report.pictures import NUMBERS_UP_TO
from recognition.report.table import Table
from recognition.report.tables import classes_table, confusions_table, settings_table, summary_tables


@dataclass(frozen=True)
class EntryPictures:
    """What is drawn of a score file: PNG, PNG and JPEG; no sheet where no mistake could be shown."""

    confusion: bytes
    classes: bytes
    mistakes: bytes | None


@dataclass(frozen=True)
class _Picture:
    """A picture in the page: as wide as the page, of the width of a column in a row of its own, or beside others."""

    data: bytes
    kind: Literal["image/png", "image/jpeg"]
    caption: str
    place: Literal["wide", "alone", "beside"]

    @property
    def address(self) -> str:
        """The picture itself, as an address."""
        return f"data:{self.kind};base64,{b64encode(self.data).decode()}"


@dataclass(frozen=True)
class _Section:
    """What is said of one score file."""

    name: str
    method: str
    mistakes: tuple[Table, ...]
    sheet: _Picture | None
    pictures: tuple[_Picture, ...]
    folded: tuple[Table, ...]


def html_page(report: Report, pictures: dict[str, EntryPictures], accuracy: bytes | None = None) -> str:
    """The page. Whatever names contain is shown as text and never read as HTML.

    Args:
        report: what it says.
        pictures: of each entry, by its name.
        accuracy: bars of all entries, PNG, if there are several.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("recognition.report").joinpath("page.html").read_text(encoding="utf-8"))
    first, *others = summary_tables(report)
    return template.render(
        title=f"Action recognition on {report.entries[0].scores.settings.dataset}",
        remarks=report.remarks,
        overview=first,
        accuracy=None if accuracy is None else _Picture(accuracy, "image/png", _ACCURACY, "alone"),
        tables=others,
        sections=[_section(entry, pictures[entry.name]) for entry in report.entries],
        made_by=f"flowfeat {flowfeat.__version__}, flowfeat recognition report",
    )


_ACCURACY = (
    "Accuracy with its 95 % interval, the best on top; baselines are grey, the dotted line is chance, hatched bars are "
    "of a part of the split."
)

_SHEET = (
    "The worst confusions: the surest mistakes, then the clip of the class they were taken for that is recognised most "
    "surely. Hue is the direction of the motion, white stands still; each flow is scaled by itself."
)


def _section(entry: Entry, pictures: EntryPictures) -> _Section:
    many = len(entry.scores.classes) > NUMBERS_UP_TO
    confusion = "Clips by true class (row) and the class that was said (column)."
    return _Section(
        entry.name,
        entry.scores.settings.method,
        (confusions_table(entry),) if entry.worst else (),
        None if pictures.mistakes is None else _Picture(pictures.mistakes, "image/jpeg", _SHEET, "wide"),
        (
            _Picture(pictures.confusion, "image/png", confusion, "wide" if many else "beside"),
            _Picture(pictures.classes, "image/png", "The classes, the best on top.", "alone" if many else "beside"),
        ),
        (classes_table(entry), settings_table(entry)),
    )
