"""The figures that were wanted of a GPU beside those that were measured: each met, or not, or not measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """A figure.

    Attributes:
        told: what it is of.
        figure: what is wanted.
        unit: of both.
        measured: finds what was measured in the sections of a record; raises KeyError, IndexError or ValueError where
            it was not.
        at_most: whether less is better.
    """

    told: str
    figure: float
    unit: str
    measured: Callable[[Record], float]
    at_most: bool = False


def _best(rows: list[dict[str, Any]]) -> float:
    return max(row["pairs_per_second"] for row in rows)


def _end_to_end(model: str) -> Callable[[Record], float]:
    def found(record: Record) -> float:
        rates = sorted(record["extraction"][model]["pairs_per_second"])
        return rates[len(rates) // 2]

    return found


WANTED = (
    Wanted("FlowNet2 at 256x320, float16", 2500, "pairs a second", lambda r: _best(r["networks"]["flownet2 float16"])),
    Wanted(
        "the same: half of the roofline of a dense GPU",
        4700,
        "pairs a second",
        lambda r: _best(r["networks"]["flownet2 float16"]),
    ),
    Wanted("FlowNet2 over its stock form", 5, "times", lambda r: r["networks"]["flownet2 over stock"]),
    Wanted(
        "flownet2-thin at 256x320, float16",
        8000,
        "pairs a second",
        lambda r: _best(r["networks"]["flownet2-thin float16"]),
    ),
    Wanted("videos to a store, FlowNet2", 2000, "pairs a second", _end_to_end("flownet2")),
    Wanted(
        "float16 off float32, default weights, the worst kind of rendered pairs",
        0.02,
        "px",
        lambda r: max(kind["float16"]["off_float32"] for kind in r["checks"]["precisions"].values()),
        at_most=True,
    ),
)


def wanted(record: Record) -> dict[str, Any]:
    """Of each figure what is wanted, what was measured (None where nothing was) and whether it is met."""
    found = []
    for each in WANTED:
        try:
            measured = each.measured(record)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError):  # that section failed, or had no GPU
            measured = None
        met = None if measured is None else (measured <= each.figure if each.at_most else measured >= each.figure)
        found.append({"told": each.told, "wanted": each.figure, "unit": each.unit, "measured": measured, "met": met})
    return {"figures": found}
