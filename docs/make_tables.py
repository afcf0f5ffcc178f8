"""Put the application table that was measured here into the README: python docs/make_tables.py

It is made from docs/records/application_table.json, which is the table.json of scripts/application_table.py.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent
RECORD = HOME / "records/application_table.json"
README = HOME.parent / "README.md"
BEGIN, END = "<!-- made by docs/make_tables.py -->", "<!-- until here -->"

Numbers = Mapping[str, float | None]


def _accuracy(found: Numbers) -> str:
    low, high = (100 * (found[name] or 0) for name in ("ucf101_accuracy_low", "ucf101_accuracy_high"))
    return f"{100 * (found['ucf101_accuracy'] or 0):.1f} ({low:.0f} to {high:.0f})"


COLUMNS: dict[str, tuple[str, Callable[[Numbers], str]]] = {
    "UCF101: accuracy, %": ("ucf101_accuracy", _accuracy),
    "FBMS-59: F, %": ("fbms_f_measure", lambda found: f"{100 * (found['fbms_f_measure'] or 0):.1f}"),
    "objects": ("fbms_extracted", lambda found: f"{found['fbms_extracted']:.0f} of {found['fbms_visible']:.0f}"),
    "DAVIS: J, %": ("davis_j", lambda found: f"{100 * (found['davis_j'] or 0):.1f}"),
    "Middlebury: error, px": ("epe_px", lambda found: f"{found['epe_px']:.2f}"),
    "ms a pair": ("milliseconds_a_pair", lambda found: f"{found['milliseconds_a_pair']:.3g}"),
}


def measured_table(record: Mapping[str, Any]) -> list[str]:
    """The measured rows as Markdown, line by line."""
    lines = [("method", *COLUMNS), ("---", *["---:"] * len(COLUMNS))]
    for row in record["rows"]:
        numbers = row["numbers"]
        texts = ["–" if numbers[name] is None else text(numbers) for name, text in COLUMNS.values()]
        lines.append((_named(row["method"]), *texts))
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def with_table(page: str, record: Mapping[str, Any]) -> str:
    """A page with the table between its two marks. Raises ValueError where the page lacks them."""
    made = "\n".join([BEGIN, *measured_table(record), END])
    found, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: made, page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page has {count} places for the table, not one")
    return found


def _named(method: str) -> str:
    # A folder of this machine says nothing to others.
    return f"`files:{Path(method).name}`" if method.startswith("files:") else f"`{method}`"


def main() -> None:
    record = json.loads(RECORD.read_text("utf-8"))
    README.write_text(with_table(README.read_text("utf-8"), record), "utf-8")


if __name__ == "__main__":
    main()
