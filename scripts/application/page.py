"""The application table as one HTML page that needs nothing beside itself: no script, no font, no picture elsewhere."""

import io
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from jinja2 import Environment, StrictUndefined
from PIL import Image

import flowfeat
from application.captions import NOT_MEASURED
from application.columns import result_of
from application.footnotes import TITLES
from application.outputs import TITLE
from application.pictures import Picture, Pictures
from application.results import Actions, Cell, Row
from application.table import FAILED, ApplicationTable, Part
from flowfeat.atomic import write_atomically
from flowfeat.visualization import colour_wheel
from recognition.report.pictures import NUMBERS_UP_TO

_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}


@dataclass(frozen=True)
class _Shown:
    """A picture within the page; `address` is the picture itself, None where `missing` says why there is none."""

    title: str
    caption: str
    address: str | None
    missing: str | None


@dataclass(frozen=True)
class _Entry:
    """A cell of a table in the page, over `span` columns."""

    text: str
    classes: str
    span: int = 1


@dataclass(frozen=True)
class _Line:
    """A row of a table in the page; `group` is the title of the group that begins with it."""

    group: str | None
    marked: bool
    cells: tuple[_Entry, ...]


@dataclass(frozen=True)
class _Section:
    """Tables of what the paper lacks, and groups of pictures: how they stand, what is said of them, and they."""

    title: str
    parts: tuple[Part, ...]
    pictures: tuple[tuple[str, str, tuple[_Shown, ...]], ...]


def write_page(table: ApplicationTable, rows: Sequence[Row], pictures: Pictures, out: Path) -> None:
    """Write index.html, whole or not at all. Whatever names hold is shown as text and never read as HTML.

    Args:
        table: of these rows.
        rows: with their cells, whose settings and versions stand folded at the end.
        pictures: of these rows, in their files.
        out: the folder.

    Raises:
        OSError: the page cannot be written, or a picture's file is gone.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    page = template.render(
        title=TITLE,
        remarks=table.remarks,
        cautions=table.cautions,
        lines=_lines,
        wheel=_png(colour_wheel(160)),
        main=table.parts[0],
        runtime=[_shown(picture) for picture in pictures.runtime],
        sections=list(_sections(table, rows, pictures)),
        notes=table.notes,
        settings=[(row, [_facts(cell) for cell in row.cells.values()]) for row in rows],
        versions=_versions(rows),
        made_by=f"flowfeat {flowfeat.__version__}, scripts/application_table.py",
    )
    # A name may hold half a surrogate pair, as names of files can, and that is no UTF-8.
    write_atomically(out / "index.html", page.encode("utf-8", "backslashreplace"))


def _sections(table: ApplicationTable, rows: Sequence[Row], pictures: Pictures) -> Iterator[_Section]:
    """The tables after the first, each with the pictures of its numbers."""
    classes = [len(actions.classes) for row in rows if isinstance(actions := result_of(row, "actions"), Actions)]
    matrices = "wide" if max(classes, default=0) > NUMBERS_UP_TO else "matrix"
    for names, title, drawn in (
        (("fbms", "davis"), "Motion segmentation", (("wide", "", pictures.fbms), ("wide", "", pictures.davis))),
        (("recognition",), "Action recognition", ((matrices, _MATRICES, pictures.confusions),)),
        (("errors",), "Errors of the flow", (("plot", "", pictures.errors),)),
        (("speed",), "Speed and storage", ()),
        ((), "The flow itself", (("flow", _FLOW, pictures.flow),)),
    ):
        parts = tuple(part for part in table.parts if part.name in names)
        shown = tuple((kind, told, tuple(map(_shown, group))) for kind, told, group in drawn if group)
        if parts or shown:
            yield _Section(title, parts, shown)


_MATRICES = (
    "Confusion matrices of the first seed: clips by true class (row) and the class that was said (column), the darker "
    "the larger the share of the true class."
)

_FLOW = (
    "Hue is the direction of the motion, white stands still, full colour is the displacement that the sheet says, the "
    "same for every method."
)


def _lines(part: Part) -> Iterator[_Line]:
    """The rows of a table; what failed takes the room of all cells that it has no number for."""
    groups, table = dict(part.groups), part.table
    for place, row in enumerate(table.rows):
        cells: list[_Entry] = []
        for column, text in enumerate(row):
            if text == FAILED and cells and cells[-1].text.startswith(FAILED):
                cells[-1] = replace(cells[-1], span=cells[-1].span + 1)
                continue
            known = column in table.numbers and text.startswith(FAILED)
            classes = "failed" if known else "number" if column in table.numbers else "text"
            classes += " best" if (place, column) in part.best else " none" if text == NOT_MEASURED else ""
            cells.append(_Entry(text, classes))
        yield _Line(groups.get(place), place in table.marked, tuple(cells))


def _png(image: UInt8[np.ndarray, "h w 3"]) -> str:
    data = io.BytesIO()
    Image.fromarray(image).save(data, format="PNG")
    return _address(".png", data.getvalue())


def _address(ending: str, data: bytes) -> str:
    """A picture itself, as an address."""
    return f"data:{_TYPES[ending]};base64,{b64encode(data).decode()}"


def _shown(picture: Picture) -> _Shown:
    address = None if picture.file is None else _address(picture.file.suffix, picture.file.read_bytes())
    return _Shown(picture.title, picture.caption, address, picture.missing)


def _facts(cell: Cell) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What made a cell, for the folded part of the page."""
    facts = [("begun", cell.begun), ("took", f"{cell.seconds:.1f} s in its last session")]
    facts += [] if cell.failed is None else [("failed", cell.failed)]
    facts += [("flow by", _described(cell)), *cell.made_of.items()]
    facts += [("machine", ", ".join(f"{name}: {value}" for name, value in cell.machine.items() if value is not None))]
    return TITLES[cell.kind], tuple(facts)


def _described(cell: Cell) -> str:
    method = cell.method
    told = [method.model, method.library, *(f"{name} {value}" for name, value in method.parameters.items())]
    return ", ".join(told + ([] if method.weights_sha256 is None else [f"weights {method.weights_sha256}"]))


def _versions(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Of everything that had a part in any cell; several where cells were made by several."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for cell in row.cells.values():
            for name, version in cell.versions.items():
                found.setdefault(name, {})[version] = None
    return [(name, ", ".join(of)) for name, of in found.items()]
