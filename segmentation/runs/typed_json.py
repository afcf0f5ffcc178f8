"""Dataclasses as JSON and back: records that other programs read, and that are checked when we read them again."""

import json
import math
from pathlib import Path
from typing import Any, TypeVar

from flowfeat.errors import InputError
from flowfeat.typed_json import plain, typed

T = TypeVar("T")


def json_bytes(record: object) -> bytes:
    """A dataclass of plain values as JSON, for people to read too: what is infinite or no number is null."""
    return (json.dumps(_defined(plain(record)), indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_json(path: Path, kind: type[T], what: str) -> T:
    """The dataclass that `json_bytes` wrote.

    Args:
        path: the file.
        kind: the dataclass.
        what: it is, for messages.

    Raises:
        InputError: the file is not there, is no JSON, or lacks what the dataclass has.
    """
    try:
        table = json.loads(path.read_bytes())
    except OSError as fault:
        raise InputError(f"{path}: the {what} cannot be read ({fault.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: the {what} is damaged: it is not JSON") from None
    try:
        return typed(kind, table, what)
    except InputError as fault:
        raise InputError(f"{path}: {fault}; it is of another version, or was changed") from None


def _defined(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _defined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_defined(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
