"""What a measurement leaves behind: errors of each pair and model, with what is needed to make them again."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError
from flowfeat.estimators import EstimatorDescription
from flowfeat.metrics import Mean

SCHEMA = 1


@dataclass(frozen=True)
class PairErrors:
    """One model on one pair.

    Attributes:
        name: of the pair.
        endpoint_error: pixels, the mean over all pixels whose flow is known.
        seconds: from frames in memory to flow on the device, warm.
        means: of every column that has pixels in this pair, and how many.
    """

    name: str
    endpoint_error: float
    seconds: float
    means: dict[str, Mean]


@dataclass(frozen=True)
class Measured:
    """One model on a data set.

    Attributes:
        model: what was measured.
        device: where.
        endpoint_error: pixels, the mean over pairs of each pair's mean.
        columns: the numbers of the data set's table by their name; None where no pixel counts.
        milliseconds: the median over pairs, without decoding; other programs running on the machine add to it.
        pairs: in the data set's order.
    """

    model: EstimatorDescription
    device: str
    endpoint_error: float
    columns: dict[str, float | None]
    milliseconds: float
    pairs: tuple[PairErrors, ...]


@dataclass(frozen=True)
class Degraded:
    """All models on a data set whose frames were made worse: columns by model."""

    degradation: str
    columns: dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class BenchmarkRecord:
    """A run of `flowfeat benchmark`.

    Attributes:
        dataset, split, rendering: what was measured on.
        models: the one asked for, then those beside it, measured on the same pairs in the same run.
        robustness: the same on degraded frames, where asked for; the first is the frames as they are.
        files: SHA-256 of each pair's files in a row, frames first, by the pair's name.
        settings: whatever else decides the numbers.
        machine, versions, date: where and when; the loads are of the last 1, 5 and 15 minutes before the run.
    """

    dataset: str
    split: str
    rendering: str | None
    models: tuple[Measured, ...]
    robustness: tuple[Degraded, ...]
    files: dict[str, str]
    settings: dict[str, Any]
    machine: dict[str, Any]
    versions: dict[str, str]
    date: str
    schema: int = field(default=SCHEMA)

    def as_json(self) -> dict[str, Any]:
        """The record as JSON holds it: the first model's numbers at the top, the others below `beside`."""
        facts = dataclasses.asdict(self)
        first, *beside = facts.pop("models")
        return {"schema": facts.pop("schema"), **first, "beside": beside, **facts}


def write_record(path: Path, record: BenchmarkRecord) -> None:
    """Write a record as JSON, whole or not at all. Raises OSError where the file cannot be written."""
    write_atomically(path, (json.dumps(record.as_json(), indent=1) + "\n").encode())


def read_record(path: Path) -> BenchmarkRecord:
    """Read what `write_record` wrote.

    Raises:
        FormatError: not such a file.
        OSError: the file is missing or cannot be read.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["schema"] != SCHEMA:
            raise FormatError(f"{path}: a record of schema {facts['schema']!r}; this version reads {SCHEMA}")
        own = {each.name for each in dataclasses.fields(Measured)}
        models = [{name: facts.pop(name) for name in own}, *facts.pop("beside")]
        degraded = tuple(Degraded(**each) for each in facts.pop("robustness"))
        return BenchmarkRecord(models=tuple(map(_measured, models)), robustness=degraded, **facts)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        if isinstance(fault, FormatError):
            raise
        raise FormatError(f"{path}: not a record of flowfeat benchmark; give what its --out wrote") from fault


def _measured(facts: dict[str, Any]) -> Measured:
    pairs = (
        PairErrors(**{**pair, "means": {name: Mean(**mean) for name, mean in pair["means"].items()}})
        for pair in facts.pop("pairs")
    )
    return Measured(model=EstimatorDescription(**facts.pop("model")), pairs=tuple(pairs), **facts)
