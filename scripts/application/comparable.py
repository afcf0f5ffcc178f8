"""Which measurements were made on the same data in the same way, and so may be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.columns import cell_of
from application.results import Actions, Cell, Errors, Kind, Masks, Row, Speed, Store, Tracks

OF_THE_METHOD = ("method", "flow", "files")
"""Names in `Cell.made_of` that rows differ in by what they are; all others are of the data and of the protocol."""

_READ = 60
"""Characters of a value that can be told in a sentence."""


@dataclass(frozen=True)
class Difference:
    """A row whose cell is of other data than the rest.

    Attributes:
        method: its name.
        told: what differs, in words.
    """

    method: str
    told: str


@dataclass(frozen=True)
class Comparison:
    """The cells of a kind in all rows.

    Attributes:
        data: what most of them were measured on, and how, by name; empty where there is no cell.
        methods: those rows.
        others: the rest of the rows that have a cell.
    """

    data: dict[str, str]
    methods: frozenset[str]
    others: tuple[Difference, ...]


def compare(rows: Sequence[Row], kind: Kind, timed: bool = False) -> Comparison:
    """What the cells of a kind have in common: what most of them have, of equally many the first.

    Args:
        rows: of the table.
        kind: of the cells.
        timed: whether machines have to be the same.
    """
    found = {row.name: data_of(cell, timed) for row in rows if (cell := cell_of(row, kind)) is not None}
    if not found:
        return Comparison({}, frozenset(), ())
    every = list(found.values())
    data = max(every, key=every.count)
    return Comparison(
        data,
        frozenset(name for name, of in found.items() if of == data),
        tuple(Difference(name, _told(of, data)) for name, of in found.items() if of != data),
    )


def data_of(cell: Cell, timed: bool = False) -> dict[str, str]:
    """What a cell was measured on, and how, whatever its method.

    Args:
        cell: that has a result.
        timed: with the machine.
    """
    # What is in both is told in the words of the result.
    data = {name: value for name, value in cell.made_of.items() if name not in OF_THE_METHOD} | _facts(cell.result)
    if timed:
        data |= {part: str(cell.machine.get(part)) for part in ("processor", "gpu")}
    return data


def _facts(result: object) -> dict[str, str]:
    match result:
        case Tracks():
            shots = ", ".join(f"{shot.name} ({shot.frames} frames)" for shot in result.shots)
            return {"sampling": f"{result.sampling} px", "protocol": result.protocol, "shots": shots}
        case Masks():
            shots = ", ".join(f"{shot.name} ({shot.frames} frames)" for shot in result.sequences)
            return {"protocol": result.protocol, "sequences": shots}
        case Actions():
            return {
                "training": f"{result.preset}, {result.steps} steps",
                "split": str(result.split),
                "seeds": " ".join(map(str, result.seeds)),
                "training clips": str(result.clips_trained),
                "test clips": str(result.clips),
                "classes": ", ".join(result.classes),
            }
        case Errors():
            return {"pairs": f"{result.pairs} pairs of {result.dataset} {result.split}"}
        case Store():
            size = f"{result.width} x {result.height}"
            return {"clips": str(result.clips), "pairs": str(result.pairs), "size": size}
        case Speed():
            return {
                "frames": f"{result.width} x {result.height}",
                "device": f"{result.device}, {result.threads} thread{'s' * (result.threads > 1)}",
            }
    raise TypeError(f"a cell holds {type(result).__name__}, which is no result")


def _told(of: dict[str, str], data: dict[str, str]) -> str:
    """What differs, and from what."""
    differing = [name for name in {**data, **of} if of.get(name) != data.get(name)]
    return "; ".join(_difference(name, of.get(name, "none"), data.get(name, "none")) for name in differing)


def _difference(name: str, here: str, there: str) -> str:
    # A checksum says that contents differ and no more, and nobody reads a list of a hundred classes.
    return f"other {name}" if max(len(here), len(there)) > _READ else f"{name} {here}, not {there}"
