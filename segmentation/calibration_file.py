"""A calibration on disk: JSON that anyone can read, with everything the weights were made of."""

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from segmentation.calibrate import Calibration

_SCHEMA = 1
_KIND = "weights of trajectory affinities"


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write it, whole or not at all. The same calibration gives the same bytes."""
    table = {"kind": _KIND, "schema": _SCHEMA, **dataclasses.asdict(calibration)}
    write_atomically(path, (json.dumps(table, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())


def read_calibration(path: Path) -> Calibration:
    """Read what `write_calibration` wrote; its `affinities` are the settings to use.

    Raises:
        FormatError: where the file is not there or is not that.
    """
    try:
        table = json.loads(path.read_bytes())
    except OSError as fault:
        raise FormatError(f"{path}: this calibration cannot be read ({fault.strerror}); make it again") from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path}: this is not JSON; give a file that `calibrate` wrote") from None
    if not isinstance(table, dict) or table.pop("kind", None) != _KIND:
        raise FormatError(f"{path}: these are no {_KIND}; give a file that `calibrate` wrote")
    if (schema := table.pop("schema", None)) != _SCHEMA:
        raise FormatError(f"{path}: its schema is {str(schema)[:20]}, and this version reads {_SCHEMA}")
    try:
        return _typed(Calibration, table, "calibration")
    except InputError as fault:
        raise FormatError(f"{path}: {fault}") from None


def _typed(kind: Any, value: Any, name: str) -> Any:
    """The value as the annotated type; raises InputError where it is not one."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        fields = typing.get_type_hints(kind)
        if not isinstance(value, dict) or set(value) != set(fields):
            raise InputError(f"{name} lacks fields or has unknown ones; make the calibration again")
        return kind(**{field: _typed(of, value[field], f"{name}.{field}") for field, of in fields.items()})
    if origin is tuple and isinstance(value, list):
        return tuple(_typed(arguments[0], item, f"{name}[{n}]") for n, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _typed(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin is types.UnionType:
        return None if value is None else _typed(arguments[0], value, name)
    if origin is typing.Literal and value in arguments:
        return value
    if kind is float and type(value) in (int, float) and abs(value) < float("inf"):
        return float(value)
    if kind in (int, str) and type(value) is kind:
        return value
    raise InputError(f"{name} is {str(value)[:40]!r}, which it cannot be; make the calibration again")
