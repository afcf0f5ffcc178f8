"""Dataclasses as JSON and back, strictly: the record of a run is checked when it is read again."""

import json
from pathlib import Path
from typing import TypeVar

from flowfeat.errors import FormatError, InputError
from flowfeat.typed_json import plain, typed

T = TypeVar("T")


def json_bytes(record: object) -> bytes:
    """A dataclass of plain values as JSON. Raises ValueError where a number in it is infinite or none."""
    return (json.dumps(plain(record), indent=1, allow_nan=False) + "\n").encode()


def read_json(path: Path, kind: type[T]) -> T:
    """The dataclass that `json_bytes` wrote to a file.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: it is no JSON, or lacks what the dataclass has, or holds what it does not know.
    """
    try:
        table = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise FormatError(f"{path}: it is damaged: it is not JSON") from None
    try:
        return typed(kind, table, "it")
    except InputError as fault:
        raise FormatError(f"{path}: {fault}; it is damaged, or of another version of flowfeat") from None
