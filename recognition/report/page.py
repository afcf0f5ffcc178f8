"""The report as one HTML page that needs nothing beside itself: no script, no font, no picture from elsewhere."""

from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from jinja2 import Environment, StrictUndefined

import flowfeat
from recognition.report.contents import Report
from recognition.report.tables import Table, classes_table, confusions_table, summary_tables


@dataclass(frozen=True)
class PagePicture:
    """A picture in the page."""

    data: bytes
    kind: Literal["image/png", "image/jpeg"]
    caption: str

    @property
    def base64(self) -> str:
        """As an address in the page has it."""
        return b64encode(self.data).decode()


@dataclass(frozen=True)
class _Section:
    """What is said of one score file."""

    name: str
    method: str
    tables: tuple[Table, ...]
    pictures: tuple[PagePicture, ...]
    classes: Table


def html_page(report: Report, pictures: dict[str, tuple[PagePicture, ...]]) -> str:
    """The page. Whatever names contain is shown as text and never read as HTML.

    Args:
        report: what it says.
        pictures: of each entry, by its name, in their order.
    """
    sections = [
        _Section(
            entry.name,
            entry.scores.settings.method,
            (confusions_table(entry),) if entry.worst else (),
            pictures[entry.name],
            classes_table(entry),
        )
        for entry in report.entries
    ]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("recognition.report").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        title=f"Action recognition on {report.entries[0].scores.settings.dataset}",
        remarks=report.remarks,
        tables=summary_tables(report),
        sections=sections,
        made_by=f"flowfeat {flowfeat.__version__}, flowfeat recognition report",
    )
