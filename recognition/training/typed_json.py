"""Dataclasses as JSON and back, strictly: the record of a run is checked when it is read again."""

import dataclasses
import json
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from flowfeat.errors import FormatError

T = TypeVar("T")


def json_bytes(record: object) -> bytes:
    """A dataclass of plain values as JSON. Raises ValueError where a number in it is infinite or none."""
    return (json.dumps(plain(record), indent=1, allow_nan=False) + "\n").encode()


def plain(value: Any) -> Any:
    """A dataclass, and what is in it, as what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


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
    except ValueError as fault:
        raise FormatError(f"{path}: {fault}; it is damaged, or of another version of flowfeat") from None


def typed(kind: Any, value: Any, place: str) -> Any:
    """Parsed JSON as an annotated type. Raises ValueError, which names the place, where it is none of that type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        kinds = typing.get_type_hints(kind)
        if not isinstance(value, dict) or set(value) != set(kinds):
            raise ValueError(f"{place} lacks fields or has unknown ones")
        return kind(**{name: typed(of, value[name], f"{place}.{name}") for name, of in kinds.items()})
    if origin in (types.UnionType, typing.Union):
        return _one_of(arguments, value, place)
    if origin is tuple and isinstance(value, list):
        kinds = [arguments[0]] * len(value) if arguments[-1] is ... else list(arguments)
        if len(kinds) != len(value):
            raise ValueError(f"{place} has {len(value)} entries, not {len(kinds)}")
        return tuple(typed(of, item, f"{place}[{n}]") for n, (of, item) in enumerate(zip(kinds, value, strict=True)))
    if origin is dict and isinstance(value, dict):
        return {key: typed(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if origin is typing.Literal and value in arguments:
        return value
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise ValueError(f"{place} is {str(value)[:40]!r}")


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    # A whole number is a whole number, though it could be a real one too.
    for kind in sorted((kind for kind in kinds if kind is not type(None)), key=lambda kind: kind is float):
        try:
            return typed(kind, value, place)
        except ValueError:
            continue
    raise ValueError(f"{place} is {str(value)[:40]!r}")
