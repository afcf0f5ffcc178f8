"""Dataclasses as JSON and back, checked: what records and settings on disk are written and read with."""

import dataclasses
import json
import math
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from flowfeat.errors import FormatError, InputError

T = TypeVar("T")


def json_bytes(record: object) -> bytes:
    """A dataclass of plain values as JSON, for people to read too: what is infinite or no number is null."""
    return (json.dumps(defined(plain(record)), indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def read_json(path: Path, kind: type[T], what: str) -> T:
    """The dataclass that `json_bytes` wrote to a file.

    Args:
        path: the file.
        kind: the dataclass.
        what: it is, for messages.

    Raises:
        FormatError: the file cannot be read, is no JSON, lacks what the dataclass has, or holds what it does not know.
    """
    try:
        table = json.loads(path.read_bytes())
    except OSError as fault:
        raise FormatError(f"{path}: the {what} cannot be read ({fault.strerror})") from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path}: the {what} is damaged: it is not JSON") from None
    try:
        return typed(kind, table, what)
    except InputError as fault:
        raise FormatError(f"{path}: {fault}; it is damaged, or of another version of flowfeat") from None


def plain(value: Any) -> Any:
    """A dataclass, and what is in it, as what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def defined(value: Any) -> Any:
    """Plain values with null for what is infinite or no number, which JSON does not have."""
    if isinstance(value, dict):
        return {key: defined(item) for key, item in value.items()}
    if isinstance(value, list):
        return [defined(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def typed(kind: Any, value: Any, name: str) -> Any:
    """Parsed JSON as the annotated type. Raises InputError, which names the place, where it is not one."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        fields = typing.get_type_hints(kind)
        if not isinstance(value, dict) or set(value) != set(fields):
            raise InputError(f"{name} lacks fields or has unknown ones")
        return kind(**{field: typed(of, value[field], f"{name}.{field}") for field, of in fields.items()})
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if arguments[-1] is ... else list(arguments)
        if len(kinds) != len(value):
            raise InputError(f"{name} has {len(value)} entries, not {len(kinds)}")
        return tuple(typed(of, item, f"{name}[{n}]") for n, (of, item) in enumerate(zip(kinds, value, strict=True)))
    if origin is dict and isinstance(value, dict):
        return {key: typed(arguments[1], item, f"{name}.{key}") for key, item in value.items()}
    if origin in (types.UnionType, typing.Union):
        return _one_of(arguments, value, name)
    if origin is typing.Literal and value in arguments:
        return value
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise InputError(f"{name} is {str(value)[:40]!r}, which it cannot be")


def _one_of(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    others = [kind for kind in kinds if kind is not type(None)]
    # A whole number is a whole number, though it could be a real one too.
    for kind in sorted(others, key=lambda kind: kind is float):
        try:
            return typed(kind, value, name)
        except InputError:
            if len(others) == 1:
                raise
    raise InputError(f"{name} is {str(value)[:40]!r}, which it cannot be")
