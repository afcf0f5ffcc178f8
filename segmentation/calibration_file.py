"""A calibration on disk: JSON that anyone can read, with everything the weights were made of."""

import dataclasses
import json
from pathlib import Path

from flowfeat.atomic import write_atomically
from flowfeat.errors import FormatError, InputError
from flowfeat.typed_json import typed
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
        return typed(Calibration, table, "calibration")
    except InputError as fault:
        raise FormatError(f"{path}: {fault}; make the calibration again") from None
