"""A report as a folder.

OUT/
    index.html                          everything on one page that needs no other file
    report.md  report.json              the same as text, and for programs
    scores.csv  classes.csv  clips.csv  a row for each score file, class and clip
    accuracy.png                        bars of the score files, where there are several
    NAME.confusion.png  .confusion.csv  NAME is the score file's
    NAME.classes.png                    bars
    NAME.mistakes.jpg                   colour and flow of the worst confusions, where the store is there
"""

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from flowfeat.atomic import write_atomically
from flowfeat.errors import InputError, StoreError
from flowfeat.store import FlowStore
from flowfeat.store.records import settings_of_store
from recognition.report.contents import Entry, Report
from recognition.report.csv_files import classes_csv, clips_csv, confusion_csv, scores_csv
from recognition.report.page import EntryPictures, html_page
from recognition.report.pictures import accuracy_picture, classes_picture, confusion_picture, title_of
from recognition.report.tables import markdown
from recognition.report.thumbnails import Thumbnails, confusion_thumbnails

SCHEMA = 1


@dataclass(frozen=True)
class WrittenReport:
    """What was written.

    Attributes:
        folder: where.
        without_thumbnails: of each entry whose confusions could not be shown, by its name, why.
        absent: clips that should be on a sheet and are not in its store, or cannot be read.
    """

    folder: Path
    without_thumbnails: dict[str, str]
    absent: tuple[str, ...]


def write_report(report: Report, out: str | Path, store: str | Path | None = None) -> WrittenReport:
    """Write the folder, each file whole or not at all; files of an earlier report are replaced.

    Args:
        report: what it says.
        out: the folder.
        store: of the flow that confusions are shown by; if not given, where it was when the clips were tested.

    Raises:
        InputError: `out` is a file, or `store` was given and is not the store that was tested on.
        OSError: a file cannot be written.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: this is a file, and a report is a folder; give another --out")
    pictures: dict[str, EntryPictures] = {}
    without: dict[str, str] = {}
    absent: list[str] = []
    for entry in report.entries:
        confusion = confusion_picture(title_of(entry), entry.scores.classes, entry.evaluation.confusion)
        classes = classes_picture(entry)
        shown = _thumbnails(entry, store)
        sheet = None
        write_atomically(out / f"{entry.name}.confusion.png", confusion)
        write_atomically(out / f"{entry.name}.confusion.csv", confusion_csv(entry).encode())
        write_atomically(out / f"{entry.name}.classes.png", classes)
        if isinstance(shown, str):
            without[entry.name] = shown
        else:
            absent += shown.absent
            if shown.sheet is not None:
                sheet = _jpeg(shown.sheet)
                write_atomically(out / f"{entry.name}.mistakes.jpg", sheet)
        pictures[entry.name] = EntryPictures(confusion, classes, sheet)
    accuracy = accuracy_picture(report.entries) if len(report.entries) > 1 else None
    if accuracy is not None:
        write_atomically(out / "accuracy.png", accuracy)
    write_atomically(out / "scores.csv", scores_csv(report).encode())
    write_atomically(out / "classes.csv", classes_csv(report).encode())
    write_atomically(out / "clips.csv", clips_csv(report).encode())
    write_atomically(out / "report.md", markdown(report).encode())
    write_atomically(out / "report.json", (json.dumps(report_json(report), indent=1) + "\n").encode())
    write_atomically(out / "index.html", html_page(report, pictures, accuracy).encode())
    return WrittenReport(out, without, tuple(dict.fromkeys(absent)))


def report_json(report: Report) -> dict[str, Any]:
    """The report for programs: the first score file's numbers at the top, all of them under `files`."""
    return {
        "schema": SCHEMA,
        **report.entries[0].evaluation.to_json(),
        "files": [_entry_json(entry) for entry in report.entries],
        "split_means": [
            {"method": each.method, "stream": each.stream, **asdict(each.mean)} for each in report.split_means
        ],
        "seed_means": [asdict(each) for each in report.seed_means],
        "comparisons": [asdict(each) for each in report.comparisons],
        "flow_errors": [asdict(each) for each in report.flow_errors],
        "published": [asdict(each) for each in report.published],
        "remarks": list(report.remarks),
    }


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "file": str(entry.file),
        "method": entry.scores.settings.method,
        "settings": asdict(entry.scores.settings),
        "fingerprint": entry.scores.fingerprint,
        **entry.evaluation.to_json(),
        "confusion": np.asarray(entry.evaluation.confusion).tolist(),
        "worst": [asdict(each) for each in entry.worst],
    }


def _thumbnails(entry: Entry, store: str | Path | None) -> Thumbnails | str:
    """The sheet, or why there is none: a store that was given must be the right one, one that was noted may be gone."""
    if not entry.worst:
        return "no clip is mistaken"
    place = store if store is not None else entry.scores.settings.store
    if place is None:
        return "the score file names no store; give it with --store"
    try:
        settings = settings_of_store(Path(place))
        if settings is None:
            raise StoreError(f"{place}: there is no such store")
    except StoreError as fault:
        if store is not None:
            raise
        return f"{fault}; give it with --store"
    if entry.scores.fingerprint is not None and settings.fingerprint != entry.scores.fingerprint:
        told = f"{place}: this store is not the one that {entry.name} was tested on"
        if store is not None:
            raise InputError(f"{told}; give that one")
        return told
    return confusion_thumbnails(entry.worst, FlowStore(place))


def _jpeg(sheet: UInt8[np.ndarray, "h w 3"]) -> bytes:
    data = io.BytesIO()
    # As flowfeat.visualization writes pictures: half-resolution chroma would smear the colours that carry the meaning.
    Image.fromarray(sheet).save(data, format="JPEG", quality=85, subsampling=0)
    return data.getvalue()
